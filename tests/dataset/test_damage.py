"""Datasets that were killed, torn or altered: what stays valid, what is named, what is mended."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.dataset import DatasetWriter, check, read_episode, read_info
from tests.children import HANG_S
from tests.dataset.test_dataset import CAMERA, make_columns, write

# A process that is killed at the n-th rename of its third episode: before it (-) or after it (+).
KILLED = """
import os, signal, sys
from pathlib import Path
from drive.dataset import DatasetWriter
from tests.dataset.test_dataset import CAMERA, make_columns

root, at, after = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "after"
rename, calls = os.replace, 0

def replace(source, target):
    global calls
    calls += 1
    if calls == at and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)
    if calls == at:
        os.kill(os.getpid(), signal.SIGKILL)

with DatasetWriter(root, fps=20, camera=CAMERA, driver="expert") as writer:
    writer.add_episode(make_columns(3, 0), seed=0)
    writer.add_episode(make_columns(2, 1), seed=1)
    os.replace = replace
    writer.add_episode(make_columns(4, 2), seed=2)
"""
RENAMES = ["views", "data", "row", "stats", "drive", "info"]


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize(("at", "when"), [(n + 1, "before") for n in range(6)] + [(6, "after")])
def test_a_kill_between_any_two_renames_leaves_whole_episodes(tmp_path: Path, at: int, when: str) -> None:
    root = tmp_path / "set"
    result = subprocess.run([sys.executable, "-c", KILLED, str(root), str(at), when], timeout=HANG_S)
    assert result.returncode == -signal.SIGKILL
    info = read_info(root)
    assert info.total_episodes == (3 if when == "after" else 2)
    for i in range(info.total_episodes):
        read_episode(info, i)
    kinds = {problem.kind for problem in check(root)}
    assert kinds <= {"orphan", "leftover"}
    assert ("orphan" in kinds) == (when == "before" and at > 1)

    write(root, [5], first_seed=70)  # the next recording removes what the kill left
    info = read_info(root)
    assert check(root) == []
    numbers = np.concatenate([read_episode(info, i, ["index"])["index"] for i in range(info.total_episodes)])
    assert np.array_equal(numbers, np.arange(info.total_frames))
    assert info.seeds == ({0, 1, 2, 70} if when == "after" else {0, 1, 70})


def test_a_kill_before_the_first_episode_leaves_an_empty_dataset(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/drive.json.part").write_bytes(b"{")
    (tmp_path / "meta/drive.json").write_bytes(b"{}")
    write(tmp_path, [2])
    assert check(tmp_path) == [] and read_info(tmp_path).total_episodes == 1


@pytest.mark.parametrize("at", range(1, 7))
def test_an_interrupt_between_renames_is_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    rename, calls = os.replace, 0

    def interrupted(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt
        rename(source, target)

    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert") as writer:
        writer.add_episode(make_columns(3, 0), seed=0)
        monkeypatch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.add_episode(make_columns(2, 1), seed=1)
        monkeypatch.setattr(os, "replace", rename)
        assert writer.total_episodes == 1
        assert check(tmp_path) == [] and read_info(tmp_path).seeds == {0}
        writer.add_episode(make_columns(2, 1), seed=1)
    assert check(tmp_path) == [] and read_info(tmp_path).total_frames == 5


class FullDisk:
    """A file on a disk that has room for so many bytes."""

    def __init__(self, file, room: int) -> None:
        self.file, self.room = file, room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content) -> int:
        self.file.write(bytes(content)[: self.room])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_said_and_leaves_the_dataset_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **options):
        file = opened(path, mode, **options)
        return FullDisk(file, 100) if "w" in mode and path.name == "file-001.parquet.part" else file

    with DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert") as writer:
        writer.add_episode(make_columns(3, 0), seed=0)
        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(
            UserError, match="no space left on the disk; its 1 whole episodes are kept"
        ) as error:
            writer.add_episode(make_columns(2, 1), seed=1)
        assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)
        monkeypatch.undo()
        assert check(tmp_path) == []
        writer.add_episode(make_columns(2, 1), seed=1)
    assert check(tmp_path) == []


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "missing":
        path.unlink()
    elif how == "altered":  # one byte in the middle of a picture
        at = len(content) // 2
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])


@pytest.mark.parametrize("how", ["truncated", "empty", "missing", "altered"])
def test_a_damaged_data_file_is_named(tmp_path: Path, how: str) -> None:
    write(tmp_path, [6, 6, 6])
    path = tmp_path / "data/chunk-000/file-001.parquet"
    damage(path, how)
    info = read_info(tmp_path)
    read_episode(info, 0)
    with pytest.raises(UserError, match="is missing" if how == "missing" else "is damaged") as error:
        read_episode(info, 1)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    problems = check(tmp_path)
    assert [(problem.path, problem.kind) for problem in problems] == [(path, "damaged")]
    if how != "altered":  # found by its footer, before a recording makes it worse
        with pytest.raises(UserError, match="file-001"):
            write(tmp_path, [2], first_seed=9)


@pytest.mark.parametrize("how", ["truncated", "empty", "missing"])
@pytest.mark.parametrize(
    "name",
    ["meta/info.json", "meta/drive.json", "meta/tasks.parquet", "meta/episodes/chunk-000/file-001.parquet"],
)
def test_a_damaged_description_is_named(tmp_path: Path, name: str, how: str) -> None:
    write(tmp_path, [2, 2])
    damage(tmp_path / name, how)
    problems = check(tmp_path)
    assert problems and problems[0].kind == "damaged" and "\n" not in problems[0].message
    said = name if how != "missing" or "episodes" not in name else "meta/episodes"
    assert said in problems[0].message
    with pytest.raises(UserError, match=said):
        write(tmp_path, [2], first_seed=9)


def test_spoiled_statistics_are_named_and_mended(tmp_path: Path) -> None:
    write(tmp_path, [2, 2])
    (tmp_path / "meta/stats.json").write_text("{}")
    assert [problem.kind for problem in check(tmp_path)] == ["inconsistent"]
    write(tmp_path, [2], first_seed=9)
    assert check(tmp_path) == []


def test_files_that_no_kill_can_have_left_are_not_deleted(tmp_path: Path) -> None:
    write(tmp_path, [2])
    info = (tmp_path / "meta/info.json").read_bytes()
    write(tmp_path, [2, 2, 2], first_seed=5)
    (tmp_path / "meta/info.json").write_bytes(info)  # an old copy put back
    with pytest.raises(
        UserError, match=r"3 files \(file-001\.parquet to file-003\.parquet in data\) belong to no"
    ):
        write(tmp_path, [2], first_seed=9)
    assert len(list((tmp_path / "data/chunk-000").iterdir())) == 4
    assert {problem.kind for problem in check(tmp_path)} >= {"orphan"}


def test_what_is_no_dataset_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist: name a dataset, or make one"):
        read_info(tmp_path / "nowhere")
    (tmp_path / "file").write_text("hello")
    with pytest.raises(UserError, match="is a file"):
        read_info(tmp_path / "file")
    with pytest.raises(UserError, match="is a file"):
        DatasetWriter(tmp_path / "file", fps=20, camera=CAMERA, driver="expert")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is empty: record a dataset"):
        read_info(tmp_path / "empty")
    with pytest.raises(UserError, match="is not a dataset"):
        read_info(tmp_path)
    with pytest.raises(UserError, match=r"holds other things \(file\)"):
        DatasetWriter(tmp_path, fps=20, camera=CAMERA, driver="expert")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]


@pytest.mark.parametrize(
    ("file", "keys", "value", "said"),
    [
        ("info", ["fps"], "20 Hz", r"info\.json: fps: expected int, got str"),
        ("info", ["fps"], 0, r"info\.json: fps: expected int >= 1"),
        ("info", ["total_frames"], None, r"info\.json: object missing required field total_frames"),
        ("info", ["features", "action"], 3, r"info\.json: features\[\.\.\.\]: expected object, got int"),
        ("drive", ["camera"], [], r"drive\.json: camera: expected object, got array"),
        ("drive", ["recordings"], {}, r"drive\.json: recordings: expected array, got object"),
        ("drive", ["recordings", 0], "x", r"drive\.json: recordings\[0\]: expected object, got str"),
        (
            "drive",
            ["recordings", 0, "seeds"],
            None,
            r"recordings\[0\]: .* missing required field seeds",
        ),
        (
            "drive",
            ["recordings", 0, "dropped_seeds"],
            ["a"],
            r"\.dropped_seeds\[0\]: expected int, got str",
        ),
    ],
)
def test_a_value_of_another_form_is_named_with_its_file(
    tmp_path: Path, file: str, keys: list, value: object, said: str
) -> None:
    write(tmp_path, [2])
    path = tmp_path / "meta" / f"{file}.json"
    values = json.loads(path.read_text())
    inner = values
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    path.write_text(json.dumps(values))
    for attempt in (read_info, lambda root: write(root, [2])):
        with pytest.raises(UserError, match=said):
            attempt(tmp_path)


def test_another_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    write(tmp_path, [2])
    path = tmp_path / "meta/info.json"
    path.write_text(path.read_text().replace('"v3.0"', '"v2.1"'))
    for attempt in (read_info, lambda root: write(root, [2])):
        with pytest.raises(UserError, match=r"info.json: codebase_version is v2.1, this program reads v3.0"):
            attempt(tmp_path)


def test_an_episode_or_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, [2])
    with pytest.raises(UserError, match="has no episode 1: it holds 1"):
        read_episode(tmp_path, 1)
    with pytest.raises(UserError, match=r"has no feature steering: it has observation\.images\.front"):
        read_episode(tmp_path, 0, ["steering"])


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_writer_killed_at_any_moment_leaves_a_valid_dataset(tmp_path: Path) -> None:
    endless = (
        "import sys\n"
        "from drive.dataset import DatasetWriter\n"
        "from tests.dataset.test_dataset import CAMERA, make_columns\n"
        "columns = make_columns(40, 0)\n"
        "with DatasetWriter(sys.argv[1], fps=20, camera=CAMERA, driver='expert') as writer:\n"
        "    first = writer.total_episodes\n"
        "    for seed in range(first, 100000):\n"
        "        writer.add_episode(columns, seed=seed)\n"
        "        print('first' if seed == first else '', flush=True)\n"
    )
    before = 0
    for delay in (0.05, 0.083, 0.121):
        process = subprocess.Popen(
            [sys.executable, "-c", endless, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline() == "first\n"
        time.sleep(delay)
        process.kill()
        process.wait(timeout=HANG_S)
        process.stdout.close()
        total = read_info(tmp_path).total_episodes
        assert total > before
        assert {problem.kind for problem in check(tmp_path)} <= {"orphan", "leftover", "inconsistent"}
        before = total
    write(tmp_path, [3], first_seed=500_000)
    assert check(tmp_path) == []
