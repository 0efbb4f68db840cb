"""`drive data merge` and `drive data split`: new datasets of the episodes of others."""

import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from drive.core.errors import UserError, plural

if TYPE_CHECKING:
    from drive.dataset import DatasetInfo


@dataclass(frozen=True)
class DataMergeConfig:
    """Make one dataset of several of the same camera, frame rate and features.

    Rewards are left out where one of them has none, as those of older versions.

    Frames, drivers, persons, notes, ends, seeds, edits and the settings of each recording are kept. The
    sources are not changed.
    """

    out: tyro.conf.Positional[Path]
    """Directory of the new dataset."""
    dirs: tyro.conf.Positional[tuple[Path, ...]]
    """Datasets to merge; one alone is copied."""
    learned_only: bool = False
    """Copy only what `drive train` learns from: no excluded frames and no crashes, each stretch between cuts
    as an episode of its own. For trainers that know nothing of edits."""

    def __post_init__(self) -> None:
        if not self.dirs:
            raise UserError("no dataset to merge: name one or more behind the new directory.")


@dataclass(frozen=True)
class DataSplitConfig:
    """Split a dataset by road, never within an episode, into datasets in OUT/NAME for each part.

    Episodes of the same road and seed stay together. The same seed gives the same parts. The source is not
    changed. Example: drive data split DIR --out DIR-split --part train=0.8 --part val=0.2
    """

    dir: tyro.conf.Positional[Path]
    """The dataset."""
    out: Path
    """New folder for the parts."""
    part: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=SHARE, repeated; shares add up to 1. By default train=0.9 and val=0.1."""
    seed: int = 0
    """Chooses the episodes of each part."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError(f"--seed is {self.seed}; take 0 or more.")
        _ = self.shares

    @property
    def shares(self) -> dict[str, float]:
        """Share of each part, by name."""
        shares: dict[str, float] = {}
        for text in self.part or ("train=0.9", "val=0.1"):
            name, _, number = text.partition("=")
            try:
                share = float(number)
            except ValueError:
                share = math.nan
            if not name.replace("-", "").replace("_", "").isalnum() or not 0.0 < share <= 1.0:
                raise UserError(
                    f"--part {text} is no NAME=SHARE; take letters and digits for the name and a share above "
                    "0 and up to 1, such as train=0.8."
                )
            if name in shares:
                raise UserError(f"--part {name} is given twice; give each part another name.")
            shares[name] = share
        if abs(sum(shares.values()) - 1.0) > 1e-6:
            raise UserError(f"the shares of --part add up to {sum(shares.values()):g}; make it 1.")
        return shares


def main(config: DataMergeConfig | DataSplitConfig) -> None:
    """Copy, and say what was made.

    Raises:
        UserError: a dataset is missing or damaged, they differ, the new directory holds something, or the
            disk is full.
    """
    if isinstance(config, DataMergeConfig):
        merge(config)
    else:
        split(config)


def merge(config: DataMergeConfig) -> "DatasetInfo":
    """Make the merged dataset and say what it holds."""
    from rich.console import Console

    from drive.dataset import read_info
    from drive.dataset.checking import notes
    from drive.dataset.copying import copy_episodes, learned_pieces, refuse_differing, whole_episodes
    from drive.dataset.layout import REWARD

    console = Console(highlight=False)
    resolved = [path.resolve() for path in config.dirs]
    for i, path in enumerate(resolved):
        if path in resolved[:i]:
            raise UserError(f"{config.dirs[i]} is named twice: name each dataset once.")
    infos = [read_info(path) for path in config.dirs]
    refuse_differing(infos)
    pieces = learned_pieces if config.learned_only else whole_episodes
    with _bar("merging") as progress:
        made = copy_episodes(config.out, [(info, pieces(info)) for info in infos], progress)
    twice = sum(len(info.seeds) for info in infos) - len(frozenset().union(*(info.seeds for info in infos)))
    if twice:
        seeds = "1 seed is" if twice == 1 else f"{twice} seeds are"
        console.print(f"Note: {seeds} in more than one of them.", markup=False, soft_wrap=True)
    lacking = [str(info.root) for info in infos if REWARD not in info.features]
    if 0 < len(lacking) < len(infos):
        has = "has" if len(lacking) == 1 else "have"
        console.print(
            f"Note: {REWARD} is left out, {', '.join(lacking)} {has} none.", markup=False, soft_wrap=True
        )
    for note in [note for info in infos for note in notes(info.root, made.root)]:
        console.print(f"Note: {note}", markup=False, soft_wrap=True)
    console.print(_summary_line(made), markup=False, soft_wrap=True)
    return made


def split(config: DataSplitConfig) -> dict[str, "DatasetInfo"]:
    """Make the parts and say what they hold."""
    from rich.console import Console

    from drive.core.files import refuse_other_things
    from drive.dataset import read_info
    from drive.dataset.copying import copy_episodes, whole_episodes

    info = read_info(config.dir)
    chosen = choose(info, config.shares, config.seed)
    refuse_other_things(config.out, "give --out a new or empty folder")
    config.out.mkdir(parents=True, exist_ok=True)
    made: dict[str, DatasetInfo] = {}
    try:
        for name, episodes in chosen.items():
            with _bar(name) as progress:
                source = (info, whole_episodes(info, episodes))
                made[name] = copy_episodes(config.out / name, [source], progress)
    except BaseException:
        for name in made:  # all parts or none
            shutil.rmtree(config.out / name)
        raise
    console = Console(highlight=False)
    for part in made.values():
        console.print(_summary_line(part), markup=False, soft_wrap=True)
    return made


def choose(info: "DatasetInfo", shares: dict[str, float], seed: int) -> dict[str, list[int]]:
    """Which episodes go into which part, in order; each part gets at least one road.

    Episodes of the same map and scenario seed go together: their pictures show the same road.

    Raises:
        UserError: there are fewer roads than parts.
    """
    import numpy as np

    roads: dict[tuple[str, int], list[int]] = {}
    for row in info.episodes:
        roads.setdefault(info.road_of(row.index), []).append(row.index)
    if len(roads) < len(shares):
        raise UserError(
            f"{info.root} has {info.total_episodes} episodes on {len(roads)} roads, too few for "
            f"{len(shares)} parts: record more, or take fewer parts."
        )
    groups = list(roads.values())
    order = np.random.default_rng(seed).permutation(len(groups))
    counts = apportion(len(groups), list(shares.values()))
    chosen, start = {}, 0
    for name, count in zip(shares, counts, strict=True):
        taken = order[start : start + count]
        chosen[name] = sorted(episode for i in taken for episode in groups[i])
        start += count
    return chosen


def apportion(total: int, shares: list[float]) -> list[int]:
    """Whole numbers that add up to `total`, at least 1 each, nearest to the shares (largest remainder).

    Args:
        total: at least as many as there are shares.
        shares: above 0, adding up to 1.
    """
    exact = [share * total for share in shares]
    counts = [max(1, math.floor(value + 1e-9)) for value in exact]
    while sum(counts) < total:
        i = max(range(len(counts)), key=lambda i: exact[i] - counts[i])
        counts[i] += 1
    while sum(counts) > total:
        i = min((i for i in range(len(counts)) if counts[i] > 1), key=lambda i: exact[i] - counts[i])
        counts[i] -= 1
    return counts


def _summary_line(info: "DatasetInfo") -> str:
    return f"{info.root}: {plural(info.total_episodes, 'episode')}, {info.total_frames:,} frames."


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
