"""What an export lays beside files that have no place for it, so that an import finds it again."""

import json
from pathlib import Path

from drive.dataset import DatasetInfo
from drive.dataset.layout import camera_to_json
from drive.interchange.foreign import CAMERA_GUESSES, SIDECAR


def write_sidecar(info: DatasetInfo, folder: Path, full_lock_deg: float) -> None:
    """Note the camera, the frame rate and the steering range."""
    noted = {name for recording in info.recordings for name in recording.get("config", {}).get("assumed", ())}
    assumed = [] if info.calibrated else [name for name in CAMERA_GUESSES if name in noted]
    drivers = {row.driver for row in info.episodes}
    values = {
        "camera": camera_to_json(info.camera),
        "assumed": assumed or ([] if info.calibrated else list(CAMERA_GUESSES)),
        "driver": drivers.pop() if len(drivers) == 1 else "",
        "fps": info.fps,
        "max_steering_deg": full_lock_deg,
    }
    (folder / SIDECAR).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
