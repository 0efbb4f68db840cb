"""What the readers of other programs' recordings give: one log, frame by frame, in that program's signs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.core.json_data import Positive, convert, decode

CAMERA_GUESSES = ("fov_deg", "z", "pitch_deg")  # what a log does not say of its camera
SIDECAR = "drive.json"  # what an export of ours lays beside it: camera, frame rate, steering range


class Skipped:
    """Records that cannot be used, counted by reason, with the first place of each."""

    def __init__(self) -> None:
        self._found: dict[str, list[Any]] = {}

    def add(self, reason: str, where: str) -> None:
        """Count one."""
        self._found.setdefault(reason, [0, where])[0] += 1

    def lines(self) -> list[str]:
        """One line a reason."""
        return [f"{count} x {reason} (first: {where})" for reason, (count, where) in self._found.items()]


@dataclass(frozen=True, eq=False)
class ForeignLog:
    """A recording of another program: N frames in the order driven."""

    program: str  # "udacity" or "donkey"
    folder: Path
    pictures: list[Path]
    steering: NDArray[np.float64]  # (N,) fraction of full lock in [-1, 1], RIGHT positive
    throttle: NDArray[np.float64]  # (N,)
    brake: NDArray[np.float64] | None  # (N,); None: the throttle is signed
    speed: NDArray[np.float64] | None  # (N,) [m/s]; None: not recorded
    time: NDArray[np.float64] | None  # (N,) [s] since 1970; None: not recorded
    sessions: list[str]  # (N,) a new value starts a new drive
    sides: Mapping[str, list[Path]] = field(
        default_factory=dict
    )  # "left", "right": pictures beside the front
    skipped: Skipped = field(default_factory=Skipped)
    sidecar: Mapping[str, Any] = field(default_factory=dict)


def number(value: Any) -> float | None:
    """A finite number, or None."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def refuse_wide_steering(steering: Sequence[float], places: Sequence[str], remedy: str) -> None:
    """Refuse a log whose steering is no fraction: degrees, say.

    Raises:
        UserError: names the first such place.
    """
    for value, place in zip(steering, places, strict=True):
        if abs(value) > 1.001:
            raise UserError(f"{place}: steering is {value:g}, not a fraction in -1..1: {remedy}")


class _Sidecar(msgspec.Struct):
    camera: dict[str, Any]
    fps: Positive
    max_steering_deg: Annotated[float, msgspec.Meta(ge=1.0, le=90.0)]
    assumed: list[Literal["fov_deg", "z", "pitch_deg"]]


def read_sidecar(folder: Path) -> dict[str, Any]:
    """What an earlier export noted beside its files; empty where nothing was.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / SIDECAR
    try:
        found = decode(path.read_bytes(), dict[str, Any])
        convert(found, _Sidecar)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is damaged ({error}): restore it, or delete it and give --fov-deg."
        ) from error
    return found
