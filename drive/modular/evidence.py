"""What a bird's-eye picture says of each cell: is it paint of a lane mark, is it off the road?

Paint is a ridge: a stripe of at most 0.3 m that is brighter, or yellower, than the ground 0.4 m to both of
its sides, relative to that ground's own brightness, so that shadow, dusk and night change little. Off the
road is a colour unlike the asphalt right ahead in the own lane, learned as it is driven over.
"""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel

Plane = NDArray[np.float32]

RIDGE_FLOOR, RIDGE_FULL = 0.03, 0.25  # contrast where paint begins, and where it is certain
YELLOW_FLOOR, YELLOW_FULL = 0.03, 0.15
ACROSS_RANGE = 14.0  # stripes that run across the view are resolved up to here [m]
HIDES, SOFT = 1.0, 0.4  # metres off the road along a line of sight that hide what is behind, give or take
TINTED = 0.08  # ground this green or purple is no asphalt
DARK = 12.0  # grey levels added to a brightness before dividing by it


_ONE, _ZERO, _HALF = np.float32(1.0), np.float32(0.0), np.float32(0.5)
_DARK = np.float32(DARK)
_SIDES_DIFFER = np.float32(0.3)
_RIDGE = np.float32(RIDGE_FLOOR), np.float32(1.0 / (RIDGE_FULL - RIDGE_FLOOR))
_YELLOW = np.float32(YELLOW_FLOOR), np.float32(1.0 / (YELLOW_FULL - YELLOW_FLOOR))
_CHROMA = np.float32(18.0), np.float32(3.0)  # distances of 1 are certainly not asphalt
_BRIGHTER, _DARKER = np.float32(1.2), np.float32(0.8)
_NO_PAINT = np.float32(-0.1)  # paint that is certainly not there counts against it, so that noise evens out
_ALIKE = np.float32(0.6)


@kernel
def _ridge(center: np.float32, a: np.float32, b: np.float32) -> np.float32:
    """How far the centre stands out above both sides; sides that differ count against it."""
    return center - (a if a > b else b) - _SIDES_DIFFER * abs(a - b)


@kernel
def _stripe(
    light: np.float32, a: np.float32, b: np.float32, yellow: np.float32, ya: np.float32, yb: np.float32
) -> np.float32:
    """Paint at a cell, from brightness and yellowness there and on both sides: below 0 is none."""
    scale = _ONE / (_HALF * (a + b) + _DARK)
    white = (_ridge(light, a, b) * scale - _RIDGE[0]) * _RIDGE[1]
    tinted = (_ridge(yellow, ya, yb) * scale - _YELLOW[0]) * _YELLOW[1]
    return white if white > tinted else tinted


@kernel
def _paint(
    light: Plane, yellow: Plane, off: Plane, seen: Plane, mark: Plane, begin: int, step: int, side: int
) -> None:
    """Raise `mark` to the paint of stripes that run across the direction of `step`.

    All planes are flat. A cell is compared with the ground close by (narrow marks, kerbs: the darker of two
    cells on each side, since dark joints flank a kerb's top where the pavement may be as bright) and further
    off (broad and double marks); where neither side is road, nothing is paint.
    """
    # Every neighbour is a slice of its own: indices that cannot be negative are ten times as fast.
    close, near, far = 2 * step, side * step, (side + 1) * step
    a = max(begin, far)
    b = len(mark) - far
    light_here, yellow_here, seen, mark = light[a:b], yellow[a:b], seen[a:b], mark[a:b]
    light_step_a, light_step_b = light[a - step : b - step], light[a + step : b + step]
    light_close_a, light_close_b = light[a - close : b - close], light[a + close : b + close]
    light_near_a, light_near_b = light[a - near : b - near], light[a + near : b + near]
    light_far_a, light_far_b = light[a - far : b - far], light[a + far : b + far]
    yellow_close_a, yellow_close_b = yellow[a - close : b - close], yellow[a + close : b + close]
    yellow_near_a, yellow_near_b = yellow[a - near : b - near], yellow[a + near : b + near]
    yellow_far_a, yellow_far_b = yellow[a - far : b - far], yellow[a + far : b + far]
    off_a, off_b = off[a - near : b - near], off[a + near : b + near]
    for k in range(len(mark)):
        c, y = light_here[k], yellow_here[k]
        wide = _stripe(
            c, _HALF * (light_near_a[k] + light_far_a[k]), _HALF * (light_near_b[k] + light_far_b[k]),
            y, _HALF * (yellow_near_a[k] + yellow_far_a[k]), _HALF * (yellow_near_b[k] + yellow_far_b[k]),
        )  # fmt: skip
        left, right = light_close_a[k], light_close_b[k]
        narrow = _stripe(
            c, left if left < light_step_a[k] else light_step_a[k],
            right if right < light_step_b[k] else light_step_b[k],
            y, yellow_close_a[k], yellow_close_b[k],
        )  # fmt: skip
        best = wide if wide > narrow else narrow
        best = best if best < _ONE else _ONE
        left, right = off_a[k], off_b[k]
        best = best * (_ONE - (left if left < right else right)) * seen[k]
        mark[k] = best if best > mark[k] else mark[k]


@kernel
def find_evidence(
    red: NDArray[np.uint8],
    green: NDArray[np.uint8],
    blue: NDArray[np.uint8],
    along_seen: Plane,
    across_seen: Plane,
    side: int,
    across_row: int,
    asphalt: NDArray[np.float64],
    light: Plane,
    yellow: Plane,
    mark: Plane,
    off: Plane,
) -> None:
    """Fill `mark` and `off` from a bird's-eye picture.

    Args:
        red: (R, C) uint8.
        green: (R, C) uint8.
        blue: (R, C) uint8.
        along_seen: (R, C) float32, 1 where a cell and its sides in the row are seen, else 0.
        across_seen: (R, C) float32, the same in the column.
        side: cells from a stripe's middle to the ground beside it.
        across_row: first row in which stripes across the view are looked for.
        asphalt: (4,) brightness, two chromas and weight of the road's colour (`learn_asphalt`).
        light: (R, C) float32, scratch: brightness of red and green, where paint of both colours shows.
        yellow: (R, C) float32, scratch: yellowness.
        mark: (R, C) float32, out: 1 paint, a little below 0 no paint.
        off: (R, C) float32, out: 0 road, 1 not road.
    """
    rows, columns = light.shape
    road, tint_a, tint_b = np.float32(asphalt[0]), np.float32(asphalt[1]), np.float32(asphalt[2])
    known = _ONE if asphalt[3] > 0.0 else _ZERO
    inverse = _ONE / (road + _DARK)
    for i in range(rows):
        for j in range(columns):
            r, g, b = np.float32(red[i, j]), np.float32(green[i, j]), np.float32(blue[i, j])
            value = _HALF * (r + g)
            light[i, j] = value
            yellow[i, j] = value - b
            scale = _ONE / (value + _DARK)
            chroma_a = ((g - _HALF * (r + b)) * scale - tint_a) * _CHROMA[0]
            chroma_b = ((r - b) * scale - tint_b) * _CHROMA[1]
            bright = (value - road) * inverse
            bright = bright * (_BRIGHTER if bright > _ZERO else _DARKER)
            distance = np.sqrt(chroma_a * chroma_a + chroma_b * chroma_b + bright * bright) - _ALIKE
            distance = distance if distance > _ZERO else _ZERO
            off[i, j] = (distance if distance < _ONE else _ONE) * known
            mark[i, j] = _NO_PAINT
    planes = light.ravel(), yellow.ravel(), off.ravel()
    _paint(*planes, along_seen.ravel(), mark.ravel(), 0, 1, side)
    _paint(*planes, across_seen.ravel(), mark.ravel(), across_row * columns, columns, side)


@kernel
def find_hidden(off: Plane, nearer: NDArray[np.int32], hidden: Plane, cell: float) -> None:
    """What stands up hides the ground behind it: fill `hidden`, 0 in view to 1 hidden.

    Along a line of sight, from the car outwards, metres off the road add up and metres of road count back;
    from HIDES metres on nothing behind can be trusted to lie on the ground.

    Args:
        off: (R, C) float32, 1 off the road; row 0 is the farthest.
        nearer: (R, C) int32, the column in the next row through which a cell is seen; -1 outside.
        hidden: (R, C) float32, out.
        cell: size of a cell [m].
    """
    rows, columns = off.shape
    step = np.float32(cell / HIDES)
    limit = np.float32(1.0 + SOFT / HIDES)
    for j in range(columns):
        hidden[rows - 1, j] = _ZERO
    for i in range(rows - 2, -1, -1):
        for j in range(columns):
            k = nearer[i, j]
            before = hidden[i + 1, k] if k >= 0 else _ZERO
            now = before + step * (off[i, j] * np.float32(2.0) - _ONE)
            now = now if now > _ZERO else _ZERO
            hidden[i, j] = now if now < limit else limit
    start = np.float32(1.0 - SOFT / HIDES)
    for i in range(rows):
        for j in range(columns):
            value = (hidden[i, j] - start) / (limit - start)
            hidden[i, j] = value if value > _ZERO else _ZERO


@kernel
def gather_road(
    middle: NDArray[np.float64],
    aside: NDArray[np.float64],
    x_max: float,
    y_max: float,
    cell: float,
    visible: NDArray[np.bool_],
    above: NDArray[np.uint8],
    patch: NDArray[np.uint8],
) -> int:
    """Collect the colours of cells that are believed to be road.

    Args:
        middle: (n, 2) x, y in the vehicle frame of the lane's middle [m].
        aside: (k,) how far to the left of it cells are read [m].
        x_max: the farthest edge of the bird's-eye picture [m].
        y_max: its left edge [m].
        cell: size of a cell [m].
        visible: (R, C) which cells are seen.
        above: (R, C, 3) the bird's-eye picture.
        patch: (n * k, 3) out.

    Returns:
        How many rows of `patch` were filled.
    """
    count = 0
    for i in range(len(middle)):
        row = int((x_max - middle[i, 0]) / cell)
        if not 0 <= row < visible.shape[0]:
            continue
        for k in range(len(aside)):
            column = int((y_max - middle[i, 1] - aside[k]) / cell)
            if 0 <= column < visible.shape[1] and visible[row, column]:
                for channel in range(3):
                    patch[count, channel] = above[row, column, channel]
                count += 1
    return count


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
    ordered = np.sort(patch, axis=0)  # a median as np.median gives it, in a tenth of the time
    r, g, b = 0.5 * (ordered[(len(patch) - 1) // 2].astype(np.float64) + ordered[len(patch) // 2])
    value = 0.5 * (r + g)
    scale = 1.0 / (value + DARK)
    if abs(g - 0.5 * (r + b)) * scale > TINTED:
        return asphalt
    new = np.array([value, (g - 0.5 * (r + b)) * scale, (r - b) * scale, 1.0])
    return new if asphalt[3] == 0.0 else asphalt + rate * (new - asphalt)
