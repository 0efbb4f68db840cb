"""Which camera took another program's pictures: what is known of it, and what is assumed."""

from math import atan2, degrees
from typing import Any

from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset.layout import camera_from_json, camera_to_json
from drive.interchange.foreign import CAMERA_GUESSES, SIDECAR, ForeignLog
from drive.interchange.import_settings import ImportSettings


def camera_of(
    config: ImportSettings, log: ForeignLog, width_px: int, height_px: int
) -> tuple[Camera, list[str]]:
    """The camera, and the names of what about it is assumed.

    A calibration that an export of ours left beside the log is taken; flags go before it.

    Raises:
        UserError: the pictures or the horizon are of no such camera.
    """
    known: dict[str, Any] = {}
    assumed = list(CAMERA_GUESSES)
    if log.sidecar:
        known = camera_to_json(camera_from_json(log.sidecar["camera"], log.folder / SIDECAR))
        assumed = list(log.sidecar["assumed"])
    for name, value in (("fov_deg", config.fov_deg), ("z", config.camera_height_m)):
        if value is not None:
            known[name] = value
            assumed = [one for one in assumed if one != name]
    try:
        camera = Camera(**known | {"width_px": width_px, "height_px": height_px})
        if config.horizon_px is not None:
            down = degrees(atan2(height_px / 2.0 - config.horizon_px, camera.focal_px))
            camera = Camera(**camera_to_json(camera) | {"pitch_deg": down})
            assumed = [one for one in assumed if one != "pitch_deg"]
    except ValueError as error:
        raise UserError(f"{log.folder}: no camera fits: {error}") from error
    return camera, assumed
