"""What is said after a training on little data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drive.agent import DT

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

ENOUGH_MINUTES = 30.0  # of recorded driving


def advise(datasets: Sequence["DatasetInfo"]) -> str | None:
    """Plain advice where the data are few; None where they are not.

    The figures in it are those of `drive demo` (155 minutes on 260 roads) and of five minutes driven by hand.
    """
    minutes = sum(info.total_frames / info.fps for info in datasets) / 60.0
    if minutes >= ENOUGH_MINUTES:
        return None
    roads = len({info.road_of(row.index) for info in datasets for row in info.episodes})
    count = f"{roads} road" if roads == 1 else f"{roads} roads"
    said = f"This was {minutes:.1f} minutes of driving on {count}; `drive demo` records 155 minutes on 260. "
    again = [
        info
        for info in datasets
        if info.fps == round(1 / DT) and all(row.seed is not None for row in info.episodes)
    ]
    if not again:
        return said + "Drive more roads."
    name = again[0].root
    return (
        f"{said}Drive more roads, or make more of these: `drive data rerender {name} {name}-variants "
        f"--every 2`, then `drive train {name}-variants --labels expert`, taught a network from five "
        "minutes by hand to manage 31 of 32 new roads."
    )
