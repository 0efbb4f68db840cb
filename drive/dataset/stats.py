"""Statistics of a dataset's features, per episode and joined over episodes, in the layout of `stats.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stats = dict[str, NDArray[np.float64]]  # "min", "max", "mean", "std", "count"
IMAGE_SAMPLES = 32  # pictures an episode that enter the statistics


def column_stats(values: NDArray[Any]) -> Stats:
    """Statistics of one column of an episode.

    Args:
        values: (T,) or (T, n), T >= 1.

    Returns:
        "min", "max", "mean", "std" of shape (1,) or (n,), "count" of shape (1,).
    """
    rows = np.asarray(values, np.float64).reshape(len(values), -1)
    return {
        "min": rows.min(axis=0),
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
        "count": np.array([len(rows)], np.float64),
    }


class ImageStats:
    """Statistics per channel over evenly spaced pictures, every 4th pixel of every 4th row of each."""

    def __init__(self) -> None:
        self._min = np.full(3, 255.0)
        self._max = np.zeros(3)
        self._sum = np.zeros(3)
        self._squares = np.zeros(3)
        self._pixels = 0
        self._pictures = 0

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Take in one (H, W, 3) RGB picture."""
        pixels = picture[::4, ::4].reshape(-1, 3).astype(np.float64)
        self._min = np.minimum(self._min, pixels.min(axis=0))
        self._max = np.maximum(self._max, pixels.max(axis=0))
        self._sum += pixels.sum(axis=0)
        self._squares += (pixels * pixels).sum(axis=0)
        self._pixels += len(pixels)
        self._pictures += 1

    def result(self) -> Stats:
        """Values scaled to 0..1, of shape (3, 1, 1); "count" is the number of pictures."""
        mean = self._sum / self._pixels
        variance = np.maximum(self._squares / self._pixels - mean * mean, 0.0)
        scaled = {"min": self._min, "max": self._max, "mean": mean, "std": np.sqrt(variance)}
        stats = {name: (value / 255.0).reshape(3, 1, 1) for name, value in scaled.items()}
        return stats | {"count": np.array([self._pictures], np.float64)}


def encoded_image_stats(pictures: Sequence[bytes]) -> Stats:
    """Statistics over evenly spaced JPEG or PNG pictures of an episode."""
    import cv2

    stats = ImageStats()
    for i in np.unique(np.linspace(0, len(pictures) - 1, IMAGE_SAMPLES).round().astype(int)):
        rgb = cv2.imdecode(np.frombuffer(pictures[i], np.uint8), cv2.IMREAD_COLOR_RGB)
        stats.add(np.asarray(rgb, np.uint8))
    return stats.result()


def join(parts: Sequence[Mapping[str, NDArray[np.float64]]]) -> Stats:
    """Statistics of several episodes together, exact from the statistics of each.

    mean = sum(n_i mean_i) / N,  variance = sum(n_i (variance_i + (mean_i - mean)^2)) / N
    """
    counts = np.array([float(part["count"][0]) for part in parts])
    total = counts.sum()
    means = np.stack([part["mean"] for part in parts])
    deviations = np.stack([part["std"] for part in parts])
    weights = counts.reshape(-1, *[1] * (means.ndim - 1)) / total
    mean = (weights * means).sum(axis=0)
    variance = (weights * (deviations**2 + (means - mean) ** 2)).sum(axis=0)
    return {
        "min": np.stack([part["min"] for part in parts]).min(axis=0),
        "max": np.stack([part["max"] for part in parts]).max(axis=0),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": np.array([total]),
    }
