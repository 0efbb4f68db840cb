"""Recordings by hand without a simulator: small pictures, numbered rows."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from drive.camera import Camera
from drive.web.serve.recorder import HandRecorder
from drive.web.serve.recording_buffer import RecordingFacts

CAMERA = Camera(width_px=32, height_px=16)
FACTS = RecordingFacts(seed=3, scenario="seed/3", weather="wet", map="generated", driver="person")
PICTURE = cv2.imencode(".jpg", np.full((16, 32, 3), 90, np.uint8))[1].tobytes()


def row(number: float, intervention: int = 1) -> dict[str, Any]:
    """A frame's numbers; `number` comes back as its lateral offset."""
    return {
        "observation.state": [8.0, 0.0, 13.0, 200.0, 0.0],
        "observation.command": 0,
        "privileged.lateral_offset_m": float(number),
        "privileged.heading_error_rad": 0.0,
        "action": [0.1, 0.0],
        "executed.action": [0.1, 0.0],
        "next.reward": 0.05,
        "expert.action": [0.2, 0.0],
        "intervention": intervention,
    }


def add(recorder: HandRecorder, steps: range) -> None:
    """Drive frames numbered by their steps."""
    for step in steps:
        recorder.add(step, row(step), {"observation.images.front": PICTURE})


def open_recorder(root: Path, said: list[str] | None = None) -> HandRecorder:
    """A recorder with a drive at its start."""
    recorder = HandRecorder(
        root, CAMERA, notify=lambda level, text: (said if said is not None else []).append(f"{level}: {text}")
    )
    recorder.begin_drive(FACTS)
    return recorder
