"""From a raw frame to the network's input: the same operations in training and in the exported file."""

from dataclasses import dataclass
from math import radians, tan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.errors import UserError

ROUNDING = 0.4875  # fractions from here on are rounded up
SKY_MARGIN_DEG = 3.5  # kept above the horizon: the far road and the traffic on it


@dataclass(frozen=True)
class Crop:
    """The rows of a camera frame that show the road; all columns are kept."""

    top_px: int  # first row kept
    bottom_px: int  # one past the last row kept


def road_crop(camera: Camera) -> Crop:
    """The rows from a little above the horizon to the bottom of the frame.

    The horizon of a pinhole camera pitched down by `pitch` stands at v = height / 2 - f tan(pitch); of a
    rolled one, or behind a lens, its highest place counts.

    Raises:
        UserError: the camera looks so far up that fewer than 8 rows show the road.
    """
    angle = radians(camera.pitch_deg + SKY_MARGIN_DEG)
    top = int(max(0.0, camera.height_px / 2.0 - camera.focal_px * tan(angle)))
    if camera.warped:
        yaw, half = radians(camera.yaw_deg), radians(camera.fov_deg) / 2.0
        along = yaw + np.linspace(-half, half, 65)
        up = np.full_like(along, tan(radians(SKY_MARGIN_DEG)))
        sky = np.stack([camera.x + np.cos(along), camera.y + np.sin(along), camera.z + up], axis=-1)
        top = int(max(0.0, np.nanmin(camera.project(sky)[:, 1])))
    if camera.height_px - top < 8:
        raise UserError(
            f"the camera looks up by {-camera.pitch_deg} degrees and sees less than 8 rows of road; "
            "pitch it further down"
        )
    return Crop(top, camera.height_px)


def preprocess(frames: NDArray[np.uint8], crop: Crop, height_px: int, width_px: int) -> NDArray[np.uint8]:
    """Crop, resize bilinearly and round to whole grey levels.

    Rounding makes the uint8 cache that training reads equal to what the exported graph computes. Halves are
    common (the weights are simple fractions), and runtimes that add in another order would round them either
    way: the threshold stands a little below, where no simple fraction lies. No antialiasing: it writes an
    invalid ONNX file.

    Args:
        frames: (N, H, W, 3).
        crop: rows to keep.
        height_px: of the result.
        width_px: of the result.

    Returns:
        (N, height_px, width_px, 3).
    """
    import cv2

    result = np.empty((len(frames), height_px, width_px, 3), np.uint8)
    for frame, picture in zip(frames, result, strict=True):
        road = frame[crop.top_px : crop.bottom_px].astype(np.float32)
        resized = cv2.resize(road, (width_px, height_px), interpolation=cv2.INTER_LINEAR)
        picture[:] = resized + np.float32(1.0 - ROUNDING)  # the cast drops the fraction
    return result


def preprocess_tensors(frames: Any, crop: Crop, height_px: int, width_px: int) -> Any:
    """`preprocess` as TensorFlow operations, for the exported graph.

    Args:
        frames: tensor uint8 (N, H, W, 3).
        crop: rows to keep.
        height_px: of the result.
        width_px: of the result.

    Returns:
        Tensor float32 (N, height_px, width_px, 3) of whole numbers in 0..255.
    """
    import tensorflow as tf

    road = tf.cast(frames[:, crop.top_px : crop.bottom_px], tf.float32)
    return tf.floor(tf.image.resize(road, (height_px, width_px)) + (1.0 - ROUNDING))
