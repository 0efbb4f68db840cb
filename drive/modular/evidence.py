"""What a bird's-eye picture says of each cell: is it paint of a lane mark, is it off the road?

Paint is a ridge: a stripe of at most 0.3 m that is brighter, or yellower, than the ground 0.4 m to both of
its sides, relative to that ground's own brightness, so that shadow, dusk and night change little. Off the
road is a colour unlike the asphalt right ahead in the own lane, learned as it is driven over.
"""

import numpy as np
from numpy.typing import NDArray

from drive.kernels import kernel

RIDGE_FLOOR, RIDGE_FULL = 0.07, 0.30  # contrast where paint begins, and where it is certain
YELLOW_FLOOR, YELLOW_FULL = 0.05, 0.20
ACROSS_RANGE = 14.0  # stripes that run across the view are resolved up to here [m]
DARK = 12.0  # grey levels added to a brightness before dividing by it


@kernel
def _ridge(center: float, a: float, b: float) -> float:
    """How far the centre stands out above both sides; sides that differ count against it."""
    return center - max(a, b) - 0.3 * abs(a - b)


@kernel
def find_evidence(image, visible, side, across_row, asphalt, light, yellow, mark, off):  # type: ignore[no-untyped-def]
    """Fill `mark` and `off` from a bird's-eye picture.

    Args:
        image: (R, C, 3) uint8 RGB.
        visible: (R, C) bool.
        side: cells from a stripe's middle to the ground beside it.
        across_row: first row in which stripes across the view are looked for.
        asphalt: (4,) brightness, two chromas and weight of the road's colour (`learn_asphalt`).
        light: (R, C) float32, scratch: brightness of red and green, where paint of both colours shows.
        yellow: (R, C) float32, scratch: yellowness.
        mark: (R, C) float32, out: 0 no paint, 1 paint.
        off: (R, C) float32, out: 0 road, 1 not road.
    """
    rows, columns = visible.shape
    for i in range(rows):
        for j in range(columns):
            r, g, b = float(image[i, j, 0]), float(image[i, j, 1]), float(image[i, j, 2])
            value = 0.5 * (r + g)
            light[i, j] = value
            yellow[i, j] = value - b
            scale = 1.0 / (value + DARK)
            chroma_a = (g - 0.5 * (r + b)) * scale - asphalt[1]
            chroma_b = (r - b) * scale - asphalt[2]
            bright = (value - asphalt[0]) / (asphalt[0] + DARK)
            bright = bright * 2.0 if bright > 0.0 else bright * 0.8
            distance = (chroma_a * 18.0) ** 2 + (chroma_b * 9.0) ** 2 + bright**2
            off[i, j] = min(max(np.sqrt(distance) - 0.6, 0.0), 1.0) if asphalt[3] > 0.0 else 0.0
    for i in range(rows):
        for j in range(columns):
            mark[i, j] = 0.0
            if not visible[i, j]:
                off[i, j] = 0.0
                continue
            best = 0.0
            if j >= side + 1 and j < columns - side - 1 and visible[i, j - side - 1] and visible[i, j + side + 1]:
                a = 0.5 * (light[i, j - side] + light[i, j - side - 1])
                b = 0.5 * (light[i, j + side] + light[i, j + side + 1])
                scale = 1.0 / (0.5 * (a + b) + DARK)
                best = (_ridge(light[i, j], a, b) * scale - RIDGE_FLOOR) / (RIDGE_FULL - RIDGE_FLOOR)
                ya = 0.5 * (yellow[i, j - side] + yellow[i, j - side - 1])
                yb = 0.5 * (yellow[i, j + side] + yellow[i, j + side + 1])
                ridge = (_ridge(yellow[i, j], ya, yb) * scale - YELLOW_FLOOR) / (YELLOW_FULL - YELLOW_FLOOR)
                best = max(best, ridge)
            if i >= across_row and i < rows - side - 1 and visible[i + side + 1, j]:
                a = 0.5 * (light[i - side, j] + light[i - side - 1, j])
                b = 0.5 * (light[i + side, j] + light[i + side + 1, j])
                scale = 1.0 / (0.5 * (a + b) + DARK)
                ridge = (_ridge(light[i, j], a, b) * scale - RIDGE_FLOOR) / (RIDGE_FULL - RIDGE_FLOOR)
                best = max(best, ridge)
                ya = 0.5 * (yellow[i - side, j] + yellow[i - side - 1, j])
                yb = 0.5 * (yellow[i + side, j] + yellow[i + side + 1, j])
                ridge = (_ridge(yellow[i, j], ya, yb) * scale - YELLOW_FLOOR) / (YELLOW_FULL - YELLOW_FLOOR)
                best = max(best, ridge)
            mark[i, j] = min(max(best, 0.0), 1.0)


def learn_asphalt(
    asphalt: NDArray[np.float64], patch: NDArray[np.uint8], rate: float = 0.1
) -> NDArray[np.float64]:
    """The road's colour, moved towards a patch of it.

    Args:
        asphalt: (4,) brightness, green-magenta chroma, red-blue chroma, weight; weight 0: nothing known.
        patch: (n, 3) uint8 RGB, cells believed to be road; the median speaks.
        rate: share of the new colour, once something is known.

    Returns:
        (4,) the new colour.
    """
    if len(patch) < 8:
        return asphalt
    r, g, b = np.median(patch, axis=0)
    value = 0.5 * (r + g)
    scale = 1.0 / (value + DARK)
    new = np.array([value, (g - 0.5 * (r + b)) * scale, (r - b) * scale, 1.0])
    return new if asphalt[3] == 0.0 else asphalt + rate * (new - asphalt)
