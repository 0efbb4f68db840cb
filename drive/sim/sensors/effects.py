"""What the air and the lens add to a finished picture: glare around a low sun, streaks of rain."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.sensors.faces import camera_axes
from drive.sim.sensors.pixels import hash2


@kernel
def glare_weights(look: Any, view: Any, veil: NDArray[np.int64]) -> bool:
    """Veil of light around the sun: `veil[0]` by row, `veil[1]` by column, 0 .. 181; False without one."""
    right, down, ahead = camera_axes(view, look.sun_x, look.sun_y, look.sun_z)
    if look.glare <= 0.0 or ahead < 0.15:
        return False
    u = view.center_u + view.focal * right / ahead
    v = view.center_v + view.focal * down / ahead
    size = 0.8 * view.focal
    strength = 136.0 * math.sqrt(look.glare)
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
def add_glare(look: Any, view: Any, veil: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
    """Lay a veil of sunlight over the picture."""
    bright = 226.0 / max(1e-3, max(look.sun_r, max(look.sun_g, look.sun_b)))
    red = int(look.sun_r * bright)
    green = int(look.sun_g * bright)
    blue = int(look.sun_b * bright)
    for row in range(view.rows):
        strength = veil[0, row]
        if strength == 0:
            continue
        line = out[row]
        for column in range(view.width):
            weight = (strength * veil[1, column]) >> 7
            if weight == 0:
                continue
            r = int(line[column, 0])
            g = int(line[column, 1])
            b = int(line[column, 2])
            line[column, 0] = r + (((red - r) * weight) >> 8)
            line[column, 1] = g + (((green - g) * weight) >> 8)
            line[column, 2] = b + (((blue - b) * weight) >> 8)


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
