"""Changing what is excluded or marked: nothing but `meta/edits.json` is written."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from drive.core.errors import UserError
from drive.dataset.edits import Edits, Kind
from drive.dataset.files import json_file
from drive.dataset.guard import replace_files
from drive.dataset.layout import EDITS_PATH
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
        replace_files({path: json_file(edits.to_json())})
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
        try:
            write_edits(root, edits)
        except OSError as error:
            raise UserError(
                f"{root / EDITS_PATH}: {error.strerror or error}: check the disk and its permissions; "
                "the edits are as before."
            ) from error
    return edits


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Wait for another change of the edits to end; a recording may go on meanwhile."""
    folder = root / "meta"
    if os.name != "posix" or not folder.is_dir():
        yield
        return
    import fcntl

    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
