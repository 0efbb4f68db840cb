"""Files and folders that appear whole or not at all, folders that hold other things, locks, a full disk."""

import errno
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from drive.core.errors import UserError

PART = ".part"  # ends the name of what is not whole yet
_WINDOWS = os.name == "nt"
_RENAMING_S = 2.0  # Windows lets nobody replace a file that another program just reads: tried that long


# --- files


def replace_file(path: Path, data: Any) -> None:
    """Write a file under another name, then rename it: at any time it is the old one or the new one."""
    replace_files({path: data})


def replace_files(files: Mapping[Path, Any]) -> None:
    """Write all files under other names and onto the disk, then rename them in the given order.

    Args:
        files: bytes, or another buffer, by path.

    Raises:
        OSError: none of the files is changed, unless renaming itself failed halfway.
    """
    parts = {path: path.with_name(path.name + PART) for path in files}
    try:
        for path, part in parts.items():
            with part.open("wb") as file:
                file.write(files[path])
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            put_in_place(part, path)
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write under; the file becomes `path` when the block ends well, and goes otherwise."""
    part = path.with_name(path.name + PART)
    try:
        yield part
        put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Rename a file over another one."""
    until = time.monotonic() + _RENAMING_S
    while True:
        try:
            return os.replace(part, path)
        except PermissionError:
            if not _WINDOWS or time.monotonic() > until:
                raise
            time.sleep(0.05)


# --- folders


def refuse_other_things(folder: Path, remedy: str, own: frozenset[str] = frozenset()) -> None:
    """Refuse a path that is a file, or a folder that holds anything but our own.

    Args:
        folder: may be missing.
        remedy: what the user may do instead.
        own: names that may be in it, finished or not.

    Raises:
        UserError: it holds other things.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; {remedy}.")
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if strange := [name for name in found if name.removesuffix(PART) not in own]:
        raise UserError(f"{folder} holds other things ({', '.join(strange[:3])}); {remedy}.")


@contextmanager
def new_folder(
    out: Path, remedy: str = "name a new or empty folder", part: Path | None = None
) -> Iterator[Path]:
    """Give a temporary folder to write into; it becomes `out` when the block ends well, and goes otherwise.

    Args:
        out: is missing or empty.
        remedy: what the user may do where it is not.
        part: the temporary folder beside it; None: one of this process's own.

    Raises:
        UserError: `out` holds something already, or the disk is full or cannot be written.
    """
    refuse_other_things(out, remedy)
    whole = out.absolute()
    temporary = whole.with_name(f".{whole.name}.{os.getpid()}{PART}") if part is None else part
    full = "nothing was written: free some space"
    try:
        with disk_errors(out, full, "name another folder"):
            temporary.mkdir(parents=True)
            yield temporary
            if out.is_dir():
                out.rmdir()
            temporary.rename(whole)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, UserError) and isinstance(error.__cause__, OSError) and is_full(error.__cause__):
            raise UserError(
                f"{out}: no space left on the disk; {full}."
            ) from error  # not of the temporary one
        raise


# --- locks


def try_lock(path: Path) -> FileLock | None:
    """Hold a lock file until `release` or the end of this process; None: another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


# --- the disk


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_errors(place: Path, full: str, otherwise: str) -> Iterator[None]:
    """Turn what the disk refuses into one line.

    Args:
        place: what was to be written.
        full: what holds, and what to do, where no space is left.
        otherwise: what to do about any other refusal.

    Raises:
        UserError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise UserError(f"{place}: no space left on the disk; {full}.") from error
        raise UserError(f"{place} cannot be written ({error.strerror or error}); {otherwise}.") from error
