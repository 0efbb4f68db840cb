"""One camera frame: bodies first, then ground and sky where nothing stands, then air and lens."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.sim.sensors.draw_objects import draw_bodies
from drive.sim.sensors.effects import add_glare, draw_rain, glare_weights
from drive.sim.sensors.ground_truth import fill_depth_and_labels
from drive.sim.sensors.pixels import hash2
from drive.sim.sensors.road import horizon_row, resolve_ground
from drive.sim.sensors.shading import prefetch_palette
from drive.sim.sensors.shadows import fill_shade
from drive.sim.sensors.sky import SKY_COLUMNS, prefetch_sky, resolve_sky

MOUNT = np.dtype(
    [
        ("x", "f8"),  # of the camera in the vehicle frame [m]
        ("y", "f8"),
        ("z", "f8"),
        ("sin_yaw", "f8"),
        ("cos_yaw", "f8"),
        ("sin_pitch", "f8"),
        ("cos_pitch", "f8"),
        ("focal", "f8"),  # [px]
        ("width", "i8"),  # [px]
        ("rows", "i8"),
    ]
)


@kernel
def place_view(view: Any, mount: Any, x: float, y: float, yaw: float) -> tuple[float, float]:
    """Set the view of a camera on a car whose rear axle stands at (x, y) with that yaw."""
    s, c = sincos(yaw)
    view.x = x + c * mount.x - s * mount.y
    view.y = y + s * mount.x + c * mount.y
    view.height = mount.z
    view.ahead_x = c * mount.cos_yaw - s * mount.sin_yaw
    view.ahead_y = s * mount.cos_yaw + c * mount.sin_yaw
    view.sin_pitch = mount.sin_pitch
    view.cos_pitch = mount.cos_pitch
    view.focal = mount.focal
    view.center_u = 0.5 * mount.width
    view.center_v = 0.5 * mount.rows
    view.width = mount.width
    view.rows = mount.rows
    return s, c


@kernel
def draw_frames(
    worlds: NDArray[np.int64],
    poses: NDArray[np.float64],
    frames: NDArray[np.int64],
    actors: NDArray[np.void],
    actor_begin: NDArray[np.int64],
    actor_end: NDArray[np.int64],
    store: tuple,
    lens: tuple,
    scratch: tuple,
    out: NDArray[np.uint8],
    depth: NDArray[np.float32],
    label: NDArray[np.uint8],
) -> tuple[int, int]:
    """Draw item i of the batch: world worlds[i] from poses[i] (x, y, z, yaw of the rear axle).

    Returns (faces, vehicles) drawn, summed over the items.
    """
    tiles, grids, palettes, skies, looks, scenes, all_props, all_chunks, mounts = store
    tables, atlas, noise, sky_u, sky_v, head_map = lens
    views, buffers, lists, veil = scratch
    _corners, _clipped, _spans, ramp, inverse, picture, shade = buffers
    view = views[0]
    sky_map = (sky_u, sky_v)
    all_faces = 0
    all_vehicles = 0
    for i in range(len(worlds)):
        w = worlds[i]
        scene = scenes[w]
        look = looks[w]
        yaw = poses[i, 3]
        s, c = place_view(view, mounts[0], poses[i, 0], poses[i, 1], yaw)
        horizon = horizon_row(view)
        # one unit of `turn` is a sixteenth of a column of the panorama
        turn = math.floor(yaw * (SKY_COLUMNS * 16 / (2.0 * math.pi)))
        sky = skies[w]
        # both are read after the bodies are drawn: time enough for what has left the near caches
        prefetch_sky(view, horizon, sky, sky_map, turn)
        prefetch_palette(palettes[w])
        for k in range(len(inverse)):
            inverse[k] = 0.0
        fill_shade(look, horizon, view.width, head_map, ramp, shade)
        props = all_props[scene.props : scene.props_end]
        chunks = all_chunks[scene.chunks : scene.chunks_end]
        near = actors[actor_begin[w] : actor_end[w]]
        faces, vehicles = draw_bodies(
            view, look, s, c, horizon, props, chunks, near, tables, atlas, buffers, lists
        )
        all_faces += faces
        all_vehicles += vehicles
        salt = hash2(int(look.seed), frames[i])
        grain = noise[min(len(noise) - 1, max(0, int(look.noise)))]
        resolve_sky(view, horizon, sky, sky_map, turn, inverse, picture, grain, salt, out[i])
        resolve_ground(
            view,
            look,
            scene,
            horizon,
            tiles,
            grids,
            palettes[w],
            sky,
            sky_map,
            turn,
            buffers,
            grain,
            salt,
            out[i],
        )
        if glare_weights(look, view, veil):
            add_glare(look, view, veil, out[i])
        if look.rain > 0.0:
            draw_rain(look, salt, out[i])
        if depth.shape[0] > 0 or label.shape[0] > 0:
            fill_depth_and_labels(view, scene, horizon, tiles, grids, inverse, picture, i, depth, label)
    return all_faces, all_vehicles
