"""Changing what is excluded or marked: nothing but `meta/edits.json` is written."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock

from drive.core.errors import UserError
from drive.core.files import disk_errors, replace_file
from drive.dataset.edits import Edits, Kind
from drive.dataset.files import json_file
from drive.dataset.layout import EDITS_LOCK_PATH, EDITS_PATH
from drive.dataset.reader import read_info


def exclude(root: Path | str, episode: int, start: int = 0, stop: int | None = None) -> Edits:
    """Leave frames [start, stop) of an episode out of training; without bounds, all of it.

    Returns:
        All edits of the dataset, with this one.

    Raises:
        UserError: there is no such dataset, episode or frame, or it cannot be written.
    """
    return _change(root, "excluded", episode, start, stop, Edits.added)


def restore(root: Path | str, episode: int, start: int = 0, stop: int | None = None) -> Edits:
    """Use frames [start, stop) of an episode again; without bounds, all of it. As `exclude`."""
    return _change(root, "excluded", episode, start, stop, Edits.removed)


def mark(root: Path | str, episode: int, start: int = 0, stop: int | None = None) -> Edits:
    """Mark frames [start, stop) of an episode, to find them again. As `exclude`."""
    return _change(root, "marked", episode, start, stop, Edits.added)


def unmark(root: Path | str, episode: int, start: int = 0, stop: int | None = None) -> Edits:
    """Take marks off again; a mark set while driving is a column of the frames and stays. As `exclude`."""
    return _change(root, "marked", episode, start, stop, Edits.removed)


def write_edits(root: Path, edits: Edits) -> None:
    """Replace `meta/edits.json` in one step; without an edit there is no such file."""
    path = root / EDITS_PATH
    if edits.excluded or edits.marked:
        replace_file(path, json_file(edits.to_json()))
    else:
        path.unlink(missing_ok=True)


def _change(
    root: Path | str,
    kind: Kind,
    episode: int,
    start: int,
    stop: int | None,
    change: Callable[[Edits, Kind, int, int, int], Edits],
) -> Edits:
    root = Path(root)
    with _one_at_a_time(root):
        info = read_info(root)
        if not 0 <= episode < info.total_episodes:
            raise UserError(f"{root} has no episode {episode}: it holds {info.total_episodes}, from 0 on.")
        length = info.episodes[episode].length
        last = length if stop is None else stop
        if not 0 <= start < last <= length:
            raise UserError(
                f"{root}: frames {start} to {last} are no stretch of episode {episode}: "
                f"it has {length} frames, from 0 on."
            )
        edits = change(info.edits, kind, episode, start, last)
        with _disk_errors(root):
            write_edits(root, edits)
    return edits


def _disk_errors(root: Path) -> AbstractContextManager[None]:
    before = "the edits are as before"
    return disk_errors(
        root / EDITS_PATH, f"{before}: free some space", f"{before}: check the directory's permissions"
    )


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Wait for another change of the edits to end; a recording may go on meanwhile."""
    if not (root / EDITS_LOCK_PATH).parent.is_dir():  # no dataset: whoever reads it will say so
        yield
        return
    lock = FileLock(root / EDITS_LOCK_PATH)
    with _disk_errors(root):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
