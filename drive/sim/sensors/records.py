"""What the renderer's kernels are handed: named tuples of arrays, which numba unpacks by name."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_NO_RGB = np.empty((0, 0, 0, 0), np.uint8)
# Depth, labels and instances of `Pictures` that are rgb alone.
NO_TRUTH = (np.empty((0, 0, 0), np.float32), np.empty((0, 0, 0), np.uint8), np.empty((0, 0, 0), np.int32))


class Pictures(NamedTuple):
    """Pictures of N items; an output that is not wanted is an empty array."""

    rgb: NDArray[np.uint8]  # (N, H, W, 3)
    depth: NDArray[np.float32]  # (N, H, W) along the optical axis [m]
    labels: NDArray[np.uint8]  # (N, H, W) index into `drive.camera.LABELS`
    instances: NDArray[np.int32]  # (N, H, W) 0: ground or sky

    @classmethod
    def empty(cls, outputs: tuple[str, ...], items: int, rows: int, columns: int) -> "Pictures":
        """Memory for some outputs (of `drive.camera.OUTPUTS`)."""
        size = items, rows, columns
        return cls(
            np.empty((*size, 3), np.uint8) if "rgb" in outputs else _NO_RGB,
            np.empty(size, np.float32) if "depth" in outputs else NO_TRUTH[0],
            np.empty(size, np.uint8) if "labels" in outputs else NO_TRUTH[1],
            np.empty(size, np.int32) if "instances" in outputs else NO_TRUTH[2],
        )

    def part(self, lo: int, hi: int) -> "Pictures":
        """Items lo .. hi, in the same memory."""
        return Pictures(self.rgb[lo:hi], self.depth[lo:hi], self.labels[lo:hi], self.instances[lo:hi])


class Shots(NamedTuple):
    """From where and when N pictures are taken."""

    worlds: NDArray[np.int64]  # (N,) which world of the store
    poses: NDArray[np.float64]  # (N, 4) x, y, z, yaw of the rear axle [m, rad]; drawn flat: z is not used
    frames: NDArray[np.int64]  # (N,) number of the frame, from which the noise of the sensor is drawn

    def part(self, lo: int, hi: int) -> "Shots":
        """Items lo .. hi, in the same memory."""
        return Shots(self.worlds[lo:hi], self.poses[lo:hi], self.frames[lo:hi])


class Actors(NamedTuple):
    """What moves or stands on the road: world w has data[begin[w]:end[w]]."""

    data: NDArray[np.void]  # ACTOR records of all worlds
    begin: NDArray[np.int64]  # (B,)
    end: NDArray[np.int64]  # (B,)


class Scenes(NamedTuple):
    """What stands still in B worlds, and how it looks."""

    tiles: NDArray[np.uint16]  # texels of all grounds
    grids: NDArray[np.int32]  # tiles by place
    palettes: NDArray[np.uint32]  # (B, PALETTE_SIZE)
    skies: NDArray[np.uint32]  # (B, SKY_ROWS * SKY_STRIDE)
    looks: NDArray[np.void]  # (B,) LOOK
    scenes: NDArray[np.void]  # (B,) SCENE
    props: NDArray[np.void]  # BODY records of all worlds
    chunks: NDArray[np.void]  # CIRCLE around each CHUNK of them


class Warp(NamedTuple):
    """Where a lens takes its pixels from, in the pinhole picture behind it; empty without one."""

    source: NDArray[np.int32]  # (H, W) upper left of four neighbours, row * columns + column
    right: NDArray[np.uint16]  # (H, W) weight of the neighbours to the right, 0 .. 256
    down: NDArray[np.uint16]  # (H, W) weight of those below


class Optics(NamedTuple):
    """What one camera always sees, and the shapes and textures of everything."""

    mounts: NDArray[np.void]  # (1,) MOUNT of the pinhole
    faces: tuple  # type: ignore[type-arg] # `meshes.face_tables`
    atlas: NDArray[np.uint8]  # all textures
    noise: NDArray[np.uint8]  # (amplitudes, NOISE_PERIOD + columns) the sensor's
    sky_u: NDArray[np.int32]  # (pixels,) sixteenths of a column of the panorama, for yaw 0
    sky_v: NDArray[np.int32]  # (pixels,) sixteenths of a row
    head: NDArray[np.uint8]  # (pixels,) light of the own headlights on the ground


class Canvas(NamedTuple):
    """Buffers of one pinhole picture."""

    corners: NDArray[np.float64]  # (4, 3) of a face
    clipped: NDArray[np.float64]  # (5, 5) the same, clipped, with u and v
    spans: NDArray[np.float64]  # (rows, 2) what a face covers of each row
    ramp: NDArray[np.int64]  # (256,) colours
    inverse: NDArray[np.float32]  # (pixels,) 1 / depth, 0 where nothing stands
    picture: NDArray[np.int64]  # (pixels,) instance << 32 | label << 24 | blue << 16 | green << 8 | red
    shade: NDArray[np.uint8]  # (pixels,) of the ground
    colors: NDArray[np.uint32]  # (columns,) of a row
    lines: NDArray[np.uint64]  # (2 * columns,) the four colours around each pixel of a row


class Sighted(NamedTuple):
    """Bodies in view, nearest first."""

    body: NDArray[np.void]  # (1,) BODY: the one being drawn
    which: NDArray[np.int64]  # (MAX_BODIES,) a prop, or -1 - actor
    distance: NDArray[np.float64]  # (MAX_BODIES,) along the view [m]


class Scratch(NamedTuple):
    """All memory that drawing needs: tuples of the arrays of the records of these names."""

    canvas: tuple[NDArray[Any], ...]
    sighted: tuple[NDArray[Any], ...]
    behind: tuple[NDArray[Any], ...]  # the pinhole's `Pictures`, behind a warp
    view: NDArray[np.void]  # (1,) VIEW
    veil: NDArray[np.int64]  # (2, longer side) glare by row and column
