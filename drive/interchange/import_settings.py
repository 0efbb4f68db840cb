"""What is asked for when another program's recording is brought in."""

from dataclasses import dataclass

from drive.core.errors import UserError

GAP_S = 2.0


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """What the log does not say, and how to cut it into episodes."""

    fov_deg: float | None = None
    """Horizontal field of view of the camera. The log does not say: 90 is assumed, and noted as such."""
    horizon_px: float | None = None
    """Row of the picture, from the top, at which the horizon stands on a level road. It gives the camera's
    pitch, and training cuts the picture off a little above it; 3 degrees down are assumed."""
    camera_height_m: float | None = None
    """Height of the camera above the ground; 1.4 is assumed."""
    max_steering_deg: float | None = None
    """Angle of the road wheels at their full steering: 25 for Udacity; a tub does not say, so its full lock
    becomes ours, 34.4."""
    fps: int | None = None
    """Frames a second, where the log's own times are missing or wrong."""
    speed_mps: float | None = None
    """Speed to write down where the log has none; a policy learns to expect it. By default the speed is
    missing, and a policy learns to do without."""
    side_steering_deg: float = 0.0
    """With left and right cameras: how much further the wheels must turn in their pictures to come back, 5
    for Udacity as a rule. They are then trained on in turn as shifted views; at 0 they are kept, and not
    trained on."""
    gap_s: float = GAP_S
    """A pause longer than this starts a new episode."""
    max_episode_s: float | None = None
    """Cut longer drives into equal parts: training keeps whole episodes for validation. By default into
    about ten, of 10 to 30 s each, and not at all where this program wrote the log."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("fov_deg", 10.0, 150.0),
            ("camera_height_m", 0.2, 10.0),
            ("max_steering_deg", 1.0, 90.0),
            ("fps", 1, 1000),
            ("speed_mps", 0.0, 100.0),
            ("side_steering_deg", 0.0, 30.0),
            ("gap_s", 0.05, 3600.0),
            ("max_episode_s", 1.0, 86_400.0),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UserError(f"--{name.replace('_', '-')} is {value}; take {low} to {high}.")
