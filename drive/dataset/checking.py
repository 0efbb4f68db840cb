"""What is wrong with a dataset, file by file."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drive.core.errors import UserError
from drive.core.files import PART
from drive.dataset.edits import KINDS
from drive.dataset.files import first_not_finite, stats_to_json
from drive.dataset.layout import (
    ASIDE_SUFFIX,
    EDITS_PATH,
    JOURNAL_SUFFIX,
    STATS_PATH,
    TASKS_PATH,
    episodes_file,
    image_names,
    split_views,
)
from drive.dataset.opening import read_json, read_table
from drive.dataset.pictures import damaged_pictures, is_whole
from drive.dataset.reader import (
    DatasetInfo,
    EpisodeRow,
    read_episode,
    read_info,
    read_tasks,
)
from drive.dataset.stats import Stats, join


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a dataset."""

    path: Path  # the file
    kind: str  # "damaged" (missing, truncated, altered), "orphan", "leftover" or "inconsistent"
    message: str  # one line with the remedy
    episode: int | None = None  # where it is about one
    frame: int | None = None  # the first, where it is about some


def check(
    root: Path | str,
    *,
    decode: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Problem]:
    """Read every byte of a dataset and name what is wrong, nothing if all is well.

    Checks the page checksums of every parquet file, the totals, the running frame numbers, that numbers are
    finite and pictures whole, the statistics, the edits, and that no file belongs to nothing.

    Args:
        root: the dataset's directory.
        decode: also decode every picture.
        progress: called with (frames read, frames in all) now and then.
    """
    root = Path(root)
    try:
        info = read_info(root)
    except UserError as error:
        return [Problem(root, "damaged", str(error)), *_file_by_file(root, str(error))]
    problems = [*_tasks(info), *_leftovers(info), *_edits(info)]
    first = 0
    with ThreadPoolExecutor() as pool:
        for row in info.episodes:
            problems += _episode(info, row, first, pool if decode else None)
            first = row.first + row.length
            progress(first, info.total_frames)
    if first != info.total_frames:
        problems.append(
            Problem(
                root,
                "inconsistent",
                f"{root}: the episodes hold {first} frames, meta/info.json counts {info.total_frames}: "
                "restore meta/info.json.",
            )
        )
    if not problems:
        problems += _stats(info)
    return problems


def notes(root: Path | str, copy: Path | str | None = None) -> list[str]:
    """What is beside a dataset and not in it, though nothing is wrong: recordings that are not added yet.

    Args:
        root: the dataset's directory.
        copy: where `drive data merge` has just put its episodes; None: nowhere.
    """
    root = Path(root)
    remedy = f"start `drive serve --data {root}` to add it"
    try:
        if read_info(root).former:  # nothing can be added to it
            first = f"`drive data merge NEW {root}`, then " if copy is None else ""
            new = copy or "NEW"
            remedy = f"{first}move it into {new} and start `drive serve --data {new}` to add it"
    except UserError:  # `check` says so
        pass
    lines = [
        f"{path} is a recording that goes on or was interrupted: {remedy}."
        for path in sorted(root.glob(f"*{JOURNAL_SUFFIX}"))
    ]
    return lines + [
        f"{path} is an interrupted recording that could not be added: delete it, if nobody needs it."
        for path in sorted(root.glob(f"*{ASIDE_SUFFIX}"))
    ]


def orphans(info: DatasetInfo) -> list[Path]:
    """Parquet files that belong to no episode that `info.json` counts, in name order."""
    owned = {path for row in info.episodes for path in info.files_of(row)}
    owned |= {episodes_file(info.root, row.row_chunk, row.row_file) for row in info.episodes}
    places = ("data/*", "meta/episodes/*", "views/*")
    found = [path for place in places for path in info.root.glob(f"{place}/*.parquet")]
    return sorted(path for path in found if path not in owned)


def read_episode_stats(info: DatasetInfo) -> list[dict[str, Stats]]:
    """The statistics in the episodes' rows, by episode and feature; views have none."""
    stored = {name: info.stored_name(name) for name in split_views(info.features)[0]}
    keys = ("min", "max", "mean", "std", "count")
    found: dict[int, dict[str, Stats]] = {}
    for path in sorted({episodes_file(info.root, row.row_chunk, row.row_file) for row in info.episodes}):
        for row in read_table(path).to_pylist():
            found[row["episode_index"]] = {
                name: {key: np.array(row[f"stats/{column}/{key}"], np.float64) for key in keys}
                for name, column in stored.items()
            }
    return [found[row.index] for row in info.episodes]


def read_row_stats(info: DatasetInfo) -> dict[str, Stats]:
    """The statistics of the whole dataset, joined from those in the episodes' rows."""
    parts = read_episode_stats(info)
    return {name: join([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def _tasks(info: DatasetInfo) -> Iterator[Problem]:
    path = info.root / TASKS_PATH
    try:
        known = read_tasks(info.root)
    except UserError as error:
        yield Problem(path, "damaged", str(error))
        return
    for row in info.episodes:
        for task in row.tasks:
            if task not in known:
                yield Problem(path, "inconsistent", f"{path} lacks the task {task!r} of episode {row.index}.")


def _leftovers(info: DatasetInfo) -> Iterator[Problem]:
    for path in orphans(info):
        yield Problem(
            path,
            "orphan",
            f"{path} belongs to no episode (a recording was killed); the next `drive record` into "
            f"{info.root} removes it, or delete it.",
        )
    for path in sorted(info.root.rglob(f"*{PART}")):
        yield Problem(path, "leftover", f"{path} is a half-written file of a killed recording; delete it.")


def _file_by_file(root: Path, named: str) -> Iterator[Problem]:
    """The damaged parquet files of a dataset whose description cannot be read."""
    for path in sorted(p for place in ("data", "meta", "views") for p in root.glob(f"{place}/**/*.parquet")):
        if str(path) in named:
            continue
        try:
            read_table(path)
        except UserError as error:
            yield Problem(path, "damaged", str(error))


def _edits(info: DatasetInfo) -> Iterator[Problem]:
    path = info.root / EDITS_PATH
    for kind in KINDS:
        for episode, ranges in getattr(info.edits, kind).items():
            frames = info.episodes[episode].length if episode < info.total_episodes else 0
            if ranges[-1][1] > frames:
                yield Problem(
                    path,
                    "inconsistent",
                    f"{path}: frames to {ranges[-1][1]} of episode {episode} are {kind}, it has {frames}: "
                    "correct it, or delete it to use every frame again.",
                    episode,
                )


def _episode(info: DatasetInfo, row: EpisodeRow, first: int, pool: Executor | None) -> Iterator[Problem]:
    path = info.file_of(row, "index")
    if row.first != first:
        yield Problem(
            path,
            "inconsistent",
            f"{path}: episode {row.index} starts at frame {row.first}, expected {first}.",
            row.index,
        )
    try:
        frames = read_episode(info, row.index)
    except UserError as error:
        yield Problem(path, "damaged", str(error), row.index)
        return
    count = np.arange(row.length)
    for name, expected in (
        ("index", row.first + count),
        ("frame_index", count),
        ("episode_index", np.full(row.length, row.index)),
        ("timestamp", (count / info.fps).astype(np.float32)),
    ):
        wrong = np.flatnonzero(np.asarray(frames[name]) != expected)
        if len(wrong):
            yield Problem(
                path,
                "inconsistent",
                f"{path}: column {name} of episode {row.index} does not run on at frame {wrong[0]}.",
                row.index,
                int(wrong[0]),
            )
    pictures = image_names(info.features)
    for name, values in frames.items():
        if name not in pictures and (bad := first_not_finite(np.asarray(values))) is not None:
            path = info.file_of(row, name)
            yield Problem(
                path,
                "damaged",
                f"{path}: {name} of frame {bad} of episode {row.index} is no finite number; record anew.",
                row.index,
                bad,
            )
    found: Iterator[tuple[int, str]]
    for name in pictures:
        path = info.file_of(row, name)
        encoded = [bytes(picture or b"") for picture in frames[name]]
        if pool is None:
            torn = (frame for frame, picture in enumerate(encoded) if not is_whole(picture))
            found = ((frame, "is no whole picture") for frame in torn)
        else:
            found = damaged_pictures(encoded, info.features[name]["shape"], pool)
        for frame, fault in found:
            yield Problem(
                path,
                "damaged",
                f"{path}: {name} of frame {frame} of episode {row.index} {fault}; restore the file, record "
                f"anew, or `drive data exclude {info.root} --episode {row.index}`.",
                row.index,
                frame,
            )


def _stats(info: DatasetInfo) -> Iterator[Problem]:
    path = info.root / STATS_PATH
    expected = json.loads(json.dumps(stats_to_json(read_row_stats(info))))
    try:
        found = read_json(path)
    except UserError as error:
        yield Problem(path, "damaged", f"{error} (the next `drive record` into it writes it anew)")
        return
    wrong = [name for name, one in expected.items() if not _close(found.get(info.stored_name(name)), one)]
    if wrong:
        yield Problem(
            path,
            "inconsistent",
            f"{path} does not fit the episodes ({', '.join(wrong)}); the next `drive record` into "
            f"{info.root} writes it anew.",
        )


def _close(found: Any, expected: dict[str, Any]) -> bool:
    return isinstance(found, dict) and all(
        key in found and np.allclose(found[key], value, rtol=1e-6, atol=1e-9)
        for key, value in expected.items()
    )
