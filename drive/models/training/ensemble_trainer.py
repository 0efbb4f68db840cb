"""Steps of gradient descent for an ensemble on batches as they come, without an end in sight."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.models.networks.ensemble import ENSEMBLE, MEMBERS, build_ensemble, build_mean
from drive.models.networks.pilotnet import PILOTNET
from drive.models.training.replay_buffer import Batch

LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-4
AVERAGED = 100.0  # updates over which weights are averaged: at a constant rate each single one is noisy


class EnsembleTrainer:
    """Learns from batches, each head from its share of them, and keeps a running average of the weights."""

    network = PILOTNET  # what each head learns

    def __init__(self, camera: Camera, *, augmented: bool = True, seed: int = 0) -> None:
        """Build the network.

        Args:
            camera: whose frames it learns from.
            augmented: change light, colour and weather of the pictures at random.
            seed: of the weights and of the changes.

        Raises:
            UserError: Keras or its backend is not installed.
        """
        from drive.models.data.augmentation import view_of
        from drive.models.training.device import load_keras
        from drive.models.training.training_model import build_training_model

        load_keras()
        import keras

        keras.utils.set_random_seed(seed)
        self.camera = camera
        self.updates = 0
        self._rng = np.random.default_rng((seed, 3))
        self._ensemble, self._average = build_ensemble(MEMBERS), build_ensemble(MEMBERS)
        self._mean = build_mean(self._average)
        self._average.set_weights(self._ensemble.get_weights())
        self._crop = self.network.crop(camera)
        size = self.network.height_px, self.network.width_px
        view = view_of(camera, self._crop, *size) if augmented else None
        self._model = build_training_model(self._ensemble, self.network, view)
        self._model.compile(
            keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY),
            loss=_shared_loss,
            jit_compile=keras.backend.backend() == "jax",
        )

    def update(self, batch: Batch) -> float:
        """Learn from one batch; its loss."""
        from drive.models.data.augmentation import draw

        changes = draw(self._rng, len(batch.pictures), flip_share=0.0).pack()
        inputs = {"pictures": batch.pictures, **batch.inputs, "changes": changes}
        labels = np.concatenate([batch.labels, batch.share], axis=1)
        loss = self._model.train_on_batch(inputs, labels)
        keep = np.float32(1.0 - 1.0 / min(AVERAGED, self.updates / 10.0 + 1.0))
        for slow, quick in zip(
            self._average.trainable_variables, self._ensemble.trainable_variables, strict=True
        ):
            slow.assign(keep * slow + (1.0 - keep) * quick)
        self.updates += 1
        return float(np.asarray(loss))

    def answer(
        self, pictures: NDArray[np.uint8], inputs: Mapping[str, NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Steering and its standard deviation, (N,) each, of pictures as the network sees them."""
        numbers = [inputs[key] for key in self.network.inputs]
        steering, std = self._mean.predict_on_batch([pictures, *numbers])
        return steering[:, 0], std[:, 0]

    def shrink(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(N, H, W, 3) frames as the network sees them."""
        from drive.models.data.preprocess import preprocess

        return preprocess(frames, self._crop, self.network.height_px, self.network.width_px)

    def export(self, path: Path, facts: Mapping[str, Any], frames: NDArray[np.uint8] | None = None) -> float:
        """Write the policy file with its outputs `steering` and `steering_std`; see `export_policy`."""
        from drive.models.export import export_policy

        return export_policy(self._mean, ENSEMBLE, self.camera, path, facts, frames)


def _shared_loss(labels: Any, answers: Any) -> Any:
    """Each head's loss times its share: labels (N, 1 + K) hold the steering and the shares."""
    from keras import ops

    from drive.models.training.losses import huber_loss

    loss = huber_loss(labels[:, None, :1], answers[..., None], PILOTNET.outputs[0].scale)
    return ops.mean(labels[:, 1:] * loss, axis=-1)
