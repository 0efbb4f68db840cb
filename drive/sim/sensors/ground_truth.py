"""What is really there at each pixel: its distance and its semantic class."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.sim.sensors import ground_paint as paint
from drive.sim.sensors import labels
from drive.sim.sensors.pixels import STRIDES, TEXEL, ground_hit
from drive.sim.sensors.road import cell_tile

FAR_AWAY = 1000.0  # depth of the sky [m]


@kernel
def texel_label(texel: int) -> int:
    """Semantic class of a texel of the ground."""
    ink = texel >> 12 & 7
    part = texel >> 8 & 15
    kind = texel >> 4 & 15
    if part >= 6:
        return labels.KERB if ink >= paint.KERB_TOP else labels.MARK
    if kind == paint.KERB:
        return labels.KERB
    if kind == paint.SIDEWALK:
        return labels.SIDEWALK
    if (kind >= paint.ASPHALT and kind <= paint.CRACK) or kind == paint.CONCRETE:
        return labels.ROAD
    return labels.TERRAIN


@kernel
def fill_depth_and_labels(
    view: Any,
    scene: Any,
    horizon: int,
    tiles: NDArray[np.uint16],
    grids: NDArray[np.int32],
    inverse: NDArray[np.float32],
    picture: NDArray[np.int32],
    item: int,
    depth: NDArray[np.float32],
    label: NDArray[np.uint8],
) -> None:
    """Distance along the camera's axis [m] and semantic class of every pixel, where asked for."""
    for row in range(view.rows):
        slope = (row + 0.5 - view.center_v) / view.focal
        hit = ground_hit(view.sin_pitch + view.cos_pitch * slope, view.height)
        flat = hit * (view.cos_pitch - view.sin_pitch * slope)
        for column in range(view.width):
            k = row * view.width + column
            stands = inverse[k] > 0.0
            if depth.shape[0] > 0:
                depth[item, row, column] = (
                    1.0 / inverse[k] if stands else (hit if row >= horizon else FAR_AWAY)
                )
            if label.shape[0] > 0:
                if stands:
                    label[item, row, column] = picture[k] >> 24
                elif row < horizon:
                    label[item, row, column] = labels.SKY
                else:
                    right = (column + 0.5 - view.center_u) * hit / view.focal
                    x = (view.x + flat * view.ahead_x + right * view.ahead_y - scene.x0) / TEXEL
                    y = (view.y + flat * view.ahead_y - right * view.ahead_x - scene.y0) / TEXEL
                    ix = math.floor(x)
                    iy = math.floor(y)
                    base = cell_tile(scene, grids, ix >> 6, iy >> 6)
                    label[item, row, column] = texel_label(
                        int(tiles[base + (iy & 63) * STRIDES[0] + (ix & 63)])
                    )
