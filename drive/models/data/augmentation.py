"""Light and weather that the recordings never saw: colour, haze, darkness, shadow, noise, blur, and a flip.

The host draws how each picture is changed (`draw`), a layer of the training model changes it (`augment`): the
same function on every Keras backend, on a CPU and on a GPU, the same result for the same numbers. Nothing
here moves the road in the picture, except the flip: whoever draws one also mirrors inputs and labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import radians, tan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.models.data.preprocess import Crop

NOISE_PICTURES = 16  # a table: the first half is grain, the second half rain streaks


@dataclass(frozen=True, eq=False)
class View:
    """Where each network pixel looks, for haze and headlights."""

    distance: NDArray[np.float32]  # (H, 1) along the ground to what a row shows, at most 150 [m]
    headlight: NDArray[np.float32]  # (H, W) light of the car's own lamps, 0..1
    noise: NDArray[np.float32]  # (16, H, W) grain and rain streaks of deviation about 1


@dataclass(frozen=True, eq=False)
class Changes:
    """How each of N pictures is changed: a column a field, or three for a colour or an edge.

    In a batch they travel as one array, (N, 23): `pack` and `unpack`.
    """

    flip: Any  # 1: seen in a mirror
    gain: Any  # (N, 3) of red, green and blue
    offset: Any
    tone: Any  # of the tone curve
    saturation: Any
    daylight: Any  # that is left, 0..1
    headlights: Any  # strength, 0..1
    haze: Any  # [1/m]
    haze_colour: Any  # (N, 3)
    shadow: Any  # strength; the shadow lies where both edges are positive
    edge1: Any  # (N, 3) a, b, c of a u + b v + c
    edge2: Any  # (N, 3)
    noise: Any  # deviation
    noise_picture: Any  # which of the table
    blur: Any  # 0..1

    def pack(self) -> NDArray[np.float32]:
        """All fields side by side, (N, 23) float32."""
        columns = [np.asarray(getattr(self, name), np.float32) for name, _ in _layout()]
        return np.concatenate([c[:, None] if c.ndim == 1 else c for c in columns], axis=1)

    @classmethod
    def unpack(cls, packed: Any) -> "Changes":
        """The fields of a packed array or tensor, each (N, 1) or (N, 3)."""
        return cls(**{name: packed[:, columns] for name, columns in _layout()})

    @classmethod
    def none(cls, count: int) -> "Changes":
        """Changes that leave `count` pictures as they are."""
        zeros = {name: np.zeros((count, c.stop - c.start), np.float32) for name, c in _layout()}
        return cls(
            **zeros | {"gain": np.ones((count, 3), np.float32), "daylight": np.ones((count, 1), np.float32)}
        )


_WIDE = ("gain", "haze_colour", "edge1", "edge2")


def _layout() -> Iterator[tuple[str, slice]]:
    start = 0
    for field in fields(Changes):
        width = 3 if field.name in _WIDE else 1
        yield field.name, slice(start, start + width)
        start += width


CHANGES_WIDTH = max(columns.stop for _, columns in _layout())


def view_of(camera: Camera, crop: Crop, height_px: int, width_px: int) -> View:
    """Distances and headlight for a camera's cropped and resized picture."""
    rows = crop.top_px + (np.arange(height_px) + 0.5) * (crop.bottom_px - crop.top_px) / height_px
    columns = (np.arange(width_px) + 0.5) * camera.width_px / width_px
    down = (rows - camera.height_px / 2.0) / camera.focal_px + tan(radians(camera.pitch_deg))
    distance = np.minimum(camera.z / np.maximum(down, 1e-6), 150.0)[:, None]
    aside = (columns - camera.width_px / 2.0) / camera.focal_px
    beam = np.exp(-((aside / 0.55) ** 2))[None, :]
    lamp = beam * np.exp(-((np.maximum(distance - 8.0, 0.0) / 18.0) ** 1.5))
    return View(distance.astype(np.float32), lamp.astype(np.float32), _noise_table(height_px, width_px))


def _noise_table(height_px: int, width_px: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((NOISE_PICTURES, height_px, width_px))
    for streaks in table[NOISE_PICTURES // 2 :]:
        streaks[:] = 0.0
        lean = rng.uniform(-0.4, 0.4)
        for _ in range(rng.integers(40, 160)):
            row, column = rng.integers(0, height_px), rng.integers(0, width_px)
            t = np.arange(rng.integers(3, 12))
            rows, columns = row + t, np.round(column + lean * t).astype(int)
            seen = (rows < height_px) & (columns >= 0) & (columns < width_px)
            streaks[rows[seen], columns[seen]] = rng.uniform(2.0, 5.0)
    return table.astype(np.float32)


def draw(rng: np.random.Generator, count: int, flip_share: float = 0.5) -> Changes:
    """Choose how each of `count` pictures is changed; `flip_share` of them are seen in a mirror."""

    def some(share: float) -> NDArray[np.bool_]:
        return rng.random(count) < share

    uniform = rng.uniform
    flip = some(flip_share)
    contrast = np.exp(uniform(-0.6, 0.4, count))
    tint = np.exp(uniform(-0.2, 0.2, (count, 3)))
    offset = 0.35 * (1.0 - contrast) + uniform(-0.08, 0.12, count)
    tone = uniform(-0.5, 0.5, count)
    saturation = np.where(some(0.5), uniform(-0.9, 0.6, count), 0.0)
    dark = some(0.3)
    daylight = np.where(dark, np.exp(uniform(np.log(0.12), np.log(0.8), count)), 1.0).astype(np.float32)
    headlights = np.where(dark & some(0.7), uniform(0.2, 1.0, count), 0.0)
    haze = np.where(some(0.35), np.exp(uniform(np.log(0.004), np.log(0.06), count)), 0.0)
    grey = uniform(0.25, 0.95, count) * np.where(dark, daylight, 1.0)
    haze_colour = grey[:, None] * np.exp(uniform(-0.08, 0.08, (count, 3)))
    shadow = np.where(some(0.4), uniform(-0.6, 0.35, count), 0.0)

    def edge() -> NDArray[np.float64]:
        angle = uniform(0.0, 2.0 * np.pi, count)
        return np.stack([np.cos(angle), np.sin(angle), uniform(-0.2, 0.7, count)], axis=1)

    return Changes(
        flip=flip,
        gain=contrast[:, None] * tint,
        offset=offset,
        tone=tone,
        saturation=saturation,
        daylight=daylight,
        headlights=headlights,
        haze=haze,
        haze_colour=haze_colour,
        shadow=shadow,
        edge1=edge(),
        edge2=edge(),
        noise=np.where(some(0.6), uniform(0.0, 0.04, count), 0.0) * (0.25 + 0.75 * daylight),
        noise_picture=rng.integers(0, NOISE_PICTURES, count),
        blur=np.where(some(0.35), uniform(0.0, 1.0, count), 0.0),
    )


def augment(pictures: Any, packed: Any, view: View) -> Any:
    """Apply drawn changes to a batch.

    Args:
        pictures: tensor uint8 (N, H, W, 3).
        packed: tensor float32 (N, 23): `Changes.pack`.
        view: of the camera that took the pictures.

    Returns:
        Changed pictures, float32 of whole numbers in 0..255.
    """
    from keras import ops

    height, width = view.headlight.shape
    by_picture = {name: packed[:, None, None, columns] for name, columns in _layout()}
    c = Changes(**by_picture)  # each (N, 1, 1, 1) or (N, 1, 1, 3)
    x = ops.cast(ops.where(c.flip > 0.5, ops.flip(pictures, axis=2), pictures), "float32") * (1.0 / 255.0)

    wide = ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="symmetric")
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    blurred = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) * (1.0 / 9.0)
    x = x + c.blur * (blurred - x)
    x = x + c.saturation * (x - ops.mean(x, axis=-1, keepdims=True))
    x = x + c.tone * x * (1.0 - x)

    v = ops.convert_to_tensor(np.linspace(-1.0, 1.0, height, dtype=np.float32).reshape(1, -1, 1, 1))
    u = ops.convert_to_tensor(np.linspace(-1.0, 1.0, width, dtype=np.float32).reshape(1, 1, -1, 1))
    inside = 1.0
    for edge in (c.edge1, c.edge2):
        side = edge[..., :1] * u + edge[..., 1:2] * v + edge[..., 2:]
        inside = inside * ops.clip(12.0 * side, 0.0, 1.0)
    light = 1.0 + c.shadow * inside
    lamp, distance = (ops.convert_to_tensor(a[None, :, :, None]) for a in (view.headlight, view.distance))
    light = light * (c.daylight + c.headlights * lamp)

    clear = ops.exp(-c.haze * distance)
    numbers = ops.cast(c.noise_picture[:, 0, 0, 0], "int32")
    noise = ops.take(ops.convert_to_tensor(view.noise), numbers, axis=0)[..., None] * c.noise
    scale = light * clear
    x = (x * c.gain + c.offset) * scale + (c.haze_colour * (1.0 - clear) + noise)
    return ops.round(ops.clip(x, 0.0, 1.0) * 255.0)


def build_augmentation(view: View) -> Any:
    """`augment` as a Keras layer of (pictures, packed changes), fused into one pass over the pictures.

    On JAX the whole training step is compiled; on TensorFlow XLA compiles this part (a sixth of the step's
    cost on a CPU); PyTorch runs it operation by operation.
    """
    import keras

    def change(pictures: Any, packed: Any) -> Any:
        return augment(pictures, packed, view)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        change = tf.function(change, jit_compile=True)

    class Augmentation(keras.layers.Layer):  # type: ignore[misc]
        def call(self, pictures: Any, packed: Any) -> Any:
            return change(pictures, packed)

    return Augmentation(dtype="float32", autocast=False)
