"""Angles in numpy, for everything outside kernels."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wrap_angle(angle: ArrayLike) -> NDArray[np.float64]:
    """The same angle(s) in [-pi, pi)."""
    return (np.asarray(angle, np.float64) + np.pi) % (2.0 * np.pi) - np.pi
