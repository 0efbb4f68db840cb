"""One camera frame: bodies first, then ground and sky where nothing stands, then the lens and the sensor."""

import math

import numpy as np

from drive.elementary import exp, sincos
from drive.kernels import kernel
from drive.sim.sensors import ground_paint as paint
from drive.sim.sensors import labels
from drive.sim.sensors.bodies import camera_axes, draw_bodies
from drive.sim.sensors.pixels import (
    GRASS_VARIANTS,
    LEVELS,
    OFFSETS,
    STRIDES,
    TEXEL,
    TILE_SIZE,
    at,
    bilinear,
    ground_hit,
    hash2,
    lanes,
    mix,
    scale,
)
from drive.sim.sensors.shading import SKY_COLUMNS

FAR_AWAY = 1000.0  # depth of the sky [m]
NOISE_PERIOD = 4096
MOST_NOISE = 12  # [grey levels]
SCENE = np.dtype(
    [
        ("x0", "f8"),  # corner of the grid of tiles [m]
        ("y0", "f8"),
        ("rows", "i8"),  # of the grid
        ("columns", "i8"),
        ("grid", "i8"),  # first cell in the store's grids
        ("props", "i8"),  # first and one past the last prop
        ("props_end", "i8"),
        ("chunks", "i8"),
        ("chunks_end", "i8"),
    ]
)
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
def horizon_row(view):
    """First row whose middle looks at the ground."""
    v = view.center_v - view.focal * view.sin_pitch / view.cos_pitch
    return min(view.rows, max(0, math.ceil(v - 0.5 + 1e-9)))


@kernel
def cell_tile(scene, grids, tx, ty):
    """Where the tile at a cell of the grid starts in the store's texels; grass outside the grid."""
    if 0 <= tx < scene.columns and 0 <= ty < scene.rows:
        return grids[scene.grid + ty * scene.columns + tx] * TILE_SIZE
    return (hash2(tx, ty) % GRASS_VARIANTS) * TILE_SIZE


@kernel
def place_view(view, mount, x, y, yaw):
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
def fill_shade(look, horizon, width, head_map, shade):
    """Light of the ground without bodies: 255, or what the own headlights leave in the dark."""
    begin = horizon * width
    if look.headlights <= 0.0:
        for k in range(begin, len(shade)):
            shade[k] = 255
        return
    open_light = max(1e-6, look.ambient_g + look.sun_g * look.sun_z)
    table = np.empty(256, np.uint8)
    for i in range(256):
        table[i] = int(255.0 * math.sqrt((open_light + look.headlights * i / 255.0) / (open_light + look.headlights)))
    for k in range(begin, len(shade)):
        shade[k] = table[head_map[k]]


@kernel
def put(line, column, color, noise):
    """Write one pixel of a row with its noise."""
    line[column, 0] = (color & 0xFF) + noise
    line[column, 1] = (color >> 16 & 0xFF) + noise
    line[column, 2] = (color >> 32 & 0xFF) + noise


@kernel
def spread(packed):
    """Lanes of a colour of the picture buffer."""
    return (packed & 0xFF) | ((packed & 0xFF00) << 8) | ((packed & 0xFF0000) << 16)


@kernel
def sky_at(sky, sky_u, sky_v, k, turn):
    """Colour of the sky at a pixel, bilinear in the panorama."""
    u = sky_u[at(k)] + turn
    v = sky_v[at(k)]
    c0 = (u >> 4) & (SKY_COLUMNS - 1)
    c1 = (c0 + 1) & (SKY_COLUMNS - 1)
    low = (v >> 4) * SKY_COLUMNS
    high = low + SKY_COLUMNS
    return bilinear(sky[at(low + c0)], sky[at(low + c1)], sky[at(high + c0)], sky[at(high + c1)], u & 15, v & 15)


@kernel
def glare_weights(look, view, veil):
    """Veil of light around the sun: `veil[0]` by row, `veil[1]` by column, 0 .. 16; False without one."""
    right, down, ahead = camera_axes(view, look.sun_x, look.sun_y, look.sun_z)
    if look.glare <= 0.0 or ahead < 0.15:
        return False
    u = view.center_u + view.focal * right / ahead
    v = view.center_v + view.focal * down / ahead
    size = 1.25 * view.focal
    strength = 11.0 * math.sqrt(look.glare)
    for row in range(view.rows):
        d = (row + 0.5 - v) / size
        p = max(0.0, 1.0 - 0.5 * d * d)
        veil[0, row] = int(strength * p * p * p)
    for column in range(view.width):
        d = (column + 0.5 - u) / size
        p = max(0.0, 1.0 - 0.5 * d * d)
        veil[1, column] = int(strength * p * p * p)
    return True


@kernel
def resolve_sky(view, horizon, sky, lens, turn, inverse, picture, noise, salt, out):
    """Rows above the horizon: bodies, and sky where nothing stands."""
    sky_u, sky_v = lens
    for row in range(horizon):
        begin = row * view.width
        start = hash2(salt, row) & (NOISE_PERIOD - 1)
        line = out[row]
        for column in range(view.width):
            k = begin + column
            if inverse[at(k)] > 0.0:
                color = spread(picture[at(k)])
            else:
                color = sky_at(sky, sky_u, sky_v, k, turn)
            put(line, column, color, noise[at(start + column)])


@kernel
def mirror_row(view, slope):
    """Row that shows the mirror image, in still water, of what a ray of that slope would meet."""
    flat = view.cos_pitch - view.sin_pitch * slope
    fall = view.sin_pitch + view.cos_pitch * slope
    down = -view.sin_pitch * flat - view.cos_pitch * fall
    ahead = view.cos_pitch * flat - view.sin_pitch * fall
    if ahead <= 1e-3:
        return -1
    return int(math.floor(view.center_v + view.focal * down / ahead))


@kernel
def step_along_row(view, scene, depth, flat, level):
    """Where a row's first pixel meets the ground, and the step to the next, in 65536ths of a texel.

    `depth` is the row's distance along the camera's axis, `flat` along the ground [m].
    """
    per = 65536.0 / TEXEL
    side = depth / view.focal
    first = (0.5 - view.center_u) * side
    half = 32768 << level
    return (
        int(math.floor((view.x + flat * view.ahead_x + first * view.ahead_y - scene.x0) * per)) - half,
        int(math.floor((view.y + flat * view.ahead_y - first * view.ahead_x - scene.y0) * per)) - half,
        int(math.floor(side * view.ahead_y * per)),
        int(math.floor(-side * view.ahead_x * per)),
    )


@kernel
def ground_texels(tiles, palette, i, stride, fx, fy):
    """Colour of the ground between four texels."""
    return bilinear(
        palette[tiles[at(i)]],
        palette[tiles[at(i + 1)]],
        palette[tiles[at(i + stride)]],
        palette[tiles[at(i + stride + 1)]],
        fx,
        fy,
    )


@kernel
def resolve_ground(view, look, scene, horizon, tiles, grids, palette, sky, lens, turn, buffers, noise, salt, out):
    """Rows below the horizon: bodies, and ground where nothing stands."""
    corners, clipped, spans, ramp, inverse, picture, shade = buffers
    sky_u, sky_v = lens
    fog = lanes(int(look.horizon_r), int(look.horizon_g), int(look.horizon_b))
    wet = look.wetness > 0.0 and horizon > 0
    for row in range(horizon, view.rows):
        slope = (row + 0.5 - view.center_v) / view.focal
        depth = ground_hit(view.sin_pitch + view.cos_pitch * slope, view.height)
        flat = depth * (view.cos_pitch - view.sin_pitch * slope)
        level = 0
        while level < LEVELS - 1 and depth > 0.14 * view.focal * (1 << level):
            level += 1
        px, py, dx, dy = step_along_row(view, scene, depth, flat, level)
        haze = int(256.0 * (1.0 - exp(-look.fog * flat)))
        shift = 16 + level
        mask = 63 >> level
        stride = STRIDES[level]
        last_tx = -(1 << 40)
        last_ty = 0
        base = 0
        begin = row * view.width
        start = hash2(salt, row) & (NOISE_PERIOD - 1)
        line = out[row]
        mirror = 0
        fresnel = 0
        glossy = 0
        near = 1.0 / depth
        if wet:
            mirror = mirror_row(view, slope) * view.width
            rise = 1.0 - view.height / math.sqrt(view.height * view.height + flat * flat)
            fresnel = int(256.0 * (0.10 + 0.90 * rise * rise * rise))
            glossy = sky_at(sky, sky_u, sky_v, min((horizon - 1) * view.width, max(0, mirror)) + view.width // 2, turn)
        for column in range(view.width):
            k = begin + column
            if inverse[at(k)] > 0.0:
                color = spread(picture[at(k)])
            else:
                tx = px >> 22
                ty = py >> 22
                if tx != last_tx or ty != last_ty:
                    base = cell_tile(scene, grids, tx, ty) + OFFSETS[level]
                    last_tx = tx
                    last_ty = ty
                i = base + ((py >> shift) & mask) * stride + ((px >> shift) & mask)
                color = ground_texels(tiles, palette, i, stride, (px >> (shift - 4)) & 15, (py >> (shift - 4)) & 15)
                gloss = color >> 48
                color = scale(color, shade[at(k)] + 1)
                if wet and gloss > 0:
                    image = glossy
                    if mirror >= 0:
                        seen = inverse[at(mirror + column)]
                        if seen > 0.0 and seen < near:
                            image = spread(picture[at(mirror + column)])
                    color = mix(color, image, (gloss * fresnel) >> 7)
                color = mix(color, fog, haze)
            put(line, column, color, noise[at(start + column)])
            px += dx
            py += dy


@kernel
def add_glare(view, veil, sun, out):
    """Lay a veil of sunlight over the picture."""
    for row in range(view.rows):
        strength = veil[0, row]
        if strength == 0:
            continue
        line = out[row]
        for column in range(view.width):
            weight = strength * veil[1, column]
            for k in range(3):
                value = int(line[column, k])
                line[column, k] = value + (((sun[k] - value) * weight) >> 8)


@kernel
def draw_rain(look, salt, out):
    """Streaks of drops near the camera, new ones in each frame."""
    rows, columns = out.shape[0], out.shape[1]
    count = int(look.rain * 70.0)
    for i in range(count):
        h = hash2(salt, i)
        length = (rows * (6 + (h & 7))) // 96
        column = (hash2(h, 1) % (columns + 8)) - 4
        top = (hash2(h, 2) % (rows + length)) - length
        lean = (h >> 8 & 3) - 1
        for step in range(length):
            row = top + step
            c = column + (lean * step) // 6
            if row < 0 or row >= rows or c < 0 or c >= columns:
                continue
            for k in range(3):
                out[row, c, k] = (out[row, c, k] * 3 + 186) >> 2


@kernel
def texel_label(texel):
    """Semantic class of a texel of the ground."""
    ink = texel >> 12 & 7
    part = texel >> 8 & 15
    kind = texel >> 4 & 15
    if part >= 6:
        return labels.KERB if ink >= paint.KERB_TOP else labels.MARK
    if kind == paint.SIDEWALK:
        return labels.SIDEWALK
    if kind >= paint.ASPHALT and kind <= paint.CRACK or kind == paint.CONCRETE:
        return labels.ROAD
    return labels.TERRAIN


@kernel
def fill_depth_and_labels(view, scene, horizon, tiles, grids, inverse, picture, item, depth, label):
    """Distance along the camera's axis [m] and semantic class of every pixel, where asked for."""
    for row in range(view.rows):
        slope = (row + 0.5 - view.center_v) / view.focal
        hit = ground_hit(view.sin_pitch + view.cos_pitch * slope, view.height)
        flat = hit * (view.cos_pitch - view.sin_pitch * slope)
        for column in range(view.width):
            k = row * view.width + column
            stands = inverse[k] > 0.0
            if depth.shape[0] > 0:
                depth[item, row, column] = 1.0 / inverse[k] if stands else (hit if row >= horizon else FAR_AWAY)
            if label.shape[0] > 0:
                if stands:
                    label[item, row, column] = picture[k] >> 24
                elif row < horizon:
                    label[item, row, column] = labels.SKY
                else:
                    right = (column + 0.5 - view.center_u) * hit / view.focal
                    x = (view.x + flat * view.ahead_x + right * view.ahead_y - scene.x0) / TEXEL
                    y = (view.y + flat * view.ahead_y - right * view.ahead_x - scene.y0) / TEXEL
                    ix = int(math.floor(x))
                    iy = int(math.floor(y))
                    base = cell_tile(scene, grids, ix >> 6, iy >> 6)
                    label[item, row, column] = texel_label(int(tiles[base + (iy & 63) * STRIDES[0] + (ix & 63)]))


@kernel
def draw_frame(view, mount, look, scene, world, x, y, yaw, frame, store, props, chunks, actors, lens, scratch, out):
    """Draw one frame into out (H, W, 3); returns (first row of the ground, bodies in view)."""
    tiles, grids, palettes, skies = store[0], store[1], store[2], store[3]
    tables, atlas, noise, sky_u, sky_v, head_map = lens
    buffers, lists, veil = scratch
    corners, clipped, spans, ramp, inverse, picture, shade = buffers
    s, c = place_view(view, mount, x, y, yaw)
    horizon = horizon_row(view)
    for k in range(len(inverse)):
        inverse[k] = 0.0
    fill_shade(look, horizon, view.width, head_map, shade)
    n = draw_bodies(view, look, s, c, horizon, props, chunks, actors, tables, atlas, buffers, lists)
    salt = hash2(int(look.seed), frame)
    grain = noise[min(len(noise) - 1, max(0, int(look.noise)))]
    # one unit of `turn` is a sixteenth of a column of the panorama
    turn = int(math.floor(yaw * (SKY_COLUMNS * 16 / (2.0 * math.pi))))
    palette = palettes[world]
    sky = skies[world]
    sky_map = (sky_u, sky_v)
    resolve_sky(view, horizon, sky, sky_map, turn, inverse, picture, grain, salt, out)
    resolve_ground(
        view, look, scene, horizon, tiles, grids, palette, sky, sky_map, turn, buffers, grain, salt, out
    )
    if glare_weights(look, view, veil):
        bright = 226.0 / max(1e-3, max(look.sun_r, max(look.sun_g, look.sun_b)))
        add_glare(view, veil, (int(look.sun_r * bright), int(look.sun_g * bright), int(look.sun_b * bright)), out)
    if look.rain > 0.0:
        draw_rain(look, salt, out)
    return horizon, n


@kernel
def draw_frames(worlds, poses, frames, actors, actor_begin, actor_end, store, lens, scratch, out, depth, label):
    """Draw item i of the batch: world worlds[i] from poses[i] (x, y, z, yaw of the rear axle)."""
    tiles, grids, palettes, skies, looks, scenes, props, chunks, mounts = store
    view, buffers, lists, veil = scratch
    for i in range(len(worlds)):
        w = worlds[i]
        scene = scenes[w]
        begin = actor_begin[w]
        end = actor_end[w]
        horizon, _ = draw_frame(
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
        if depth.shape[0] > 0 or label.shape[0] > 0:
            fill_depth_and_labels(
                view[0], scene, horizon, tiles, grids, buffers[4], buffers[5], i, depth, label
            )
