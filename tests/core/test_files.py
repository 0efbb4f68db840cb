import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drive.core import files
from drive.core.errors import UserError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_several_files_change_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    files.replace_files({one: b"1", other: b"2"})
    assert (one.read_bytes(), other.read_bytes(), names(tmp_path)) == (b"1", b"2", ["one", "other"])
    opened = Path.open

    def full(path: Path, *arguments, **options):
        if path.name == "other.part":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space"):
        files.replace_files({one: b"3", other: b"4"})
    assert (one.read_bytes(), other.read_bytes(), names(tmp_path)) == (b"1", b"2", ["one", "other"])


def test_a_file_written_by_name_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "weights.npz"
    with files.replacing(target) as part:
        part.write_bytes(b"whole")
        assert not target.exists()
    with pytest.raises(KeyboardInterrupt), files.replacing(target) as part:
        part.write_bytes(b"ha")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"whole" and names(tmp_path) == ["weights.npz"]


def test_on_windows_a_file_that_is_just_read_is_replaced_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, tries = os.replace, []

    def busy(source: Path, target: Path) -> None:
        tries.append(source)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "another program reads it")
        rename(source, target)

    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(os, "replace", busy)
    files.replace_file(tmp_path / "info.json", b"{}")
    assert len(tries) == 3 and names(tmp_path) == ["info.json"]
    monkeypatch.setattr(files, "_RENAMING_S", 0.0)
    tries.clear()
    with pytest.raises(PermissionError):
        files.replace_file(tmp_path / "info.json", b"[]")


def test_a_new_folder_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="bad"), files.new_folder(out) as folder:
        (folder / "half").write_text("")
        raise ValueError("bad")
    assert names(tmp_path) == []
    out.mkdir()
    with files.new_folder(out) as folder:
        (folder / "one").write_text("")
        assert names(out) == []
    assert names(tmp_path) == ["out"] and names(out) == ["one"]
    with pytest.raises(UserError, match=r"out holds other things \(one\); name a new or empty folder"):
        files.new_folder(out).__enter__()


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (errno.ENOSPC, "out: no space left on the disk; nothing was written: free some space."),
        (errno.EACCES, "out cannot be written (Permission denied); name another folder."),
    ],
)
def test_what_the_disk_refuses_is_one_line(tmp_path: Path, number: int, line: str) -> None:
    with pytest.raises(UserError) as error, files.new_folder(tmp_path / "out"):
        raise OSError(number, os.strerror(number))
    assert str(error.value) == f"{tmp_path}{os.sep}{line}"
    assert names(tmp_path) == []


def test_a_folder_of_ours_may_hold_what_is_ours_finished_or_not(tmp_path: Path) -> None:
    files.refuse_other_things(tmp_path / "missing", "name another")
    (tmp_path / "summary.json.part").write_text("")
    files.refuse_other_things(tmp_path, "name another", frozenset({"summary.json"}))
    with pytest.raises(UserError, match=r"holds other things \(summary.json.part\); name another\."):
        files.refuse_other_things(tmp_path, "name another")


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "meta" / "writer.lock"
    code = (
        "import sys, pathlib; from drive.core.files import try_lock; "
        "lock = try_lock(pathlib.Path(sys.argv[1])); print(lock is not None, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "True\n"
        assert files.try_lock(path) is None
    finally:
        process.kill()
        process.communicate()
    lock = files.try_lock(path)
    assert lock is not None
    assert files.try_lock(path) is None
    lock.release()
