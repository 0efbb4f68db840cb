"""An append-only file that outlives the process: what was recorded so far, entry by entry.

An entry is a header of 12 bytes (length of its JSON, length of its bytes, CRC-32 of both), the JSON, the
bytes. A kill tears at most the last entry, which its checksum gives away; whoever goes on with the file cuts
it off first. What the operating system has taken over is safe from the end of the process, not from a loss of
power.
"""

import errno
import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from drive.core.json_data import loads
from drive.dataset.layout import ASIDE_SUFFIX, JOURNAL_SUFFIX

_HEADER = struct.Struct("<III")
_MAX_ENTRY_BYTES = 64 << 20


class WriteAheadLog:
    """Writes entries, each in one call to the system."""

    def __init__(self, path: Path, *, append: bool = False) -> None:
        """Make the file, or go on with one behind its last whole entry.

        Raises:
            OSError: it exists already (without `append`) or cannot be written.
        """
        self.path = path
        self.size = whole_size(path) if append else 0  # of the whole entries [bytes]
        how = os.O_APPEND if append else os.O_APPEND | os.O_EXCL | os.O_CREAT
        how |= getattr(os, "O_BINARY", 0)  # Windows
        self._file: int | None = os.open(path, os.O_WRONLY | how, 0o644)
        if append:
            self.cut_to(self.size)

    def write(self, head: dict[str, Any], data: bytes = b"") -> None:
        """Add one entry.

        Raises:
            OSError: the disk is full, or the file cannot be written; the entry does not count.
        """
        if self._file is None:
            raise ValueError(f"{self.path} is closed.")
        text = json.dumps(head, separators=(",", ":")).encode()
        check = zlib.crc32(data, zlib.crc32(text))
        entry = _HEADER.pack(len(text), len(data), check) + text + data
        written = os.write(self._file, entry)
        if written != len(entry):
            self.cut_to(self.size)  # or nothing behind the torn entry could be read
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self.size += written

    def cut_to(self, size: int) -> None:
        """Take the last entries back; this needs no space on the disk.

        Args:
            size: what `self.size` was before them.

        Raises:
            OSError: the file cannot be changed.
        """
        if self._file is not None:
            os.ftruncate(self._file, size)
            self.size = size

    def close(self) -> None:
        """Let the file stand as it is."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """Close and delete it: what it held is elsewhere, or is not wanted."""
        self.close()
        self.path.unlink(missing_ok=True)


def read_log(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The whole entries of a log, in order, up to the first torn one."""
    with path.open("rb") as file:
        for text, data in _entries(file):
            yield loads(text), data


def whole_size(path: Path) -> int:
    """Where the last whole entry of a log ends [bytes]."""
    with path.open("rb") as file:
        return sum(_HEADER.size + len(text) + len(data) for text, data in _entries(file))


def set_aside(path: Path) -> Path:
    """Rename a log that cannot be used, so that it is kept and not met again.

    Returns:
        Its new name.

    Raises:
        OSError: the folder cannot be written.
    """
    stem, count = path.name.removesuffix(JOURNAL_SUFFIX), 1
    while (aside := path.with_name(f"{stem}{'' if count == 1 else f'-{count}'}{ASIDE_SUFFIX}")).exists():
        count += 1
    return path.rename(aside)


def _entries(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    while len(header := file.read(_HEADER.size)) == _HEADER.size:
        text_length, data_length, check = _HEADER.unpack(header)
        if text_length + data_length > _MAX_ENTRY_BYTES:
            return
        text, data = file.read(text_length), file.read(data_length)
        if len(data) != data_length or zlib.crc32(data, zlib.crc32(text)) != check:
            return
        yield text, data
