"""One camera frame: bodies first, then ground and sky where nothing stands, then air and lens."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.elementary import sincos
from drive.kernels import kernel
from drive.sim.sensors.effects import add_glare, draw_rain, glare_weights
from drive.sim.sensors.pixels import hash2
from drive.sim.sensors.road import horizon_row, resolve_ground
from drive.sim.sensors.shadows import fill_shade
from drive.sim.sensors.sky import SKY_COLUMNS, resolve_sky
from drive.sim.sensors.standing import draw_bodies
from drive.sim.sensors.truth import fill_depth_and_labels

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
def draw_frame(
    view: Any,
    mount: Any,
    look: Any,
    scene: Any,
    world: int,
    x: float,
    y: float,
    yaw: float,
    frame: int,
    store: tuple,
    props: NDArray[np.void],
    chunks: NDArray[np.void],
    actors: NDArray[np.void],
    lens: tuple,
    scratch: tuple,
    out: NDArray[np.uint8],
) -> tuple[int, int, int]:
    """Draw one frame into out (H, W, 3); returns (first row of the ground, faces drawn, vehicles drawn)."""
    tiles, grids, palettes, skies = store[0], store[1], store[2], store[3]
    tables, atlas, noise, sky_u, sky_v, head_map = lens
    buffers, lists, veil = scratch
    _corners, _clipped, _spans, ramp, inverse, picture, shade = buffers
    s, c = place_view(view, mount, x, y, yaw)
    horizon = horizon_row(view)
    for k in range(len(inverse)):
        inverse[k] = 0.0
    fill_shade(look, horizon, view.width, head_map, ramp, shade)
    faces, vehicles = draw_bodies(
        view, look, s, c, horizon, props, chunks, actors, tables, atlas, buffers, lists
    )
    salt = hash2(int(look.seed), frame)
    grain = noise[min(len(noise) - 1, max(0, int(look.noise)))]
    # one unit of `turn` is a sixteenth of a column of the panorama
    turn = math.floor(yaw * (SKY_COLUMNS * 16 / (2.0 * math.pi)))
    palette = palettes[world]
    sky = skies[world]
    sky_map = (sky_u, sky_v)
    resolve_sky(view, horizon, sky, sky_map, turn, inverse, picture, grain, salt, out)
    resolve_ground(
        view, look, scene, horizon, tiles, grids, palette, sky, sky_map, turn, buffers, grain, salt, out
    )
    if glare_weights(look, view, veil):
        bright = 226.0 / max(1e-3, max(look.sun_r, max(look.sun_g, look.sun_b)))
        add_glare(
            view, veil, (int(look.sun_r * bright), int(look.sun_g * bright), int(look.sun_b * bright)), out
        )
    if look.rain > 0.0:
        draw_rain(look, salt, out)
    return horizon, faces, vehicles


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
    tiles, grids, palettes, skies, looks, scenes, props, chunks, mounts = store
    view, buffers, lists, veil = scratch
    all_faces = 0
    all_vehicles = 0
    for i in range(len(worlds)):
        w = worlds[i]
        scene = scenes[w]
        begin = actor_begin[w]
        end = actor_end[w]
        horizon, faces, vehicles = draw_frame(
            view[0],
            mounts[0],
            looks[w],
            scene,
            w,
            poses[i, 0],
            poses[i, 1],
            poses[i, 3],
            frames[i],
            (tiles, grids, palettes, skies),
            props[scene.props : scene.props_end],
            chunks[scene.chunks : scene.chunks_end],
            actors[begin:end],
            lens,
            (buffers, lists, veil),
            out[i],
        )
        all_faces += faces
        all_vehicles += vehicles
        if depth.shape[0] > 0 or label.shape[0] > 0:
            fill_depth_and_labels(
                view[0], scene, horizon, tiles, grids, buffers[4], buffers[5], i, depth, label
            )
    return all_faces, all_vehicles
