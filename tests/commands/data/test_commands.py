"""The commands of `drive data` from the command line: what they print, change and answer."""

import json
import sys
from pathlib import Path

import pytest

from drive import cli
from drive.dataset import read_edits
from tests.dataset.test_dataset import write
from tests.dataset.test_people import by_hand, hand_columns


def drive_data(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run `drive data ...`: its status, what it printed, and its complaints."""
    before = sys.argv
    sys.argv = ["drive", "data", *map(str, arguments)]
    try:
        cli.main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.argv = before
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_stretch_is_excluded_by_seconds_and_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, [40, 20])  # 2 s and 1 s
    status, out, _ = drive_data(capsys, "exclude", tmp_path, "--episode", 0, "--from-s", 0.5, "--to-s", 1.1)
    assert status == 0 and "episode 0: 28 of 40 frames to learn from" in out
    assert read_edits(tmp_path).ranges("excluded", 0) == ((10, 22),)
    drive_data(capsys, "exclude", tmp_path, "--episode", 0, "--episode", 1, "--to-s", 0.25)
    assert read_edits(tmp_path).excluded == {0: ((0, 5), (10, 22)), 1: ((0, 5),)}
    drive_data(capsys, "restore", tmp_path, "--episode", 0, "--from-s", 0.9)
    assert read_edits(tmp_path).ranges("excluded", 0) == ((0, 5), (10, 18))
    drive_data(capsys, "restore", tmp_path, "--episode", 1)
    assert 1 not in read_edits(tmp_path).excluded
    _, out, _ = drive_data(capsys, "restore", tmp_path, "--all")
    assert "60 of 60 frames" in out and not (tmp_path / "meta/edits.json").exists()
    drive_data(capsys, "mark", tmp_path, "--episode", 1, "--from-s", 0.5)
    assert read_edits(tmp_path).ranges("marked", 1) == ((10, 20),)
    drive_data(capsys, "mark", tmp_path, "--episode", 1, "--remove")
    assert not read_edits(tmp_path).marked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("exclude", "{}"), "no episode is named; give --episode N"),
        (("exclude", "{}", "--episode", "4"), "has no episode 4: it holds 2"),
        (("exclude", "{}", "--episode", "0", "--from-s", "2.0"), "no frame of episode 0 lies between"),
        (("exclude", "{}", "--episode", "0", "--from-s", "1", "--to-s", "0.5"), "--to-s is 0.5; take more"),
        (("mark", "{}", "--episode", "0", "--from-s", "-1"), "--from-s is -1.0; take seconds since"),
        (("restore", "{}", "--all", "--episode", "1"), "--all restores everything"),
        (("info", "{}/none"), "does not exist"),
        (("check", "{}/none"), "does not exist"),
        (("check", "{}/data"), "is not a dataset"),
    ],
)
def test_mistakes_are_answered_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    write(tmp_path, [40, 20])
    status, _, err = drive_data(capsys, *(one.format(tmp_path) for one in arguments))
    assert status == 2 and message in err and err.startswith("error: ") and err.count("\n") == 1
    assert not (tmp_path / "meta/edits.json").exists()


def test_a_crash_says_how_it_can_be_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with by_hand(tmp_path) as writer:
        writer.add_episode(hand_columns(4, 0), seed=0, ended="collision")
    _, out, _ = drive_data(capsys, "restore", tmp_path, "--episode", 0)
    assert "0 of 4 frames" in out and "drive train --include-crashes" in out


def test_the_check_ends_with_status_1_where_something_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, [4, 4])
    status, out, _ = drive_data(capsys, "check", tmp_path)
    assert status == 0 and "whole (2 episodes, 8 frames)" in out
    path = tmp_path / "data/chunk-000/file-001.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    status, out, _ = drive_data(capsys, "check", tmp_path)
    assert status == 1 and str(path) in out and "1 problem (2 episodes, 8 frames)" in out
    status, out, _ = drive_data(capsys, "check", tmp_path, "--json")
    found = json.loads(out)
    assert status == 1 and found["whole"] is False
    assert [(one["file"], one["kind"], one["episode"]) for one in found["problems"]] == [
        (str(path), "damaged", 1)
    ]


def test_help_tells_what_each_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = drive_data(capsys, "--help")
    assert status == 0
    for name in ("info", "check", "merge", "split", "exclude", "restore", "mark"):
        assert f"• {name}" in out
