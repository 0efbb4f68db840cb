"""A network in training: augmentation on the device, then one step of gradient descent."""

from typing import Any

from drive.camera import Camera
from drive.models.data.augmentation import View, build_augmentation, view_of
from drive.models.networks.declaration import Network
from drive.models.training.device import Device
from drive.models.training.losses import build_loss, build_metrics
from drive.models.training.options import TrainingOptions
from drive.models.training.precision import Precision


def build_training_model(model: Any, network: Network, view: View | None) -> Any:
    """Wrap a network so that `fit` changes its pictures first, on any Keras backend.

    Args:
        model: what `network.build` made.
        network: its declaration.
        view: of the camera that took the pictures; None: train on unchanged pictures.

    Returns:
        A `keras.Model` for `fit` on the batches of `drive.models.data.samples`: all outputs side by side.
    """
    import keras
    from keras import ops

    class TrainingModel(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(autocast=False)  # each layer inside casts what it is given
            self.network = model
            self.augmentation = None if view is None else build_augmentation(view)

        def build(self, input_shape: Any) -> None:
            self.built = True

        def call(self, inputs: Any, training: bool = False) -> Any:
            pictures = inputs["pictures"]
            if training and self.augmentation is not None:
                pictures = self.augmentation(pictures, inputs["changes"])
            answers = self.network([pictures, *(inputs[key] for key in network.inputs)], training=training)
            return ops.concatenate(answers, axis=-1) if isinstance(answers, list | tuple) else answers

    return TrainingModel()


def compile_model(model: Any, network: Network, options: TrainingOptions, steps: int, at_once: int) -> None:
    """AdamW, a cosine schedule over the whole run, one loss; `steps` an epoch, so many `at_once`."""
    import keras

    total = max(options.epochs * steps, 2)
    warmup = max(1, round(0.03 * total))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.05 * options.learning_rate,
        decay_steps=total - warmup,
        alpha=0.0,
        warmup_target=options.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=options.weight_decay)
    backend = keras.backend.backend()
    model.compile(
        optimizer,
        loss=build_loss(network),
        metrics=build_metrics(network),
        jit_compile=backend == "jax",  # on TensorFlow the convolutions are faster without
        steps_per_execution=1 if backend == "torch" else at_once,  # PyTorch takes them one by one
    )


def build_compiled(
    network: Network,
    options: TrainingOptions,
    camera: Camera,
    device: Device,
    precision: Precision,
    steps: int,
    at_once: int,
) -> Any:
    """The compiled training model of a network, on the device and in the precision that train it."""
    import keras

    crop = network.crop(camera)
    view = view_of(camera, crop, network.height_px, network.width_px) if options.augment else None
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        with device.scope():
            model = build_training_model(network.build(), network, view)
            compile_model(model, network, options, steps, at_once)
    finally:
        keras.config.set_dtype_policy(before)
    return model
