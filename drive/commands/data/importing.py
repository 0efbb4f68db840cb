"""`drive data import`: recordings of other programs become a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from drive.core.errors import plural
from drive.interchange.import_settings import ImportSettings


@dataclass(frozen=True, kw_only=True)
class ImportConfig(ImportSettings):
    """Bring a recording of another program in: a Udacity driving log or a Donkey Car tub (version 2).

    Their steering is positive to the right and becomes ours, positive to the left; miles an hour become m/s.
    Pictures keep their bytes. A pause or a new session starts a new episode, and frames that cannot be used
    are named and left out. Next: `drive train OUT`.
    """

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """`driving_log.csv` with its folder IMG beside it, or the folder of either program that holds the log."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Folder for the dataset; a new one."""


def main(config: ImportConfig) -> None:
    """Read the log, write the dataset, say what was assumed and what was left out.

    Raises:
        UserError: the source is no such recording, nothing in it can be used, or OUT holds something.
    """
    from rich.console import Console

    from drive.core.files import new_folder
    from drive.interchange.conversion import convert
    from drive.interchange.logs import read_log

    console = Console(highlight=False, soft_wrap=True)
    log = read_log(config.source)
    with new_folder(config.out) as folder:
        done = convert(log, config, folder, console)
    for line in log.skipped.lines():
        console.print(f"left out: {line}", markup=False)
    for line in done.notes:
        console.print(f"note: {line}", markup=False)
    console.print(
        f"{done.frames} frames, {plural(done.episodes, 'episode')} at {done.fps} Hz "
        f"from {log.program}: {config.out}",
        markup=False,
    )
    if done.episodes == 1:
        console.print("one episode only, training needs two: import again with --max-episode-s to cut it")
    else:
        console.print(f"next: drive train {config.out}", markup=False)
