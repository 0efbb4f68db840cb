"""From a raw frame to the network's input: the same operations in training and in the exported file."""

from dataclasses import dataclass
from math import radians, tan
from typing import Any

from drive.camera import Camera
from drive.core.errors import UserError

INPUT_HEIGHT, INPUT_WIDTH = 66, 200  # PilotNet, Bojarski et al. 2016, figure 4
ROUNDING = 0.4875  # fractions from here on are rounded up
SKY_MARGIN_DEG = 3.5  # kept above the horizon: the far road and the traffic on it


@dataclass(frozen=True)
class Crop:
    """The rows of a camera frame that show the road; all columns are kept."""

    top_px: int  # first row kept
    bottom_px: int  # one past the last row kept


def road_crop(camera: Camera) -> Crop:
    """The rows from a little above the horizon to the bottom of the frame.

    The horizon of a pinhole camera pitched down by `pitch` stands at v = height / 2 - f tan(pitch).

    Raises:
        UserError: the camera looks so far up that fewer than 8 rows show the road.
    """
    angle = radians(camera.pitch_deg + SKY_MARGIN_DEG)
    top = int(max(0.0, camera.height_px / 2.0 - camera.focal_px * tan(angle)))
    if camera.height_px - top < 8:
        raise UserError(
            f"the camera looks up by {-camera.pitch_deg} degrees and sees less than 8 rows of road; "
            "pitch it further down"
        )
    return Crop(top, camera.height_px)


def preprocess(frames: Any, crop: Crop) -> Any:
    """Crop, resize bilinearly to 66x200 and round to whole grey levels.

    Rounding makes the uint8 cache that training reads equal to what the exported graph computes. Halves are
    common (the weights are simple fractions), and runtimes that add in another order would round them either
    way: the threshold stands a little below, where no simple fraction lies. No antialiasing: it writes an
    invalid ONNX file.

    Args:
        frames: tensor uint8 (N, H, W, 3).
        crop: rows to keep.

    Returns:
        Tensor float32 (N, 66, 200, 3) of whole numbers in 0..255.
    """
    import tensorflow as tf

    road = tf.cast(frames[:, crop.top_px : crop.bottom_px], tf.float32)
    return tf.floor(tf.image.resize(road, (INPUT_HEIGHT, INPUT_WIDTH)) + (1.0 - ROUNDING))
