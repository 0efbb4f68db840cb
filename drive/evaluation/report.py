"""`report.html`: one page without a network, from the figures to the films."""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import plural
from drive.episode import End
from drive.evaluation import plots, table, words
from drive.evaluation.episodes import FILMS, file_of
from drive.evaluation.figures import Results
from drive.evaluation.films import Film, choose

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # not in HTML, nor in UTF-8
_TEMPLATE = Path(__file__).with_name("report.html")


def page_of(folder: Path, results: Results, notes: Sequence[str] = ()) -> str:
    """The page of a run, from its figures and the films in its folder."""
    chosen = choose(results.drives, list(results.summary["agents"]), results.config["films"])
    films = [
        Film(drive.row, order, path.read_bytes())
        for drive, order in chosen
        if (path := file_of(folder, FILMS, order.agent, drive.ref, ".webm")).is_file()
    ]
    notes = [*notes, *words.remarks(results.rows, results.config)]
    lanes = _lanes(results.config["map"])
    page = make_report(results.summary, results.timing, results.drives, films, lanes, notes)
    return _NO_TEXT.sub("\ufffd", page)


def _lanes(map_file: str | None) -> list[NDArray[np.float64]]:
    """(n, 2) centre lines of a map's driving lanes, thinned out for a picture [m]; none if it has gone."""
    if map_file is None or not Path(map_file).is_file():
        return []
    from drive.sim.scenario import load_map

    lanes = [lane.center[:, :2] for lane in load_map(map_file).lanes if lane.type == "driving"]
    return [points[np.linspace(0, len(points) - 1, min(len(points), 24)).astype(int)] for points in lanes]


def make_report(
    summary: Mapping[str, Any],
    timing: Mapping[str, Any],
    drives: Sequence[Any],
    films: Sequence[Any],
    lanes: Sequence[NDArray[np.float64]] = (),
    notes: Sequence[str] = (),
) -> str:
    """The page.

    Args:
        summary: contents of `summary.json`.
        timing: contents of `timing.json`.
        drives: every `EpisodeRow`.
        films: `Film`s, worst drives of each agent.
        lanes: on a map, (n, 2) centre lines of its lanes [m].
        notes: why films are missing.

    Returns:
        HTML with plots as inline SVG and films as base64 WebM.
    """
    from jinja2 import Environment, StrictUndefined

    rows = [drive.row for drive in drives]
    colors = plots.agent_colors(summary)
    tested = [name for name, agent in summary["agents"].items() if agent["role"] == "tested"]
    shown = tested or list(summary["agents"])
    chosen = plots.telling_scenarios(rows, shown)
    on_map = summary["map"] is not None
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return page.render(
        headline=words.headline(summary),
        failures=words.failures(rows),
        reasons=words.reasons(summary, timing, rows),
        caption=table.caption(summary),
        columns=table.COLUMNS,
        cells=_colored_cells(summary, timing, colors),
        details=_details(summary, timing),
        pairs=summary["pairs"],
        agents=summary["agents"],
        colors=colors,
        shadows=_shadow_lines(summary),
        weather_svg=plots.success_by_weather(summary, colors),
        weather_alt=_weather_alt(summary),
        offset_svg=plots.offset_along_way(drives, summary, colors),
        offset_alt=_offset_alt(summary),
        routes_svg=plots.map_picture(drives, colors, lanes)
        if on_map
        else plots.route_pictures(drives, colors, chosen),
        routes_alt=_routes_alt(rows, shown),
        routes_caption=_routes_caption(
            on_map, len(chosen), len({row["scenario"] for row in rows}), rows, shown
        ),
        films=[_film(film, colors) for film in films],
        notes=notes,
        definitions=summary["definitions"],
        timing=timing,
        summary=summary,
    )


def _colored_cells(
    summary: Mapping[str, Any], timing: Mapping[str, Any], colors: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "color": colors[row.agent],
            "name": f"{row.agent}, through junctions" if row.apart else row.agent,
            "mark": "" if row.apart else table.mark(summary["agents"][row.agent]),
            "apart": row.apart,
            "cells": row.cells,
        }
        for row in table.table_rows(summary, timing)
    ]


_DETAILS = (
    ("crash_rate", "Share of drives with a crash", "{:.2f}"),
    ("crashes_per_drive", "Crashes a drive", "{:.2f}"),
    ("lateral_offset_rms_m", "Lateral offset, RMS [m]", "{:.3f}"),
    ("lateral_offset_p95_m", "Lateral offset, 95th percentile [m]", "{:.3f}"),
    ("lateral_offset_max_m", "Lateral offset, largest, mean over drives [m]", "{:.3f}"),
    ("lateral_offset_beyond_half_metre_share", "Share of time beyond 0.5 m", "{:.3f}"),
    ("valid_share", "Share of samples that count", "{:.3f}"),
    ("route_completion", "Route completion", "{:.3f}"),
    ("lane_departures", "Lane departures", "{}"),
    ("lane_departure_s", "Time outside the lane [s]", "{:.1f}"),
    ("off_road_s", "Time off the road [s]", "{:.1f}"),
    ("crashes_at_fault", "Crashes at fault", "{}"),
    ("interventions_formula", "Interventions (formula)", "{}"),
    ("autonomy_formula", "PilotNet autonomy (formula)", "{:.3f}"),
    ("comfort_nuplan_formula_rate", "Drives inside nuPlan's comfort bounds (formula)", "{:.2f}"),
    ("comfort_time_share_formula", "Share of time inside them (formula)", "{:.3f}"),
    ("steering_roughness_per_s", "Change of steering a second [1/s]", "{:.3f}"),
    ("mean_speed_mps", "Mean speed [m/s]", "{:.1f}"),
)


def _details(summary: Mapping[str, Any], timing: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    agents = summary["agents"]

    def cell(figures: Mapping[str, Any], key: str, form: str) -> str:
        value, interval = figures[key], figures.get(f"{key}_interval")
        if value is None:
            return "-"
        if interval is None:
            return form.format(value)
        return f"{form.format(value)} ({form.format(interval[0])}-{form.format(interval[1])})"

    found = [(label, [cell(agent, key, form) for agent in agents.values()]) for key, label, form in _DETAILS]
    for key, label in (
        ("act_ms_p95", "Observation to action, 95 % within [ms]"),
        ("steps_per_s", "Steps a second"),
    ):
        values = [timing["agents"][name][key] for name in agents]
        found.append((label, ["-" if value is None else f"{value:,.1f}" for value in values]))
    return found


def _shadow_lines(summary: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, agent in summary["agents"].items():
        for shadow, heard in agent["shadows"].items():
            mean = heard["mean_absolute_disagreement"]
            if mean is None:
                continue
            interval = heard["mean_absolute_disagreement_interval"]
            spread = "" if interval is None else f" ({interval[0]:.3f}-{interval[1]:.3f})"
            line = f"{shadow} beside {name}: {mean:.3f}{spread}"
            failures = heard["failures"]
            lines.append(line + (f"; it failed in {plural(failures, 'drive')}" if failures else ""))
    return lines


def _weather_alt(summary: Mapping[str, Any]) -> str:
    parts = []
    for name, agent in summary["agents"].items():
        cells = [
            f"{weather} {100 * cell['success_rate']:.0f} %" for weather, cell in agent["weathers"].items()
        ]
        parts.append(f"{name}: {', '.join(cells)}")
    return "Successful drives by weather. " + ". ".join(parts) + "."


def _offset_alt(summary: Mapping[str, Any]) -> str:
    parts = [
        f"{name} {agent['lateral_offset_mae_m']:.2f} m"
        for name, agent in summary["agents"].items()
        if agent["lateral_offset_mae_m"] is not None
    ]
    return "Lateral offset along the way for each agent; mean absolute offset: " + ", ".join(parts) + "."


def _failures(rows: Sequence[Mapping[str, Any]], agents: Sequence[str]) -> str:
    counts = {name: sum(not row["success"] for row in rows if row["agent"] == name) for name in agents}
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _routes_alt(rows: Sequence[Mapping[str, Any]], agents: Sequence[str]) -> str:
    return f"Routes from above with a mark where a drive failed. Failed drives: {_failures(rows, agents)}."


def _routes_caption(
    on_map: bool, chosen: int, scenarios: int, rows: Sequence[Mapping[str, Any]], agents: Sequence[str]
) -> str:
    marks = "Marks: cross crash, square off the road, diamond lane left, plus out of time, triangle other."
    if on_map:
        return f"All {scenarios} routes, north up. {marks}"
    which = (
        "where an agent under test failed"
        if any(not row["success"] for row in rows if row["agent"] in agents)
        else "(nobody under test failed anywhere)"
    )
    return f"{chosen} of {scenarios} roads {which}, north up. {marks}"


def _film(film: Any, colors: Mapping[str, str]) -> dict[str, Any]:
    row, order = film.row, film.order
    if row["success"]:
        what = f"largest offset of a successful drive, {row['lateral_offset_max_m']:.2f} m"
    elif row["outcome"] == End.AGENT_FAILURE:
        what = f"agent failure: {row['failure']}"
    else:
        way = 100.0 * (row["route_completion"] or 0.0)
        what = f"{End.read(row['outcome']).label} after {row['duration_s']:.0f} s, {way:.0f} % of the way"
    if row["contacts"]:
        contact = row["contacts"][0]
        fault = "its own fault" if contact["at_fault"] else "not its fault"
        what += f" ({contact['face']} contact at {contact['closing_speed_mps']:.1f} m/s, {fault})"
    return {
        "agent": row["agent"],
        "color": colors[row["agent"]],
        "title": f"{row['scenario']}, {row['weather']}",
        "what": what,
        "shadows": ", ".join(order.shadows),
        "data": base64.b64encode(film.webm).decode("ascii"),
    }
