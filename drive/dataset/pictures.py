"""Decoding pictures to find the damaged ones."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

import numpy as np

_BATCH = 64  # pictures decoded before looking whether the decoder complained


def is_whole(data: bytes) -> bool:
    """Whether encoded bytes begin and end as a JPEG does, or begin as a PNG."""
    return (data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9") or data[:8] == b"\x89PNG\r\n\x1a\n"


def damaged_pictures(
    pictures: Sequence[bytes], shape: Sequence[int], pool: Executor
) -> Iterator[tuple[int, str]]:
    """Decode JPEG or PNG pictures and tell which are damaged, and how.

    The JPEG decoder draws something for a torn or altered picture and only complains on the standard error
    stream, so that is listened to.

    Args:
        pictures: the encoded pictures.
        shape: (height, width, channels) that each should have.
        pool: threads to decode in.

    Yields:
        (number of the picture, what is wrong with it), in order.
    """
    import cv2

    height, width = shape[0], shape[1]

    def fault(data: bytes) -> str | None:
        if not is_whole(data):
            return "is no whole picture"
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            return "cannot be decoded"
        if picture.shape[:2] != (height, width):
            return f"is {picture.shape[1]} x {picture.shape[0]} px, not {width} x {height}"
        return None

    for start in range(0, len(pictures), _BATCH):
        batch = pictures[start : start + _BATCH]
        with _complaints() as heard:
            faults = list(pool.map(fault, batch))
        if heard:  # one of them is bad: which?
            for i, data in enumerate(batch):
                with _complaints() as heard:
                    fault(data)
                if heard and faults[i] is None:
                    faults[i] = f"is damaged ({heard[0]})"
        yield from ((start + i, what) for i, what in enumerate(faults) if what is not None)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collects what C libraries write to the standard error stream meanwhile."""
    heard: list[str] = []
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield heard
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            lines = file.read().decode(errors="replace").splitlines()
            heard.extend(line.strip() for line in lines if "JPEG" in line or "png" in line.lower())
