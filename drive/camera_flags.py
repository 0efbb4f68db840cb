"""The camera as flags of a command: one declaration for all commands that make pictures."""

from dataclasses import dataclass

from drive.errors import UserError
from drive.sim.sensors.camera import Camera


@dataclass(frozen=True, kw_only=True)
class CameraFlags:
    """A field of a command's config, nameless (`tyro.conf.arg(name="")`): its flags then have no prefix."""

    width_px: int = 320
    """Width of the pictures."""
    height_px: int = 160
    """Height of the pictures."""
    fov_deg: float = 90.0
    """Horizontal field of view of the camera."""
    camera_height_m: float = 1.4
    """Height of the camera above the ground."""
    camera_pitch_deg: float = 3.0
    """How far the camera looks down."""

    def __post_init__(self) -> None:
        try:
            _ = self.camera  # checks its own fields
        except ValueError as error:
            raise UserError(f"The camera cannot be built: {error}") from error

    @property
    def camera(self) -> Camera:
        """The front camera."""
        return Camera(
            width_px=self.width_px,
            height_px=self.height_px,
            fov_deg=self.fov_deg,
            z=self.camera_height_m,
            pitch_deg=self.camera_pitch_deg,
        )
