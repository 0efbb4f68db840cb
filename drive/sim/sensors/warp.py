"""A lens, or a rolled camera: each pixel is taken from an upright pinhole's larger picture behind it."""

from math import ceil, radians
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.kernels import kernel
from drive.core.lens import radius_of
from drive.core.portable_math import sincos
from drive.sim.sensors.pixels import NOISE_PERIOD, as_index, hash2
from drive.sim.sensors.records import Warp

MAX_SIDE = 8192  # of the picture behind a lens [px]


class Pinhole(NamedTuple):
    """The upright pinhole that is drawn for a camera."""

    focal: float  # [px]
    columns: int
    rows: int
    warp: Warp  # how the camera's pixels follow from it


def pinhole_of(camera: Camera) -> Pinhole:
    """The camera itself where it is one; else a picture around all its rays, as sharp as it on the axis.

    Raises:
        ValueError: that picture would be too large.
    """
    s, c = sincos(radians(camera.fov_deg) / 2.0)
    focal = camera.width_px * c / (2.0 * s)
    if not camera.warped:
        none = np.zeros((0, 0), np.int32), np.zeros((0, 0), np.uint16), np.zeros((0, 0), np.uint16)
        return Pinhole(focal, camera.width_px, camera.height_px, Warp(*none))
    if camera.lens != "pinhole":
        half_angle = radians(camera.fov_deg) / 2.0
        focal = camera.width_px / (2.0 * radius_of(camera.lens, camera.coefficients, half_angle))
    u, v = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    right, down = camera.rays(u, v)
    sine, cosine = sincos(radians(camera.roll_deg))
    right, down = focal * (cosine * right - sine * down), focal * (sine * right + cosine * down)
    half = [float(abs(one).max()) for one in (right, down)]
    if not max(half) < MAX_SIDE / 2:  # NaN too
        raise ValueError(
            f"The picture behind the lens of {camera} would be more than {MAX_SIDE} px wide or high; "
            "take a smaller fov_deg or a smaller picture."
        )
    columns, rows = (max(8, 2 * ceil(one + 0.5 - 1e-6)) for one in half)
    left, right_weight = _neighbours(right + 0.5 * columns - 0.5, columns)
    top, down_weight = _neighbours(down + 0.5 * rows - 0.5, rows)
    source = np.ascontiguousarray(top * columns + left, np.int32)
    return Pinhole(focal, columns, rows, Warp(source, right_weight, down_weight))


def _neighbours(place: NDArray[np.float64], count: int) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """The pixel at or before a place (0: middle of the first) and the weight of the next, 0 .. 256."""
    first = np.clip(np.floor(place), 0, count - 2)
    weight = np.clip(np.floor((place - first) * 256.0 + 0.5), 0, 256)
    return first.astype(np.int64), np.ascontiguousarray(weight, np.uint16)


@kernel
def warp_pictures(
    warp: Any, behind: Any, columns: int, noise: NDArray[np.uint8], salt: int, item: int, out: Any
) -> None:
    """Take a camera's pictures from those behind it: rgb between four pixels, the others the nearest one."""
    rows, width = warp.source.shape
    rgb, depths = behind.rgb.reshape(-1), behind.depth.reshape(-1)
    classes, numbers = behind.labels.reshape(-1), behind.instances.reshape(-1)
    for row in range(rows):
        start = hash2(salt, row) & (NOISE_PERIOD - 1)
        for column in range(width):
            k = int(warp.source[row, column])
            fu = int(warp.right[row, column])
            fv = int(warp.down[row, column])
            if len(rgb) > 0:
                grain = noise[as_index(start + column)]
                for channel in range(3):
                    i = 3 * k + channel
                    j = i + 3 * columns
                    high = (int(rgb[as_index(i)]) << 8) + (
                        int(rgb[as_index(i + 3)]) - int(rgb[as_index(i)])
                    ) * fu
                    low = (int(rgb[as_index(j)]) << 8) + (
                        int(rgb[as_index(j + 3)]) - int(rgb[as_index(j)])
                    ) * fu
                    value = ((high << 8) + (low - high) * fv + 32768) >> 16
                    out.rgb[item, row, column, channel] = value + grain
            nearest = k + (1 if fu >= 128 else 0) + (columns if fv >= 128 else 0)
            if len(depths) > 0:
                out.depth[item, row, column] = depths[as_index(nearest)]
            if len(classes) > 0:
                out.labels[item, row, column] = classes[as_index(nearest)]
            if len(numbers) > 0:
                out.instances[item, row, column] = numbers[as_index(nearest)]
