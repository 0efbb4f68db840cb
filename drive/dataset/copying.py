"""Copies of episodes from one or more datasets into a new one, with everything that is known of them."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from drive.core.errors import UserError
from drive.core.files import PART, new_folder, refuse_other_things
from drive.dataset.checking import read_episode_stats
from drive.dataset.editing import write_edits
from drive.dataset.edits import KINDS, Edits, Range
from drive.dataset.guard import take_lock
from drive.dataset.layout import INDEX_COLUMNS, REWARD, image_names
from drive.dataset.reader import DatasetInfo, EpisodeRow, read_episode, read_info
from drive.dataset.writer import DatasetWriter

_REMEDY = "name a new or empty directory"


@dataclass(frozen=True)
class Piece:
    """Frames of one episode that become an episode of the copy."""

    episode: int
    frames: Range


@dataclass
class _Copied:
    """Where the pieces of one dataset went."""

    numbers: dict[int, list[int]] = field(default_factory=dict)  # old episode: new ones


def whole_episodes(info: DatasetInfo, episodes: Sequence[int] | None = None) -> list[Piece]:
    """Episodes as they are; None: all."""
    chosen = range(info.total_episodes) if episodes is None else episodes
    return [Piece(episode, (0, info.episodes[episode].length)) for episode in chosen]


def learned_pieces(info: DatasetInfo) -> list[Piece]:
    """What training learns from, each stretch between cuts a piece of its own."""
    pieces = []
    for row in info.episodes:
        kept = np.flatnonzero(np.diff(info.training_mask(row.index), prepend=False, append=False))
        pieces += [Piece(row.index, (int(a), int(b))) for a, b in kept.reshape(-1, 2)]
    return pieces


def refuse_differing(infos: Sequence[DatasetInfo]) -> None:
    """Refuse datasets whose frames cannot stand in one dataset, naming the first difference.

    Those with and without rewards can: older ones have none.

    Raises:
        UserError: camera, frame rate or features differ.
    """
    first = infos[0]
    for other in infos[1:]:
        for what, ours, theirs in _facts(first, other):
            if ours != theirs:
                raise UserError(
                    f"{other.root} has {what} {theirs}, {first.root} has {ours}: only datasets of the same "
                    "camera, frame rate and features can be merged (`drive train` learns from several "
                    "datasets of one camera as they are)."
                )


def _facts(first: DatasetInfo, other: DatasetInfo) -> Iterator[tuple[str, Any, Any]]:
    cameras = asdict(first.camera), asdict(other.camera)
    yield from ((f"the camera's {name}", cameras[0][name], cameras[1][name]) for name in cameras[0])
    yield "a camera that is calibrated:", first.calibrated, other.calibrated
    yield "the frame rate", first.fps, other.fps
    for name in dict.fromkeys([*first.features, *other.features]):
        if name == REWARD and not (name in first.features and name in other.features):
            continue
        ours, theirs = first.features.get(name), other.features.get(name)
        yield f"the feature {name}", _form(ours), _form(theirs)
        if ours is not None and theirs is not None:
            yield f"the names in {name}", ours.get("names"), theirs.get("names")


def _form(feature: Mapping[str, Any] | None) -> str:
    return "missing" if feature is None else f"{feature['dtype']} {feature['shape']}"


def copy_episodes(
    out: Path,
    sources: Sequence[tuple[DatasetInfo, Sequence[Piece]]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DatasetInfo:
    """Make a new dataset of episodes of others: frames, rows, recordings, seeds, edits.

    It has the features that all of them have.

    The copy appears under its name only when it is complete.

    Args:
        out: a directory that does not exist, or is empty.
        sources: datasets that `refuse_differing` let pass, with what to copy of each, in order.
        progress: called with (episodes copied, episodes in all) now and then.

    Raises:
        UserError: `out` holds something, a source is damaged, or the disk is full.
    """
    refuse_other_things(out, _REMEDY)
    total = sum(len(pieces) for _, pieces in sources)
    if total == 0:
        raise UserError(f"{', '.join(str(info.root) for info, _ in sources)}: no episode is left to copy.")
    begun = out.absolute().with_name(f".{out.absolute().name}{PART}")
    _remove(begun)
    numbers, recordings = _plan(sources)
    first = sources[0][0]
    with new_folder(out, _REMEDY, begun):
        with DatasetWriter(
            begun,
            fps=first.fps,
            camera=first.camera,
            driver="",
            features={
                name: feature
                for name, feature in first.features.items()
                if all(name in info.features for info, _ in sources)
            },
            calibrated=first.calibrated,
            sources=recordings,
        ) as writer:
            edits, done = Edits(), 0
            for (info, pieces), copied in zip(sources, numbers, strict=True):
                stats, taken = read_episode_stats(info), dict.fromkeys(copied.numbers, 0)
                for piece in pieces:
                    row = info.episodes[piece.episode]
                    new = copied.numbers[piece.episode][taken[piece.episode]]
                    taken[piece.episode] += 1
                    _copy(writer, info, row, piece.frames, stats[piece.episode])
                    edits = _with_edits_of(edits, info.edits, piece, new)
                    done += 1
                    progress(done, total)
        write_edits(begun, edits)
    return read_info(out)


def _with_edits_of(edits: Edits, old: Edits, piece: Piece, new: int) -> Edits:
    """With what was excluded or marked in a piece, cut to it and counted from its first frame."""
    first, after = piece.frames
    for kind in KINDS:
        for start, stop in old.ranges(kind, piece.episode):
            if max(start, first) < min(stop, after):
                edits = edits.added(kind, new, max(start, first) - first, min(stop, after) - first)
    return edits


def _remove(begun: Path) -> None:
    """Clear away what a killed copy left, unless it is still being made."""
    if begun.is_dir():
        take_lock(begun).release()
        shutil.rmtree(begun)


def _plan(
    sources: Sequence[tuple[DatasetInfo, Sequence[Piece]]],
) -> tuple[list[_Copied], list[dict[str, Any]]]:
    """New episode numbers, and the recordings that the copies come from."""
    numbers, recordings, next_number = [], [], 0
    for info, pieces in sources:
        copied = _Copied()
        owners: dict[int, list[int]] = {}
        for piece in pieces:
            copied.numbers.setdefault(piece.episode, []).append(next_number)
            owners.setdefault(_owner(info, piece.episode), []).append(piece.episode)
            next_number += 1
        numbers.append(copied)
        for i, recording in enumerate(info.recordings):
            old = list(dict.fromkeys(owners.get(i, [])))
            seeds = [info.episodes[episode].seed for episode in old]
            found = {
                **recording,
                "episodes": [new for episode in old for new in copied.numbers[episode]],
                "seeds": [seed for seed in seeds if seed is not None],
            }
            if found["episodes"] or found["dropped_seeds"]:
                recordings.append(found)
    return numbers, recordings


def _owner(info: DatasetInfo, episode: int) -> int:
    recording = info.recording_of(episode)
    return next((i for i, one in enumerate(info.recordings) if one is recording), -1)


def _copy(
    writer: DatasetWriter, info: DatasetInfo, row: EpisodeRow, frames: Range, stats: Mapping[str, Any]
) -> None:
    columns = read_episode(info, row.index, [name for name in writer.features if name not in INDEX_COLUMNS])
    whole = frames == (0, row.length)
    start, stop = frames
    writer.add_episode(
        {name: values[start:stop] for name, values in columns.items()},
        seed=row.seed,
        scenario=row.scenario,
        weather=row.weather,
        task=row.tasks[0] if row.tasks else "",
        ended=row.ended if stop == row.length else "",
        driver=row.driver,
        person=row.person,
        note=row.note,
        image_stats={name: stats[name] for name in image_names(info.features) if name in stats}
        if whole
        else None,
    )
