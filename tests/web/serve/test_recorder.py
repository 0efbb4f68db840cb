"""Recording by hand: what the dataset holds afterwards."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drive.commands.data.copies import DataMergeConfig, main
from drive.core.errors import UserError
from drive.dataset import check, read_episode, read_info
from drive.web.serve.recorder import HandRecorder
from drive.web.serve.write_ahead_log import WriteAheadLog, read_log
from tests.dataset.former_layout import to_former_layout
from tests.web.serve.hands import CAMERA, FACTS, add, open_recorder


def numbers(root: Path, episode: int) -> list[int]:
    """The frames of an episode, by the numbers that they were driven under."""
    info = read_info(root)
    assert check(root) == []
    frames = read_episode(info, episode)
    length = info.episodes[episode].length
    np.testing.assert_allclose(frames["timestamp"], np.arange(length) / 20.0, rtol=1e-6)
    return [round(float(offset)) for offset in frames["privileged.lateral_offset_m"]]


def journals(root: Path) -> list[Path]:
    return list(root.glob("*.journal"))


def test_only_what_is_between_start_and_stop_is_kept(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    add(recorder, range(10))
    recorder.describe(person="Ada", note="first try")
    recorder.start()
    add(recorder, range(10, 40))
    assert recorder.status()["seconds"] == 1.5
    recorder.stop()
    add(recorder, range(40, 50))
    recorder.close()
    row = read_info(tmp_path / "d").episodes[0]
    assert (row.person, row.note, row.ended, row.seed, row.driver) == (
        "Ada",
        "first try",
        "stopped",
        3,
        "person",
    )
    assert numbers(tmp_path / "d", 0) == list(range(10, 40))
    assert recorder.kept == 1


def test_the_last_five_seconds_are_gone_and_driven_anew(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(250))
    assert recorder.cut(100) == (100, 150)
    add(recorder, range(150, 170))  # the car stood again where the first deleted frame was taken
    recorder.stop()
    recorder.close()
    assert read_info(tmp_path / "d").total_episodes == 1
    assert numbers(tmp_path / "d", 0) == list(range(170))


def test_deleting_without_going_back_leaves_no_gap_in_time(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(250))
    recorder.cut(100)
    add(recorder, range(250, 300))
    recorder.stop()
    recorder.close()
    assert numbers(tmp_path / "d", 0) == list(range(150))
    assert numbers(tmp_path / "d", 1) == list(range(250, 300))


def test_deleting_more_than_there_is_deletes_all(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(30))
    assert recorder.cut(100) == (30, 0)
    assert recorder.cut(100) == (0, None)
    recorder.stop()
    recorder.close()
    assert not (tmp_path / "d").exists(), "a dataset begun in vain is removed"


def test_a_pause_parts_episodes(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(20))
    recorder.pause()
    add(recorder, range(20, 35))
    recorder.resume()
    add(recorder, range(35, 60))
    recorder.stop()
    recorder.close()
    assert numbers(tmp_path / "d", 0) == list(range(20))
    assert numbers(tmp_path / "d", 1) == list(range(35, 60))


def test_a_crash_is_kept_apart(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(40))
    recorder.end_drive("collision", 39)
    recorder.begin_drive(replace(FACTS, seed=4))
    add(recorder, range(30))
    recorder.end_drive("goal", 29)
    recorder.close()
    info = read_info(tmp_path / "d")
    assert [row.ended for row in info.episodes] == ["collision", "goal"]
    assert not info.training_mask(0).any()
    assert info.training_mask(1).all()
    assert (recorder.kept, recorder.crashed) == (1, 1)


def test_a_crash_can_be_deleted_and_the_drive_goes_on(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(140))
    recorder.end_drive("collision", 139)
    recorder.cut(100)
    add(recorder, range(40, 60))
    recorder.stop()
    recorder.close()
    assert [row.ended for row in read_info(tmp_path / "d").episodes] == ["stopped"]
    assert numbers(tmp_path / "d", 0) == list(range(60))


def test_a_marked_stretch(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(10))
    recorder.marked = True
    add(recorder, range(10, 15))
    recorder.marked = False
    add(recorder, range(15, 20))
    recorder.close()
    frames = read_episode(read_info(tmp_path / "d"), 0)
    assert np.flatnonzero(frames["mark"]).tolist() == [10, 11, 12, 13, 14]


@pytest.mark.parametrize(("keep", "episodes"), [(True, 1), (False, 0)])
def test_a_lost_person(tmp_path: Path, keep: bool, episodes: int) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.describe(keep=keep)
    recorder.start()
    add(recorder, range(25))
    assert len(journals(tmp_path / "d")) == keep
    recorder.lost()
    assert recorder.status()["mode"] == "off"
    recorder.flush()
    info = read_info(tmp_path / "d")
    assert info.total_episodes == episodes
    assert [row.ended for row in info.episodes] == ["lost"] * episodes
    assert journals(tmp_path / "d") == []
    recorder.close()


def test_the_choice_to_keep_can_change_while_recording(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.describe(keep=False)
    recorder.start()
    add(recorder, range(10))
    recorder.describe(keep=True, person="Bo")
    add(recorder, range(10, 20))
    [journal] = journals(tmp_path / "d")
    assert sum("frame" in head for head, _ in read_log(journal)) == 20
    recorder.describe(keep=False)
    assert journals(tmp_path / "d") == []
    recorder.close()


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_journal_is_added_once_even_if_its_writing_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "d"
    recorder = open_recorder(root)
    recorder.start()
    add(recorder, range(10))
    recorder.pause()
    recorder.resume()
    add(recorder, range(12, 20))
    [journal] = journals(root)

    def remove(self: WriteAheadLog) -> None:
        self.close()
        raise Killed

    monkeypatch.setattr(WriteAheadLog, "remove", remove)  # both are written, the log is still there
    recorder.stop()
    with pytest.raises(Killed):
        recorder.flush()
    monkeypatch.undo()
    assert journal.exists()
    assert read_info(root).total_episodes == 2
    recorder._saves.clear()
    recorder._store.close()
    open_recorder(root).close()
    assert read_info(root).total_episodes == 2
    assert journals(root) == []


def test_a_torn_journal_gives_what_is_whole(tmp_path: Path) -> None:
    root = tmp_path / "d"
    recorder = open_recorder(root)
    recorder.start()
    add(recorder, range(30))
    [journal] = journals(root)
    data = journal.read_bytes()
    recorder.discard()
    recorder.close()
    root.mkdir(exist_ok=True)
    for cut in (len(data) - 1, len(data) - 700, len(data) // 2):
        journal.write_bytes(data[:cut])
        before = read_info(root).total_frames if (root / "meta/info.json").exists() else 0
        said: list[str] = []
        open_recorder(root, said).close()
        gained = read_info(root).total_frames - before
        assert 10 < gained < 30
        assert numbers(root, read_info(root).total_episodes - 1) == list(range(gained))
        assert "interrupted" in said[0]
    assert {row.ended for row in read_info(root).episodes} == {"killed"}


def test_a_full_disk_is_told_and_costs_only_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    recorder = open_recorder(tmp_path / "d", said)
    recorder.start()
    add(recorder, range(10))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(WriteAheadLog, "write", full)
    add(recorder, range(10, 20))
    monkeypatch.undo()
    assert len(said) == 1 and "No space left" in said[0]
    recorder.close()
    assert numbers(tmp_path / "d", 0) == list(range(20))


def test_maps_stand_in_their_recordings(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "d")
    recorder.start()
    add(recorder, range(10))
    recorder.begin_drive(replace(FACTS, map="Town02"))
    add(recorder, range(10))
    recorder.close()
    info = read_info(tmp_path / "d")
    assert [info.recording_of(i)["map"] for i in range(2)] == ["generated", "Town02"]  # type: ignore[index]


def test_a_journal_does_not_keep_a_new_dataset_from_being_made(tmp_path: Path) -> None:
    recorder = HandRecorder(tmp_path / "d", CAMERA, notify=lambda level, text: None)
    recorder.begin_drive(replace(FACTS, map="Town02"))  # the writer opened for generated roads goes first
    recorder.start()
    add(recorder, range(10))
    recorder.close()
    assert read_info(tmp_path / "d").maps == ("Town02",)


@pytest.mark.parametrize("saved", [False, True])
def test_what_was_interrupted_beside_a_dataset_of_an_older_version_is_added_to_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    for root, first in ((tmp_path / "old", 10), (tmp_path / "today", 50)):
        recorder = open_recorder(root)
        recorder.start()
        add(recorder, range(first, first + 10))
        recorder.close()
    recorder = open_recorder(tmp_path / "old")
    recorder.start()
    add(recorder, range(30, 40))

    def remove(self: WriteAheadLog) -> None:
        self.close()
        raise Killed

    if saved:  # killed once its episode was written
        monkeypatch.setattr(WriteAheadLog, "remove", remove)
        recorder.stop()
        with pytest.raises(Killed):
            recorder.flush()
        monkeypatch.undo()
    recorder._store.close()
    to_former_layout(tmp_path / "old")
    [journal] = journals(tmp_path / "old")
    with pytest.raises(UserError, match="drive data merge NEW"):
        open_recorder(tmp_path / "old")
    main(DataMergeConfig(tmp_path / "new", (tmp_path / "today", tmp_path / "old")))
    journal.rename(tmp_path / "new" / journal.name)
    open_recorder(tmp_path / "new").close()
    assert journals(tmp_path / "new") == [] and read_info(tmp_path / "new").total_episodes == 3
    assert [numbers(tmp_path / "new", i)[0] for i in range(3)] == [50, 10, 30]
