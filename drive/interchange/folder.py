"""A folder that appears whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drive.core.errors import UserError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give a temporary folder to write into; it becomes `out` when the block ends well, and goes otherwise.

    Raises:
        UserError: `out` holds something already, or the disk is full or cannot be written.
    """
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} holds other things: name a new or empty folder.")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: name a new folder.")
    whole = out.absolute()
    temporary = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    try:
        try:
            temporary.mkdir(parents=True)
            yield temporary
            if out.is_dir():
                out.rmdir()
            temporary.rename(whole)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    except OSError as error:
        raise _clear(out, error) from error
    except UserError as error:
        if isinstance(error.__cause__, OSError):
            raise _clear(out, error.__cause__) from error
        raise


def _clear(out: Path, error: OSError) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"{out}: no space left on the disk; nothing was written: free some space.")
    return UserError(f"{out} cannot be written ({error.strerror or error}): name another folder.")
