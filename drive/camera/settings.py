"""How a user names a camera: a TOML file, plain values, or a command's flags."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from drive.camera.camera import Camera
from drive.core.errors import UserError, nearest
from drive.core.json_data import convert

CameraLike = Camera | Mapping[str, Any] | str | Path
_KEYS = [field.name for field in fields(Camera)]


def read_camera(asked: CameraLike) -> Camera:
    """A camera as a user gave it: itself, `Camera`'s fields as plain values, or a TOML file with them.

    The file holds them in a table `[camera]`; what is left out is the usual camera's.

    Raises:
        UserError: the file cannot be read, a key is unknown, or a value has another type or is out of range.
    """
    if isinstance(asked, Camera):
        return asked
    if isinstance(asked, Mapping):
        return camera_from(asked, "camera")
    path = Path(asked)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name a TOML file with a table [camera].") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no TOML file: {error}") from error
    table = values.pop("camera", None)
    if values or not isinstance(table, dict):
        found = f"has {', '.join(values)} beside" if values else "lacks"
        raise UserError(f"{path} {found} the table [camera]; put {', '.join(_KEYS[:3])} and so on there.")
    return camera_from(table, f"{path}: [camera]")


def camera_from(values: Mapping[str, Any], where: str) -> Camera:
    """A camera of plain values, as files and users have them.

    Raises:
        UserError: a key is unknown, or a value has another type or is out of range; begins with `where`.
    """
    for key in values:
        if key not in _KEYS:
            raise UserError(f"{where}: unknown key {key!r}; {nearest(str(key), _KEYS)}.")
    try:
        return convert(values, Camera)
    except ValueError as error:
        raise UserError(f"{where}: {str(error).removeprefix('camera.')}") from error


@dataclass(frozen=True, kw_only=True)
class CameraFlags:
    """A field of a command's config, nameless (`tyro.conf.arg(name="")`): its flags then have no prefix."""

    camera: Path | None = None
    """TOML file that describes the camera in a table [camera]: width_px, height_px, fov_deg, where it is
    mounted (x, y, z in metres; yaw_deg, pitch_deg, roll_deg), lens and distortion. The flags below go before
    it."""
    width_px: int | None = None
    """Width of the pictures; by default 320."""
    height_px: int | None = None
    """Height of the pictures; by default 160."""
    fov_deg: float | None = None
    """Horizontal field of view of the camera; by default 90."""
    camera_height_m: float | None = None
    """Height of the camera above the ground; by default 1.4."""
    camera_pitch_deg: float | None = None
    """How far the camera looks down; by default 3."""

    def __post_init__(self) -> None:
        if self.camera is None:
            _ = self.front  # checks its own fields

    @cached_property
    def front(self) -> Camera:
        """The front camera; its file is read at the first call.

        Raises:
            UserError: there is no such camera, or it gives more than commands keep.
        """
        camera = Camera() if self.camera is None else front_camera(self.camera)
        flags: dict[str, Any] = {
            "width_px": self.width_px,
            "height_px": self.height_px,
            "fov_deg": self.fov_deg,
            "z": self.camera_height_m,
            "pitch_deg": self.camera_pitch_deg,
        }
        try:
            return replace(camera, **{name: value for name, value in flags.items() if value is not None})
        except ValueError as error:
            raise UserError(f"The camera cannot be built: {error}") from error


def front_camera(path: Path) -> Camera:
    """The camera of a TOML file, for a command.

    Raises:
        UserError: as for `read_camera`, or it has other pictures than rgb, which commands do not use.
    """
    camera = read_camera(path)
    if camera.outputs != ("rgb",):
        raise UserError(f"{path}: [camera]: outputs is {list(camera.outputs)}; commands use rgb alone.")
    return camera
