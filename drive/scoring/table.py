"""The evaluation's table, on the terminal and in the report."""

from collections.abc import Mapping
from typing import Any

COLUMNS = (
    "Agent",
    "Success",
    "Training weather",
    "Held-out weather",
    "Crashes",
    "Off road / lane left",
    "Lateral offset, mean [m]",
    "km driven",
    "ms a frame",
)


def percent(rate: float | None, interval: list[float] | None) -> str:
    """A rate and its interval: "97 % (83-99)"."""
    if rate is None:
        return "-"
    if interval is None:
        return f"{100 * rate:.0f} %"
    return f"{100 * rate:.0f} % ({100 * interval[0]:.0f}-{100 * interval[1]:.0f})"


def metres(value: float | None, interval: list[float] | None) -> str:
    """A mean in metres and its interval: "0.12 (0.10-0.15)"."""
    if value is None:
        return "-"
    return f"{value:.2f}" if interval is None else f"{value:.2f} ({interval[0]:.2f}-{interval[1]:.2f})"


def mark(agent: Mapping[str, Any]) -> str:
    """What to write behind a name: the ceiling sees the truth, the floor sees nothing."""
    return {"ceiling": "ceiling, privileged", "floor": "floor"}.get(
        agent["role"], "privileged" if agent["privileged"] else ""
    )


def table_rows(summary: Mapping[str, Any], timing: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row an agent, a cell for each of COLUMNS; on maps with a further row for drives through junctions."""
    rows = []
    for name, agent in summary["agents"].items():
        label = f"{name} ({mark(agent)})" if mark(agent) else name
        milliseconds = timing["agents"][name]["act_ms_p50"]
        rows.append((label, *_cells(agent), "-" if milliseconds is None else f"{milliseconds:.2f}"))
        if "through_junctions" in agent:
            rows.append((f"  {name}, through junctions", *_cells(agent["through_junctions"]), ""))
    return rows


def _cells(figures: Mapping[str, Any]) -> tuple[str, ...]:
    def rate(group: Mapping[str, Any] | None) -> str:
        if group is None or not group["episodes"]:
            return ""
        return percent(group["success_rate"], group["success_rate_interval"])

    left = figures["outcomes"].get("off road", 0) + figures["outcomes"].get("lane left", 0)
    return (
        rate(figures),
        rate(figures.get("training_weather")),
        rate(figures.get("held_out_weather")),
        str(figures["crashes"]),
        str(left),
        metres(figures["lateral_offset_mae_m"], figures["lateral_offset_mae_m_interval"]),
        f"{figures['distance_km']:.1f}",
    )


def caption(summary: Mapping[str, Any]) -> str:
    """What the table's figures are, in one sentence."""
    where = f" on {summary['map']}" if summary["map"] else ""
    return (
        f"Suite {summary['suite']}{where}, {summary['episodes']} scenarios, the same for every agent; "
        "agents steer, the car keeps speed and distance by itself (cruise). 95 % intervals in brackets."
    )


def print_table(console: Any, summary: Mapping[str, Any], timing: Mapping[str, Any]) -> None:
    """Print the table to a rich console."""
    from rich.table import Table

    table = Table(caption=caption(summary), caption_justify="left")
    for i, title in enumerate(COLUMNS):
        table.add_column(title, justify="right" if i else "left", no_wrap=i == 0)
    for row in table_rows(summary, timing):
        table.add_row(*row)
    console.print(table)
    for pair in summary["pairs"]:
        roles = {summary["agents"][pair[side]]["role"] for side in ("first", "second")}
        if roles == {"tested"}:
            console.print(
                f"{pair['first']} against {pair['second']}: {pair['only_first']} scenarios managed by the first "
                f"alone, {pair['only_second']} by the second alone (exact McNemar p = {pair['p_value']:.3g})."
            )
    for name, agent in summary["agents"].items():
        for shadow, heard in agent["shadows"].items():
            if heard["mean_absolute_disagreement"] is not None:
                console.print(
                    f"{shadow} beside {name}: steering differs by {heard['mean_absolute_disagreement']:.3f} "
                    "of full steering in the mean."
                )
