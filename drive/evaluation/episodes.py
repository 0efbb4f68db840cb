"""Finished drives on disk, whole: written by the process that drove, read again for every figure.

episodes/AGENT/17.npz       the `Episode`, the same bytes whenever the same is driven
logs/AGENT/17.npz, .txt     its clock times; the traceback of an error of the program
films/AGENT/17.webm         its film, if there is one
"""

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.core.files import disk_errors, replacing
from drive.core.json_data import loads
from drive.episode import Episode
from drive.evaluation.summary import episode_row
from drive.scoring.suites import ScenarioRef

EPISODES, LOGS, FILMS = "episodes", "logs", "films"
# States kept in memory for reports, at steps 0 .. T - 1.
TRACE = ("x", "y", "speed", "center_s", "lateral_offset")
_FACTS = "facts"  # the array that holds what is no array, as JSON
_SHADOW = "shadow_steering."
_CLOCK = "act_seconds"


@dataclass(frozen=True, eq=False)
class EpisodeRow:
    """What tables, plots and films need of a finished drive."""

    row: dict[str, Any]  # its line of episodes.jsonl
    ref: ScenarioRef
    steering: NDArray[np.float64]  # (T,)
    acceleration: NDArray[np.float64]  # (T,) NaN: left to the speed law
    shadow_steering: dict[str, NDArray[np.float32]]  # (T,) by name
    trace: dict[str, NDArray[np.float32]]  # TRACE, (T,) each
    route: NDArray[np.float32]  # (n, 4) the reference path: x, y [m], distance to the lane's borders [m]
    act_seconds: NDArray[np.float32]  # (T,)
    drive_seconds: float


def file_of(folder: Path, part: str, agent: str, ref: ScenarioRef, ending: str = ".npz") -> Path:
    """The file of one drive in `folder`/`part`."""
    name = quote(agent, safe="+")
    name = name.replace(".", "%2E", 1) if name.startswith(".") else name
    return folder / part / name / f"{'junction-' * ref.through_junction}{ref.index}{ending}"


def write_episode(
    folder: Path, ref: ScenarioRef, episode: Episode, route: NDArray[np.float32], drive_seconds: float
) -> None:
    """Store a finished drive; whatever kills the process, its file is whole or missing.

    Args:
        folder: of the run.
        ref: the scenario's place.
        episode: what was driven. One with an error of the program leaves its traceback only.
        route: (n, 4), see `EpisodeRow`.
        drive_seconds: clock time of the whole drive [s].

    Raises:
        UserError: the disk is full or takes no files.
    """
    if episode.error is not None:
        text = f"{episode.error}\n\n{episode.extra.get('traceback', '')}"
        _write(file_of(folder, LOGS, episode.agent, ref, ".txt"), text.encode())
        return
    facts: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {"route": route}
    for field in fields(Episode):
        value = getattr(episode, field.name)
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif field.name != "shadow_steering":
            facts[field.name] = value
    arrays |= {_SHADOW + name: heard for name, heard in episode.shadow_steering.items()}
    arrays[_FACTS] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    clock = {_CLOCK: arrays.pop(_CLOCK).astype(np.float32), "drive_seconds": np.float64(drive_seconds)}
    _write(file_of(folder, LOGS, episode.agent, ref), clock)
    _write(file_of(folder, EPISODES, episode.agent, ref), arrays)


def write_film(folder: Path, agent: str, ref: ScenarioRef, film: bytes) -> None:
    """Store the film of a drive."""
    _write(file_of(folder, FILMS, agent, ref, ".webm"), film)


def _write(path: Path, content: Any) -> None:
    with disk_errors(path, "free some and run again", "name another folder with --out"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part, part.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                np.savez(file, **content)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is missing or damaged ({error}); run the evaluation again.") from error


def read_episode(path: Path, clock: Path | None = None) -> tuple[Episode, NDArray[np.float32]]:
    """A stored drive and its reference path (n, 4).

    Args:
        path: of the episode.
        clock: of its clock times; None, or missing: `act_seconds` is NaN.

    Raises:
        UserError: the file is missing or damaged.
    """
    arrays = _read(path)
    try:
        values: dict[str, Any] = loads(arrays.pop(_FACTS).tobytes())
        route = arrays.pop("route")
        shadows = {name: arrays.pop(name) for name in list(arrays) if name.startswith(_SHADOW)}
        times = _read(clock)[_CLOCK] if clock is not None and clock.is_file() else None
        episode = Episode(
            **(values | arrays),
            act_seconds=np.full(len(arrays["steering"]), np.nan) if times is None else times,
            shadow_steering={name.removeprefix(_SHADOW): heard for name, heard in shadows.items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error!r}); run the evaluation again.") from error
    return episode, route


def is_stored(folder: Path, agent: str, ref: ScenarioRef) -> bool:
    """Whether a drive is finished."""
    return file_of(folder, EPISODES, agent, ref).is_file()


def read_row(folder: Path, agent: str, ref: ScenarioRef) -> EpisodeRow:
    """Read a finished drive and score it.

    Raises:
        UserError: a file is missing or damaged.
    """
    clock = file_of(folder, LOGS, agent, ref)
    episode, route = read_episode(file_of(folder, EPISODES, agent, ref), clock)
    return EpisodeRow(
        row=episode_row(episode),
        ref=ref,
        steering=episode.steering,
        acceleration=episode.acceleration_action,
        shadow_steering={name: heard.astype(np.float32) for name, heard in episode.shadow_steering.items()},
        trace={name: getattr(episode, name)[:-1].astype(np.float32) for name in TRACE},
        route=route,
        act_seconds=episode.act_seconds.astype(np.float32),
        drive_seconds=float(_read(clock)["drive_seconds"]) if clock.is_file() else 0.0,
    )
