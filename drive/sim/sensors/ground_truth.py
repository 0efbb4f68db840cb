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
def wants_truth(out: Any) -> bool:
    """Whether `Pictures` hold more than rgb."""
    return out.depth.shape[0] > 0 or out.labels.shape[0] > 0 or out.instances.shape[0] > 0


@kernel
def is_bare(row: int, width: int, inverse: NDArray[np.float32]) -> bool:
    """Whether nothing stands in a row."""
    bits = inverse.view(np.int32)
    found = 0
    for k in range(row * width, row * width + width):
        found |= bits[as_index(k)]
    return found == 0


@kernel
def fill_truth(
    row: int,
    ground: float,
    label: int,
    inverse: NDArray[np.float32],
    picture: NDArray[np.int64],
    item: int,
    depth: NDArray[np.float32],
    labels: NDArray[np.uint8],
    instances: NDArray[np.int32],
) -> None:
    """Depth, label and instance of a row: those of bodies, elsewhere one depth [m], one label and 0."""
    none, one = np.float32(0.0), np.float32(1.0)
    far, rest = np.float32(MAX_DEPTH), np.float32(min(ground, MAX_DEPTH))
    width = max(depth.shape[2], labels.shape[2], instances.shape[2])
    if is_bare(row, width, inverse):
        if depth.shape[0] > 0:
            depth[item, row, :] = rest
        if labels.shape[0] > 0:
            labels[item, row, :] = label
        if instances.shape[0] > 0:
            instances[item, row, :] = 0
        return
    begin = row * width
    if depth.shape[0] > 0:
        depths = depth[item, row]
        for column in range(width):
            near = inverse[as_index(begin + column)]
            depths[column] = min(far, one / near) if near > none else rest
    # The loops below read `picture` where nothing stands, too: a read that depends on it is much slower.
    if labels.shape[0] > 0:
        classes = labels[item, row]
        for column in range(width):
            k = as_index(begin + column)
            packed = picture[k]
            classes[column] = packed >> 24 & 255 if inverse[k] > none else label
    if instances.shape[0] > 0:
        numbers = instances[item, row]
        for column in range(width):
            k = as_index(begin + column)
            packed = picture[k]
            numbers[column] = packed >> 32 if inverse[k] > none else 0


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
    last_x = -(1 << 40)
    last_y = 0
    base = 0
    for column in range(view.width):
        if not inverse[as_index(row * view.width + column)] > 0.0:
            ix = px >> 16
            iy = py >> 16
            # What was rounded away is less than `column` + 2. Where it may matter: once more, exactly.
            if max((px - 1) & 65535, (py - 1) & 65535) >= 65533 - column:
                right = (column + 0.5 - view.center_u) * hit / view.focal
                ix = math.floor((view.x + flat * view.ahead_x + right * view.ahead_y - scene.x0) / TEXEL)
                iy = math.floor((view.y + flat * view.ahead_y - right * view.ahead_x - scene.y0) / TEXEL)
            if ((ix ^ last_x) | (iy ^ last_y)) & ~63 != 0:
                base = cell_tile(scene, grids, ix >> 6, iy >> 6)
                last_x = ix
                last_y = iy
            texel = tiles[as_index(base + (iy & 63) * STRIDES[0] + (ix & 63))]
            line[column] = TEXEL_LABELS[as_index(int(texel) >> 4 & 2047)]
        px += dx
        py += dy
