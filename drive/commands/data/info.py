"""`drive data info`: what a dataset holds, in numbers and bars."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from drive.dataset import DatasetInfo

STEERING_EDGES = (-1.0, -0.5, -0.2, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
COMMANDS = ("follow the lane", "left", "right", "straight")
MAX_SPEED_BARS = 12
BAR_WIDTH = 32


@dataclass(frozen=True)
class DataInfoConfig:
    """Show what a dataset holds: episodes, minutes, kilometres, drivers, histograms, and what is left out."""

    dir: tyro.conf.Positional[Path]
    """The dataset."""
    list: bool = False
    """List every episode too, with its number, driver and end."""
    json: bool = False
    """Print one JSON object for programs instead of tables; it lists every episode."""


def main(config: DataInfoConfig) -> None:
    """Print what a dataset holds.

    Raises:
        UserError: there is no dataset, or it is damaged.
    """
    from drive.dataset import read_info

    facts = summarize(read_info(config.dir))
    if config.json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    show(facts, Console(), every_episode=config.list)


def summarize(info: "DatasetInfo") -> dict[str, Any]:
    """A dataset in numbers, as JSON's types; keys name their units.

    Histograms count all frames; where a column is missing (data of other programs), its histogram is empty.
    """
    from drive.dataset.checking import notes

    columns = _columns(info)
    seconds, speed = 1.0 / info.fps, columns.get("speed_mps")
    marks = _marks(info, columns.get("mark"))
    episodes = [_episode(info, episode, marks[episode]) for episode in range(info.total_episodes)]
    frames = info.total_frames
    return {
        "dataset": str(info.root),
        "episodes": info.total_episodes,
        "frames": frames,
        "frames_per_second": info.fps,
        "minutes": round(frames * seconds / 60.0, 3),
        "distance_km": None if speed is None else round(float(speed.sum()) * seconds / 1000.0, 3),
        "mean_speed_mps": None if speed is None or not frames else round(float(speed.mean()), 2),
        "pictures": frames * sum(feature["dtype"] == "image" for feature in info.features.values()),
        "camera": info.camera.to_json(),
        "calibrated": info.calibrated,
        "features": list(info.features),
        "frames_to_learn_from": sum(one["frames_to_learn_from"] for one in episodes),
        "frames_excluded": sum(one["frames_excluded"] for one in episodes),
        "frames_marked": sum(one["frames_marked"] for one in episodes),
        "frames_driven_by_person": _ones(columns, "intervention") if "intervention" in columns else None,
        "episodes_failed": sum(row.failed for row in info.episodes),
        "drivers": _frames_by(info, "driver"),
        "persons": _frames_by(info, "person"),
        "ends": _frames_by(info, "ended"),
        "weathers": _frames_by(info, "weather"),
        "maps": list(info.maps),
        "seeds": len(info.seeds),
        "steering": _histogram(columns.get("steering"), np.array(STEERING_EDGES)),
        "speed_mps": _histogram(speed, _speed_edges(speed)),
        "commands": _commands(columns.get("command")),
        "episode_list": episodes,
        "edits": info.edits.to_json(),
        "marked": _ranges(marks),
        "notes": notes(info.root),
    }


def _columns(info: "DatasetInfo") -> dict[str, NDArray[Any]]:
    """The columns that are counted, over all episodes, where the dataset has them."""
    from drive.dataset import iter_episodes

    whole = {"observation.command": "command", "intervention": "intervention", "mark": "mark"}
    wanted: dict[str, tuple[str, int | None]] = {
        short: (name, None) for name, short in whole.items() if name in info.features
    }
    for name, part, short in (
        ("action", "steering", "steering"),
        ("observation.state", "speed_mps", "speed_mps"),
    ):
        names = info.features.get(name, {}).get("names") or []
        if part in names:
            wanted[short] = (name, names.index(part) if len(names) > 1 else None)
    parts: dict[str, list[NDArray[Any]]] = {short: [] for short in wanted}
    for _, frames in iter_episodes(info, list({name for name, _ in wanted.values()})):
        for short, (name, column) in wanted.items():
            values = np.asarray(frames[name])
            parts[short].append(values if column is None else values[:, column])
    return {short: np.concatenate(found) for short, found in parts.items() if found}


def _marks(info: "DatasetInfo", column: NDArray[Any] | None) -> list[NDArray[np.bool_]]:
    """By episode, which frames were marked: while driving (a column of the frames), afterwards, or both."""
    marks = [info.edits.mask("marked", row.index, row.length) for row in info.episodes]
    if column is not None:
        ends = np.cumsum([row.length for row in info.episodes])
        parts = np.split(column == 1, ends[:-1])
        marks = [afterwards | driving for afterwards, driving in zip(marks, parts, strict=True)]
    return marks


def _ranges(masks: list[NDArray[np.bool_]]) -> list[dict[str, int]]:
    """The stretches that masks of the episodes hold, as edits say them."""
    return [
        {"episode": episode, "from_frame": int(start), "to_frame": int(stop)}
        for episode, mask in enumerate(masks)
        for start, stop in np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)
    ]


def _episode(info: "DatasetInfo", episode: int, marked: NDArray[np.bool_]) -> dict[str, Any]:
    row = info.episodes[episode]
    return {
        "episode": episode,
        "seconds": round(row.length / info.fps, 3),
        "frames": row.length,
        "frames_to_learn_from": int(info.training_mask(episode).sum()),
        "frames_excluded": int(info.edits.mask("excluded", episode, row.length).sum()),
        "frames_marked": int(marked.sum()),
        "driver": row.driver,
        "person": row.person,
        "note": row.note,
        "ended": row.ended,
        "scenario": row.scenario,
        "weather": row.weather,
        "seed": row.seed,
    }


def _ones(columns: dict[str, NDArray[Any]], name: str) -> int:
    return int((columns[name] == 1).sum()) if name in columns else 0


def _frames_by(info: "DatasetInfo", name: str) -> dict[str, dict[str, int]]:
    episodes, frames = Counter[str](), Counter[str]()
    for row in info.episodes:
        episodes[getattr(row, name)] += 1
        frames[getattr(row, name)] += row.length
    return {
        value: {"episodes": episodes[value], "frames": count}
        for value, count in frames.most_common()
        if value or len(frames) > 1
    }


def _speed_edges(speed: NDArray[Any] | None) -> NDArray[np.float64]:
    top = 0.0 if speed is None or not len(speed) else float(speed.max())
    width = next((w for w in (1.0, 2.0, 5.0, 10.0) if top <= w * MAX_SPEED_BARS), 20.0)
    return np.asarray(np.arange(max(int(np.ceil(top / width)), 1) + 1) * width, np.float64)


def _histogram(values: NDArray[Any] | None, edges: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Frames between edges; what lies beyond the outermost counts in the outermost bars."""
    if values is None:
        return []
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return [
        {"from": float(a), "to": float(b), "frames": int(n)}
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]


def _commands(values: NDArray[Any] | None) -> dict[str, int]:
    if values is None:
        return {}
    counts = Counter(int(value) for value in values)
    return {COMMANDS[i] if 0 <= i < len(COMMANDS) else str(i): n for i, n in sorted(counts.items())}


def show(facts: dict[str, Any], console: "Console", *, every_episode: bool = False) -> None:
    """Print what `summarize` gave."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    fps, frames = facts["frames_per_second"], facts["frames"]
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _lines(facts):
        table.add_row(Text(name, style="dim"), Text(value))
    console.print(table)
    for note in facts["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
    bars: list[tuple[str, list[tuple[str, int]]]] = [
        (
            "steering (left +)",
            [(f"{b['from']:+.2f} to {b['to']:+.2f}", b["frames"]) for b in facts["steering"]],
        ),
        ("speed [m/s]", [(f"{b['from']:g} to {b['to']:g}", b["frames"]) for b in facts["speed_mps"]]),
        ("command", list(facts["commands"].items())),
        *(
            (title, [(value or "unknown", counts["frames"]) for value, counts in facts[name].items()])
            for title, name in (
                ("weather", "weathers"),
                ("driver", "drivers"),
                ("person", "persons"),
                ("end", "ends"),
            )
        ),
    ]
    for title, counted in bars:
        if counted:
            console.print()
            console.print(_bars(title, counted, frames))
    if every_episode:
        names = ("episode", "seconds", "driver", "person", "ended", "weather", "excluded", "note")
        listed = Table(*names, box=box.SIMPLE, pad_edge=False)
        for one in facts["episode_list"]:
            cut = one["frames_excluded"]
            left_out = "all" if cut == one["frames"] else f"{cut / fps:.1f} s" if cut else ""
            cells = (one["driver"], one["person"], one["ended"], one["weather"], left_out, one["note"])
            listed.add_row(str(one["episode"]), f"{one['seconds']:.1f}", *map(Text, cells))
        console.print(listed)


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    fps, camera, frames = facts["frames_per_second"], facts["camera"], facts["frames"]
    lines = [
        ("dataset", facts["dataset"]),
        ("episodes", f"{facts['episodes']:,} on {', '.join(facts['maps']) or 'no map'}"),
        ("time", f"{facts['minutes']:.1f} min, {frames:,} frames at {fps} a second"),
    ]
    if facts["distance_km"] is not None:
        lines.append(("distance", f"{facts['distance_km']:.2f} km, {facts['mean_speed_mps'] or 0:.1f} m/s"))
    assumed = "" if facts["calibrated"] else ", not calibrated"
    size = f"{camera['width_px']} x {camera['height_px']} px, {camera['fov_deg']:g} deg{assumed}"
    lines += [
        ("pictures", f"{facts['pictures']:,} of {size}"),
        ("to learn from", f"{facts['frames_to_learn_from']:,} frames"),
    ]
    if facts["episodes_failed"]:
        count = facts["episodes_failed"]
        plural = "" if count == 1 else "s"
        lines.append(("kept apart", f"{count} episode{plural} that ended in a crash or off the lane"))
    if facts["frames_excluded"]:
        lines.append(("excluded", _seconds(facts["edits"]["excluded"], facts["frames_excluded"], fps)))
    if facts["frames_marked"]:
        lines.append(("marked", _seconds(facts["marked"], facts["frames_marked"], fps)))
    if facts["frames_driven_by_person"] is not None:
        share = facts["frames_driven_by_person"] / max(frames, 1)
        lines.append(("by a person", f"{share:.0%} of the frames"))
    return lines


def _seconds(edits: list[dict[str, int]], frames: int, fps: int) -> str:
    """So many seconds, and where the first of them are."""
    shown = [
        f"episode {edit['episode']}: {edit['from_frame'] / fps:g} to {edit['to_frame'] / fps:g} s"
        for edit in edits[:4]
    ]
    more = [f"{len(edits) - 4} more"] if len(edits) > 4 else []
    places = "; ".join(shown + more)
    return f"{frames:,} frames, {frames / fps:.1f} s" + (f" ({places})" if places else "")


def _bars(title: str, counted: list[tuple[str, int]], frames: int) -> "RenderableType":
    from rich.bar import Bar
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    table.add_column(Text(title), min_width=18)
    table.add_column("", width=BAR_WIDTH)
    table.add_column("frames", justify="right")
    table.add_column("", justify="right")
    most = max(count for _, count in counted)
    for name, count in counted:
        share = f"{count / max(frames, 1):.1%}"
        table.add_row(Text(name), Bar(max(most, 1), 0, count, width=BAR_WIDTH), f"{count:,}", share)
    return table
