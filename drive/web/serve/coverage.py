"""What recordings by hand cover so far, and what is worth driving next."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drive.agent import DT
from drive.dataset import read_episode, read_info
from drive.episode import FAILED_ENDS
from drive.sim.sensors.weather import TRAINING_WEATHERS

BEND_CURVATURE = 1.0 / 150.0  # of what the car drives, from which on it counts as a bend [1/m]
MIN_SPEED = 1.0  # a standing car has no curvature [m/s]
COLUMNS = ("observation.state", "privileged.lateral_offset_m")
STRAYED_M, BACK_M = 0.5, 0.25  # offsets between which a recovery lies


@dataclass
class Coverage:
    """Counts over recorded frames; `add` takes them in the order they were driven."""

    frames: int = 0
    left: int = 0  # frames in bends to the left
    right: int = 0
    recoveries: int = 0  # ways back from 0.5 m off the lane's middle to 0.25 m
    weathers: Counter[str] = field(default_factory=Counter)  # frames
    roads: set[tuple[str, int]] = field(default_factory=set)  # (map, seed)
    _strayed: bool = False

    def add(self, row: Mapping[str, Any], weather: str, road: tuple[str, int]) -> None:
        """Count a frame by its numbers in the dataset."""
        state, lateral = (row[name] for name in COLUMNS)
        speed, yaw_rate = state[:2]
        curvature = yaw_rate / max(speed, MIN_SPEED)
        self.frames += 1
        self.left += bool(curvature > BEND_CURVATURE)
        self.right += bool(curvature < -BEND_CURVATURE)
        offset = abs(float(lateral))
        self.recoveries += self._strayed and offset < BACK_M
        self._strayed = offset > STRAYED_M or (self._strayed and offset >= BACK_M)
        self.weathers[weather] += 1
        self.roads.add(road)

    def added(self, other: "Coverage") -> "Coverage":
        """Both together."""
        return Coverage(
            self.frames + other.frames,
            self.left + other.left,
            self.right + other.right,
            self.recoveries + other.recoveries,
            self.weathers + other.weathers,
            self.roads | other.roads,
        )

    def status(self) -> dict[str, Any]:
        """`state.recording.coverage` of the protocol."""
        return {
            "seconds": round(self.frames * DT, 1),
            "left_seconds": round(self.left * DT, 1),
            "right_seconds": round(self.right * DT, 1),
            "recoveries": self.recoveries,
            "roads": len(self.roads),
            "weathers": sorted(self.weathers),
            "next": self.next(),
        }

    def next(self) -> str:
        """What to drive next, in a line: the first thing that is missing."""
        minutes = self.frames * DT / 60.0
        if minutes < 1.0:
            return "Record a minute, whatever comes."
        if len(self.roads) < minutes:
            return "Ask for the next road: many roads teach more than long drives."
        fewer, more = sorted((self.left, self.right))
        if fewer + more < 0.15 * self.frames:
            return "Drive bends: country roads, or streets from corner to corner."
        if fewer < 0.5 * more:
            return f"Drive more bends to the {'left' if self.left == fewer else 'right'}."
        if self.recoveries < minutes:
            return "Record ways back: drift off the middle while paused, then record how you return."
        missing = [name for name in TRAINING_WEATHERS if name not in self.weathers]
        if missing:
            return f"Drive in other weather: {' or '.join(missing)}."
        if minutes < 5.0:
            return "Well mixed; five minutes are a good start."
        return "Well mixed: train on it, and drive on where the network fails."


def coverage_of(rows: Iterable[Mapping[str, Any]], weather: str, road: tuple[str, int]) -> Coverage:
    """The coverage of one drive's frames."""
    found = Coverage()
    for row in rows:
        found.add(row, weather, road)
    return found


def coverage_of_dataset(root: Path) -> Coverage:
    """The coverage of what a dataset holds, less the drives that failed.

    Raises:
        UserError: the dataset is damaged.
    """
    info = read_info(root)
    found = Coverage()
    for row in info.episodes:
        if row.ended in FAILED_ENDS:
            continue
        columns = read_episode(info, row.index, COLUMNS)
        rows = [dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        found = found.added(coverage_of(rows, row.weather, info.road_of(row.index)))
    return found
