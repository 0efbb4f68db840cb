"""Edits stand beside the frames: what they leave out, how they are undone, and what a kill cannot spoil."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drive.core.errors import UserError
from drive.dataset import (
    DatasetWriter,
    Edits,
    check,
    editing,
    exclude,
    mark,
    read_edits,
    read_episode,
    read_info,
    restore,
    unmark,
)
from tests.children import HANG_S
from tests.dataset.test_dataset import CAMERA, make_columns, write

STRETCH = st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 30))


@given(st.lists(STRETCH, max_size=12))
def test_ranges_hold_the_frames_that_a_set_would(steps: list[tuple[bool, int, int]]) -> None:
    edits, frames = Edits(), set()
    for add, start, stop in steps:
        edits = (edits.added if add else edits.removed)("excluded", 2, start, stop)
        frames = frames | set(range(start, stop)) if add else frames - set(range(start, stop))
    assert set(np.flatnonzero(edits.mask("excluded", 2, 40))) == frames
    ranges = edits.ranges("excluded", 2)
    assert all(a < b for a, b in ranges) and all(b < c for (_, b), (c, _) in pairwise(ranges))


def content(root: Path) -> dict[str, bytes]:
    """All files but the empty ones that say who writes."""
    files = (p for p in root.rglob("*") if p.is_file() and p.suffix != ".lock")
    return {str(p.relative_to(root)): p.read_bytes() for p in files}


def test_excluded_frames_are_left_out_of_training_and_nothing_else_changes(tmp_path: Path) -> None:
    episodes = write(tmp_path, [10, 6])
    before = content(tmp_path)
    exclude(tmp_path, 0, 2, 5)
    exclude(tmp_path, 0, 4, 7)
    exclude(tmp_path, 1)
    info = read_info(tmp_path)
    assert list(np.flatnonzero(info.training_mask(0))) == [0, 1, 7, 8, 9]
    assert not info.training_mask(1).any()
    assert np.array_equal(read_episode(info, 1, ["action"])["action"], episodes[1]["action"])
    edits = json.loads((tmp_path / "meta/edits.json").read_text())
    assert edits["excluded"] == [
        {"episode": 0, "from_frame": 2, "to_frame": 7},
        {"episode": 1, "from_frame": 0, "to_frame": 6},
    ]
    assert check(tmp_path) == []
    restore(tmp_path, 0, 3, 4)
    assert read_edits(tmp_path).ranges("excluded", 0) == ((2, 3), (4, 7))
    restore(tmp_path, 0)
    restore(tmp_path, 1)
    assert read_info(tmp_path).training_mask(1).all()
    assert content(tmp_path) == before


def test_marks_change_no_training(tmp_path: Path) -> None:
    write(tmp_path, [10])
    mark(tmp_path, 0, 3, 6)
    exclude(tmp_path, 0, 8)
    info = read_info(tmp_path)
    assert info.edits.ranges("marked", 0) == ((3, 6),)
    assert info.training_mask(0).sum() == 8
    unmark(tmp_path, 0)
    assert read_edits(tmp_path) == Edits(excluded={0: ((8, 10),)})


def test_recording_on_keeps_the_edits(tmp_path: Path) -> None:
    write(tmp_path, [10])
    exclude(tmp_path, 0, 0, 4)
    (tmp_path / "meta/edits.json.part").write_text("{")  # another process is about to rename it
    write(tmp_path, [3], first_seed=5)
    assert read_info(tmp_path).training_mask(0).sum() == 6
    assert (tmp_path / "meta/edits.json.part").exists()
    exclude(tmp_path, 0, 4, 5)
    assert check(tmp_path) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda root: exclude(root, 2), "has no episode 2: it holds 2, from 0 on"),
        (lambda root: exclude(root, -1), "has no episode -1"),
        (
            lambda root: restore(root, 0, 5, 11),
            "frames 5 to 11 are no stretch of episode 0: it has 10 frames",
        ),
        (lambda root: mark(root, 0, 4, 4), "frames 4 to 4 are no stretch"),
        (lambda root: exclude(root / "none", 0), "does not exist"),
    ],
)
def test_what_is_not_there_cannot_be_edited(tmp_path: Path, call, message: str) -> None:
    write(tmp_path, [10, 6])
    with pytest.raises(UserError, match=message):
        call(tmp_path)
    assert not (tmp_path / "meta/edits.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "edits.json is damaged"),
        ("[]", r"edits\.json is damaged \(expected object, got array\)"),
        ('{"format": 1, "excluded": ' + "[" * 100_000, r"edits\.json is damaged \(nested too deeply\)"),
        ('{"format": 2}', "format is 2, this program reads 1"),
        ('{"format": 1, "excluded": 3}', "excluded: expected array, got int"),
        (
            '{"format": 1, "marked": [{"episode": 0, "from_frame": 3, "to_frame": 3}]}',
            r"marked\[0\] ends",
        ),
        (
            '{"format": 1, "excluded": [{"episode": 0, "from_frame": -1, "to_frame": 3}]}',
            r"\[0\]\.from_frame",
        ),
    ],
)
def test_damaged_edits_are_named_and_not_passed_over(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, [10])
    (tmp_path / "meta/edits.json").write_text(text)
    for attempt in (read_info, lambda root: exclude(root, 0)):
        with pytest.raises(UserError, match=message):
            attempt(tmp_path)
    assert [problem.kind for problem in check(tmp_path)] == ["damaged"]


def test_edits_of_frames_that_are_not_there_are_found(tmp_path: Path) -> None:
    write(tmp_path, [10])
    (tmp_path / "meta/edits.json").write_text(
        json.dumps(Edits().added("excluded", 0, 5, 11).added("marked", 3, 0, 1).to_json())
    )
    assert [(one.kind, one.episode) for one in check(tmp_path)] == [("inconsistent", 0), ("inconsistent", 3)]


def test_a_failed_write_leaves_the_edits_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [10])
    exclude(tmp_path, 0, 0, 2)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(editing, "replace_file", full)
    with pytest.raises(UserError, match=r"edits\.json: no space left on the disk; the edits are as before"):
        exclude(tmp_path, 0, 5, 9)
    assert read_edits(tmp_path).ranges("excluded", 0) == ((0, 2),)


KILLED = """
import os, signal, sys
from drive.dataset import exclude

rename = os.replace

def replace(source, target):
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)
    os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace
exclude(sys.argv[1], 0, 4, 8)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_leaves_the_edits_of_before_or_after(tmp_path: Path, when: str) -> None:
    write(tmp_path, [10])
    exclude(tmp_path, 0, 0, 2)
    result = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), when], timeout=HANG_S)
    assert result.returncode == -signal.SIGKILL
    assert read_edits(tmp_path).ranges("excluded", 0) == (((0, 2),) if when == "before" else ((0, 2), (4, 8)))
    exclude(tmp_path, 0, 9)
    assert check(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="needs file locks")
def test_edits_at_once_all_count_even_while_somebody_records(tmp_path: Path) -> None:
    write(tmp_path, [60])
    edit = (
        "import sys; from drive.dataset import exclude\n"
        "for t in range({0}, 60, 3): exclude(sys.argv[1], 0, t, t + 1)"
    )
    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert") as writer:
        editors = [
            subprocess.Popen([sys.executable, "-c", edit.format(first), str(tmp_path)]) for first in (0, 1)
        ]
        for seed in range(10, 20):
            writer.add_episode(make_columns(2, seed), seed=seed)
        assert [editor.wait(timeout=HANG_S) for editor in editors] == [0, 0]
    info = read_info(tmp_path)
    assert info.total_episodes == 11
    assert list(np.flatnonzero(info.training_mask(0))) == list(range(2, 60, 3))
    assert check(tmp_path) == []
