"""A small world of pictures: a bright line on dark ground, whose offset is the steering; 8 m/s is right."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.dataset import DatasetWriter

CAMERA = Camera(width_px=96, height_px=64)


def line_frame(steering: float, rng: np.random.Generator, camera: Camera = CAMERA) -> NDArray[np.uint8]:
    """A frame whose line ends left of the middle for steering > 0."""
    height, width = camera.height_px, camera.width_px
    frame = rng.integers(40, 70, (height, width, 3), np.uint8)
    foot = (round(width / 2 + rng.uniform(-4, 4)), height)
    top = (round(width / 2 - steering * width * 0.4), height // 2)
    cv2.line(frame, foot, top, (230, 230, 220), 3)
    return frame


def target_acceleration(speed: NDArray) -> NDArray:
    """The label of the pedals, a fraction: what brings a speed [m/s] to 8 m/s."""
    return (8.0 - speed) / 10.0


def _jpeg(frame: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".jpg", frame[:, :, ::-1])[1])


def write_lines(root: Path, *, episodes: int = 4, length: int = 40, camera: Camera = CAMERA) -> Path:
    """Record a dataset of line frames, half of it labelled as shifted views."""
    rng = np.random.default_rng(0)
    with DatasetWriter(root, fps=20, camera=camera, driver="expert") as writer:
        for episode in range(episodes):
            front = rng.uniform(-0.9, 0.9, length).astype(np.float32)
            view = rng.uniform(-0.9, 0.9, length).astype(np.float32)
            speed = rng.uniform(2.0, 14.0, length).astype(np.float32)
            action = np.stack([front, target_acceleration(speed)], 1)
            low, high = (-0.1, 6.0, 10.0, -5.0), (0.1, 25.0, 200.0, 5.0)  # yaw rate, limit, lead
            others = rng.uniform(low, high, (length, 4)).T
            columns = {
                "observation.images.front": [_jpeg(line_frame(s, rng, camera)) for s in front],
                "view.image": [_jpeg(line_frame(s, rng, camera)) for s in view],
                "observation.state": np.stack([speed, *others.astype(np.float32)], 1),
                "observation.command": np.zeros(length, np.int64),
                "action": action,
                "executed.action": action,
                "next.reward": (0.01 * np.arange(length)).astype(np.float32),
                "view.action": view,
                "view.lateral_m": np.zeros(length, np.float32),
                "view.yaw_rad": np.zeros(length, np.float32),
                "privileged.lateral_offset_m": np.zeros(length, np.float32),
                "privileged.heading_error_rad": np.zeros(length, np.float32),
            }
            writer.add_episode(columns, seed=100 + episode, scenario=f"lines/{episode}", weather="overcast")
    return root
