"""`drive data import`: recordings of other programs become a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from drive.errors import UserError

if TYPE_CHECKING:
    from drive.interchange.foreign import ForeignLog

GAP_S = 2.0


@dataclass(frozen=True)
class ImportConfig:
    """Bring a recording of another program in: a Udacity driving log or a Donkey Car tub (version 2).

    Their steering is positive to the right and becomes ours, positive to the left; miles an hour become m/s.
    Pictures keep their bytes. A pause or a new session starts a new episode, and frames that cannot be used
    are named and left out. Next: `drive train OUT`.
    """

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """`driving_log.csv` with its folder IMG beside it, or the folder of either program that holds the log."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Folder for the dataset; a new one."""
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
    """Speed to write down where the log has none; a policy learns to expect it."""
    side_steering_deg: float = 0.0
    """With left and right cameras: how much further the wheels must turn in their pictures to come back, 5
    for Udacity as a rule. They are then trained on in turn as shifted views; at 0 they are kept, and not
    trained on."""
    gap_s: float = GAP_S
    """A pause longer than this starts a new episode."""
    max_episode_s: float | None = None
    """Cut longer drives into equal parts: training keeps whole episodes for validation and needs two. By
    default at 300 s, and not at all where this program wrote the log."""

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


def main(config: ImportConfig) -> None:
    """Read the log, write the dataset, say what was assumed and what was left out.

    Raises:
        UserError: the source is no such recording, nothing in it can be used, or OUT holds something.
    """
    from rich.console import Console

    from drive.interchange.conversion import convert
    from drive.interchange.folder import new_folder

    console = Console(highlight=False, soft_wrap=True)
    log = read_log(config.source)
    with new_folder(config.out) as folder:
        done = convert(log, config, folder, console)
    for line in log.skipped.lines():
        console.print(f"left out: {line}", markup=False)
    for line in done.notes:
        console.print(f"note: {line}", markup=False)
    console.print(
        f"{done.frames} frames, {done.episodes} episode{'s' * (done.episodes != 1)} at {done.fps} Hz "
        f"from {log.program}: {config.out}",
        markup=False,
    )
    if done.episodes == 1:
        console.print("one episode only, training needs two: import again with --max-episode-s to cut it")
    else:
        console.print(f"next: drive train {config.out}", markup=False)


def read_log(source: Path) -> "ForeignLog":
    """Read a recording of another program, whichever it is.

    Raises:
        UserError: it is of none that this program knows, or cannot be used.
    """
    from drive.interchange.donkey_reader import MANIFEST, read_donkey
    from drive.interchange.udacity_reader import LOG_NAME, read_udacity

    if not source.exists():
        raise UserError(
            f"{source} does not exist: name a Udacity driving_log.csv or the folder of a Donkey tub."
        )
    if source.is_file():
        if source.suffix.lower() == ".csv":
            return read_udacity(source)
        if source.name == MANIFEST:
            return read_donkey(source.parent)
        raise UserError(
            f"{source} is no .csv file: name a Udacity driving_log.csv or the folder of a Donkey tub."
        )
    if (source / LOG_NAME).is_file():
        return read_udacity(source / LOG_NAME)
    if (source / MANIFEST).is_file() or any(source.glob("catalog_*.catalog")):
        return read_donkey(source)
    if (source / "data" / MANIFEST).is_file():
        return read_donkey(source / "data")
    if any(source.glob("record_*.json")):
        raise UserError(
            f"{source} is a Donkey tub of version 1: convert it with Donkey Car's convert_to_tub_v2.py."
        )
    tables = sorted(source.glob("*.csv"))
    if len(tables) == 1:
        return read_udacity(tables[0])
    raise UserError(
        f"{source} holds neither {LOG_NAME} (Udacity) nor {MANIFEST} (Donkey Car, tub version 2): "
        "name the folder that does."
    )
