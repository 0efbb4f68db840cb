"""An oracle for roads: a curve through points, in plain numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Polyline:
    """A plane curve through points, with arc length s and signed lateral offset d (left positive)."""

    points: NDArray[np.float64]  # (n, 2) [m], n >= 2, no two neighbours equal

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[0] < 2 or self.points.shape[1] != 2:
            raise ValueError(f"A Polyline takes (n >= 2, 2) points, got {self.points.shape}.")
        if np.any(self.segment_lengths <= 0.0):
            raise ValueError("A Polyline has two equal neighbouring points; drop one of them.")

    @property
    def segment_lengths(self) -> NDArray[np.float64]:
        """(n - 1,) [m]."""
        return np.hypot(*np.diff(self.points, axis=0).T)

    @property
    def s(self) -> NDArray[np.float64]:
        """(n,) arc length at each point [m]."""
        return np.concatenate([[0.0], np.cumsum(self.segment_lengths)])

    @property
    def length(self) -> float:
        """[m]."""
        return float(self.segment_lengths.sum())

    def position(self, s: ArrayLike, d: ArrayLike = 0.0) -> NDArray[np.float64]:
        """(..., 2) the point at arc length s, moved d to the left; linear between points."""
        s = np.clip(np.asarray(s, np.float64), 0.0, self.length)
        i = np.clip(np.searchsorted(self.s, s, side="right") - 1, 0, len(self.points) - 2)
        step = np.diff(self.points, axis=0)[i] / self.segment_lengths[i][..., None]
        normal = np.stack([-step[..., 1], step[..., 0]], axis=-1)
        along = (s - self.s[i])[..., None]
        return self.points[i] + along * step + np.asarray(d, np.float64)[..., None] * normal

    def heading_at(self, s: ArrayLike) -> NDArray[np.float64]:
        """Yaw of the segment at arc length s [rad]."""
        i = np.clip(np.searchsorted(self.s, s, side="right") - 1, 0, len(self.points) - 2)
        step = np.diff(self.points, axis=0)[i]
        return np.arctan2(step[..., 1], step[..., 0])

    def local_coordinates(self, xy: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(s, d) of the nearest point for (..., 2) points; d is the signed distance, left positive."""
        xy = np.asarray(xy, np.float64)
        a, ab = self.points[:-1], np.diff(self.points, axis=0)
        ap = xy[..., None, :] - a
        length = self.segment_lengths
        t = np.clip((ap * ab).sum(-1) / length**2, 0.0, 1.0)
        off = ap - t[..., None] * ab
        best = np.argmin((off**2).sum(-1), axis=-1)

        def pick(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.take_along_axis(values, best[..., None], axis=-1)[..., 0]

        cross = pick(ab[:, 0] * ap[..., 1] - ab[:, 1] * ap[..., 0])
        distance = np.sqrt(pick((off**2).sum(-1)))
        return self.s[best] + pick(t) * length[best], np.where(cross >= 0.0, distance, -distance)
