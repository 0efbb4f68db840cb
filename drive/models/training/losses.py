"""What training minimises."""

from typing import Any

SCALE = 0.1  # of full steering: errors below it count by their square, larger ones by their size


def steering_loss(labels: Any, predictions: Any) -> Any:
    """Huber loss of steering in units of SCALE.

        e = |label - prediction| / SCALE,  loss = e^2 / 2 if e < 1 else e - 1/2

    Open road needs steering below 0.1, a corner of 6 m radius about 0.7: on a plain square the few corners
    would outweigh all precision on the straight.

    Args:
        labels: (N, 1) in [-1, 1].
        predictions: (N, 1) in [-1, 1].

    Returns:
        (N,) a loss for each picture, >= 0.
    """
    from keras import ops

    error = ops.abs(labels - predictions) / SCALE
    loss = ops.where(error < 1.0, 0.5 * ops.square(error), error - 0.5)
    return ops.mean(loss, axis=-1)
