"""What the page shows of a dataset, as plain values; and the edits that it can ask for."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drive.dataset import FRONT_IMAGE, DatasetInfo, read_episode, read_info

KEPT_EPISODES = 3  # pictures of so many stay in memory

_SPEEDS = {"speed_mps": "speed", "speed_limit_mps": "limit"}
_STEERING = {"action": "label", "executed.action": "driven", "expert.action": "expert"}
_OFFSET = "privileged.lateral_offset_m"
_COMMANDS = ("follow the lane", "left", "right", "straight")


class Episodes:
    """A dataset that is looked through; safe to use from many threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self.info = read_info(root)

    def reload(self) -> DatasetInfo:
        """Read the descriptions anew: somebody may be recording or editing."""
        self.info = read_info(self.root)
        return self.info

    def describe(self) -> dict[str, Any]:
        """The dataset and its episodes."""
        info = self.reload()
        return {
            "name": self.root.resolve().name,
            "fps": info.fps,
            "frames": info.total_frames,
            "episodes": [self._row(info, index) for index in range(info.total_episodes)],
        }

    def _row(self, info: DatasetInfo, index: int) -> dict[str, Any]:
        row = info.episodes[index]
        return {
            "index": index,
            "frames": row.length,
            "seconds": row.length / info.fps,
            "scenario": row.scenario,
            "weather": row.weather,
            "driver": row.driver,
            "person": row.person,
            "note": row.note,
            "ended": row.ended,
            "failed": row.failed,
            "excluded": [list(one) for one in info.edits.ranges("excluded", index)],
            "marked": [list(one) for one in info.edits.ranges("marked", index)],
        }

    def traces(self, index: int) -> dict[str, Any]:
        """The numbers of an episode, frame by frame.

        Returns:
            "episode": its row; "panels": [{"title", "unit", "series": [{"name", "values"}]}]; "command",
            "intervention", "mark": ranges [[first, after, text]]. What the dataset lacks is left out.

        Raises:
            UserError: there is no such episode, or its file is damaged.
        """
        info = self.info
        wanted = [*_STEERING, "observation.state", "observation.command", _OFFSET, "intervention", "mark"]
        columns = read_episode(info, index, [name for name in wanted if name in info.features])
        steering = [
            {"name": label, "values": _rounded(np.asarray(columns[name])[:, 0])}
            for name, label in _STEERING.items()
            if name in columns
        ]
        known = info.features.get("observation.state", {}).get("names") or []
        speed = [
            {
                "name": label,
                "values": _rounded(3.6 * np.asarray(columns["observation.state"])[:, known.index(name)], 2),
            }
            for name, label in _SPEEDS.items()
            if name in known
        ]
        offset = []
        if _OFFSET in columns:
            offset = [{"name": "offset", "values": _rounded(np.asarray(columns[_OFFSET]))}]
        panels = [
            {"title": title, "unit": unit, "series": series}
            for title, unit, series in (
                ("Steering", "left positive", steering),
                ("Speed", "km/h", speed),
                ("Lateral offset", "m, left positive", offset),
            )
            if series
        ]
        found: dict[str, Any] = {"episode": self._row(info, index), "panels": panels}
        commands = np.asarray(columns.get("observation.command", np.zeros(0, np.int64)))
        found["command"] = [
            (first, after, _COMMANDS[value])
            for first, after, value in _stretches(commands)
            if 0 < value < len(_COMMANDS)
        ]
        for name in ("intervention", "mark"):
            values = np.asarray(columns[name]) if name in columns else np.zeros(0, np.int64)
            found[name] = [(first, after) for first, after, value in _stretches(values) if value]
        return found

    def picture(self, index: int, frame: int) -> bytes | None:
        """One picture as JPEG; None: there is no such episode or frame.

        Raises:
            UserError: the file is damaged.
        """
        info = self.info
        if not 0 <= index < info.total_episodes:
            return None
        key = (index, info.episodes[index].first)
        with self._lock:
            pictures = self._kept.get(key)
            if pictures is None:
                pictures = list(read_episode(info, index, [FRONT_IMAGE])[FRONT_IMAGE])
                self._kept[key] = pictures
                while len(self._kept) > KEPT_EPISODES:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
        return pictures[frame] if 0 <= frame < len(pictures) else None

    def edit(self, verb: Literal["exclude", "restore"], index: int, start: int, stop: int) -> dict[str, Any]:
        """Exclude or restore frames [start, stop) of an episode; no frame is changed on the disk.

        Returns:
            The episode's row as it is then.

        Raises:
            UserError: there is no such episode or range, or the edits cannot be written.
        """
        from drive.dataset import exclude, restore

        act = exclude if verb == "exclude" else restore
        act(self.root, index, start, stop)
        return self._row(self.reload(), index)


def _rounded(values: NDArray[Any], digits: int = 4) -> list[float]:
    rounded: list[float] = np.round(values.astype(np.float64), digits).tolist()
    return rounded


def _stretches(values: NDArray[Any]) -> list[tuple[int, int, int]]:
    """[(first, after, value)] of runs of equal values."""
    if not len(values):
        return []
    starts = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist()]
    ends = [*starts[1:], len(values)]
    return [(first, after, int(values[first])) for first, after in zip(starts, ends, strict=True)]
