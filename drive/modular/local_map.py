"""A map of lane evidence around the car, in the frame of its odometry.

Evidence is remembered where it was seen, so that dashes join to lines, and borders that have left the
picture beside or behind the car still guide it. The map is a ring: a cell that the car left far behind is
cleared and used again ahead.
"""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos

CELLS = 512  # a side; a power of two
CELL = 0.15  # [m]
MARK, OFF, SEEN = range(3)  # channels: paint, off the road, how surely it was looked at; all 0 .. 1


@kernel
def remember(
    grid: NDArray[np.float32],
    mark: NDArray[np.float32],
    off: NDArray[np.float32],
    weight: NDArray[np.float32],
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    pose: NDArray[np.float64],
    shade: NDArray[np.float64],
) -> None:
    """Blend one picture's evidence into the map: value += weight * (evidence - value).

    Args:
        grid: (CELLS, CELLS, 3) float32, changed.
        mark: (R, C) float32 paint.
        off: (R, C) float32 off the road.
        weight: (R, C) float32 trust in a cell, 0 where nothing is seen.
        xs: (R,) forward of the rear axle [m].
        ys: (C,) left of it [m].
        pose: (3,) x, y, yaw of the car in the odometry frame.
        shade: (5,) what the car ahead hides: from x [m], camera x, y [m], slopes of the two lines of sight.
    """
    s, c = sincos(pose[2])
    inv = 1.0 / CELL
    for i in range(len(xs)):
        x = xs[i]
        low = shade[2] + (x - shade[1]) * shade[3]
        high = shade[2] + (x - shade[1]) * shade[4]
        hidden = x > shade[0]
        for j in range(len(ys)):
            w = weight[i, j]
            y = ys[j]
            if w == 0.0 or (hidden and low < y < high):
                continue
            row = int(np.floor((pose[0] + c * x - s * y) * inv)) & (CELLS - 1)
            column = int(np.floor((pose[1] + s * x + c * y) * inv)) & (CELLS - 1)
            grid[row, column, MARK] += w * (mark[i, j] - grid[row, column, MARK])
            grid[row, column, OFF] += w * (off[i, j] - grid[row, column, OFF])
            grid[row, column, SEEN] += w * (np.float32(1.0) - grid[row, column, SEEN])


class LocalMap:
    """Evidence around the car."""

    def __init__(self) -> None:
        self.grid: NDArray[np.float32] = np.zeros((CELLS, CELLS, 3), np.float32)
        self._center = (0, 0)  # the car's cell

    def center_on(self, pose: NDArray[np.float64]) -> None:
        """Clear what the car at `pose` (x, y [m], yaw [rad]) has left far behind."""
        center = int(np.floor(pose[0] / CELL)), int(np.floor(pose[1] / CELL))
        for axis in range(2):
            step = center[axis] - self._center[axis]
            if step == 0:
                continue
            edge = self._center[axis] + CELLS // 2 if step > 0 else self._center[axis] - CELLS // 2 + step
            lines = (edge + np.arange(min(abs(step), CELLS))) & (CELLS - 1)
            if axis == 0:
                self.grid[lines] = 0.0
            else:
                self.grid[:, lines] = 0.0
        self._center = center
