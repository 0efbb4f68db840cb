"""Training sees the frames that may be learned from, and no other."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drive.core.errors import UserError
from drive.dataset import DatasetInfo, DatasetWriter, exclude, lane_features, read_episode, read_info, restore
from drive.dataset.files import parquet
from drive.models.data.decoding import FrameFilter
from drive.models.data.samples import Samples, open_samples
from drive.models.networks.pilotnet import PILOTNET
from tests.models.synthetic import CAMERA


def decoded(info: DatasetInfo, folder: Path, **choice: bool) -> Samples:
    return open_samples([info], PILOTNET, folder, chosen=FrameFilter(**choice))


def labels(info: DatasetInfo, episode: int, frames: slice) -> np.ndarray:
    read = read_episode(info, episode, ["action", "view.action"])
    return np.concatenate([np.asarray(read["action"])[frames, 0], np.asarray(read["view.action"])[frames]])


def test_excluded_frames_are_not_trained_on_until_restored(lines: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(lines, root)
    everything = decoded(read_info(root), tmp_path / "cache")
    exclude(root, 0, 10)
    exclude(root, 2)
    info = read_info(root)
    samples = decoded(info, tmp_path / "cache")
    assert len(samples.labels[:, 0]) == 2 * (10 + 40 + 40)
    np.testing.assert_array_equal(samples.labels[:, 0][:20], labels(info, 0, slice(0, 10)))
    np.testing.assert_array_equal(samples.pictures[:10], everything.pictures[:10])
    np.testing.assert_array_equal(samples.pictures[20:60], everything.pictures[80:120])  # episode 1
    np.testing.assert_array_equal(np.bincount(samples.episode), [20, 80, 80])
    restore(root, 0)
    restore(root, 2)
    again = decoded(read_info(root), tmp_path / "cache")
    np.testing.assert_array_equal(again.labels[:, 0], everything.labels[:, 0])


def test_a_crash_is_trained_on_only_when_asked_for(lines: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(lines, root)
    path = root / "meta/episodes/chunk-000/file-001.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index("ended")
    path.write_bytes(parquet(table.set_column(at, "ended", pa.array(["crash"]))))
    info = read_info(root)
    assert len(decoded(info, tmp_path / "cache").labels[:, 0]) == 2 * 120
    assert len(decoded(info, tmp_path / "cache", failed=True).labels[:, 0]) == 2 * 160
    for episode in range(4):
        exclude(root, episode)
    with pytest.raises(UserError, match="no frame is left to learn from"):
        decoded(read_info(root), tmp_path / "cache", failed=True)
    assert not list((tmp_path / "cache").glob("*.part"))


def test_only_what_a_person_drove_can_be_trained_on(lines: Path, tmp_path: Path) -> None:
    features = lane_features(CAMERA) | {"intervention": {"dtype": "int64", "shape": [1], "names": None}}
    columns = read_episode(lines, 0, [name for name in lane_features(CAMERA) if "index" not in name])
    del columns["timestamp"]
    with DatasetWriter(tmp_path / "set", fps=20, camera=CAMERA, driver="net", features=features) as writer:
        writer.add_episode(columns | {"intervention": np.arange(40) >= 30}, seed=0)
    info = read_info(tmp_path / "set")
    samples = decoded(info, tmp_path / "cache", only_person=True, min_duration_s=1.0)
    np.testing.assert_array_equal(samples.labels[:, 0], labels(info, 0, slice(30, 40)))
    assert len(decoded(info, tmp_path / "cache").labels[:, 0]) == 80
    assert len(decoded(read_info(lines), tmp_path / "cache", only_person=True).labels[:, 0]) == 320


def test_the_experts_answer_can_be_learned_instead_of_the_persons_action(lines: Path, tmp_path: Path) -> None:
    columns = read_episode(lines, 0, [name for name in lane_features(CAMERA) if "index" not in name])
    del columns["timestamp"]
    expert = {"dtype": "float32", "shape": [2], "names": ["steering", "acceleration"]}
    features = lane_features(CAMERA) | {"expert.action": expert}
    answers = np.stack([np.linspace(-0.5, 0.5, 40), np.zeros(40)], axis=1).astype(np.float32)
    with DatasetWriter(tmp_path / "set", fps=20, camera=CAMERA, driver="person", features=features) as writer:
        writer.add_episode(columns | {"expert.action": answers}, seed=0)
    info = read_info(tmp_path / "set")
    person = decoded(info, tmp_path / "cache").labels[:, 0]
    expert_labels = decoded(info, tmp_path / "cache", expert_labels=True).labels[:, 0]
    np.testing.assert_array_equal(person, labels(info, 0, slice(0, 40)))
    np.testing.assert_array_equal(expert_labels[:40], answers[:, 0])
    np.testing.assert_array_equal(expert_labels[40:], person[40:])  # shifted views have the expert's anyway
    assert len(decoded(read_info(lines), tmp_path / "cache", expert_labels=True).labels[:, 0]) == 320
