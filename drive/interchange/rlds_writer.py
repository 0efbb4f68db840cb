"""Writes TFRecord files in the RLDS layout, with the descriptions that TensorFlow Datasets reads.

One record an episode, a `tf.train.Example` whose lists run over the steps:

    steps/observation/camera     T encoded pictures          steps/is_first, is_last, is_terminal    T
    steps/observation/speed      T x 1, ...                  steps/reward, steps/discount            T
    steps/action                 T x 2                       episode_metadata/scenario, ...          1

The names and the JSON are those of RLDS and of `tfds.core.DatasetInfo`.
"""

import errno
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from drive.dataset import DatasetInfo
from drive.interchange.drives import Drive, Selection
from drive.interchange.observations import known_parts, numbers, rewards
from drive.interchange.pictures import PNG, shape_of

SHARD_EPISODES = 32
VERSION = "1.0.0"
_FEATURES = "tensorflow_datasets.core.features"


def write_rlds(selection: Selection, folder: Path, name: str) -> list[str]:
    """Write the episodes, `features.json` and `dataset_info.json`.

    The last step's action and reward are real; no observation after it is recorded, so that nothing is
    terminal; the discount is 1. Rewards are the lane task's up to the next step, 0 where none was recorded.

    Returns:
        What the format could not hold.

    Raises:
        UserError: TensorFlow is not installed.
    """
    from drive.models.training.device import load_tensorflow

    tf = load_tensorflow()
    try:
        return _write_all(tf, selection, folder, name)
    except tf.errors.ResourceExhaustedError as error:  # a full disk, as `new_folder` knows it
        raise OSError(errno.ENOSPC, str(error)) from error


def _write_all(tf: Any, selection: Selection, folder: Path, name: str) -> list[str]:
    title = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "drive"
    if not title[0].isalpha():
        title = f"drive_{title}"
    shards = -(-selection.drives // SHARD_EPISODES)
    lengths, size, writer = [0] * shards, 0, None
    pictures: tuple[tuple[int, ...], bool] | None = None
    for number, drive in enumerate(selection):
        if pictures is None:
            pictures = (shape_of(drive.pictures[0]), drive.pictures[0].startswith(PNG))
        shard = number // SHARD_EPISODES
        if number % SHARD_EPISODES == 0:
            if writer is not None:
                writer.close()
            path = folder / f"{title}-train.tfrecord-{shard:05d}-of-{shards:05d}"
            writer = tf.io.TFRecordWriter(str(path))
        record = _example(tf, drive, selection.info).SerializeToString()
        writer.write(record)  # type: ignore[union-attr]
        lengths[shard] += 1
        size += len(record)
    writer.close()  # type: ignore[union-attr]
    assert pictures is not None
    _write(folder / "features.json", _described(selection.info, *pictures))
    split = {
        "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
        "name": "train",
        "numBytes": str(size),
        "shardLengths": [str(length) for length in lengths],
    }
    about = {
        "description": f"Driving at {selection.info.fps} frames a second. Actions: steering, a fraction of "
        "0.6 rad at the road wheels, left positive, and acceleration, +1 = 3 m/s2, -1 = -8 m/s2.",
        "fileFormat": "tfrecord",
        "name": title,
        "splits": [split],
        "version": VERSION,
    }
    _write(folder / "dataset_info.json", about)
    return []


def _example(tf: Any, drive: Drive, info: DatasetInfo) -> Any:
    """One episode."""
    count = np.arange(drive.length)
    whole: dict[str, Any] = {
        "steps/is_first": count == 0,
        "steps/is_last": count == drive.length - 1,
        "steps/is_terminal": np.zeros(drive.length, np.bool_),
        "steps/reward": rewards(drive).astype(np.float32),
        "steps/discount": np.ones(drive.length, np.float32),
        "steps/action": np.asarray(drive.frames["action"], np.float32),
        "steps/action_executed": np.asarray(drive.frames["executed.action"], np.float32),
        "episode_metadata/episode": np.array([drive.row.index]),
        "episode_metadata/first_frame": np.array([drive.first]),
    }
    whole |= {f"steps/observation/{key}": values for key, values in numbers(drive, info.features).items()}
    train = tf.train
    found = {}
    for key, values in whole.items():
        flat = values.reshape(-1)
        if flat.dtype.kind == "f":
            found[key] = train.Feature(float_list=train.FloatList(value=flat))
        else:
            found[key] = train.Feature(int64_list=train.Int64List(value=flat.astype(np.int64)))
    texts = {"scenario": drive.row.scenario, "weather": drive.row.weather, "driver": drive.row.driver}
    for key, text in texts.items():
        value = train.BytesList(value=[text.encode()])
        found[f"episode_metadata/{key}"] = train.Feature(bytes_list=value)
    found["steps/observation/camera"] = train.Feature(bytes_list=train.BytesList(value=drive.pictures))
    return train.Example(features=train.Features(feature=found))


def _described(info: DatasetInfo, shape: tuple[int, ...], png: bool) -> dict[str, Any]:
    """The features in the words of `tfds.features`."""
    camera = {
        "pythonClassName": f"{_FEATURES}.image_feature.Image",
        "image": {
            "shape": _shape([*shape, 1][:3]),
            "dtype": "uint8",
            "encodingFormat": "png" if png else "jpeg",
        },
    }
    observation = {key: _tensor("float32", len(parts)) for key, parts in known_parts(info.features).items()}
    steps = {
        "observation": _dict({"camera": camera, "command": _tensor("int64"), **observation}),
        "action": _tensor("float32", 2),
        "action_executed": _tensor("float32", 2),
        "reward": _tensor("float32"),
        "discount": _tensor("float32"),
    } | {name: _tensor("bool") for name in ("is_first", "is_last", "is_terminal")}
    text = {"pythonClassName": f"{_FEATURES}.text_feature.Text", "text": {}}
    metadata = {"episode": _tensor("int64"), "first_frame": _tensor("int64")}
    sequence = {"feature": _dict(steps), "length": "-1"}
    return _dict(
        {
            "steps": {"pythonClassName": f"{_FEATURES}.dataset_feature.Dataset", "sequence": sequence},
            "episode_metadata": _dict(metadata | {name: text for name in ("scenario", "weather", "driver")}),
        }
    )


def _dict(features: dict[str, Any]) -> dict[str, Any]:
    return {
        "pythonClassName": f"{_FEATURES}.features_dict.FeaturesDict",
        "featuresDict": {"features": features},
    }


def _tensor(dtype: str, length: int | None = None) -> dict[str, Any]:
    kind = "scalar.Scalar" if length is None else "tensor_feature.Tensor"
    shape = {} if length is None else _shape([length])
    return {
        "pythonClassName": f"{_FEATURES}.{kind}",
        "tensor": {"shape": shape, "dtype": dtype, "encoding": "none"},
    }


def _shape(sizes: list[int]) -> dict[str, Any]:
    return {"dimensions": [str(size) for size in sizes]}


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
