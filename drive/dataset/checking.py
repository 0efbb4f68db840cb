"""What is wrong with a dataset, file by file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drive.dataset.files import stats_to_json
from drive.dataset.layout import (
    STATS_PATH,
    TASKS_PATH,
    TEMPORARY_SUFFIX,
    data_file,
    episodes_file,
    image_names,
)
from drive.dataset.reader import (
    DatasetInfo,
    EpisodeRow,
    read_episode,
    read_info,
    read_json,
    read_table,
    read_tasks,
)
from drive.dataset.stats import Stats, join
from drive.errors import UserError


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a dataset."""

    path: Path  # the file
    kind: str  # "damaged" (missing, truncated, altered), "orphan", "leftover" or "inconsistent"
    message: str  # one line with the remedy


def check(root: Path | str) -> list[Problem]:
    """Read every byte of a dataset and name what is wrong, nothing if all is well.

    Checks the page checksums of every parquet file, the totals, the running frame numbers, that pictures
    are whole, the statistics, and that no file belongs to nothing.
    """
    root = Path(root)
    try:
        info = read_info(root)
    except UserError as error:
        return [Problem(root, "damaged", str(error))]
    problems = [*_tasks(info), *_leftovers(info)]
    first = 0
    for row in info.episodes:
        problems += _episode(info, row, first)
        first = row.first + row.length
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


def orphans(info: DatasetInfo) -> list[Path]:
    """Parquet files that belong to no episode that `info.json` counts, in name order."""
    owned = {data_file(info.root, row.chunk, row.file) for row in info.episodes}
    owned |= {episodes_file(info.root, row.row_chunk, row.row_file) for row in info.episodes}
    found = [*info.root.glob("data/*/*.parquet"), *info.root.glob("meta/episodes/*/*.parquet")]
    return sorted(path for path in found if path not in owned)


def read_row_stats(info: DatasetInfo) -> dict[str, Stats]:
    """The statistics of the whole dataset, joined from those in the episodes' rows."""
    parts: dict[str, list[Stats]] = {name: [] for name in info.features}
    for path in sorted({episodes_file(info.root, row.row_chunk, row.row_file) for row in info.episodes}):
        for row in read_table(path).to_pylist()[: info.total_episodes]:
            for name, found in parts.items():
                keys = ("min", "max", "mean", "std", "count")
                found.append({key: np.array(row[f"stats/{name}/{key}"], np.float64) for key in keys})
    return {name: join(found) for name, found in parts.items() if found}


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
    for path in sorted(info.root.rglob(f"*{TEMPORARY_SUFFIX}")):
        yield Problem(path, "leftover", f"{path} is a half-written file of a killed recording; delete it.")


def _episode(info: DatasetInfo, row: EpisodeRow, first: int) -> Iterator[Problem]:
    path = data_file(info.root, row.chunk, row.file)
    if row.first != first:
        yield Problem(
            path,
            "inconsistent",
            f"{path}: episode {row.index} starts at frame {row.first}, expected {first}.",
        )
    try:
        frames = read_episode(info, row.index)
    except UserError as error:
        yield Problem(path, "damaged", str(error))
        return
    count = np.arange(row.length)
    for name, expected in (
        ("index", row.first + count),
        ("frame_index", count),
        ("episode_index", np.full(row.length, row.index)),
        ("timestamp", (count / info.fps).astype(np.float32)),
    ):
        if not np.array_equal(np.asarray(frames[name]), expected):
            yield Problem(
                path, "inconsistent", f"{path}: column {name} of episode {row.index} does not run on."
            )
    for name in image_names(info.features):
        for t, picture in enumerate(frames[name]):
            jpeg = picture[:2] == b"\xff\xd8" and picture[-2:] == b"\xff\xd9"
            if not jpeg and picture[:8] != b"\x89PNG\r\n\x1a\n":
                yield Problem(
                    path, "damaged", f"{path}: {name} of frame {t} is no whole picture; record anew."
                )
                break


def _stats(info: DatasetInfo) -> Iterator[Problem]:
    path = info.root / STATS_PATH
    expected = json.loads(json.dumps(stats_to_json(read_row_stats(info))))
    try:
        found = read_json(path)
    except UserError as error:
        yield Problem(path, "damaged", f"{error} (the next `drive record` into it writes it anew)")
        return
    wrong = [name for name, one in expected.items() if not _close(found.get(name), one)]
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
