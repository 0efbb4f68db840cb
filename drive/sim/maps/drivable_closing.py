"""Closing narrow gaps of the drivable area, and distances from it, on dense grids of whole numbers."""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel

CELL = 0.2  # [m]
STEP = 0.025  # of a stored distance [m]
CLOSED_GAP = 2.0  # narrower gaps between drivable lanes belong to the area [m]
EXACT = 1.5  # up to here distances are measured to the borders themselves [m]


@kernel
def _spread(mask: NDArray[np.uint8], distances: NDArray[np.uint8]) -> None:
    """Distances of the cells of a mask from the nearest cell outside it, in fifths of a cell, 255 at most.

    Two passes with steps of 5, 7 and 11 for a cell straight, across and a knight's move (Borgefors, Distance
    transformations in digital images, 1986): 2 % from the true distance, and whole numbers alone.
    """
    rows, columns = mask.shape
    for i in range(rows):
        up = max(i - 1, 0)
        twice = max(i - 2, 0)
        behind = 255
        for j in range(columns):
            if mask[i, j] == 0:
                behind = 0
            else:
                best = behind + 5
                if i > 0:
                    west, east = max(j - 1, 0), min(j + 1, columns - 1)
                    best = min(best, distances[up, j] + 5)
                    best = min(best, min(distances[up, west], distances[up, east]) + 7)
                    farthest = min(distances[up, max(j - 2, 0)], distances[up, min(j + 2, columns - 1)])
                    nearest = min(distances[twice, west], distances[twice, east])
                    best = min(best, min(farthest, nearest) + 11)
                behind = min(best, 255)
            distances[i, j] = behind
    for i in range(rows - 1, -1, -1):
        down = min(i + 1, rows - 1)
        twice = min(i + 2, rows - 1)
        behind = 255
        for j in range(columns - 1, -1, -1):
            best = int(distances[i, j])
            if best > 5:
                best = min(best, behind + 5)
                west, east = max(j - 1, 0), min(j + 1, columns - 1)
                best = min(best, distances[down, j] + 5)
                best = min(best, min(distances[down, west], distances[down, east]) + 7)
                farthest = min(distances[down, max(j - 2, 0)], distances[down, min(j + 2, columns - 1)])
                nearest = min(distances[twice, west], distances[twice, east])
                best = min(best, min(farthest, nearest) + 11)
                distances[i, j] = best
            behind = best


def outside(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """See `_spread`."""
    distances = np.empty(mask.shape, np.uint8)
    _spread(mask, distances)
    return distances


def stored(cell: float, offset: float) -> NDArray[np.uint8]:
    """(256,) the stored distance for each of `_spread`: moved by `offset` [m], in STEPs."""
    metres = np.arange(256) * (cell / 5.0) + offset
    return np.clip(np.floor(metres / STEP + 0.5), 0.0, 255.0).astype(np.uint8)


def close_slits(grid: NDArray[np.uint8]) -> None:
    """Fill single cells between two lanes whose common border, bent at once, differs by centimetres.

    Only cells that `_measure` left alone: those along open borders have their distance.
    """
    import cv2

    inside = cv2.morphologyEx((grid == 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    grid[(inside > 0) & (grid == 255)] = 0


def close_gaps(grid: NDArray[np.uint8]) -> None:
    """Close gaps, and fill in the distances that are too far for `_measure`, on every second cell.

    Closing = the points of the area grown by half the gap that are at least half the gap inside it.
    """
    reach = 0.5 * CLOSED_GAP
    coarse = 2.0 * CELL
    farthest = np.maximum(grid[::2, ::2], grid[1::2, ::2])
    np.maximum(farthest, np.maximum(grid[::2, 1::2], grid[1::2, 1::2]), out=farthest)
    grown = (farthest <= int(reach / STEP)).astype(np.uint8)
    far = stored(coarse, reach - 0.5 * coarse)[outside(1 - grown)]
    np.maximum(far, int(EXACT / STEP), out=far)
    # One cell more than the gap asks for, so that cells on a plain border are never counted.
    far[outside(grown) > int(5.0 * (reach / coarse + 1.0))] = 0
    rows, columns = far.shape
    quads = grid.reshape(rows, 2, columns, 2)
    for a in (0, 1):
        for b in (0, 1):
            np.minimum(quads[:, a, :, b], far, out=quads[:, a, :, b])
