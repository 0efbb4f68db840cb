"""What training minimises."""

from collections.abc import Callable
from typing import Any

from drive.models.networks.declaration import Network, Output

Loss = Callable[[Any, Any], Any]


def huber_loss(labels: Any, predictions: Any, scale: float) -> Any:
    """Huber loss in units of `scale`.

        e = |label - prediction| / scale,  loss = e^2 / 2 if e < 1 else e - 1/2

    Args:
        labels: (N, k).
        predictions: (N, k).
        scale: errors below it count by their square, larger ones by their size.

    Returns:
        (N,) a loss for each picture, >= 0.
    """
    from keras import ops

    error = ops.abs(labels - predictions) / scale
    loss = ops.where(error < 1.0, 0.5 * ops.square(error), error - 0.5)
    return ops.mean(loss, axis=-1)


def build_loss(network: Network) -> Loss:
    """The sum of all outputs' losses, on labels (N, K) and predictions (N, K) side by side."""

    def loss(labels: Any, predictions: Any) -> Any:
        return sum(
            huber_loss(labels[:, columns], predictions[:, columns], output.scale)
            for output, columns in network.columns()
        )

    return loss


def build_metrics(network: Network) -> list[Any]:
    """Keras metrics: the mean absolute error of each output, the first one called `mae`."""
    import keras

    def error_of(columns: slice) -> Loss:
        def error(labels: Any, predictions: Any) -> Any:
            return keras.losses.mean_absolute_error(labels[:, columns], predictions[:, columns])

        return error

    def name(output: Output) -> str:
        return "mae" if output is network.outputs[0] else f"{output.name}_mae"

    return [
        keras.metrics.MeanMetricWrapper(error_of(columns), name=name(output))
        for output, columns in network.columns()
    ]
