"""Copies of datasets: nothing is lost on the way, and a copy is whole or is not there."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset import (
    FRONT_IMAGE,
    DatasetInfo,
    DatasetWriter,
    check,
    exclude,
    iter_episodes,
    lane_features,
    mark,
    read_episode,
    read_info,
)
from drive.dataset.copying import copy_episodes, learned_pieces, refuse_differing, whole_episodes
from tests.children import HANG_S
from tests.dataset.test_dataset import CAMERA, make_columns, write
from tests.dataset.test_people import by_hand, hand_columns

KEPT = ("length", "tasks", "seed", "scenario", "weather", "driver", "person", "note", "ended")


def merged(out: Path, *infos: DatasetInfo) -> DatasetInfo:
    refuse_differing(infos)
    return copy_episodes(out, [(info, whole_episodes(info)) for info in infos])


def hand(root: Path, lengths: list[int], first_seed: int = 0, **options: object) -> DatasetInfo:
    with by_hand(root, **options) as writer:
        for i, length in enumerate(lengths):
            seed = first_seed + i
            writer.add_episode(
                hand_columns(length, seed), seed=seed, weather="wet", task=f"task {seed % 2}", ended="stopped"
            )
        writer.drop(first_seed + 100)
    return read_info(root)


def test_a_merge_holds_every_frame_and_all_that_is_known(tmp_path: Path) -> None:
    a = hand(tmp_path / "a", [4, 3], person="Ada", map_name="Town01")
    b = hand(tmp_path / "b", [5], first_seed=7, person="Bo", note="late", map_name="Town02")
    hand(tmp_path / "b", [2], first_seed=9, person="Cy")
    exclude(b.root, 0, 1, 3)
    mark(b.root, 1)
    b = read_info(b.root)
    made = merged(tmp_path / "out", a, b)
    sources = [*iter_episodes(a), *iter_episodes(b)]
    assert (made.total_episodes, made.total_frames) == (4, 14)
    for row, (old, frames) in zip(made.episodes, sources, strict=True):
        assert [getattr(row, name) for name in KEPT] == [getattr(old, name) for name in KEPT]
        read = read_episode(made, row.index)
        for name in set(made.features) - {"index", "episode_index", "task_index"}:
            assert np.array_equal(np.asarray(read[name]), np.asarray(frames[name])), name
    assert [(r["person"], r["map"], r["episodes"], r["seeds"]) for r in made.recordings] == [
        ("Ada", "Town01", [0, 1], [0, 1]),
        ("Bo", "Town02", [2], [7]),
        ("Cy", "generated", [3], [9]),
    ]
    assert made.dropped_seeds == {100, 107, 109}
    assert made.edits.excluded == {2: ((1, 3),)} and made.edits.marked == {3: ((0, 2),)}
    assert check(made.root, decode=True) == []


def test_merged_statistics_are_those_of_one_recording(tmp_path: Path) -> None:
    for name, lengths, seed in (("a", [40, 3], 0), ("b", [7], 2)):
        write(tmp_path / name, lengths, first_seed=seed)
    write(tmp_path / "whole", [40, 3, 7])
    made = merged(tmp_path / "out", read_info(tmp_path / "a"), read_info(tmp_path / "b"))
    found, expected = (
        json.loads((root / "meta/stats.json").read_text()) for root in (made.root, tmp_path / "whole")
    )
    assert found.keys() == expected.keys()
    for name in expected:
        for key in expected[name]:
            np.testing.assert_allclose(found[name][key], expected[name][key], rtol=1e-9, err_msg=name)


def test_a_merged_dataset_can_be_recorded_on(tmp_path: Path) -> None:
    write(tmp_path / "a", [4])
    made = merged(tmp_path / "out", read_info(tmp_path / "a"))
    write(made.root, [3], first_seed=20)
    info = read_info(made.root)
    assert info.seeds == {0, 20} and [one["seeds"] for one in info.recordings] == [[0], [20]]
    assert check(made.root) == []


def test_recordings_made_before_episodes_were_listed_are_told_by_their_seeds(tmp_path: Path) -> None:
    write(tmp_path / "a", [4, 3], map_name="Town01")
    write(tmp_path / "a", [2], first_seed=5, map_name="Town02")
    path = tmp_path / "a/meta/drive.json"
    values = json.loads(path.read_text())
    for recording in values["recordings"]:
        del recording["episodes"], recording["person"], recording["note"]
    path.write_text(json.dumps(values))
    info = read_info(tmp_path / "a")
    made = copy_episodes(tmp_path / "out", [(info, whole_episodes(info, [1, 2]))])
    assert [(r["map"], r["episodes"], r["seeds"]) for r in made.recordings] == [
        ("Town01", [0], [1]),
        ("Town02", [1], [5]),
    ]


def test_only_what_is_learned_from_can_be_copied(tmp_path: Path) -> None:
    with by_hand(tmp_path / "a") as writer:
        writer.add_episode(hand_columns(10, 0), seed=0, ended="goal")
        writer.add_episode(hand_columns(6, 1), seed=1, ended="collision")
        writer.add_episode(hand_columns(5, 2), seed=2, ended="stopped")
    exclude(tmp_path / "a", 0, 0, 2)
    exclude(tmp_path / "a", 0, 5, 6)
    exclude(tmp_path / "a", 2, 4)
    info = read_info(tmp_path / "a")
    made = copy_episodes(tmp_path / "out", [(info, learned_pieces(info))])
    assert [(row.length, row.seed, row.ended) for row in made.episodes] == [
        (3, 0, ""), (4, 0, "goal"), (4, 2, ""),
    ]  # fmt: skip
    frames = read_episode(info, 0, [FRONT_IMAGE, "action"])
    read = read_episode(made, 1, [FRONT_IMAGE, "action", "frame_index"])
    assert read[FRONT_IMAGE] == frames[FRONT_IMAGE][6:10]
    assert np.array_equal(read["action"], frames["action"][6:10])
    assert list(read["frame_index"]) == [0, 1, 2, 3]
    assert made.edits == type(made.edits)() and check(made.root) == []


def test_what_is_marked_in_a_stretch_is_marked_in_its_copy(tmp_path: Path) -> None:
    with by_hand(tmp_path / "a") as writer:
        writer.add_episode(hand_columns(20, 0), seed=0, ended="goal")
        writer.add_episode(hand_columns(8, 1), seed=1, ended="stopped")
    exclude(tmp_path / "a", 0, 6, 10)
    mark(tmp_path / "a", 0, 2, 8)
    mark(tmp_path / "a", 0, 9, 13)
    mark(tmp_path / "a", 0, 18)
    mark(tmp_path / "a", 1, 3, 5)
    info = read_info(tmp_path / "a")
    made = copy_episodes(tmp_path / "out", [(info, learned_pieces(info))])
    assert [row.length for row in made.episodes] == [6, 10, 8]
    assert made.edits.marked == {0: ((2, 6),), 1: ((0, 3), (8, 10)), 2: ((3, 5),)}
    assert made.edits.excluded == {}
    assert check(made.root) == []


PITCHED = Camera(width_px=32, height_px=16, pitch_deg=5.0)
OTHERS = {
    "camera": ({"camera": PITCHED}, "camera's pitch_deg 5.0, .* has 3.0"),
    "rate": ({"fps": 10}, "frame rate 10, .* has 20"),
    "views": ({"features": lane_features(CAMERA, views=False)}, r"image missing, .* has image \[16, 32, 3\]"),
    "calibration": ({"calibrated": False}, "camera that is calibrated: False, .* has True"),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_datasets_of_another_kind_are_refused_with_both_values(tmp_path: Path, case: str) -> None:
    options, message = OTHERS[case]
    write(tmp_path / "a", [2])
    settings = {"fps": 20, "camera": CAMERA, "driver": "expert"} | options
    with DatasetWriter(tmp_path / "b", **settings) as writer:
        columns = make_columns(2, 5)
        writer.add_episode({name: columns[name] for name in columns if name in writer.features}, seed=5)
    with pytest.raises(UserError, match=message) as error:
        refuse_differing([read_info(tmp_path / "a"), read_info(tmp_path / "b")])
    assert str(tmp_path / "a") in str(error.value) and str(tmp_path / "b") in str(error.value)


def test_a_directory_that_holds_something_is_refused_and_a_failed_copy_leaves_none(tmp_path: Path) -> None:
    write(tmp_path / "a", [4, 4])
    info = read_info(tmp_path / "a")
    with pytest.raises(UserError, match="holds other things"):
        merged(tmp_path / "a", info)
    path = tmp_path / "a/data/chunk-000/file-001.parquet"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match="file-001"):
        merged(tmp_path / "out", info)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]
    (tmp_path / "empty").mkdir()
    copy_episodes(tmp_path / "empty", [(info, whole_episodes(info, [0]))])
    assert check(tmp_path / "empty") == []


KILLED = """
import os, signal, sys
from pathlib import Path
from drive.dataset import read_info
from drive.dataset.copying import copy_episodes, whole_episodes

def progress(done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)

info = read_info(sys.argv[1])
copy_episodes(Path(sys.argv[2]), [(info, whole_episodes(info))], progress)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_killed_copy_leaves_no_dataset_and_the_next_clears_up(tmp_path: Path) -> None:
    write(tmp_path / "a", [4, 4, 4])
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a"), str(tmp_path / "out")]
    assert subprocess.run(command, timeout=HANG_S).returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    merged(tmp_path / "out", read_info(tmp_path / "a"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "out"]
    assert check(tmp_path / "out") == []
