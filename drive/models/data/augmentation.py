"""Light and weather that the recordings never saw: colour, haze, darkness, shadow, noise, blur, and a flip.

The host draws a row of numbers for each picture (`draw`), the graph applies them (`augment`): the same
function on a CPU and on a GPU, the same result for the same numbers. Nothing here moves the road in the
picture, except the flip, which also negates the steering.
"""

from dataclasses import dataclass
from math import radians, tan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.models.data.preprocess import INPUT_HEIGHT, INPUT_WIDTH, Crop

PARAMETERS = 23  # numbers a picture takes, see `draw`
NOISE_PICTURES = 16  # a table: the first half is grain, the second half rain streaks


@dataclass(frozen=True, eq=False)
class View:
    """Where each network pixel looks, for haze and headlights."""

    distance: NDArray[np.float32]  # (66, 1) along the ground to what a row shows, at most 150 [m]
    headlight: NDArray[np.float32]  # (66, 200) light of the car's own lamps, 0..1
    noise: NDArray[np.float32]  # (16, 66, 200) grain and rain streaks of spread about 1


def view_of(camera: Camera, crop: Crop) -> View:
    """Distances and headlight for a camera's cropped and resized picture."""
    rows = crop.top_px + (np.arange(INPUT_HEIGHT) + 0.5) * (crop.bottom_px - crop.top_px) / INPUT_HEIGHT
    columns = (np.arange(INPUT_WIDTH) + 0.5) * camera.width_px / INPUT_WIDTH
    down = (rows - camera.height_px / 2.0) / camera.focal_px + tan(radians(camera.pitch_deg))
    distance = np.minimum(camera.z / np.maximum(down, 1e-6), 150.0)[:, None]
    aside = (columns - camera.width_px / 2.0) / camera.focal_px
    beam = np.exp(-((aside / 0.55) ** 2))[None, :]
    lamp = beam * np.exp(-((np.maximum(distance - 8.0, 0.0) / 18.0) ** 1.5))
    return View(distance.astype(np.float32), lamp.astype(np.float32), _noise_table())


def _noise_table() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((NOISE_PICTURES, INPUT_HEIGHT, INPUT_WIDTH))
    for streaks in table[NOISE_PICTURES // 2 :]:
        streaks[:] = 0.0
        lean = rng.uniform(-0.4, 0.4)
        for _ in range(rng.integers(40, 160)):
            row, column = rng.integers(0, INPUT_HEIGHT), rng.integers(0, INPUT_WIDTH)
            t = np.arange(rng.integers(3, 12))
            rows, columns = row + t, np.round(column + lean * t).astype(int)
            seen = (rows < INPUT_HEIGHT) & (columns >= 0) & (columns < INPUT_WIDTH)
            streaks[rows[seen], columns[seen]] = rng.uniform(2.0, 5.0)
    return table.astype(np.float32)


def draw(rng: np.random.Generator, count: int, flip_share: float = 0.5) -> NDArray[np.float32]:
    """Choose how each of `count` pictures is changed; `flip_share` of them are seen in a mirror.

    Returns:
        (count, 23): flip; gain of red, green, blue; offset; tone curve; saturation; darkness (daylight
        left), headlight; haze per metre, haze colour (3); shadow strength, two edges (a, b, c each);
        noise spread, which noise picture; blur.
    """
    p = np.zeros((count, PARAMETERS), np.float32)

    def some(share: float) -> NDArray[np.bool_]:
        return rng.random(count) < share

    uniform = rng.uniform
    p[:, 0] = some(flip_share)
    contrast = np.exp(uniform(-0.6, 0.4, count))
    tint = np.exp(uniform(-0.2, 0.2, (count, 3)))
    p[:, 1:4] = contrast[:, None] * tint
    p[:, 4] = 0.35 * (1.0 - contrast) + uniform(-0.08, 0.12, count)
    p[:, 5] = uniform(-0.5, 0.5, count)
    p[:, 6] = np.where(some(0.5), uniform(-0.9, 0.6, count), 0.0)
    dark = some(0.3)
    p[:, 7] = np.where(dark, np.exp(uniform(np.log(0.12), np.log(0.8), count)), 1.0)
    p[:, 8] = np.where(dark & some(0.7), uniform(0.2, 1.0, count), 0.0)
    p[:, 9] = np.where(some(0.35), np.exp(uniform(np.log(0.004), np.log(0.06), count)), 0.0)
    grey = uniform(0.25, 0.95, count) * np.where(dark, p[:, 7], 1.0)
    p[:, 10:13] = grey[:, None] * np.exp(uniform(-0.08, 0.08, (count, 3)))
    p[:, 13] = np.where(some(0.4), uniform(-0.6, 0.35, count), 0.0)
    for edge in (14, 17):
        angle = uniform(0.0, 2.0 * np.pi, count)
        p[:, edge] = np.cos(angle)
        p[:, edge + 1] = np.sin(angle)
        p[:, edge + 2] = uniform(-0.2, 0.7, count)
    p[:, 20] = np.where(some(0.6), uniform(0.0, 0.04, count), 0.0) * (0.25 + 0.75 * p[:, 7])
    p[:, 21] = rng.integers(0, NOISE_PICTURES, count)
    p[:, 22] = np.where(some(0.35), uniform(0.0, 1.0, count), 0.0)
    return p


def augment(pictures: Any, steering: Any, parameters: Any, view: View) -> tuple[Any, Any]:
    """Apply drawn changes to a batch.

    Args:
        pictures: tensor uint8 (N, 66, 200, 3).
        steering: tensor float32 (N, 1), left positive.
        parameters: tensor float32 (N, 23) from `draw`.
        view: of the camera that took the pictures.

    Returns:
        Changed pictures, float32 of whole numbers in 0..255, and steering.
    """
    import tensorflow as tf

    p = parameters[:, :, None, None]

    def number(i: int) -> Any:
        return p[:, i : i + 1]  # (N, 1, 1, 1)

    def colour(i: int) -> Any:
        return tf.reshape(parameters[:, i : i + 3], (-1, 1, 1, 3))

    flip = number(0) > 0.5
    steering = tf.where(parameters[:, :1] > 0.5, -steering, steering)
    x = tf.cast(tf.where(flip, pictures[:, :, ::-1], pictures), tf.float32) * (1.0 / 255.0)

    wide = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    blur = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) * (1.0 / 9.0)
    x = x + number(22) * (blur - x)
    x = x + number(6) * (x - tf.reduce_mean(x, axis=-1, keepdims=True))
    x = x + number(5) * x * (1.0 - x)

    v = tf.reshape(tf.linspace(-1.0, 1.0, INPUT_HEIGHT), (1, -1, 1, 1))
    u = tf.reshape(tf.linspace(-1.0, 1.0, INPUT_WIDTH), (1, 1, -1, 1))
    inside = tf.ones_like(x[:, :, :, :1])
    for edge in (14, 17):
        side = number(edge) * u + number(edge + 1) * v + number(edge + 2)
        inside *= tf.clip_by_value(12.0 * side, 0.0, 1.0)
    light = 1.0 + number(13) * inside
    light *= number(7) + number(8) * view.headlight[None, :, :, None]

    clear = tf.exp(-number(9) * view.distance[None, :, :, None])
    noise = tf.gather(view.noise, tf.cast(parameters[:, 21], tf.int32))[..., None] * number(20)
    scale = light * clear
    x = (x * colour(1) + number(4)) * scale + (colour(10) * (1.0 - clear) + noise)
    return tf.round(tf.clip_by_value(x, 0.0, 1.0) * 255.0), steering
