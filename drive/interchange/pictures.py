"""Pictures as other programs store them: read, looked over, and handed on as the bytes they are."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True)
class Picture:
    """An encoded picture, or why it is none."""

    data: bytes
    shape: tuple[int, ...]  # (H, W, 3) or, of a grey picture, (H, W)
    problem: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) [px]."""
        return self.shape[1], self.shape[0]


def read_picture(path: Path) -> Picture:
    """Read a picture and decode it once, to know that it is whole.

    JPEG and PNG stay as they are (zero bytes after a JPEG's end are dropped); anything else that OpenCV reads
    becomes a PNG of the same pixels.
    """
    import cv2

    try:
        data = path.read_bytes()
    except OSError as error:
        return Picture(b"", (), f"picture cannot be read: {error.strerror or error}")
    if not data:
        return Picture(b"", (), "picture is an empty file (a full disk?)")
    if data.startswith(_JPEG_START):
        data = data.rstrip(b"\0")
        if not data.endswith(_JPEG_END):
            return Picture(b"", (), "picture is cut off")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return Picture(b"", (), "picture cannot be decoded")
    if not data.startswith((_JPEG_START, PNG)):
        data = bytes(cv2.imencode(".png", pixels)[1])
    return Picture(data, pixels.shape)


def read_pictures(paths: Sequence[Path], pool: ThreadPoolExecutor) -> list[Picture]:
    """Read pictures side by side, in order."""
    return list(pool.map(read_picture, paths))


def suffix(data: bytes) -> str:
    """The end of a file's name that fits the encoded picture."""
    return ".png" if data.startswith(PNG) else ".jpg"


def shape_of(data: bytes) -> tuple[int, ...]:
    """(H, W, 3), or (H, W) of a grey picture."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return tuple(pixels.shape)  # type: ignore[union-attr]
