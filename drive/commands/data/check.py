"""`drive data check`: whether a dataset is whole."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from drive.core.errors import plural


@dataclass(frozen=True)
class DataCheckConfig:
    """Read every file and decode every picture of a dataset, and name what is damaged.

    Ends with status 1 where something is wrong. Nothing is changed.
    """

    dir: tyro.conf.Positional[Path]
    """The dataset."""
    pictures: bool = True
    """Decode every picture; without it their bytes are compared with their checksums alone."""
    json: bool = False
    """Print one JSON object for programs: `problems`, each with file, kind, episode, frame, message, and
    `notes` on recordings that are not in the dataset yet."""


def main(config: DataCheckConfig) -> None:
    """Check, and say what is wrong.

    Raises:
        UserError: there is no dataset.
        SystemExit: status 1: something is wrong with it.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from drive.core.errors import UserError
    from drive.dataset import check, read_info
    from drive.dataset.checking import notes

    if not (config.dir / "meta").is_dir():
        read_info(config.dir)  # says what it is instead of a dataset
    console, errors = Console(), Console(stderr=True)
    columns = (TextColumn("checking frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=None)
        problems = check(
            config.dir,
            decode=config.pictures,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if config.json:
        listed = [
            {
                "file": str(one.path),
                "kind": one.kind,
                "episode": one.episode,
                "frame": one.frame,
                "message": one.message,
            }
            for one in problems
        ]
        found = {"dataset": str(config.dir), "whole": not problems, "problems": listed}
        print(json.dumps(found | {"notes": notes(config.dir)}, indent=2))
    else:
        for one in problems:
            console.print(f"{one.kind}: {one.message}", markup=False, highlight=False, soft_wrap=True)
        for note in notes(config.dir):
            console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
        try:
            info = read_info(config.dir)
            counted = f"{plural(info.total_episodes, 'episode')}, {info.total_frames:,} frames"
        except UserError:
            counted = "its description cannot be read"
        verdict = plural(len(problems), "problem") if problems else "whole"
        console.print(f"{config.dir}: {verdict} ({counted}).", markup=False, highlight=False, soft_wrap=True)
    if problems:
        sys.exit(1)
