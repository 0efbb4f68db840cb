"""Pictures of a batch of worlds from one camera."""

from collections import deque
from functools import cache
from itertools import compress
from math import radians
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.kernels import entry
from drive.core.portable_math import sincos
from drive.sim.sensors.bodies import BODY, MAX_BODIES
from drive.sim.sensors.faces import VIEW
from drive.sim.sensors.frame import MOUNT, draw_frames
from drive.sim.sensors.lens import fill_lens
from drive.sim.sensors.meshes import face_tables
from drive.sim.sensors.pixels import MAX_NOISE, NOISE_PERIOD, hash2
from drive.sim.sensors.records import Actors, Canvas, Optics, Pictures, Scratch, Shots, Sighted
from drive.sim.sensors.store import SceneStore
from drive.sim.sensors.textures import atlas
from drive.sim.sensors.warp import Pinhole, pinhole_of

_draw_frames = entry(draw_frames)  # all arguments are of the same types, and `render` checks what is given
_DTYPES = [np.dtype(name) for name in ("u1", "f4", "u1", "i4")]  # of the fields of `Pictures`


class Renderer:
    """Draws what a camera on the cars of a batch sees.

    `render` may be called from several threads at once for different items: each call takes buffers of its
    own. Equal inputs give equal bytes, however a batch is cut into calls.
    """

    def __init__(self, camera: Camera, store: SceneStore) -> None:
        self.camera = camera
        self.store = store
        pinhole = pinhole_of(camera)
        self._size = camera.height_px, camera.width_px
        self._warped = camera.warped
        self._side = pinhole.columns, pinhole.rows
        self._warp = tuple(pinhole.warp)
        self._optics = tuple(_optics(_mount(camera, pinhole), pinhole, camera.width_px))
        self._spare: dict[tuple[bool, ...], deque[Scratch]] = {}  # by the pictures behind the lens

    def render(self, shots: Shots, actors: Actors, out: Pictures) -> tuple[int, int]:
        """Draw N items into `out`, whichever of its pictures are not empty.

        Returns:
            How many faces and how many vehicles were in view, summed over the items.

        Raises:
            ValueError: a picture of `out` is not of N items, of the camera's size and type, and C-contiguous.
        """
        size = (len(shots.worlds), *self._size)
        arrays: tuple[NDArray[Any], ...] = tuple(out)
        for array, dtype in zip(arrays, _DTYPES, strict=True):
            fits = array.shape[:3] == size and array.flags.c_contiguous and array.dtype == dtype
            if array.size and not fits:
                raise ValueError(
                    f"A picture of shape {array.shape}, {array.dtype}, is given; take a C-contiguous one of "
                    f"{size}, {dtype}."
                )
        behind = tuple([array.size > 0 for array in out]) if self._warped else ()
        spare = self._spare.setdefault(behind, deque())
        try:
            scratch = spare.pop()
        except IndexError:
            scratch = self._scratch(behind)
        counts = _draw_frames(
            tuple(shots),
            tuple(actors),
            self.store.arrays,
            self._optics,
            self._warp,
            tuple(scratch),
            arrays,
        )
        spare.append(scratch)
        return counts

    def _scratch(self, behind: tuple[bool, ...]) -> Scratch:
        columns, rows = self._side
        pixels = columns * rows
        canvas = Canvas(
            corners=np.zeros((4, 3)),
            clipped=np.zeros((5, 5)),
            spans=np.zeros((rows, 2)),
            ramp=np.zeros(256, np.int64),
            inverse=np.zeros(pixels, np.float32),
            picture=np.zeros(pixels, np.int64),
            shade=np.zeros(pixels, np.uint8),
            colors=np.zeros(columns, np.uint32),
            lines=np.zeros(2 * columns, np.uint64),
        )
        sighted = Sighted(np.zeros(1, BODY), np.zeros(MAX_BODIES, np.int64), np.zeros(MAX_BODIES))
        pinhole = Pictures.empty(tuple(compress(Pictures._fields, behind)), 1, rows, columns)
        return Scratch(
            tuple(canvas),
            tuple(sighted),
            tuple(pinhole),
            view=np.zeros(1, VIEW),
            veil=np.zeros((2, max(self._side)), np.int64),
        )


def _mount(camera: Camera, pinhole: Pinhole) -> NDArray:
    mount = np.zeros(1, MOUNT)
    m = mount[0]
    m["x"], m["y"], m["z"] = camera.x, camera.y, camera.z
    m["sin_yaw"], m["cos_yaw"] = sincos(radians(camera.yaw_deg))
    m["sin_pitch"], m["cos_pitch"] = sincos(radians(camera.pitch_deg))
    m["focal"], m["width"], m["rows"] = pinhole.focal, pinhole.columns, pinhole.rows
    return mount


def _optics(mounts: NDArray, pinhole: Pinhole, columns: int) -> Optics:
    """What each pixel always sees, all shapes and textures, and the sensor's noise."""
    pixels = pinhole.columns * pinhole.rows
    sky_u, sky_v = np.zeros(pixels, np.int32), np.zeros(pixels, np.int32)
    head = np.zeros(pixels, np.uint8)
    fill_lens(mounts[0], sky_u, sky_v, head)
    noise = _noise(NOISE_PERIOD + max(columns, pinhole.columns))
    return Optics(mounts, face_tables(), atlas(), noise, sky_u, sky_v, head)


@cache
def _noise(length: int) -> NDArray[np.uint8]:
    """(amplitudes, length) the sensor's noise along a row."""
    dice = np.array([hash2(i % NOISE_PERIOD, 17) >> 8 & 255 for i in range(length)])
    return np.stack([((amplitude + 1) * dice >> 8).astype(np.uint8) for amplitude in range(MAX_NOISE + 1)])
