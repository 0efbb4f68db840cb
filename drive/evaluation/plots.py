"""Plots of an evaluation as inline SVG that takes the page's text colour, light or dark."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.episode import End

BIN_METERS = 10.0
MARKS = {End.COLLISION: "X", End.OFF_ROAD: "s", End.LANE_DEPARTURE: "D", End.TIMEOUT: "P", End.STOPPED: "P"}

_TESTED = ("#2f7ed8", "#e8833a", "#2fa36b", "#a35fd0", "#d04f6e", "#4aa3b8")
_REFERENCES = {"ceiling": "#8d97a5", "floor": "#a58a6d"}
_INK = "#123456"  # replaced by the page's text colour
_GRID = "#654321"  # replaced by the page's line colour


def agent_colors(summary: Mapping[str, Any]) -> dict[str, str]:
    """One colour an agent: greys for the references, strong ones for those under test."""
    tested = [name for name, agent in summary["agents"].items() if agent["role"] == "tested"]
    return {
        name: _REFERENCES.get(agent["role"]) or _TESTED[tested.index(name) % len(_TESTED)]
        for name, agent in summary["agents"].items()
    }


def _figure(width: float, height: float, **grid: Any) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "drive", "font.family": "sans-serif"})
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(**grid)
    for axis in np.ravel(axes):
        axis.set_facecolor("none")
        axis.tick_params(colors=_INK, labelsize=9)
        for spine in axis.spines.values():
            spine.set_color(_GRID)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        for label in (axis.xaxis.label, axis.yaxis.label, axis.title):
            label.set_color(_INK)
    return figure, axes


def _svg(figure: Any, name: str) -> str:
    """The figure as an SVG element; ids are made its own by the figure's name."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\n\s*<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = text.replace("<svg", '<svg aria-hidden="true"', 1)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px sans-serif", text)
    return text.replace(_INK, "currentColor").replace(_GRID, "var(--line)").strip()


def success_by_weather(summary: Mapping[str, Any], colors: Mapping[str, str]) -> str:
    """Success in each weather with its Wilson interval, one row a weather and a dot an agent."""
    agents = summary["agents"]
    first = {name: cell for agent in agents.values() for name, cell in agent["weathers"].items()}
    weathers = sorted(first, key=lambda name: (first[name]["held_out"], name))
    figure, axis = _figure(7.2, 0.9 + 0.3 * len(weathers) + 0.09 * len(weathers) * len(agents))
    spread = np.linspace(-0.3, 0.3, len(agents)) if len(agents) > 1 else np.zeros(1)
    for offset, (name, agent) in zip(spread, agents.items(), strict=True):
        for row, weather in enumerate(weathers):
            if (cell := agent["weathers"].get(weather)) is None:  # of an unfinished run
                continue
            low, high = cell["success_rate_interval"]
            axis.plot([100 * low, 100 * high], [row + offset] * 2, color=colors[name], lw=2, alpha=0.45)
            axis.plot(100 * cell["success_rate"], row + offset, "o", color=colors[name], ms=5.5)
    held = sum(not first[name]["held_out"] for name in weathers)
    if 0 < held < len(weathers):
        axis.axhline(held - 0.5, color=_GRID, lw=1, ls=(0, (4, 3)))
    axis.set_yticks(range(len(weathers)), [f"{w}*" if first[w]["held_out"] else w for w in weathers])
    axis.set_ylim(len(weathers) - 0.45, -0.55)
    axis.set_xlim(-3, 103)
    axis.set_xlabel("successful drives [%]")
    axis.grid(axis="x", color=_GRID, lw=0.6, alpha=0.6)
    return _svg(figure, "weather")


def offset_bands(drives: Sequence[Any], agent: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lateral offsets along the way: bin centres [m] and (5, n) quantiles 5, 25, 50, 75, 95 % [m].

    A bin of 10 m is filled by every sample of every drive that came so far.
    """
    own = [drive for drive in drives if drive.row["agent"] == agent and len(drive.steering)]
    if not own:
        return np.zeros(0), np.zeros((5, 0))
    along = np.concatenate([drive.trace["center_s"] - drive.trace["center_s"][0] for drive in own])
    offset = np.concatenate([drive.trace["lateral_offset"] for drive in own])
    bins = np.maximum(along / BIN_METERS, 0.0).astype(int)
    order = np.argsort(bins, kind="stable")
    parts = np.split(offset[order], np.cumsum(np.bincount(bins))[:-1])
    levels = (5, 25, 50, 75, 95)
    quantiles: NDArray[np.float64] = np.array(
        [np.percentile(part, levels) if len(part) else [np.nan] * 5 for part in parts], np.float64
    ).T
    return (np.arange(len(parts), dtype=np.float64) + 0.5) * BIN_METERS, quantiles


def offset_along_way(drives: Sequence[Any], summary: Mapping[str, Any], colors: Mapping[str, str]) -> str:
    """Lateral offset along the way, one panel an agent: median and bands of 50 and 90 % of all samples."""
    names = list(summary["agents"])
    figure, axes = _figure(7.2, 0.5 + 1.25 * len(names), nrows=len(names), sharex=True, squeeze=False)
    for axis, name in zip(axes[:, 0], names, strict=True):
        at, quantiles = offset_bands(drives, name)
        own = [drive.row for drive in drives if drive.row["agent"] == name]
        arrived = sum((row["route_completion"] or 0.0) >= 1.0 for row in own)
        if len(at):
            axis.fill_between(at, quantiles[0], quantiles[4], color=colors[name], alpha=0.22, lw=0)
            axis.fill_between(at, quantiles[1], quantiles[3], color=colors[name], alpha=0.40, lw=0)
            axis.plot(at, quantiles[2], color=colors[name], lw=1.6)
            axis.text(
                1.0, 0.03, f"{arrived} of {len(own)} drives reach the goal", fontsize=8, color=_INK,
                ha="right", va="bottom", transform=axis.transAxes,
            )  # fmt: skip
        axis.axhline(0.0, color=_GRID, lw=0.8)
        axis.set_ylim(-1.25, 1.25)
        axis.set_yticks([-1, 0, 1])
        axis.set_title(name, loc="left", fontsize=10, color=colors[name], pad=3)
    axes[len(names) // 2, 0].set_ylabel("offset to the left [m]")
    axes[-1, 0].set_xlabel("way from the start [m]")
    return _svg(figure, "offset")


def route_pictures(
    drives: Sequence[Any], colors: Mapping[str, str], chosen: Sequence[str], columns: int = 4
) -> str:
    """Scenarios from above, north up: the lane, every agent's way, and a mark where a drive failed."""
    columns = min(columns, len(chosen))
    rows = -(-len(chosen) // columns)
    figure, axes = _figure(7.2, min(8.0 / columns, 3.2) * rows, nrows=rows, ncols=columns, squeeze=False)
    flat = axes.ravel()
    for axis in flat:
        axis.set_axis_off()
    for axis, scenario in zip(flat, chosen, strict=False):
        own = [drive for drive in drives if drive.row["scenario"] == scenario]
        _draw_routes(axis, own[:1], 5.0)
        for drive in own:
            _draw_drive(axis, drive, colors)
        row = own[0].row
        axis.set_title(f"{scenario} {row['weather']}", fontsize=8, color=_INK, pad=2)
    return _svg(figure, "routes")


def map_picture(
    drives: Sequence[Any], colors: Mapping[str, str], lanes: Sequence[NDArray[np.float64]] = ()
) -> str:
    """All routes of a map from above, north up, in one picture, with marks where drives failed.

    Args:
        drives: every drive.
        colors: of the agents.
        lanes: (n, 2) centre lines of the map's lanes [m].
    """
    first = {drive.row["scenario"]: drive for drive in drives}
    points = np.concatenate([*(drive.route[:, :2] for drive in first.values()), *lanes])
    size = np.ptp(points, axis=0) + 20.0
    figure, axis = _figure(7.2, float(np.clip(7.2 * size[1] / size[0], 3.0, 9.0)))
    axis.set_axis_off()
    for lane in lanes:
        axis.plot(lane[:, 0], lane[:, 1], color=_GRID, lw=0.8, zorder=0)
    _draw_routes(axis, list(first.values()), 4.0)
    for drive in drives:
        _draw_drive(axis, drive, colors)
    return _svg(figure, "map")


def _draw_routes(axis: Any, drives: Sequence[Any], width: float) -> None:
    for drive in drives:
        axis.plot(
            drive.route[:, 0], drive.route[:, 1], color=_GRID, lw=width, solid_capstyle="round", zorder=1
        )
    axis.set_aspect("equal", adjustable="datalim")


def _draw_drive(axis: Any, drive: Any, colors: Mapping[str, str]) -> None:
    row, color = drive.row, colors[drive.row["agent"]]
    if len(drive.steering):
        axis.plot(drive.trace["x"][::8], drive.trace["y"][::8], color=color, lw=1.1, alpha=0.9, zorder=2)
    if row["success"]:
        return
    mark = MARKS.get(row["outcome"], "v")
    axis.plot(
        row["end"]["x_m"], row["end"]["y_m"], mark, color=color, ms=8, mec=_INK, mew=0.7, zorder=4
    )  # fmt: skip


def telling_scenarios(rows: Sequence[Mapping[str, Any]], tested: Sequence[str], most: int = 12) -> list[str]:
    """Scenarios worth a picture: where most of the tested agents failed, then where one of two did."""
    failures: dict[str, int] = {}
    for row in rows:
        failures.setdefault(row["scenario"], 0)
        failures[row["scenario"]] += row["agent"] in tested and not row["success"]
    failed = [
        scenario for scenario in sorted(failures, key=lambda name: -failures[name]) if failures[scenario]
    ]
    return failed[:most] or list(failures)[: min(most, 4)]
