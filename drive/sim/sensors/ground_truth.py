"""What is really there at each pixel of a row: its depth, its semantic class and whose instance it is."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import MAX_DEPTH
from drive.core.kernels import kernel
from drive.sim.sensors import ground_paint as paint
from drive.sim.sensors import labels
from drive.sim.sensors.pixels import STRIDES, TEXEL, as_index, cell_tile


def _texel_labels() -> NDArray[np.uint8]:
    """Semantic class by a texel's upper bits: material (4), paint coverage (4), paint class (3)."""
    bits = np.arange(1 << 11)
    kind, part, ink = bits & 15, bits >> 4 & 15, bits >> 8
    road = ((kind >= paint.ASPHALT) & (kind <= paint.CRACK)) | (kind == paint.CONCRETE)
    bare = np.where(road, labels.ROAD, labels.TERRAIN)
    bare = np.where(kind == paint.SIDEWALK, labels.SIDEWALK, bare)
    bare = np.where(kind == paint.KERB, labels.KERB, bare)
    painted = np.where(ink >= paint.KERB_TOP, labels.KERB, labels.MARK)
    return np.where(part >= 6, painted, bare).astype(np.uint8)


TEXEL_LABELS = _texel_labels()


@kernel
def fill_truth(view: Any, row: int, ground: float, sky_label: int, canvas: Any, item: int, out: Any) -> None:
    """Depth, label and instance of a row: those of bodies, elsewhere one depth [m], one label and 0."""
    inverse, picture = canvas.inverse, canvas.picture
    begin = row * view.width
    one, far, rest = np.float32(1.0), np.float32(MAX_DEPTH), np.float32(min(ground, MAX_DEPTH))
    if out.depth.shape[0] > 0:
        depths = out.depth[item, row]
        for column in range(view.width):
            near = inverse[as_index(begin + column)]
            depths[column] = min(far, one / near) if near > 0.0 else rest
    if out.labels.shape[0] > 0:
        classes = out.labels[item, row]
        for column in range(view.width):
            k = as_index(begin + column)
            classes[column] = picture[k] >> 24 & 255 if inverse[k] > 0.0 else sky_label
    if out.instances.shape[0] > 0:
        numbers = out.instances[item, row]
        for column in range(view.width):
            k = as_index(begin + column)
            numbers[column] = picture[k] >> 32 if inverse[k] > 0.0 else 0


@kernel
def label_ground(
    view: Any,
    scene: Any,
    row: int,
    hit: float,
    flat: float,
    start: tuple[int, int, int, int],
    tiles: NDArray[np.uint16],
    grids: NDArray[np.int32],
    inverse: NDArray[np.float32],
    line: NDArray[np.uint8],
) -> None:
    """Semantic class of the texel that each pixel of a row of ground meets, where nothing stands.

    `hit` is the row's distance along the optical axis, `flat` along the ground [m]; `start` the place of its
    first pixel and the step to the next, in 65536ths of a texel, all rounded down.
    """
    px, py, dx, dy = start
    last_tx = -(1 << 40)
    last_ty = 0
    base = 0
    for column in range(view.width):
        if not inverse[as_index(row * view.width + column)] > 0.0:
            ix = px >> 16
            iy = py >> 16
            # What was rounded away adds up to less than this. Where it may matter: once more, exactly.
            slack = 65534 - column
            if not (0 < (px & 65535) < slack and 0 < (py & 65535) < slack):
                right = (column + 0.5 - view.center_u) * hit / view.focal
                ix = math.floor((view.x + flat * view.ahead_x + right * view.ahead_y - scene.x0) / TEXEL)
                iy = math.floor((view.y + flat * view.ahead_y - right * view.ahead_x - scene.y0) / TEXEL)
            tx = ix >> 6
            ty = iy >> 6
            if tx != last_tx or ty != last_ty:
                base = cell_tile(scene, grids, tx, ty)
                last_tx = tx
                last_ty = ty
            texel = tiles[as_index(base + (iy & 63) * STRIDES[0] + (ix & 63))]
            line[column] = TEXEL_LABELS[as_index(int(texel) >> 4 & 2047)]
        px += dx
        py += dy
