"""What the air and the lens add to a finished picture: glare around a low sun, streaks of rain."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.kernels import kernel
from drive.sim.sensors.faces import camera_axes
from drive.sim.sensors.pixels import hash2


@kernel
def glare_weights(look: Any, view: Any, veil: NDArray[np.int64]) -> bool:
    """Veil of light around the sun: `veil[0]` by row, `veil[1]` by column, 0 .. 16; False without one."""
    right, down, ahead = camera_axes(view, look.sun_x, look.sun_y, look.sun_z)
    if look.glare <= 0.0 or ahead < 0.15:
        return False
    u = view.center_u + view.focal * right / ahead
    v = view.center_v + view.focal * down / ahead
    size = 0.8 * view.focal
    strength = 12.0 * math.sqrt(look.glare)
    for row in range(view.rows):
        d = (row + 0.5 - v) / size
        p = max(0.0, 1.0 - 0.5 * d * d)
        veil[0, row] = int(strength * p * p * p)
    for column in range(view.width):
        d = (column + 0.5 - u) / size
        p = max(0.0, 1.0 - 0.5 * d * d)
        veil[1, column] = int(strength * p * p * p)
    return True


@kernel
def add_glare(view: Any, veil: NDArray[np.int64], sun: tuple[int, int, int], out: NDArray[np.uint8]) -> None:
    """Lay a veil of sunlight over the picture."""
    for row in range(view.rows):
        strength = veil[0, row]
        if strength == 0:
            continue
        line = out[row]
        for column in range(view.width):
            weight = strength * veil[1, column]
            for k in range(3):
                value = int(line[column, k])
                line[column, k] = value + (((sun[k] - value) * weight) >> 8)


@kernel
def draw_rain(look: Any, salt: int, out: NDArray[np.uint8]) -> None:
    """Streaks of drops near the camera, new ones in each frame."""
    rows, columns = out.shape[0], out.shape[1]
    count = int(look.rain * 70.0)
    for i in range(count):
        h = hash2(salt, i)
        length = (rows * (6 + (h & 7))) // 96
        column = (hash2(h, 1) % (columns + 8)) - 4
        top = (hash2(h, 2) % (rows + length)) - length
        lean = (h >> 8 & 3) - 1
        for step in range(length):
            row = top + step
            c = column + (lean * step) // 6
            if row < 0 or row >= rows or c < 0 or c >= columns:
                continue
            for k in range(3):
                out[row, c, k] = (out[row, c, k] * 3 + 186) >> 2
