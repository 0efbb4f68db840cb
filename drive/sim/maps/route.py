"""Routes: one reference path per drive, sampled evenly, fixed at its start."""

from dataclasses import dataclass

import numpy as np

from drive.sim.arrays import PATH_STEP


@dataclass(frozen=True, eq=False)
class Route:
    """A drive's reference path along lane centres.

    `points` is a record array of `drive.sim.arrays.PATH`, one sample every PATH_STEP metres.
    """

    points: np.ndarray
    lanes: tuple[int, ...] = ()  # indices of the lanes it follows

    @property
    def length(self) -> float:
        """Arc length [m]."""
        return (len(self.points) - 1) * PATH_STEP
