"""What each pixel of a mounted camera always sees: its place in the sky and in the headlights' beam."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import atan2
from drive.sim.sensors.lighting import beam
from drive.sim.sensors.sky import SKY_COLUMNS, SKY_ROWS, SKY_TOP


@kernel
def fill_lens(
    mount: Any, sky_u: NDArray[np.int32], sky_v: NDArray[np.int32], head: NDArray[np.uint8]
) -> None:
    """Sixteenths of a column and row in the panorama for yaw 0, and light of the beam (0 .. 255)."""
    for row in range(mount.rows):
        slope = (row + 0.5 - 0.5 * mount.rows) / mount.focal
        flat = mount.cos_pitch - mount.sin_pitch * slope
        fall = mount.sin_pitch + mount.cos_pitch * slope
        for column in range(mount.width):
            left = (0.5 * mount.width - column - 0.5) / mount.focal
            k = row * mount.width + column
            ahead = mount.cos_yaw * flat - mount.sin_yaw * left
            aside = mount.sin_yaw * flat + mount.cos_yaw * left
            head[k] = 0
            if fall > 1e-6:
                depth = mount.z / fall
                head[k] = int(255.0 * beam(mount.x + depth * ahead, mount.y + depth * aside))
            up = max(0.0, -fall) / max(1e-9, math.sqrt(flat * flat + left * left))
            sky_u[k] = math.floor(atan2(aside, ahead) * (SKY_COLUMNS * 16 / (2.0 * math.pi))) - 8
            sky_v[k] = min(16 * (SKY_ROWS - 1) - 1, int(16 * (SKY_ROWS - 1) * math.sqrt(up / SKY_TOP)))
