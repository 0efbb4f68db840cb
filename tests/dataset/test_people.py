"""Drives by people, and by other programs: who drove, how it ended, and what may be learned from it."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset import (
    FRONT_IMAGE,
    INDEX_COLUMNS,
    DatasetWriter,
    Features,
    check,
    hand_features,
    lane_features,
    read_episode,
    read_info,
)
from drive.episode import FAILED_ENDS
from tests.dataset.test_dataset import CAMERA, make_columns

HAND = hand_features(CAMERA)


def hand_columns(length: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    known = make_columns(length, seed)
    columns = {name: known[name] for name in HAND if name in known}
    return columns | {
        "expert.action": rng.uniform(-1, 1, (length, 2)).astype(np.float32),
        "intervention": (np.arange(length) >= length // 2).astype(np.int64),
        "mark": (np.arange(length) == 1).astype(np.int64),
    }


def by_hand(root: Path, **options: object) -> DatasetWriter:
    settings = {"fps": 20, "camera": CAMERA, "driver": "person", "features": HAND} | options
    return DatasetWriter(root, **settings)  # type: ignore[arg-type]


def test_a_persons_drive_keeps_who_drove_and_how_it_ended(tmp_path: Path) -> None:
    columns = hand_columns(6, 0)
    with by_hand(tmp_path, person="Ada", note="with a wheel", map_name="Town02") as writer:
        writer.add_episode(columns, seed=3, scenario="town/3", weather="wet", ended="stopped")
        writer.add_episode(hand_columns(4, 1), seed=3, ended="goal", driver="pilotnet", person="Bo", note="")
    info = read_info(tmp_path)
    assert [(r.driver, r.person, r.note, r.ended) for r in info.episodes] == [
        ("person", "Ada", "with a wheel", "stopped"),
        ("pilotnet", "Bo", "", "goal"),
    ]
    recording = info.recording_of(1)
    assert recording is not None and recording["map"] == "Town02" and recording["person"] == "Ada"
    assert info.map_of(1) == "Town02"
    assert (recording["episodes"], recording["seeds"], info.seeds) == ([0, 1], [3, 3], {3})
    read = read_episode(info, 0)
    for name, values in columns.items():
        assert np.array_equal(np.asarray(read[name]), np.asarray(values)), name
    assert check(tmp_path) == []


def test_hand_features_are_the_lanes_and_more_with_the_counted_last() -> None:
    assert list(HAND)[-len(INDEX_COLUMNS) :] == list(INDEX_COLUMNS)
    lane = lane_features(CAMERA, views=False)
    assert {name: HAND[name] for name in lane} == lane
    assert set(HAND) - set(lane) == {"expert.action", "intervention", "mark"}
    assert set(hand_features(CAMERA, views=True)) >= set(lane_features(CAMERA))


@pytest.mark.parametrize("ended", FAILED_ENDS)
def test_a_crash_is_kept_and_not_learned_from(tmp_path: Path, ended: str) -> None:
    with by_hand(tmp_path) as writer:
        writer.add_episode(hand_columns(4, 0), seed=0, ended="stopped")
        writer.add_episode(hand_columns(5, 1), seed=1, ended=ended)
    info = read_info(tmp_path)
    assert [row.failed for row in info.episodes] == [False, True]
    assert info.training_mask(0).all() and not info.training_mask(1).any()
    assert info.training_mask(1, failed=True).all()
    assert info.total_frames == 9 and len(read_episode(info, 1)["action"]) == 5


def test_an_unknown_end_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with by_hand(tmp_path) as writer, pytest.raises(ValueError, match="ended is 'boom'; take one of goal"):
        writer.add_episode(hand_columns(4, 0), seed=0, ended="boom")
    assert not (tmp_path / "meta").exists()


def test_data_of_another_program_without_seed_and_calibration(tmp_path: Path) -> None:
    camera = Camera(width_px=160, height_px=120)
    known = lane_features(camera, views=False)
    features: Features = {
        FRONT_IMAGE: known[FRONT_IMAGE],
        "observation.state": {"dtype": "float32", "shape": [2], "names": ["speed_mps", "throttle"]},
        "action": known["action"],
    } | {name: known[name] for name in INDEX_COLUMNS}
    columns = {
        FRONT_IMAGE: hand_columns(3, 0)[FRONT_IMAGE],
        "observation.state": np.ones((3, 2), np.float32),
        "action": np.zeros((3, 2), np.float32),
    }
    for _ in range(2):
        with DatasetWriter(
            tmp_path, fps=14, camera=camera, driver="person", features=features, calibrated=False
        ) as writer:
            writer.add_episode(columns, seed=None, scenario="tub/1")
    info = read_info(tmp_path)
    assert not info.calibrated and info.fps == 14 and info.seeds == frozenset()
    assert [row.seed for row in info.episodes] == [None, None]
    assert [recording["episodes"] for recording in info.recordings] == [[0], [1]]
    assert pq.read_schema(tmp_path / "meta/episodes/chunk-000/file-000.parquet").field("seed").type == "int64"
    assert check(tmp_path) == []
    with pytest.raises(UserError, match="has an assumed camera calibration, this recording a known one"):
        DatasetWriter(tmp_path, fps=14, camera=camera, driver="person", features=features)
