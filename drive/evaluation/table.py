"""The evaluation's table, on the terminal and in the report."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from drive.core.errors import plural
from drive.episode import End

COLUMNS = (
    "Agent",
    "Success",
    "Training\nweather",
    "Held-out\nweather",
    "Crash",
    "Lane\ndep.",
    "Offset\nmean, m",
    "km",
    "ms a\nframe",
)


LONGITUDINAL = {
    "cruise": "agents steer, the car keeps speed and distance by itself (cruise)",
    "agent": "agents steer, accelerate and brake",
}


class Cell(NamedTuple):
    """A figure and, where it has one, its 95 % interval."""

    value: str
    interval: str = ""


def percent(rate: float | None, interval: list[float] | None) -> Cell:
    """A rate: "97 %" and "83-99"."""
    if rate is None:
        return Cell("-")
    spread = "" if interval is None else f"{100 * interval[0]:.0f}-{100 * interval[1]:.0f}"
    return Cell(f"{100 * rate:.0f} %", spread)


def metres(value: float | None, interval: list[float] | None) -> Cell:
    """A mean in metres: "0.12" and "0.10-0.15"."""
    if value is None:
        return Cell("-")
    return Cell(f"{value:.2f}", "" if interval is None else f"{interval[0]:.2f}-{interval[1]:.2f}")


def kilometres(distance: float) -> str:
    """A distance in kilometres, with two decimals below 10 km."""
    return f"{distance:.{1 if distance >= 10.0 else 2}f}"


def mark(agent: Mapping[str, Any]) -> str:
    """What to write behind a name: the ceiling sees the truth, the floor sees nothing."""
    return {"ceiling": "ceiling, privileged", "floor": "floor"}.get(
        agent["role"], "privileged" if agent["privileged"] else ""
    )


class AgentRow(NamedTuple):
    """One row of the table."""

    agent: str
    apart: bool  # drives through junctions
    cells: tuple[Cell, ...]  # for COLUMNS[1:]


def table_rows(summary: Mapping[str, Any], timing: Mapping[str, Any]) -> list[AgentRow]:
    """One row an agent, on maps a further row for its drives through junctions."""
    rows = []
    for name, agent in summary["agents"].items():
        milliseconds = timing["agents"][name]["act_ms_p50"]
        spent = Cell("-" if milliseconds is None else f"{milliseconds:.2f}")
        rows.append(AgentRow(name, False, (*_cells(agent), spent)))
        if "through_junctions" in agent:
            rows.append(AgentRow(name, True, (*_cells(agent["through_junctions"]), Cell(""))))
    return rows


def _cells(figures: Mapping[str, Any]) -> tuple[Cell, ...]:
    def rate(group: Mapping[str, Any] | None) -> Cell:
        if group is None or not group["episodes"]:
            return Cell("")
        return percent(group["success_rate"], group["success_rate_interval"])

    left = sum(figures["outcomes"].get(end, 0) for end in (End.OFF_ROAD, End.LANE_DEPARTURE))
    return (
        rate(figures),
        rate(figures.get("training_weather")),
        rate(figures.get("held_out_weather")),
        Cell(str(figures["crashes"])),
        Cell(str(left)),
        metres(figures["lateral_offset_mae_m"], figures["lateral_offset_mae_m_interval"]),
        Cell(kilometres(figures["distance_km"])),
    )


def caption(summary: Mapping[str, Any]) -> str:
    """What the table's figures are, in one sentence."""
    where = f" on {summary['map']}" if summary["map"] else ""
    junctions = summary.get("junction_episodes", 0)
    apart = f" and {junctions} through junctions" if junctions else ""
    return (
        f"Suite {summary['suite']}{where}, {plural(summary['episodes'], 'scenario')}{apart}, "
        f"the same for every agent; {summary['longitudinal']}. Below: 95 % intervals."
    )


def print_table(console: Any, summary: Mapping[str, Any], timing: Mapping[str, Any]) -> None:
    """Print the table to a rich console."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        caption=escape(caption(summary)),
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
        show_edge=False,
    )
    for i, title in enumerate(COLUMNS):
        table.add_column(title, justify="right" if i else "left", no_wrap=True)
    for row in table_rows(summary, timing):
        agent = summary["agents"][row.agent]
        below = "through junctions" if row.apart else mark(agent)
        first = escape(row.agent) + (f"\n[dim]{below}[/dim]" if below else "")
        table.add_row(first, *(f"{value}\n[dim]{spread}[/dim]" for value, spread in row.cells))
    console.print(table)
    for pair in summary["pairs"]:
        roles = {summary["agents"][pair[side]]["role"] for side in ("first", "second")}
        if roles == {"tested"}:
            console.print(
                f"{escape(pair['first'])} against {escape(pair['second'])}: "
                f"the first alone managed {plural(pair['only_first'], 'scenario')}, "
                f"the second {pair['only_second']} (exact McNemar p = {pair['p_value']:.3g})."
            )
    for name, agent in summary["agents"].items():
        for shadow, heard in agent["shadows"].items():
            if heard["mean_absolute_disagreement"] is not None:
                console.print(
                    f"{escape(shadow)} beside {escape(name)}: steering differs by "
                    f"{heard['mean_absolute_disagreement']:.3f} of full steering in the mean."
                )
