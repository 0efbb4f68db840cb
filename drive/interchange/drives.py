"""What of a dataset is exported: runs of frames that stand side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from drive.dataset import FRONT_IMAGE, DatasetInfo, EpisodeRow, read_episode
from drive.dataset.reader import Column
from drive.interchange.conversion import SIDE_IMAGE, TIME

BASE_TIME_S = 1_577_836_800.0  # 2020-01-01 00:00 UTC: where drives without a clock of their own begin
PAUSE_S = 60.0  # between two such drives


@dataclass(frozen=True, eq=False)
class Drive:
    """Frames in a row of one episode."""

    row: EpisodeRow
    first: int  # number of its first frame in the episode
    frames: dict[str, Column]
    state_names: list[str]
    fps: int

    @property
    def pictures(self) -> list[bytes]:
        """T encoded pictures of the front camera."""
        return cast(list[bytes], self.frames[FRONT_IMAGE])

    @property
    def length(self) -> int:
        """Frames."""
        return len(self.frames[FRONT_IMAGE])

    def state(self, name: str) -> NDArray[np.float64] | None:
        """(T,) one of the numbers in `observation.state`; None where it was not recorded."""
        if name not in self.state_names:
            return None
        values = np.asarray(self.frames["observation.state"], np.float64).reshape(self.length, -1)
        return values[:, self.state_names.index(name)]


class Selection:
    """The frames of a dataset that nobody excluded, as drives."""

    def __init__(self, info: DatasetInfo, *, failed: bool) -> None:
        self.info = info
        self._runs: list[tuple[EpisodeRow, int, int]] = []
        for row in info.episodes:
            kept = np.concatenate([[False], info.training_mask(row.index, failed=failed), [False]])
            edges = np.flatnonzero(np.diff(kept.astype(np.int8)))
            self._runs += [(row, int(a), int(b)) for a, b in edges.reshape(-1, 2)]

    @property
    def drives(self) -> int:
        """How many."""
        return len(self._runs)

    @property
    def frames(self) -> int:
        """In all drives."""
        return sum(stop - start for _, start, stop in self._runs)

    @property
    def notes(self) -> list[str]:
        """What is left out."""
        missing = self.info.total_frames - self.frames
        return [f"{missing} frames are left out: excluded, or of failed episodes"] if missing else []

    @property
    def sides(self) -> list[str]:
        """Of "left" and "right", the cameras that the dataset has pictures of."""
        return [side for side in ("left", "right") if SIDE_IMAGE.format(side=side) in self.info.features]

    def __iter__(self) -> Iterator[Drive]:
        names = [name for name in self.info.features if not name.startswith(("privileged.", "view."))]
        state_names = self.info.features["observation.state"]["names"]
        read: tuple[int, dict[str, Any]] = (-1, {})
        for row, start, stop in self._runs:
            if read[0] != row.index:
                read = (row.index, read_episode(self.info, row.index, names))
            frames = {name: values[start:stop] for name, values in read[1].items()}
            yield Drive(row, start, frames, state_names, self.info.fps)


class Clock:
    """Milliseconds since 1970 for each frame, rising within a drive.

    A drive that came from a log with a clock keeps its times. With `pause_s` drives also follow one another,
    more than that apart: a drive that does not is moved, and all after it.
    """

    def __init__(self, pause_s: float | None = None) -> None:
        self._pause_ms = None if pause_s is None else round(pause_s * 1000.0)
        self._next = round(BASE_TIME_S * 1000.0)
        self._shift = 0
        self._last: int | None = None

    def __call__(self, drive: Drive) -> list[int]:
        """Times of a drive's frames, rising."""
        if TIME in drive.frames:
            times = (
                np.rint(np.asarray(drive.frames[TIME], np.float64) * 1000.0).astype(np.int64) + self._shift
            )
            last, pause = self._last, self._pause_ms
            if last is not None and pause is not None and times[0] - last <= pause:
                more = last + round(PAUSE_S * 1000.0) - int(times[0])
                self._shift += more
                times += more
        else:
            times = self._next + np.rint(np.arange(drive.length) * 1000.0 / drive.fps).astype(np.int64)
        for t in range(1, len(times)):
            times[t] = max(times[t], times[t - 1] + 1)
        self._last = int(times[-1])
        self._next = self._last + round(PAUSE_S * 1000.0)
        return [int(t) for t in times]


def held(steering: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Steering within [-1, 1], and how many frames had to be held there."""
    return steering.clip(-1.0, 1.0), int((np.abs(steering) > 1.0 + 1e-6).sum())
