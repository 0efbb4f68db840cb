"""Pictures of a batch of worlds from one camera."""

from collections import deque
from math import radians

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.portable_math import sincos
from drive.sim.sensors.bodies import BODY, MAX_BODIES
from drive.sim.sensors.faces import VIEW
from drive.sim.sensors.frame import MOUNT, draw_frames
from drive.sim.sensors.lens import fill_lens
from drive.sim.sensors.meshes import face_tables
from drive.sim.sensors.pixels import MAX_NOISE, NOISE_PERIOD, hash2
from drive.sim.sensors.store import SceneStore
from drive.sim.sensors.textures import atlas

_NO_DEPTH = np.zeros((0, 0, 0), np.float32)
_NO_LABELS = np.zeros((0, 0, 0), np.uint8)


class Renderer:
    """Draws what a camera on the cars of a batch sees.

    `render` may be called from several threads at once for different items: each call takes buffers of its
    own. Equal inputs give equal bytes, however a batch is cut into calls.
    """

    def __init__(self, camera: Camera, store: SceneStore) -> None:
        self.camera = camera
        self.store = store
        self._mount = _mount(camera)
        self._lens = _lens(self._mount[0])
        self._spare: deque[tuple] = deque()

    def render(
        self,
        worlds: NDArray[np.int64],
        poses: NDArray[np.float64],
        frames: NDArray[np.int64],
        actors: NDArray,
        actor_begin: NDArray[np.int64],
        actor_end: NDArray[np.int64],
        out: NDArray[np.uint8],
        depth: NDArray[np.float32] | None = None,
        labels: NDArray[np.uint8] | None = None,
    ) -> tuple[int, int]:
        """Draw item i: world worlds[i] as seen from a car at poses[i].

        Args:
            worlds: (N,) which world of the store.
            poses: (N, 4) x, y, z, yaw of the rear axle [m, rad]. Everything is drawn flat: z is not used.
            frames: (N,) number of the frame, from which the noise of the sensor is drawn.
            actors: ACTOR records of all worlds; world w has actors[actor_begin[w]:actor_end[w]].
            actor_begin: (B,).
            actor_end: (B,).
            out: (N, H, W, 3) RGB, written.
            depth: (N, H, W) distance along the camera's axis [m], 1000 for the sky; written if given.
            labels: (N, H, W) index into `labels.LABELS`; written if given.

        Returns:
            How many faces and how many vehicles were in view, summed over the items.
        """
        try:
            scratch = self._spare.pop()
        except IndexError:
            scratch = _scratch(self.camera.width_px, self.camera.height_px)
        counts = draw_frames(
            worlds,
            poses,
            frames,
            actors,
            actor_begin,
            actor_end,
            (*self.store.arrays, self._mount),
            self._lens,
            scratch,
            out,
            _NO_DEPTH if depth is None else depth,
            _NO_LABELS if labels is None else labels,
        )
        self._spare.append(scratch)
        return counts


def _mount(camera: Camera) -> NDArray:
    mount = np.zeros(1, MOUNT)
    m = mount[0]
    m["x"], m["y"], m["z"] = camera.x, camera.y, camera.z
    m["sin_yaw"], m["cos_yaw"] = sincos(radians(camera.yaw_deg))
    m["sin_pitch"], m["cos_pitch"] = sincos(radians(camera.pitch_deg))
    s, c = sincos(radians(camera.fov_deg) / 2.0)
    m["focal"] = camera.width_px * c / (2.0 * s)
    m["width"], m["rows"] = camera.width_px, camera.height_px
    return mount


def _lens(mount: np.void) -> tuple:
    """What each pixel always sees, all shapes and textures, and the sensor's noise by its amplitude."""
    width, pixels = int(mount["width"]), int(mount["width"]) * int(mount["rows"])
    sky_u, sky_v = np.zeros(pixels, np.int32), np.zeros(pixels, np.int32)
    head = np.zeros(pixels, np.uint8)
    fill_lens(mount, sky_u, sky_v, head)
    dice = np.array([hash2(i % NOISE_PERIOD, 17) >> 8 & 255 for i in range(NOISE_PERIOD + width)])
    noise = np.stack([((amplitude + 1) * dice >> 8).astype(np.uint8) for amplitude in range(MAX_NOISE + 1)])
    return face_tables(), atlas(), noise, sky_u, sky_v, head


def _scratch(width: int, rows: int) -> tuple:
    """Buffers of one frame, in the order that `frame.draw_frames` unpacks."""
    pixels = width * rows
    buffers = (
        np.zeros((4, 3)),  # corners of a face
        np.zeros((5, 5)),  # the same, clipped, with u and v
        np.zeros((rows, 2)),  # span of each row
        np.zeros(256, np.int64),  # ramp of colours
        np.zeros(pixels, np.float32),  # 1 / depth
        np.zeros(pixels, np.int32),  # colours and labels
        np.zeros(pixels, np.uint8),  # shade of the ground
    )
    lists = np.zeros(1, BODY), np.zeros(MAX_BODIES, np.int64), np.zeros(MAX_BODIES)
    return np.zeros(1, VIEW), buffers, lists, np.zeros((2, max(width, rows)), np.int64)
