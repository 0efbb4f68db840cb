"""Where a dataset keeps what on the disk, and which features it has: the LeRobotDataset v3 layout.

    meta/info.json                              version, frame rate, features, totals: the commit record
    meta/drive.json                             what is ours alone: camera calibration, seeds, recordings
    meta/edits.json                             frames that people excluded or marked; missing: none
    meta/writer.lock, meta/edits.lock           empty: who writes holds a lock on them
    meta/stats.json                             minimum, maximum, mean, standard deviation of each feature
    meta/tasks.parquet                          task texts
    meta/episodes/chunk-000/file-000.parquet    one row an episode
    data/chunk-000/file-000.parquet             one row a frame, one row group an episode
    views/chunk-000/file-000.parquet            likewise `view.*`: second pictures, their labels

Other programs take every picture among the features of `info.json` for a camera, and whatever begins with
`action` for something to predict. So second pictures stand where such programs do not look, described in
`drive.json`, and actions that are no label have other names. Datasets of format 1 had them all among the
features; they are read under today's names (`TODAYS_NAMES`).

An episode exists once `info.json` counts it. Files are written as `.part` and renamed, so that
a process killed at any moment leaves a dataset that readers of the format can load, or at most the data
file and the row of one episode that `info.json` does not count yet.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from drive.agent import OBSERVATION
from drive.camera import Camera, camera_from
from drive.core.errors import UserError

CODEBASE_VERSION = "v3.0"
CHUNK_SIZE = 1000  # files in a folder
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIEWS_PATH = "views/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
INFO_PATH = "meta/info.json"
DRIVE_PATH = "meta/drive.json"
EDITS_PATH = "meta/edits.json"
STATS_PATH = "meta/stats.json"
TASKS_PATH = "meta/tasks.parquet"
WRITER_LOCK_PATH = "meta/writer.lock"  # empty; locked while a program adds episodes
EDITS_LOCK_PATH = "meta/edits.lock"  # likewise, while the edits change
JOURNAL_SUFFIX = ".journal"  # an episode that a person still records; `drive serve` adds what a kill left
ASIDE_SUFFIX = f"{JOURNAL_SUFFIX}.bad"  # one that could not be added, and is kept
DRIVE_FORMAT = 2  # version of drive.json
FORMER_FORMAT = 1  # can be read, not appended to

FRONT_IMAGE = "observation.images.front"
VIEW_IMAGE = "view.image"
REWARD = "next.reward"  # of the lane task, from a frame up to the next; older datasets lack it
VIEW_PREFIX = "view."  # features that stand in the files below `views`
TODAYS_NAMES = {  # of features, by their names in format 1
    "observation.images.view": VIEW_IMAGE,
    "action.view": "view.action",
    "action.executed": "executed.action",
    "action.expert": "expert.action",
}
STATE_NAMES = [name for quantity in OBSERVATION.values() for name in quantity.columns]
ACTION_NAMES = ["steering", "acceleration"]

Features = dict[str, dict[str, Any]]

_INDEX_FEATURES: Features = {
    "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    "frame_index": {"dtype": "int64", "shape": [1], "names": None},
    "episode_index": {"dtype": "int64", "shape": [1], "names": None},
    "index": {"dtype": "int64", "shape": [1], "names": None},
    "task_index": {"dtype": "int64", "shape": [1], "names": None},
}
INDEX_COLUMNS = tuple(_INDEX_FEATURES)  # made by the writer, never handed in
VIEW_INDEX_COLUMNS = ("frame_index", "episode_index", "index")  # they say which frame a row of `views` is of


def lane_features(camera: Camera, *, views: bool = True) -> Features:
    """The features of a driving dataset, in the words of `info.json`.

    Args:
        camera: the front camera; shifted views have its size too.
        views: whether each frame has a second picture from a shifted or turned car with its own label.
    """
    image = {
        "dtype": "image",
        "shape": [camera.height_px, camera.width_px, 3],
        "names": ["height", "width", "channels"],
    }
    features: Features = {
        FRONT_IMAGE: image,
        "observation.state": {"dtype": "float32", "shape": [len(STATE_NAMES)], "names": list(STATE_NAMES)},
        "observation.command": {"dtype": "int64", "shape": [1], "names": None},
        "action": {"dtype": "float32", "shape": [2], "names": list(ACTION_NAMES)},
        "executed.action": {"dtype": "float32", "shape": [2], "names": list(ACTION_NAMES)},
        REWARD: {"dtype": "float32", "shape": [1], "names": None},
        "privileged.lateral_offset_m": {"dtype": "float32", "shape": [1], "names": None},
        "privileged.heading_error_rad": {"dtype": "float32", "shape": [1], "names": None},
    }
    if views:
        features |= {
            VIEW_IMAGE: dict(image),
            "view.lateral_m": {"dtype": "float32", "shape": [1], "names": None},
            "view.yaw_rad": {"dtype": "float32", "shape": [1], "names": None},
            "view.action": {"dtype": "float32", "shape": [1], "names": ["steering"]},
        }
    return features | {name: dict(feature) for name, feature in _INDEX_FEATURES.items()}


def hand_features(camera: Camera, *, views: bool = False) -> Features:
    """The features of drives in which a person acts, alone or taking over from an agent.

    Those of `lane_features`, where `action` is the clean label: what the person did where the person
    drives, and what the expert would do where an agent drives. Besides:

    - `expert.action` (2): steering and acceleration that the expert would choose, whoever drives,
    - `intervention`: 1 while the person drives, 0 while an agent does,
    - `mark`: 1 in a stretch that the person marked while driving.
    """
    features = lane_features(camera, views=views)
    counted = {name: features.pop(name) for name in INDEX_COLUMNS}
    return (
        features
        | {
            "expert.action": {"dtype": "float32", "shape": [2], "names": list(ACTION_NAMES)},
            "intervention": {"dtype": "int64", "shape": [1], "names": None},
            "mark": {"dtype": "int64", "shape": [1], "names": None},
        }
        | counted
    )


def arrow_schema(features: Features) -> pa.Schema:
    """The parquet schema of files of frames, with the note that tells the `datasets` library of pictures.

    A feature of shape [1] is a scalar column, of shape [n] a fixed-size list, a picture a struct of its
    encoded bytes and a path that stays null.
    """
    import json

    fields, notes = [], {}
    for name, feature in features.items():
        if feature["dtype"] == "image":
            kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            note: dict[str, Any] = {"_type": "Image"}
        else:
            kind = pa.type_for_alias(feature["dtype"])
            note = {"dtype": feature["dtype"], "_type": "Value"}
            if feature["shape"] != [1]:
                kind = pa.list_(kind, feature["shape"][0])
                note = {"feature": note, "length": feature["shape"][0], "_type": "Sequence"}
        fields.append(pa.field(name, kind))
        notes[name] = note
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": notes}})})


def image_names(features: Features) -> list[str]:
    """The features that are pictures."""
    return [name for name, feature in features.items() if feature["dtype"] == "image"]


def split_views(features: Features) -> tuple[Features, Features]:
    """The features that stand in the data files, and those that stand in the files of views."""
    views = {name: feature for name, feature in features.items() if name.startswith(VIEW_PREFIX)}
    return {name: feature for name, feature in features.items() if name not in views}, views


def place(number: int) -> tuple[int, int]:
    """(chunk_index, file_index) of the n-th file, counted from 0."""
    return divmod(number, CHUNK_SIZE)


def data_file(root: Path, chunk_index: int, file_index: int) -> Path:
    """The file that holds frames."""
    return root / DATA_PATH.format(chunk_index=chunk_index, file_index=file_index)


def views_file(root: Path, chunk_index: int, file_index: int) -> Path:
    """The file that holds second pictures and their labels."""
    return root / VIEWS_PATH.format(chunk_index=chunk_index, file_index=file_index)


def episodes_file(root: Path, chunk_index: int, file_index: int) -> Path:
    """The file that holds episode rows."""
    return root / EPISODES_PATH.format(chunk_index=chunk_index, file_index=file_index)


def camera_to_json(camera: Camera) -> dict[str, Any]:
    """The camera's calibration as plain values."""
    return camera.to_json()


def camera_from_json(values: Mapping[str, Any], source: Path) -> Camera:
    """The camera of a dataset.

    Raises:
        UserError: fields are missing, unknown or out of range.
    """
    try:
        return camera_from(values, "camera")
    except UserError as error:
        raise UserError(f"{source}: the camera is not readable ({error}); restore the file.") from error
