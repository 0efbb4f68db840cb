"""From single drives to an evaluation's figures: rows, rates with intervals, comparisons in pairs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.episode import Episode
from drive.scoring.contacts import contacts
from drive.scoring.metrics import SCORES, outcome, score, shadow_disagreement
from drive.scoring.roles import role
from drive.scoring.statistics import bootstrap_mean_interval, mcnemar_exact, wilson_interval

Row = dict[str, Any]  # one line of episodes.jsonl

GROUPS: dict[str, Callable[[Row], bool]] = {
    "training_weather": lambda row: not row["held_out"],
    "held_out_weather": lambda row: bool(row["held_out"]),
}


def episode_row(episode: Episode) -> Row:
    """One line of `episodes.jsonl`: everything about a drive but its clock times.

    A metric that is not valid on this drive is null.
    """
    steps = episode.steps
    return {
        "agent": episode.agent,
        "scenario": episode.scenario,
        **{key: episode.extra[key] for key in ("seed", "map", "through_junction") if key in episode.extra},
        "weather": episode.weather,
        "held_out": episode.held_out,
        "outcome": outcome(episode).value,
        "failure": episode.failure,
        **{key: episode.extra[key] for key in ("threads_left", "processes_left") if key in episode.extra},
        "sha256_states": episode.sha256_states,
        "sha256_frames": episode.sha256_frames,
        "steps": steps,
        "duration_s": round(episode.duration, 6),
        "route_length_m": episode.route_length,
        "time_limit_s": episode.time_limit,
        **{name: metric.json for name, metric in score(episode).items()},
        "contacts": [
            {
                "step": contact.step,
                "actor": contact.actor,
                "closing_speed_mps": contact.closing_speed,
                "other_speed_mps": contact.other_speed,
                "x_m": contact.x,
                "y_m": contact.y,
                "yaw_rad": contact.yaw,
                "face": contact.face,
                "at_fault": contact.at_fault,
            }
            for contact in contacts(episode)
        ],
        "end": {"x_m": float(episode.x[-1]), "y_m": float(episode.y[-1]), "s_m": float(episode.center_s[-1])},
        "shadows": {
            name: {
                "disagreement": shadow_disagreement(episode, name).json,
                "failure": episode.extra.get("shadow_failures", {}).get(name),
            }
            for name in episode.shadow_steering
        },
    }


def group_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Rates, means and totals of some drives of one agent, each with a 95 % interval.

    Rates have Wilson's intervals; means have bootstrap intervals over drives, and so has `X_per_drive`, the
    mean that stands beside each total X.
    """
    figures: dict[str, Any] = {"episodes": len(rows)}
    for entry in SCORES:
        values = [row[entry.name] for row in rows if row[entry.name] is not None]
        if entry.kind == "total":
            total = float(np.sum(values)) if values else 0.0
            figures[entry.name] = int(total) if all(float(v).is_integer() for v in values) else total
            figures |= _mean(f"{entry.name}_per_drive", values)
        elif entry.kind == "rate":
            wins = round(sum(values))
            figures[f"{entry.name}_rate"] = wins / len(values) if values else None
            figures[f"{entry.name}_rate_interval"] = list(wilson_interval(wins, len(values)))
        else:
            figures |= _mean(entry.name, values)
    figures["outcomes"] = dict(Counter(row["outcome"] for row in rows).most_common())
    return figures


def _mean(name: str, values: Sequence[float]) -> dict[str, Any]:
    interval = bootstrap_mean_interval(values)
    return {
        name: float(np.mean(values)) if values else None,
        f"{name}_interval": None if interval is None else list(interval),
    }


def shadow_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Mean absolute disagreement of each shadow with the driver, over episodes."""
    found: dict[str, Any] = {}
    for name in rows[0]["shadows"] if rows else ():
        values = [row["shadows"][name]["disagreement"] for row in rows]
        values = [value for value in values if value is not None]
        found[name] = {
            **_mean("mean_absolute_disagreement", values),
            "failures": sum(row["shadows"][name]["failure"] is not None for row in rows),
        }
    return found


def agent_summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures of one agent: over drives that pass no junction, by weather, and through junctions apart."""
    plain = [row for row in rows if not row.get("through_junction")]
    through = [row for row in rows if row.get("through_junction")]
    weathers = sorted({(row["held_out"], row["weather"]) for row in plain})
    summary = {
        **group_figures(plain),
        **{name: group_figures([row for row in plain if chosen(row)]) for name, chosen in GROUPS.items()},
        "weathers": {
            weather: _rate([row for row in plain if row["weather"] == weather]) for _, weather in weathers
        },
        "shadows": shadow_figures(rows),
    }
    if through:
        summary["through_junctions"] = group_figures(through)
    return summary


def _rate(rows: Sequence[Row]) -> dict[str, Any]:
    wins = round(sum(row["success"] for row in rows))
    return {
        "episodes": len(rows),
        "held_out": rows[0]["held_out"],
        "success_rate": wins / len(rows),
        "success_rate_interval": list(wilson_interval(wins, len(rows))),
    }


def summarize(
    rows: Iterable[Row], sources: Mapping[str, str], privileged: Mapping[str, bool], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """`summary.json`: agents' figures, comparisons in pairs on the same scenarios, and every definition.

    Args:
        rows: lines of `episodes.jsonl`, complete.
        sources: what each agent is, by its name in results, in order.
        privileged: which of them see the simulator's truth.
        facts: about the run (suite, map, ...), put first.
    """
    by_agent: dict[str, list[Row]] = {name: [] for name in sources}
    for row in rows:
        by_agent[row["agent"]].append(row)
    agents = {
        name: {
            "source": sources[name],
            "role": role(sources[name]),
            "privileged": privileged[name],
            **agent_summary(found),
        }
        for name, found in by_agent.items()
    }
    pairs = []
    for first, second in combinations(sources, 2):
        wins = [
            {
                row["scenario"]: bool(row["success"])
                for row in by_agent[name]
                if not row.get("through_junction")
            }
            for name in (first, second)
        ]
        both = [
            scenario for scenario in wins[0] if scenario in wins[1]
        ]  # all of them, once a run is complete
        pair = mcnemar_exact(*([found[scenario] for scenario in both] for found in wins))
        pairs.append(
            {
                "first": first,
                "second": second,
                "both": pair.both,
                "only_first": pair.only_first,
                "only_second": pair.only_second,
                "neither": pair.neither,
                "p_value": pair.p_value,
            }
        )
    definitions = {
        entry.name: {"version": entry.version, "kind": entry.kind, "definition": entry.definition}
        for entry in SCORES
    }
    return {**facts, "agents": agents, "pairs": pairs, "confidence": 0.95, "definitions": definitions}


def timing_figures(
    act_seconds: Mapping[str, NDArray[np.float32]], drive_seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Clock times of each agent: observation to action in milliseconds, and steps a second of its drives."""
    found: dict[str, Any] = {}
    for name, seconds in act_seconds.items():
        empty = len(seconds) == 0
        p50, p95, p99 = (
            (None,) * 3 if empty else np.percentile(1000.0 * seconds, [50, 95, 99]).round(4).tolist()
        )
        found[name] = {
            "act_ms_p50": p50,
            "act_ms_p95": p95,
            "act_ms_p99": p99,
            "steps": len(seconds),
            "steps_per_s": round(len(seconds) / drive_seconds[name], 1)
            if drive_seconds[name] > 0.0
            else None,
        }
    return found
