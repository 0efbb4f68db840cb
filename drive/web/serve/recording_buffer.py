"""One recording: the frames of one drive that a person records, until they are written or dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from drive.dataset import FRONT_IMAGE, read_episode, read_info
from drive.dataset.layout import REWARD, TODAYS_NAMES
from drive.sim.maps.styles import road_key
from drive.web.serve.write_ahead_log import read_log

Row = dict[str, Any]  # a frame's numbers by feature, plain


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """What holds for every frame of a recording."""

    seed: int
    scenario: str
    weather: str
    map: str
    driver: str  # "person", or the agent's name
    person: str = ""
    note: str = ""

    @property
    def road(self) -> tuple[str, int]:
        """(map, seed), as the dataset counts roads."""
        return road_key(self.map, self.seed)


@dataclass(frozen=True, slots=True)
class Frame:
    """What was seen at one control step, and what was done."""

    step: int  # of the drive
    row: Row
    pictures: dict[str, bytes]  # encoded, by feature


@dataclass(eq=False)
class RecordingBuffer:
    """Frames in the order they were driven. Steps that follow each other make one episode."""

    facts: RecordingFacts
    frames: list[Frame] = field(default_factory=list)
    ended: str = ""  # how the drive ended, in the words of the dataset; "": it goes on

    def cut(self, count: int) -> int | None:
        """Remove the last frames, and the end with them.

        Returns:
            The step of the first frame removed; None: there was none.
        """
        first = self.frames[-count].step if len(self.frames) >= count else None
        if first is None and self.frames:
            first = self.frames[0].step
        del self.frames[-count:]
        self.ended = ""
        return first

    def episodes(self) -> Iterator[tuple[list[Frame], bool]]:
        """Runs of frames without a gap in time, and whether the run is the last one."""
        begin = 0
        for i in range(1, len(self.frames) + 1):
            if i == len(self.frames) or self.frames[i].step != self.frames[i - 1].step + 1:
                yield self.frames[begin:i], i == len(self.frames)
                begin = i


def columns_of(frames: Sequence[Frame]) -> dict[str, Any]:
    """An episode's columns, as the dataset's writer takes them."""
    columns: dict[str, Any] = {
        name: np.array([frame.row[name] for frame in frames]) for name in frames[0].row
    }
    for name in frames[0].pictures:
        columns[name] = [frame.pictures[name] for frame in frames]
    return columns


def frame_entry(frame: Frame) -> tuple[dict[str, Any], bytes]:
    """A frame as a log's entry."""
    sizes = {name: len(picture) for name, picture in frame.pictures.items()}
    return {"frame": frame.step, "row": frame.row, "sizes": sizes}, b"".join(frame.pictures.values())


@dataclass(frozen=True)
class Recovered:
    """What a log holds."""

    recording: RecordingBuffer | None  # None: not even its facts are whole
    written: int = 0  # so many of its episodes are in the dataset
    saving: int | None = None  # the number under which the next one was being written

    def done(self, root: Path, runs: Sequence[Sequence[Frame]]) -> int:
        """How many of its episodes are in the dataset: was the one that was being written the last of them?

        Args:
            root: the dataset.
            runs: the frames of the recording's episodes.

        Raises:
            UserError: the dataset is damaged.
        """
        if self.saving is None or self.written >= len(runs):
            return self.written
        return self.written + _is_there(root, self.saving, runs[self.written])


def recover(path: Path) -> Recovered:
    """Replay a log."""
    recording: RecordingBuffer | None = None
    written, saving = 0, None
    for head, data in read_log(path):
        if "facts" in head:
            recording = RecordingBuffer(
                RecordingFacts(**head["facts"]),
                recording.frames if recording else [],
                recording.ended if recording else "",
            )
        elif recording is None:
            break
        elif "frame" in head:
            pictures, at = {}, 0
            for name, size in head["sizes"].items():
                pictures[TODAYS_NAMES.get(name, name)] = data[at : at + size]
                at += size
            row = {TODAYS_NAMES.get(name, name): value for name, value in head["row"].items()}
            row.setdefault(REWARD, 0.0)  # left by a version that knew none
            recording.frames.append(Frame(head["frame"], row, pictures))
        elif "cut" in head:
            recording.cut(head["cut"])
        elif "ended" in head:
            recording.ended = head["ended"]
        elif "saving" in head:
            written, saving = head["written"], head["saving"]
    return Recovered(recording, written, saving)


def _is_there(root: Path, index: int, frames: Sequence[Frame]) -> bool:
    """Whether an episode of the dataset holds just these frames.

    Its number may be another recording's, and a merge behind other datasets moves it up.
    """
    info, exact = read_info(root), "privileged.lateral_offset_m"
    offsets = np.array([frame.row[exact] for frame in frames], np.float32)
    pictures = [frame.pictures[FRONT_IMAGE] for frame in frames]
    for row in info.episodes[index:]:
        if row.length == len(frames):
            found = read_episode(info, row.index, [exact, FRONT_IMAGE])
            if np.array_equal(np.asarray(found[exact]), offsets) and list(found[FRONT_IMAGE]) == pictures:
                return True
    return False
