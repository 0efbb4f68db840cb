"""A network in training: augmentation on the device, then one step of gradient descent."""

from typing import Any

from drive.models.data.augmentation import View, augment


def build_training_model(network: Any, view: View | None) -> Any:
    """Wrap a network so that `fit` changes its pictures first.

    The change runs inside the training step, compiled by XLA into one pass over the pictures: on the GPU
    where there is one, and on a CPU at about a sixth of the step's cost.

    Args:
        network: [pictures (N, 66, 200, 3), speed (N, 1)] to steering (N, 1).
        view: of the camera that took the pictures; None: train on unchanged pictures.

    Returns:
        A `keras.Model` for `fit` on the batches of `drive.models.data.samples.training_data`.
    """
    import keras
    import tensorflow as tf

    class TrainingModel(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def build(self, input_shape: Any) -> None:
            self.built = True

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.network([inputs["pictures"], inputs["speed"]], training=training)

        def train_step(self, data: Any) -> Any:
            inputs, steering = data
            pictures = inputs["pictures"]
            if view is not None:
                pictures, steering = changed(pictures, steering, inputs["parameters"])
            return super().train_step(({"pictures": pictures, "speed": inputs["speed"]}, steering))

    @tf.function(jit_compile=True)
    def changed(pictures: Any, steering: Any, parameters: Any) -> Any:
        assert view is not None
        return augment(pictures, steering, parameters, view)

    return TrainingModel()
