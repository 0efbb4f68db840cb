"""The descriptions that a writer keeps: `info.json`, and the recordings in `drive.json`."""

from collections.abc import Sequence
from typing import Any

from drive.camera import Camera
from drive.dataset.files import json_file
from drive.dataset.layout import (
    CHUNK_SIZE,
    CODEBASE_VERSION,
    DATA_PATH,
    DRIVE_FORMAT,
    Features,
    camera_to_json,
    split_views,
)
from drive.dataset.reader import DatasetInfo

ROBOT_TYPE = "drive_car"


def info_json(fps: int, features: Features, episodes: int, frames: int, tasks: int) -> bytes:
    """The content of `info.json`."""
    return json_file(
        {
            "codebase_version": CODEBASE_VERSION,
            "fps": fps,
            "features": split_views(features)[0],
            "total_episodes": episodes,
            "total_frames": frames,
            "total_tasks": tasks,
            "chunks_size": CHUNK_SIZE,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 500,
            "data_path": DATA_PATH,
            "video_path": None,
            "robot_type": ROBOT_TYPE,
            "splits": {"train": f"0:{episodes}"},
        }
    )


def drive_json(
    camera: Camera, calibrated: bool, features: Features, recordings: Sequence[dict[str, Any]]
) -> bytes:
    """The content of `drive.json`."""
    values = {
        "format": DRIVE_FORMAT,
        "camera": camera_to_json(camera),
        "views": split_views(features)[1],
        "recordings": list(recordings),
    }
    return json_file(values if calibrated else values | {"calibrated": False})


def existing_recordings(info: DatasetInfo) -> list[dict[str, Any]]:
    """The recordings of a dataset, less an episode that a kill kept from being counted."""
    kept, count = info.seeds, info.total_episodes
    recordings = []
    for one in info.recordings:
        found = {**one, "seeds": [seed for seed in one["seeds"] if seed in kept]}
        if "episodes" in one:
            found["episodes"] = [episode for episode in one["episodes"] if episode < count]
        if found["seeds"] or found["dropped_seeds"] or found.get("episodes"):
            recordings.append(found)
    return recordings
