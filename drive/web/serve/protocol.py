"""What the server says, and limits of both sides; `docs/reference/serve.md` describes every message."""

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

from drive.agent import MAX_STEERING_ANGLE
from drive.core.seeds import RESERVED_SEEDS
from drive.web.limits import MAX_MESSAGE_BYTES, MAX_MESSAGES_PER_S

PROTOCOL = 1
MAX_CLIENTS = 16
PERSON_CHARACTERS, NOTE_CHARACTERS = 100, 500
DELETE_S = 5.0
CONTROLS_WITHIN_S = 2.0
PERSON = "person"  # the name in hello.agents for driving without an agent
MAGIC = b"DRV1"
JPEG, WEBP = 1, 2
_HEADER = struct.Struct("<4sIdBBHHH")


class ProtocolError(ValueError):
    """A message that is not one of ours; its text is one line for the page."""


def limits() -> dict[str, Any]:
    """`hello.limits`."""
    return {
        "message_bytes": MAX_MESSAGE_BYTES,
        "messages_per_s": MAX_MESSAGES_PER_S,
        "clients": MAX_CLIENTS,
        "person_characters": PERSON_CHARACTERS,
        "note_characters": NOTE_CHARACTERS,
        "largest_seed": RESERVED_SEEDS - 1,
        "delete_s": DELETE_S,
        "controls_within_s": CONTROLS_WITHIN_S,
        "max_steering_angle_rad": MAX_STEERING_ANGLE,
    }


def encode(kind: str, **values: Any) -> str:
    """A text message of the server."""
    return json.dumps({"type": kind, **values}, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the header of a binary message says, and the bytes behind it."""

    step: int
    echo: float | None  # [ms]
    level: int
    width_px: int
    height_px: int
    data: bytes
    codec: int = JPEG

    def pack(self) -> bytes:
        """Header and picture."""
        echo = math.nan if self.echo is None else self.echo
        header = (
            MAGIC,
            self.step & 0xFFFFFFFF,
            echo,
            self.codec,
            self.level,
            self.width_px,
            self.height_px,
            0,
        )
        return _HEADER.pack(*header) + self.data


def unpack_picture(message: bytes) -> Picture:
    """The inverse of `Picture.pack`.

    Raises:
        ProtocolError: the header is not ours.
    """
    if len(message) < _HEADER.size or message[:4] != MAGIC:
        raise ProtocolError("The binary message is no picture.")
    _, step, echo, codec, level, width, height, _ = _HEADER.unpack_from(message)
    data = message[_HEADER.size :]
    return Picture(step, None if math.isnan(echo) else echo, level, width, height, data, codec)
