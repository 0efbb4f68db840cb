"""What cannot be saved, or is killed while it is saved, stands in a journal and is added once."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drive.dataset import DatasetWriter, check, read_info
from drive.web.serve.recorder import HandRecorder
from drive.web.serve.write_ahead_log import WriteAheadLog, read_log
from tests.web.serve.hands import FACTS, add, open_recorder
from tests.web.serve.test_recorder import Killed, journals, numbers


def lengths(root: Path) -> list[int]:
    assert check(root) == []
    return [row.length for row in read_info(root).episodes]


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def record(recorder: HandRecorder, frames: int) -> None:
    recorder.begin_drive(FACTS)
    recorder.start()
    add(recorder, range(frames))
    recorder.stop()
    recorder.flush()


@pytest.mark.parametrize("fails", [(True, True), (True, False), (False, True), (True, False, True)])
@pytest.mark.parametrize("alike", [True, False])
def test_takes_that_could_not_be_saved_are_added_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: tuple[bool, ...], alike: bool
) -> None:
    root, said = tmp_path / "d", list[str]()
    recorder = open_recorder(root, said)
    frames = [10 if alike else 10 + i for i in range(len(fails))]
    for count, failing in zip(frames, fails, strict=True):
        with monkeypatch.context() as patch:
            if failing:
                patch.setattr("drive.dataset.writer.replace_files", full)
            record(recorder, count)
    assert sum("stand in" in line for line in said) == sum(fails)
    assert lengths(root) == [n for n, failing in zip(frames, fails, strict=True) if not failing]
    recorder.close()
    open_recorder(root).close()
    assert sorted(lengths(root)) == frames
    assert journals(root) == []
    open_recorder(root).close()
    assert sorted(lengths(root)) == frames


def test_the_second_part_of_a_take_fails_and_only_that_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "d"
    recorder = open_recorder(root)
    recorder.start()
    add(recorder, range(5))
    add(recorder, range(8, 15))
    whole = DatasetWriter.add_episode

    def first_alone(self: DatasetWriter, *args: Any, **named: Any) -> int:
        if self.total_episodes == 1:
            full()
        return whole(self, *args, **named)

    monkeypatch.setattr(DatasetWriter, "add_episode", first_alone)
    recorder.stop()
    recorder.flush()
    monkeypatch.undo()
    record(recorder, 7)
    recorder.close()
    assert lengths(root) == [5, 7]
    open_recorder(root).close()
    assert lengths(root) == [5, 7, 7]
    assert numbers(root, 2) == list(range(8, 15))


def test_a_journal_that_could_not_take_its_note_back_is_not_taken_for_another_s_episode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "d"
    recorder = open_recorder(root)
    with monkeypatch.context() as patch:
        patch.setattr("drive.dataset.writer.replace_files", full)
        patch.setattr(WriteAheadLog, "cut_to", full)
        record(recorder, 10)
    record(recorder, 12)
    recorder.close()
    assert len(journals(root)) == 1
    open_recorder(root).close()
    assert lengths(root) == [12, 10]


@pytest.mark.parametrize("torn", [1, 700])
def test_a_torn_journal_whose_adding_is_killed_too_is_added_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: int
) -> None:
    root = tmp_path / "d"
    recorder = open_recorder(root)
    recorder.start()
    add(recorder, range(10))
    add(recorder, range(12, 30))
    [journal] = journals(root)
    data = journal.read_bytes()
    recorder.discard()
    recorder.close()
    root.mkdir(exist_ok=True)
    journal.write_bytes(data[:-torn])
    whole = sum("frame" in head for head, _ in read_log(journal))

    def killed(self: WriteAheadLog) -> None:
        self.close()
        raise Killed

    monkeypatch.setattr(WriteAheadLog, "remove", killed)
    with pytest.raises(Killed):
        open_recorder(root)
    monkeypatch.undo()
    assert lengths(root) == [10, whole - 10]
    open_recorder(root).close()
    assert lengths(root) == [10, whole - 10]
    assert journals(root) == []


def test_an_entry_that_was_cut_short_does_not_hide_those_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = WriteAheadLog(tmp_path / "a.journal")
    journal.write({"n": 1})
    real = os.write
    with monkeypatch.context() as patch, pytest.raises(OSError, match="space"):
        patch.setattr(os, "write", lambda file, data: real(file, data[:5]))
        journal.write({"n": 2})
    journal.write({"n": 3})
    journal.close()
    assert [head["n"] for head, _ in read_log(tmp_path / "a.journal")] == [1, 3]


@pytest.mark.parametrize("damage", ["foreign", "other facts", "not openable"])
def test_a_journal_that_cannot_be_used_is_set_aside_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    root, said = tmp_path / "d", list[str]()
    recorder = open_recorder(root)
    recorder.start()
    add(recorder, range(10))
    [journal] = journals(root)
    data = journal.read_bytes()
    recorder.discard()
    recorder.close()
    root.mkdir(exist_ok=True)
    journal.write_bytes(b"something else entirely" * 9 if damage == "foreign" else data)
    if damage == "other facts":
        journal.unlink()
        other = WriteAheadLog(journal)
        other.write({"facts": {"color": "red"}})
        other.close()
    with monkeypatch.context() as patch:
        if damage == "not openable":
            patch.setattr(WriteAheadLog, "__init__", full)
        HandRecorder(root, recorder._store._camera, notify=lambda level, text: said.append(text)).close()
    assert journals(root) == []
    [aside] = root.glob("*.journal.bad")
    assert aside.name in said[0] and "cannot be added" in said[0]
    assert len(aside.read_bytes()) > 0
    open_recorder(root, said).close()  # and the next start does not stumble over it
    assert len(said) == 1
    recorder = open_recorder(root)
    record(recorder, 5)
    recorder.close()
    assert lengths(root) == [5]


def test_an_unexpected_failure_is_told_and_closing_lets_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, said = tmp_path / "d", list[str]()
    recorder = open_recorder(root, said)

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("action")

    with monkeypatch.context() as patch:
        patch.setattr(DatasetWriter, "add_episode", broken)
        record(recorder, 6)
    assert said[0].startswith("error: KeyError: 'action' (6 frames stand in open-")
    assert recorder.status()["saving"] is False
    recorder.close()
    open_recorder(root).close()
    assert lengths(root) == [6]


def test_closing_lets_others_write_though_the_last_saving_was_torn_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "d"
    recorder = open_recorder(root)
    recorder.start()
    add(recorder, range(6))

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(DatasetWriter, "add_episode", killed)
        recorder.close()
    open_recorder(root).close()  # the dataset is not locked any more
    assert lengths(root) == [6]


def test_an_end_stands_only_on_frames_that_reach_it(tmp_path: Path) -> None:
    root = tmp_path / "d"
    recorder = open_recorder(root)
    recorder.start()
    add(recorder, range(100))
    recorder.pause()
    recorder.end_drive("collision", 299)  # ten seconds later
    recorder.begin_drive(replace(FACTS, seed=4))
    recorder.resume()
    add(recorder, range(150))
    recorder.cut(100)  # the car stayed where it was
    recorder.end_drive("off_road", 149)
    recorder.begin_drive(replace(FACTS, seed=5))
    add(recorder, range(20))
    recorder.end_drive("collision", 19)
    recorder.close()
    info = read_info(root)
    assert [(row.length, row.ended) for row in info.episodes] == [
        (100, "stopped"),
        (50, "stopped"),
        (20, "collision"),
    ]
    assert info.training_mask(0).all() and not info.training_mask(2).any()


def test_a_mark_ends_with_its_drive(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    recorder.marked = True
    recorder.begin_drive(replace(FACTS, seed=4))
    assert recorder.status()["marked"] is False
    recorder.close()
