"""`drive data exclude`, `restore` and `mark`: edits that destroy nothing."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from drive.core.errors import UserError

if TYPE_CHECKING:
    from drive.dataset import DatasetInfo


@dataclass(frozen=True)
class _Stretch:
    """Which frames an edit is of."""

    dir: tyro.conf.Positional[Path]
    """The dataset."""
    episode: Annotated[tuple[int, ...], tyro.conf.UseAppendAction] = ()
    """Number of the episode, from 0 on; repeat the flag for several."""
    from_s: float | None = None
    """Where the stretch begins; by default with the episode."""
    to_s: float | None = None
    """Where the stretch ends; by default with the episode."""

    def __post_init__(self) -> None:
        if not self.episode:
            raise UserError(
                "no episode is named; give --episode N (`drive data info DIR --list` numbers them)."
            )
        for name in ("from_s", "to_s"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value < math.inf:
                raise UserError(
                    f"--{name.replace('_', '-')} is {value}; take seconds since the episode's start."
                )
        if self.from_s is not None and self.to_s is not None and self.to_s <= self.from_s:
            raise UserError(f"--to-s is {self.to_s}; take more than --from-s, {self.from_s}.")


@dataclass(frozen=True)
class DataExcludeConfig(_Stretch):
    """Leave an episode, or a stretch of it, out of training.

    The frames stay in the dataset; `drive data restore` brings them back.
    """


@dataclass(frozen=True)
class DataRestoreConfig(_Stretch):
    """Use excluded episodes, or a stretch of one, again."""

    all: bool = False
    """Restore every episode."""

    def __post_init__(self) -> None:
        if not self.all:
            super().__post_init__()
        elif self.episode or self.from_s is not None or self.to_s is not None:
            raise UserError("--all restores everything; leave out --episode, --from-s and --to-s.")


@dataclass(frozen=True)
class DataMarkConfig(_Stretch):
    """Mark an episode, or a stretch of it, to find it again; training is not changed."""

    remove: bool = False
    """Take the mark off again."""


def main(config: DataExcludeConfig | DataRestoreConfig | DataMarkConfig) -> None:
    """Change the edits, and say what is left to learn from.

    Raises:
        UserError: there is no such dataset, episode or stretch, or it cannot be written.
    """
    from drive.dataset import exclude, mark, read_info, restore, unmark

    info = read_info(config.dir)
    if isinstance(config, DataExcludeConfig):
        change = exclude
    elif isinstance(config, DataRestoreConfig):
        change = restore
    else:
        change = unmark if config.remove else mark
    episodes = config.episode
    if isinstance(config, DataRestoreConfig) and config.all:
        episodes = tuple(info.edits.excluded)
    stretches = [(episode, *_frames(info, episode, config.from_s, config.to_s)) for episode in episodes]
    for episode, start, stop in stretches:
        change(config.dir, episode, start, stop)
    info = read_info(config.dir)
    for episode in episodes:
        row, learned = info.episodes[episode], int(info.training_mask(episode).sum())
        line = f"episode {episode}: {learned:,} of {row.length:,} frames to learn from"
        if row.failed:
            line += (
                f"; it ended in {row.ended.replace('_', ' ')}: `drive train --include-crashes` learns from it"
            )
        print(line)
    learned = sum(int(info.training_mask(row.index).sum()) for row in info.episodes)
    print(f"{config.dir}: {learned:,} of {info.total_frames:,} frames to learn from")


def _frames(info: "DatasetInfo", episode: int, from_s: float | None, to_s: float | None) -> tuple[int, int]:
    """The frames whose time is at least `from_s` and below `to_s`.

    Raises:
        UserError: there is no such episode, or no frame in between.
    """
    if not 0 <= episode < info.total_episodes:
        raise UserError(f"{info.root} has no episode {episode}: it holds {info.total_episodes}, from 0 on.")
    length, fps = info.episodes[episode].length, info.fps
    start = 0 if from_s is None else math.ceil(round(from_s * fps, 6))
    stop = length if to_s is None else min(math.ceil(round(to_s * fps, 6)), length)
    if start >= stop:
        raise UserError(
            f"{info.root}: no frame of episode {episode} lies between --from-s {start / fps:g} and --to-s "
            f"{stop / fps:g}: it lasts {length / fps:g} s."
        )
    return start, stop
