"""A PilotNet with several opinions: one set of convolutions, and heads that learned from other samples each.

Where the heads agree, the picture is like those they learned from; where they differ, it is not (bootstrapped
heads, Osband et al. 2016). It learns frame by frame, at one learning rate, without an end in sight.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.models.networks.pilotnet import DENSE
from drive.models.training.replay_buffer import Batch

MEMBERS = 4
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-4
AVERAGED = 100.0  # updates over which weights are averaged: at a constant rate each single one is noisy
OUTPUTS = {
    "steering": {"dtype": "float32", "shape": ["N", 1], "content": "left positive, -1..1"},
    "steering_std": {
        "dtype": "float32",
        "shape": ["N", 1],
        "content": "standard deviation of the heads' steering: how unsure the network is",
    },
}


def build_ensemble(members: int = MEMBERS) -> Any:
    """The network as a Keras model.

    Args:
        members: heads, K.

    Returns:
        A `keras.Model` from [pictures (N, 66, 200, 3) in 0..255, speed (N, 1) in m/s] to the steering of each
        head, (N, K) in [-1, 1], left positive.
    """
    import keras
    from keras import layers

    from drive.models.networks.pilotnet import build_pilotnet

    first = build_pilotnet()
    answers = [first.output]
    for head in range(2, members + 1):
        x = first.get_layer("joined").output
        for i, neurons in enumerate(DENSE, start=1):
            x = layers.Dense(neurons, activation="silu", name=f"dense{i}_{head}")(x)
        answers.append(layers.Dense(1, activation="tanh", dtype="float32", name=f"steering_{head}")(x))
    answer = layers.Concatenate(name="answers")(answers)
    return keras.Model(first.inputs, answer, name="ensemble")


def build_mean(ensemble: Any) -> Any:
    """Wrap the heads: [steering (N, 1), their mean, and steering_std (N, 1), their standard deviation]."""
    import keras
    from keras import ops

    mean = ops.mean(ensemble.output, axis=-1, keepdims=True)
    std = ops.sqrt(ops.mean(ops.square(ensemble.output - mean), axis=-1, keepdims=True))
    return keras.Model(ensemble.inputs, [mean, std], name="mean")


class Trainer:
    """Steps of gradient descent on batches as they come, and the running average of the weights."""

    def __init__(
        self,
        camera: Camera,
        *,
        members: int = MEMBERS,
        learning_rate: float = LEARNING_RATE,
        augmented: bool = True,
        seed: int = 0,
    ) -> None:
        """Build the network.

        Args:
            camera: whose frames it learns from.
            members: heads, K.
            learning_rate: constant.
            augmented: change light, colour and weather of the pictures at random.
            seed: of the weights and of the changes.

        Raises:
            UserError: TensorFlow is not installed.
        """
        from drive.models.training.device import load_tensorflow

        load_tensorflow()
        import keras

        keras.utils.set_random_seed(seed)
        self.camera = camera
        self.updates = 0
        self._rng = np.random.default_rng((seed, 3))
        self._network, self._average = build_ensemble(members), build_ensemble(members)
        self._mean = build_mean(self._average)
        self._average.set_weights(self._network.get_weights())
        self._optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=WEIGHT_DECAY)
        self._optimizer.build(self._network.trainable_variables)
        self._step = self._build_step(augmented)

    def _build_step(self, augmented: bool) -> Any:
        import tensorflow as tf

        from drive.models.data.augmentation import augment, view_of
        from drive.models.data.preprocess import road_crop
        from drive.models.training.losses import steering_loss

        network, average, optimizer = self._network, self._average, self._optimizer
        view = view_of(self.camera, road_crop(self.camera))

        @tf.function(jit_compile=True)
        def changed(pictures: Any, steering: Any, parameters: Any) -> Any:
            return augment(pictures, steering, parameters, view)

        @tf.function
        def step(pictures: Any, speed: Any, steering: Any, share: Any, parameters: Any, keep: Any) -> Any:
            if augmented:
                pictures, steering = changed(pictures, steering, parameters)
            with tf.GradientTape() as tape:
                answers = network([pictures, speed], training=True)[..., None]
                loss = tf.reduce_mean(share * steering_loss(steering[:, None, :], answers))
            variables = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            for slow, quick in zip(average.trainable_variables, variables, strict=True):
                slow.assign(keep * slow + (1.0 - keep) * quick)
            return loss

        return step

    def update(self, batch: Batch) -> float:
        """Learn from one batch; its loss."""
        import tensorflow as tf

        from drive.models.data.augmentation import draw

        parameters = draw(self._rng, len(batch.pictures), flip_share=0.0)
        keep = np.float32(1.0 - 1.0 / min(AVERAGED, self.updates / 10.0 + 1.0))
        tensors = [
            tf.constant(part)
            for part in (batch.pictures, batch.speed, batch.steering, batch.share, parameters, keep)
        ]
        self.updates += 1
        return float(self._step(*tensors))

    def answer(
        self, pictures: NDArray[np.uint8], speed: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Steering and its deviation, (N,) each, of (N, 66, 200, 3) pictures at (N, 1) speeds [m/s]."""
        steering, std = self._mean.predict_on_batch([pictures, speed])
        return steering[:, 0], std[:, 0]

    def shrink(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(N, H, W, 3) frames as the network sees them, (N, 66, 200, 3)."""
        import tensorflow as tf

        from drive.models.data.preprocess import preprocess, road_crop

        found: NDArray[np.uint8] = (
            preprocess(tf.constant(frames), road_crop(self.camera)).numpy().astype(np.uint8)
        )
        return found

    def export(self, path: Path, facts: Mapping[str, Any], frames: NDArray[np.uint8] | None = None) -> float:
        """Write the policy file with its outputs `steering` and `steering_std`; see `export_policy`."""
        from drive.models.export import export_policy

        names = tuple(OUTPUTS)
        return export_policy(self._mean, self.camera, path, {"outputs": OUTPUTS, **facts}, frames, names)
