"""What people have taken out of a dataset, or marked in it, without changing a frame.

Edits stand in `meta/edits.json`, which other readers of the layout pass over: they still see every frame.

    {"format": 1, "excluded": [{"episode": 3, "from_frame": 0, "to_frame": 120}], "marked": []}

Frames count from 0 in their episode, `to_frame` is the first that is not meant. The ranges of an episode are
in order and apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.core.json_data import Positive, Whole, convert, decode
from drive.dataset.layout import EDITS_PATH

EDITS_FORMAT = 1  # version of edits.json
Range = tuple[int, int]  # [first frame, first frame after)
Kind = Literal["excluded", "marked"]
KINDS: tuple[Kind, ...] = ("excluded", "marked")


@dataclass(frozen=True)
class Edits:
    """Frame ranges by episode; an episode that is not named has none."""

    excluded: Mapping[int, tuple[Range, ...]] = field(default_factory=dict)
    marked: Mapping[int, tuple[Range, ...]] = field(default_factory=dict)

    def ranges(self, kind: Kind, episode: int) -> tuple[Range, ...]:
        """The ranges of one episode, in order and apart."""
        found: Mapping[int, tuple[Range, ...]] = getattr(self, kind)
        return found.get(episode, ())

    def mask(self, kind: Kind, episode: int, length: int) -> NDArray[np.bool_]:
        """(length,) which frames of an episode are excluded, or marked."""
        mask = np.zeros(length, np.bool_)
        for start, stop in self.ranges(kind, episode):
            mask[start:stop] = True
        return mask

    def added(self, kind: Kind, episode: int, start: int, stop: int) -> "Edits":
        """With frames [start, stop) of an episode excluded, or marked, too."""
        return self._changed(kind, episode, join_ranges([*self.ranges(kind, episode), (start, stop)]))

    def removed(self, kind: Kind, episode: int, start: int, stop: int) -> "Edits":
        """With frames [start, stop) of an episode no longer excluded, or marked."""
        pieces = [
            piece
            for first, after in self.ranges(kind, episode)
            for piece in ((first, min(after, start)), (max(first, stop), after))
        ]
        return self._changed(kind, episode, join_ranges(pieces))

    def to_json(self) -> dict[str, Any]:
        """The content of `edits.json`."""
        return {"format": EDITS_FORMAT} | {
            kind: [
                {"episode": episode, "from_frame": start, "to_frame": stop}
                for episode, ranges in sorted(getattr(self, kind).items())
                for start, stop in ranges
            ]
            for kind in KINDS
        }

    def _changed(self, kind: Kind, episode: int, ranges: tuple[Range, ...]) -> "Edits":
        found = {number: kept for number, kept in getattr(self, kind).items() if number != episode}
        if ranges:
            found[episode] = ranges
        return replace(self, **{kind: dict(sorted(found.items()))})


def join_ranges(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same frames as ranges in order and apart; empty ranges are left out."""
    joined: list[Range] = []
    for start, stop in sorted((start, stop) for start, stop in ranges if stop > start):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return tuple(joined)


class _Range(msgspec.Struct):
    episode: Whole
    from_frame: Whole
    to_frame: Positive


class _EditsForm(msgspec.Struct):
    format: int
    excluded: list[_Range] = []
    marked: list[_Range] = []


def read_edits(root: Path | str) -> Edits:
    """Read a dataset's edits; a dataset without `edits.json` has none.

    Raises:
        UserError: the file is damaged or of another version.
    """
    path = Path(root) / EDITS_PATH
    remedy = "restore it, or delete it to use every frame again."
    try:
        values = decode(path.read_bytes(), dict[str, Any])
        if values.get("format") != EDITS_FORMAT:
            found = f"format is {values.get('format')}, this program reads {EDITS_FORMAT}"
            raise UserError(f"{path}: {found}: {remedy}")
        form = convert(values, _EditsForm)
    except FileNotFoundError:
        return Edits()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): {remedy}") from error
    edits = Edits()
    for kind in KINDS:
        ranges: list[_Range] = getattr(form, kind)
        for i, one in enumerate(ranges):
            if one.to_frame <= one.from_frame:
                raise UserError(f"{path}: {kind}[{i}] ends at {one.to_frame}, before it begins: {remedy}")
            edits = edits.added(kind, one.episode, one.from_frame, one.to_frame)
    return edits
