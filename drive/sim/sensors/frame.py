"""One camera frame: bodies first, then ground and sky where nothing stands, then glare, lens and rain."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos
from drive.sim.sensors.draw_objects import draw_objects
from drive.sim.sensors.effects import add_glare, draw_rain, glare_weights
from drive.sim.sensors.pixels import hash2
from drive.sim.sensors.records import Actors, Canvas, Optics, Pictures, Scenes, Shots, Sighted, Warp
from drive.sim.sensors.road import horizon_row, resolve_ground
from drive.sim.sensors.shading import prefetch_palette
from drive.sim.sensors.shadows import fill_shade
from drive.sim.sensors.sky import SKY_COLUMNS, prefetch_sky, resolve_sky
from drive.sim.sensors.warp import warp_pictures

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
def draw_items(
    shots: Any,
    actors: Any,
    scenes: Any,
    optics: Any,
    warp: Any,
    canvas: Any,
    sighted: Any,
    behind: Any,
    view: Any,
    veil: NDArray[np.int64],
    out: Any,
) -> tuple[int, int]:
    """Draw item i of the batch: world shots.worlds[i] as seen from shots.poses[i].

    Arguments are the named tuples of `records`. Returns (faces, vehicles) drawn, summed over the items.
    """
    warped = warp.source.size > 0
    target = behind if warped else out
    inverse = canvas.inverse
    colored = out.rgb.shape[0] > 0
    all_faces = 0
    all_vehicles = 0
    for i in range(len(shots.worlds)):
        w = shots.worlds[i]
        item = 0 if warped else i
        scene = scenes.scenes[w]
        look = scenes.looks[w]
        palette = scenes.palettes[w]
        yaw = shots.poses[i, 3]
        s, c = place_view(view, optics.mounts[0], shots.poses[i, 0], shots.poses[i, 1], yaw)
        horizon = horizon_row(view)
        # one unit of `turn` is a sixteenth of a column of the panorama
        turn = math.floor(yaw * (SKY_COLUMNS * 16 / (2.0 * math.pi)))
        sky = scenes.skies[w]
        if colored:
            # both are read after the bodies are drawn: time enough for what has left the near caches
            prefetch_sky(view, horizon, sky, optics, turn)
            prefetch_palette(palette)
        for k in range(len(inverse)):
            inverse[k] = 0.0
        fill_shade(look, horizon, view.width, optics.head, canvas.ramp, canvas.shade)
        props = scenes.props[scene.props : scene.props_end]
        chunks = scenes.chunks[scene.chunks : scene.chunks_end]
        near = actors.data[actors.begin[w] : actors.end[w]]
        faces, vehicles = draw_objects(
            view, look, s, c, horizon, props, chunks, near, optics.faces, optics.atlas, canvas, sighted
        )
        all_faces += faces
        all_vehicles += vehicles
        salt = hash2(int(look.seed), shots.frames[i])
        grain = optics.noise[min(len(optics.noise) - 1, max(0, int(look.noise)))]
        # behind a lens the picture is still without the sensor's noise
        inner = optics.noise[0] if warped else grain
        resolve_sky(view, horizon, sky, optics, turn, canvas, inner, salt, item, target)
        resolve_ground(
            view, look, scene, horizon, scenes, palette, sky, optics, turn, canvas, inner, salt, item, target
        )
        if colored and glare_weights(look, view, veil):
            add_glare(look, view, veil, target.rgb[item])
        if warped:
            warp_pictures(warp, target, view.width, grain, salt, i, out)
        if colored and look.rain > 0.0:
            draw_rain(look, salt, out.rgb[i])
    return all_faces, all_vehicles


@kernel
def draw_frames(
    shots: tuple, actors: tuple, scenes: tuple, optics: tuple, warp: tuple, scratch: tuple, out: tuple
) -> tuple[int, int]:
    """`draw_items` of plain tuples of arrays, which are handed to compiled code faster than named ones."""
    canvas, sighted, behind, view, veil = scratch
    return draw_items(
        Shots(*shots),
        Actors(*actors),
        Scenes(*scenes),
        Optics(*optics),
        Warp(*warp),
        Canvas(*canvas),
        Sighted(*sighted),
        Pictures(*behind),
        view[0],
        veil,
        Pictures(*out),
    )
