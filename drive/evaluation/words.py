"""What an evaluation found, in sentences made from its figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from drive.core.errors import plural
from drive.episode import End
from drive.evaluation.table import kilometres

Row = Mapping[str, Any]

SIGNIFICANT = 0.05
_TROUBLE = {
    End.COLLISION: "crashed",
    End.OFF_ROAD: "went off the road",
    End.LANE_DEPARTURE: "left its lane",
    End.TIMEOUT: "ran out of time",
    End.STOPPED: "stopped before the goal",
    End.AGENT_FAILURE: "failed itself",
}


def headline(summary: Mapping[str, Any]) -> str:
    """Which agent drives better, in one sentence."""
    agents = summary["agents"]
    tested = _tested(summary) or list(agents)[: 1 if len(agents) == 1 else 0]
    if not tested:
        return "The two ends of the scale: the expert, and a wheel held straight."
    if always_failed(summary) == _tested(summary) != []:
        return f"{_and(tested)} failed by {'itself' if len(tested) == 1 else 'themselves'} in every drive."
    if len(tested) == 1:
        return f"{tested[0]} drove {_count(agents[tested[0]])} without a mistake."
    best, other = sorted(tested, key=lambda name: -agents[name]["success_rate"])[:2]
    pair = _pair(summary, best, other)
    if pair["p_value"] < SIGNIFICANT:
        return f"{best} drives better than {other}."
    if agents[best]["success_rate"] > agents[other]["success_rate"]:
        return f"{best} is ahead of {other}, but not by more than chance could do."
    return f"{best} and {other} drive equally often without a mistake."


def reasons(summary: Mapping[str, Any], timing: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    """Why: success with intervals, the test in pairs, what went wrong where, lane keeping, cost."""
    agents = summary["agents"]
    tested = _tested(summary) or list(agents)
    ranked = sorted(tested, key=lambda name: -agents[name]["success_rate"])
    found = [" ".join(_success(name, agents[name]) for name in ranked)]
    if len(ranked) > 1:
        found.append(_comparison(_pair(summary, ranked[0], ranked[1])))
    found.extend(_troubles(name, agents[name], rows) for name in ranked)
    found.append(_lane_keeping(ranked, agents))
    found.append(_cost(ranked, agents, timing))
    through = [name for name in ranked if agents[name].get("through_junctions", {}).get("episodes")]
    if through:
        parts = [f"{name} {_count(agents[name]['through_junctions'])}" for name in through]
        found.append("Through junctions, counted apart: " + ", ".join(parts) + ".")
    found.append(_doubts(summary))
    return [sentence for sentence in found if sentence]


def failures(rows: Sequence[Row]) -> list[str]:
    """How agents and shadows failed by themselves, a line each."""
    driven = Counter(row["agent"] for row in rows)
    found: dict[tuple[str, str], list[str]] = {}  # by driver and shadow
    for row in rows:
        if row["failure"] is not None:
            found.setdefault((row["agent"], ""), []).append(f"{row['failure']} on {row['scenario']}")
        for shadow, heard in row["shadows"].items():
            if heard["failure"] is not None:
                text = f"{heard['failure']} on {row['scenario']}"
                found.setdefault((row["agent"], shadow), []).append(text)
    lines = []
    for (name, shadow), texts in found.items():
        who = f"{shadow} beside {name}" if shadow else name
        more = f"; and {len(texts) - 3} more" if len(texts) > 3 else ""
        lines.append(
            f"{who} failed by itself in {len(texts)} of {plural(driven[name], 'drive')}: "
            f"{'; '.join(texts[:3])}{more}."
        )
    return lines


def always_failed(summary: Mapping[str, Any]) -> list[str]:
    """The tested agents that failed by themselves in every drive."""
    own = {End.AGENT_FAILURE.value}
    return [
        name
        for name in _tested(summary)
        if all(
            set(group["outcomes"]) <= own
            for group in (summary["agents"][name], summary["agents"][name].get("through_junctions"))
            if group
        )
    ]


def remarks(rows: Sequence[Row], config: Mapping[str, Any]) -> list[str]:
    """Whose camera was another, and what agents left behind, a line each."""
    left = Counter(
        (row["agent"], what) for row in rows for what in ("threads", "processes") if row.get(f"{what}_left")
    )
    told = [f"{name} left {what} behind in {plural(n, 'drive')}." for (name, what), n in left.items()]
    return [*config.get("camera_remarks", []), *told]


def _tested(summary: Mapping[str, Any]) -> list[str]:
    return [name for name, agent in summary["agents"].items() if agent["role"] == "tested"]


def _count(figures: Mapping[str, Any]) -> str:
    wins = round(figures["success_rate"] * figures["episodes"])
    return f"{wins} of {plural(figures['episodes'], 'route')}"


def _success(name: str, figures: Mapping[str, Any]) -> str:
    low, high = figures["success_rate_interval"]
    return (
        f"{name} drove {_count(figures)} from start to goal without a crash and without leaving its lane "
        f"({100 * figures['success_rate']:.0f} %; 95 % interval {100 * low:.0f} to {100 * high:.0f} %)."
    )


def _pair(summary: Mapping[str, Any], first: str, second: str) -> dict[str, Any]:
    for pair in summary["pairs"]:
        if {pair["first"], pair["second"]} == {first, second}:
            turned = pair["first"] != first
            return {
                **pair,
                "first": first,
                "second": second,
                "only_first": pair["only_second" if turned else "only_first"],
                "only_second": pair["only_first" if turned else "only_second"],
            }
    raise KeyError(f"{first} and {second} were not compared")


def _comparison(pair: Mapping[str, Any]) -> str:
    if pair["only_first"] + pair["only_second"] == 0:
        return "Scenario by scenario both did the same, so these routes do not tell them apart."
    sentence = (
        f"On the same routes {pair['first']} alone managed {pair['only_first']}, "
        f"{pair['second']} alone {pair['only_second']} (exact McNemar test, p = {_p(pair['p_value'])}): "
    )
    if pair["p_value"] < SIGNIFICANT:
        return sentence + "chance alone would hardly do that."
    return sentence + "that could be chance; more episodes would tell."


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-4 else f"{value:.0e}"


def _troubles(name: str, figures: Mapping[str, Any], rows: Sequence[Row]) -> str:
    failed = [
        row for row in rows if row["agent"] == name and not row["success"] and not row.get("through_junction")
    ]
    if not failed:
        return f"{name} made no mistake on any of them."
    kinds = Counter(row["outcome"] for row in failed)
    parts = [f"{_TROUBLE[kind]} {_times(count)}" for kind, count in kinds.most_common()]
    weathers = Counter(row["weather"] for row in failed)
    where = ", ".join(f"{weather} {count}" for weather, count in weathers.most_common(5))
    held_out = sum(row["held_out"] for row in failed)
    sentence = f"{name} {_and(parts)} ({where}"
    if len(failed) > 1:
        sentence += f"; {held_out} of {len(failed)} in weather that no training used"
    sentence += ")."
    if crashed := figures["crashes"]:
        fault = "its own fault" if crashed == 1 and figures["crashes_at_fault"] else ""
        fault = fault or (
            "not its fault" if crashed == 1 else f"{figures['crashes_at_fault']} by its own fault"
        )
        sentence += f" The crash was {fault}." if crashed == 1 else f" Of {crashed} crashes, {fault}."
    middle = sum((row["route_completion"] or 0.0) for row in failed) / len(failed)
    mean = " in the mean" if len(failed) > 1 else ""
    return (
        sentence
        + f" Its failed {'drives' if mean else 'drive'} ended after {100 * middle:.0f} % of the way{mean}."
    )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _lane_keeping(ranked: Sequence[str], agents: Mapping[str, Any]) -> str:
    parts = [
        f"{name} {figures['lateral_offset_mae_m']:.2f} m over {kilometres(figures['distance_km'])} km"
        for name, figures in ((name, agents[name]) for name in ranked)
        if figures["lateral_offset_mae_m"] is not None
    ]
    ceiling = [
        f"{name} {agent['lateral_offset_mae_m']:.2f} m"
        for name, agent in agents.items()
        if agent["role"] == "ceiling" and agent["lateral_offset_mae_m"] is not None and name not in ranked
    ]
    if not parts:
        return ""
    sentence = "Mean distance from the lane's centre: " + ", ".join(parts)
    return sentence + (f"; for comparison {ceiling[0]}." if ceiling else ".")


def _cost(ranked: Sequence[str], agents: Mapping[str, Any], timing: Mapping[str, Any]) -> str:
    parts = []
    for name in ranked:
        milliseconds = timing["agents"][name]["act_ms_p50"]
        took = f"{milliseconds:.1f} ms a frame" if milliseconds is not None else "no frame driven"
        pictures = agents[name].get("training_pictures")
        if pictures:
            took += f" and {pictures:,} labelled pictures to learn from"
        elif agents[name]["source"] == "modular":
            took += ", no training, and steps that can be looked at one by one"
        parts.append(f"{name} {took}")
    return "What it costs: " + "; ".join(parts) + "."


def _doubts(summary: Mapping[str, Any]) -> str:
    """Where the references say that the scenarios themselves are at odds."""
    agents = summary["agents"]
    for name, agent in agents.items():
        if agent["role"] == "ceiling" and agent["success_rate"] < 1.0:
            return (
                f"The ceiling itself ({name}) managed {_count(agent)}: "
                "some of these routes may be too hard for anyone."
            )
        if agent["role"] == "floor" and agent["success_rate"] > 0.1:
            return f"Holding the wheel straight managed {_count(agent)}: many of these routes are easy."
    return ""
