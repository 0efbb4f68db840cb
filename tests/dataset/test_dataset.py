"""The dataset on disk: round trips, appending, statistics, and the layout other readers count on."""

import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset import (
    FRONT_IMAGE,
    INDEX_COLUMNS,
    VIEW_IMAGE,
    DatasetWriter,
    check,
    iter_episodes,
    iter_frames,
    lane_features,
    read_episode,
    read_info,
)

CAMERA = Camera(width_px=32, height_px=16)


def make_columns(length: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    columns: dict = {}
    for name, feature in lane_features(CAMERA).items():
        if name in INDEX_COLUMNS:
            continue
        if feature["dtype"] == "image":
            pictures = rng.integers(0, 256, (length, 16, 32, 3), dtype=np.uint8)
            columns[name] = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
        elif feature["dtype"] == "int64":
            columns[name] = rng.integers(0, 4, length)
        else:
            shape = (length,) if feature["shape"] == [1] else (length, *feature["shape"])
            columns[name] = rng.normal(size=shape).astype(np.float32)
    return columns


def write(root: Path, lengths: list[int], first_seed: int = 0, **options) -> list[dict]:
    settings = {"fps": 20, "camera": CAMERA, "driver": "expert"} | options
    episodes = [make_columns(length, first_seed + i) for i, length in enumerate(lengths)]
    with DatasetWriter(root, **settings) as writer:
        for i, columns in enumerate(episodes):
            writer.add_episode(columns, seed=first_seed + i, scenario=f"lane/{i}", weather="overcast")
    return episodes


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    episodes = write(tmp_path / "set", [5, 3])
    info = read_info(tmp_path / "set")
    assert (info.total_episodes, info.total_frames, info.fps, info.camera) == (2, 8, 20, CAMERA)
    assert [(row.length, row.first, row.seed, row.weather) for row in info.episodes] == [
        (5, 0, 0, "overcast"),
        (3, 5, 1, "overcast"),
    ]
    assert info.seeds == {0, 1}
    for i, written in enumerate(episodes):
        read = read_episode(info, i)
        assert list(read) == list(info.features)
        for name, values in written.items():
            assert np.array_equal(np.asarray(read[name]), np.asarray(values)), name
    assert check(tmp_path / "set") == []


def test_numbers_run_on_over_episodes(tmp_path: Path) -> None:
    write(tmp_path, [4, 2, 3])
    columns = {name: [] for name in INDEX_COLUMNS}
    for _, frames in iter_episodes(tmp_path, INDEX_COLUMNS):
        for name, values in frames.items():
            columns[name].extend(values)
    assert columns["index"] == list(range(9))
    assert columns["episode_index"] == [0] * 4 + [1] * 2 + [2] * 3
    assert columns["frame_index"] == [0, 1, 2, 3, 0, 1, 0, 1, 2]
    assert np.allclose(columns["timestamp"], np.array(columns["frame_index"]) / 20)
    assert columns["task_index"] == [0] * 9


def test_frames_can_be_read_one_by_one_with_few_columns(tmp_path: Path) -> None:
    episodes = write(tmp_path, [3, 2])
    frames = list(iter_frames(tmp_path, [FRONT_IMAGE, "action"], episodes=[1]))
    assert len(frames) == 2 and list(frames[0]) == [FRONT_IMAGE, "action"]
    assert frames[1][FRONT_IMAGE] == episodes[1][FRONT_IMAGE][1]
    assert np.array_equal(frames[0]["action"], episodes[1]["action"][0])


def test_recording_again_appends(tmp_path: Path) -> None:
    write(tmp_path, [4])
    earlier = (tmp_path / "data/chunk-000/file-000.parquet").read_bytes()
    write(tmp_path, [3, 2], first_seed=7, driver="somebody", map_name="Town02")
    info = read_info(tmp_path)
    assert (info.total_episodes, info.total_frames) == (3, 9)
    assert [row.driver for row in info.episodes] == ["expert", "somebody", "somebody"]
    assert [recording["seeds"] for recording in info.recordings] == [[0], [7, 8]]
    assert info.maps == ("generated", "Town02")
    assert (tmp_path / "data/chunk-000/file-000.parquet").read_bytes() == earlier
    assert check(tmp_path) == []


def test_dropped_seeds_are_kept_in_mind(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert") as writer:
        writer.drop(3)
        writer.add_episode(make_columns(2, 4), seed=4)
        writer.drop(5)
    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert") as writer:
        assert writer.used_seeds == {3, 4, 5}
    assert read_info(tmp_path).dropped_seeds == {3, 5}


def test_statistics_are_those_of_all_frames(tmp_path: Path) -> None:
    episodes = write(tmp_path, [5, 9])
    write(tmp_path, [2], first_seed=50)
    episodes.append(make_columns(2, 50))
    stats = json.loads((tmp_path / "meta/stats.json").read_text())
    state = np.concatenate([episode["observation.state"] for episode in episodes]).astype(np.float64)
    found = stats["observation.state"]
    assert np.allclose(found["mean"], state.mean(axis=0)) and np.allclose(found["std"], state.std(axis=0))
    assert np.allclose(found["min"], state.min(axis=0)) and np.allclose(found["max"], state.max(axis=0))
    assert found["count"] == [16]
    assert stats["index"]["min"] == [0.0] and stats["index"]["max"] == [15.0]

    pictures = [cv2.imdecode(np.frombuffer(p, np.uint8), 1) for e in episodes for p in e[FRONT_IMAGE]]
    pixels = np.stack(pictures)[:, ::4, ::4, ::-1].reshape(-1, 3) / 255.0
    found = stats[FRONT_IMAGE]
    assert np.shape(found["mean"]) == (3, 1, 1) and found["count"] == [16]
    assert np.allclose(np.ravel(found["mean"]), pixels.mean(axis=0))
    assert np.allclose(np.ravel(found["std"]), pixels.std(axis=0))


def test_layout_is_the_one_other_readers_count_on(tmp_path: Path) -> None:
    write(tmp_path, [4, 2])
    info = json.loads((tmp_path / "meta/info.json").read_text())
    assert set(info) == {
        "codebase_version", "fps", "features", "total_episodes", "total_frames", "total_tasks", "chunks_size",
        "data_files_size_in_mb", "video_files_size_in_mb", "data_path", "video_path", "robot_type", "splits",
    }  # fmt: skip
    assert info["codebase_version"] == "v3.0" and info["splits"] == {"train": "0:2"}
    file = pq.ParquetFile(tmp_path / info["data_path"].format(chunk_index=0, file_index=1))
    assert file.num_row_groups == 1
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert list(kinds) == list(info["features"])
    assert kinds[FRONT_IMAGE] == "struct<bytes: binary, path: string>"
    assert kinds["action"].startswith("fixed_size_list") and kinds["action"].endswith("[2]")
    assert kinds["privileged.lateral_offset_m"] == "float" and kinds["index"] == "int64"
    row = pq.read_table(tmp_path / "meta/episodes/chunk-000/file-001.parquet").to_pylist()[0]
    assert (row["dataset_from_index"], row["dataset_to_index"], row["length"]) == (4, 6, 2)
    assert (row["data/chunk_index"], row["data/file_index"], row["tasks"]) == (0, 1, ["follow the lane"])
    assert np.shape(row[f"stats/{FRONT_IMAGE}/std"]) == (3, 1, 1)
    tasks = pq.read_table(tmp_path / "meta/tasks.parquet")
    note = json.loads(tasks.schema.metadata[b"pandas"])
    assert note["index_columns"] == ["task"]
    assert tasks.to_pydict() == {"task_index": [0], "task": ["follow the lane"]}


def test_other_readers_find_one_camera_and_one_action(tmp_path: Path) -> None:
    write(tmp_path, [4, 2])
    features = json.loads((tmp_path / "meta/info.json").read_text())["features"]
    # LeRobot takes every picture for a camera, and whatever begins with "action" for a target
    assert [name for name, one in features.items() if one["dtype"] == "image"] == [FRONT_IMAGE]
    assert [name for name in features if name.startswith("action")] == ["action"]
    view = pq.read_table(tmp_path / "views/chunk-000/file-001.parquet")
    assert view["index"].to_pylist() == [4, 5] and view["episode_index"].to_pylist() == [1, 1]
    assert {VIEW_IMAGE, "view.action", "view.lateral_m", "view.yaw_rad"} < set(view.column_names)


def test_many_episodes_in_one_file_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, [4, 2, 3])
    rows = sorted((tmp_path / "meta/episodes/chunk-000").iterdir())
    for folder in ("data", "views"):
        files = sorted((tmp_path / folder / "chunk-000").iterdir())
        tables = [pq.read_table(path) for path in files]
        with pq.ParquetWriter(files[0], tables[0].schema) as packed:
            for table in tables:
                packed.write_table(table)
        for path in files[1:]:
            path.unlink()
    for path in rows:
        table = pq.read_table(path)
        at = table.schema.get_field_index("data/file_index")
        pq.write_table(table.set_column(at, "data/file_index", [[0]]), path)
    info = read_info(tmp_path)
    assert [len(read_episode(info, i, ["action"])["action"]) for i in range(3)] == [4, 2, 3]
    assert check(tmp_path) == []
    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert") as writer:
        writer.add_episode(make_columns(2, 9), seed=9)
    assert check(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"camera": Camera(width_px=64, height_px=16)}, "width_px 32, this recording has 64"),
        ({"camera": Camera(width_px=32, height_px=16, z=1.6)}, "camera z 1.4, this recording has 1.6"),
        ({"fps": 10}, "has 20 frames a second, this recording 10"),
        ({"features": lane_features(CAMERA, views=False)}, "other features than this recording .view.action"),
    ],
)
def test_appending_another_kind_of_frames_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    write(tmp_path, [2])
    with pytest.raises(UserError, match=message):
        DatasetWriter(tmp_path, **{"fps": 20, "camera": CAMERA, "driver": "expert"} | change)
    write(tmp_path, [2], first_seed=3)
    assert check(tmp_path) == []


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    with (
        DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert"),
        pytest.raises(UserError, match="being written by another process"),
    ):
        DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert")
    DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert").close()


def test_columns_that_do_not_fit_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    good = make_columns(3, 0)
    nan = good["action"].copy()
    nan[2, 0] = np.nan
    bad = {
        "lack view.action": {k: v for k, v in good.items() if k != "view.action"},
        "columns speed are no features": good | {"speed": np.zeros(3)},
        "same number of frames": good | {"view.yaw_rad": np.zeros(2)},
        r"action has the shape \(3, 3\); expected \(3, 2\)": good | {"action": np.zeros((3, 3))},
        "action holds NaN or infinity at frame 2": good | {"action": nan},
    }
    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert") as writer:
        for message, columns in bad.items():
            with pytest.raises(ValueError, match=message):
                writer.add_episode(columns, seed=0)
        with pytest.raises(ValueError, match="999,999"):
            writer.add_episode(good, seed=1_000_000)
        assert read_info(tmp_path).total_episodes == 0 and not (tmp_path / "data").exists()


def test_a_dataset_begun_in_vain_leaves_nothing(tmp_path: Path) -> None:
    DatasetWriter(tmp_path / "new", fps=20, camera=CAMERA, driver="expert").close()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").mkdir()
    DatasetWriter(tmp_path / "old", fps=20, camera=CAMERA, driver="expert").close()
    assert list(tmp_path.iterdir()) == [tmp_path / "old"] and not any((tmp_path / "old").iterdir())
