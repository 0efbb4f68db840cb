"""`drive data export`: a dataset in the words of other programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from drive.core.errors import UserError, plural


@dataclass(frozen=True)
class ExportConfig:
    """Write a dataset as other programs read it.

    donkey: a Donkey Car tub (version 2). udacity: `driving_log.csv` and IMG, as the simulator records.
    minari: for offline reinforcement learning; needs the extra `interchange`. rlds: TFRecord files that
    `tfds.builder_from_directory` opens; needs the extra `train`.

    Pictures keep their bytes; signs and units become theirs. Frames that were excluded are left out.
    """

    data: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """The dataset."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Folder to write; a new one."""
    format: Literal["donkey", "udacity", "minari", "rlds"]
    """Which program is to read it."""
    max_steering_deg: float | None = None
    """For donkey and udacity: angle of the road wheels at their full steering. Udacity turns by 25, and what
    steers further is held there; for donkey by ours, 34.4."""
    failed: bool = False
    """Also write episodes that ended in a crash or off the lane."""

    def __post_init__(self) -> None:
        if self.max_steering_deg is not None and not 1.0 <= self.max_steering_deg <= 90.0:
            raise UserError(f"--max-steering-deg is {self.max_steering_deg}; take 1 to 90.")
        if self.max_steering_deg is not None and self.format in ("minari", "rlds"):
            raise UserError(f"--max-steering-deg says nothing for {self.format}, which keeps our steering.")


def main(config: ExportConfig) -> None:
    """Write the dataset in another layout, and say how to open it.

    Raises:
        UserError: there is no dataset, an extra is missing, or OUT holds something.
    """
    from rich.console import Console

    from drive.core.files import new_folder
    from drive.dataset import read_info
    from drive.interchange.donkey_writer import write_donkey
    from drive.interchange.drives import Selection
    from drive.interchange.minari_writer import write_minari
    from drive.interchange.rlds_writer import write_rlds
    from drive.interchange.udacity_writer import write_udacity
    from drive.interchange.units import OUR_FULL_LOCK_DEG, UDACITY_FULL_LOCK_DEG

    console = Console(highlight=False, soft_wrap=True)
    selection = Selection(read_info(config.data), failed=config.failed)
    if not selection.frames:
        raise UserError(
            f"{config.data} has no frame to export: all are excluded or in failed episodes (--failed)."
        )
    name = config.data.resolve().name
    with new_folder(config.out) as folder:
        if config.format == "udacity":
            notes = write_udacity(selection, folder, config.max_steering_deg or UDACITY_FULL_LOCK_DEG)
            opened = f"drive data import {config.out} DIR"
        elif config.format == "donkey":
            notes = write_donkey(selection, folder, config.max_steering_deg or OUR_FULL_LOCK_DEG)
            opened = f"donkey train --tub {config.out}"
        elif config.format == "minari":
            identity, notes = write_minari(selection, folder, name)
            opened = f"minari.load_dataset('{identity}') where MINARI_DATASETS_PATH is {config.out}"
        else:
            notes = write_rlds(selection, folder, name)
            opened = f"tfds.builder_from_directory('{config.out}').as_dataset(split='train')"
    for line in [*selection.notes, *notes]:
        console.print(f"note: {line}", markup=False)
    console.print(
        f"{selection.frames} frames of {plural(selection.drives, 'drive')} as {config.format}: {config.out}",
        markup=False,
    )
    console.print(f"open it: {opened}", markup=False)
