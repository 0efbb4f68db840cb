"""From drives to figures: groups, rates, pairs, and words."""

import json
from typing import Any

import numpy as np
import pytest

from drive.evaluation.summary import episode_row, group_figures, summarize, timing_figures
from drive.evaluation.words import headline, reasons
from drive.scoring.statistics import wilson_interval
from tests.scoring.episodes import at, episode


def drives(agent: str, failing: set[int], n: int = 8) -> list[dict[str, Any]]:
    """n drives, odd ones in held-out weather, some of them leaving the lane half way."""
    rows = []
    for i in range(n):
        held_out = bool(i % 2)
        changes: dict[str, Any] = {"agent": agent, "scenario": f"lane/{i}", "held_out": held_out}
        changes |= {"weather": "fog" if held_out else "wet", "extra": {"seed": i, "map": "road"}}
        if i in failing:
            changes |= {"lateral_offset": at(40, {20: 2.0}), "goal_s": 40.0}
        rows.append(json.loads(json.dumps(episode_row(episode(40, **changes)), allow_nan=False)))
    return rows


def summary_of(*agents: tuple[str, str, set[int]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    rows = [row for name, _, failing in agents for row in drives(name, failing)]
    sources = {name: source for name, source, _ in agents}
    facts = {"suite": "lane", "map": None, "episodes": 8}
    return summarize(rows, sources, dict.fromkeys(sources, False), facts), rows


TIMING = {"agents": {name: {"act_ms_p50": 1.0} for name in ("expert", "net", "modular", "straight")}}


def test_figures_by_hand() -> None:
    summary, _ = summary_of(("net", "net.onnx", {1, 3, 4}))
    net = summary["agents"]["net"]
    assert net["role"] == "tested"
    assert (net["episodes"], net["success_rate"]) == (8, 0.625)
    assert net["training_weather"]["success_rate"] == 0.75
    assert net["held_out_weather"]["success_rate"] == 0.5
    assert net["weathers"]["fog"]["success_rate"] == 0.5
    assert net["outcomes"] == {"goal": 5, "lane_departure": 3}
    assert net["lateral_offset_mae_m"] == pytest.approx(3 / 8 * 2.0 / 40)
    low, high = net["lateral_offset_mae_m_interval"]
    assert low < net["lateral_offset_mae_m"] < high
    assert net["success_rate_interval"][0] < 0.625 < net["success_rate_interval"][1]
    assert net["distance_km"] == pytest.approx(8 * 0.02)
    assert (net["crashes"], net["lane_departures"]) == (0, 3)
    json.dumps(summary, allow_nan=False)


def test_crashes_have_a_rate_and_a_mean_with_intervals() -> None:
    rows = drives("net", set())
    for row, count in zip(rows, (2, 0, 0, 1, 0, 0, 0, 0), strict=True):
        row["crashes"], row["crash"] = float(count), float(count > 0)
    figures = group_figures(rows)
    assert (figures["crashes"], figures["crash_rate"]) == (3, 0.25)
    assert figures["crash_rate_interval"] == list(wilson_interval(2, 8))
    assert figures["crashes_per_drive"] == 0.375
    low, high = figures["crashes_per_drive_interval"]
    assert 0.0 <= low < 0.375 < high <= 2.0
    hit = {"collision_actor": at(40, {20: 3, 40: 4}, -1), "other_speed": 0.0}
    row = episode_row(episode(40, **hit))
    assert (row["crash"], row["crashes"]) == (1.0, 2.0)


def test_pairs_compare_the_same_scenarios() -> None:
    summary, _ = summary_of(("net", "net.onnx", {1}), ("modular", "modular", {1, 2, 3, 4, 5, 6}))
    (pair,) = summary["pairs"]
    assert (pair["both"], pair["only_first"], pair["only_second"], pair["neither"]) == (2, 5, 0, 1)
    assert pair["p_value"] == pytest.approx(2 / 2**5)


def test_drives_through_junctions_are_apart() -> None:
    rows = drives("net", {0})
    for row in rows[:2]:
        row["through_junction"] = True
    summary = summarize(
        rows, {"net": "net.onnx"}, {"net": False}, {"suite": "lane", "map": "M", "episodes": 6}
    )
    net = summary["agents"]["net"]
    assert (net["episodes"], net["success_rate"]) == (6, 1.0)
    assert (net["through_junctions"]["episodes"], net["through_junctions"]["success_rate"]) == (2, 0.5)


def test_a_metric_that_is_not_valid_is_null_and_in_no_mean() -> None:
    broken = episode(0, goal_s=10.0, failure="act raised ValueError: no at step 0")
    assert episode_row(broken)["lateral_offset_mae_m"] is None
    summary = summarize([episode_row(broken)], {"test": "x:y"}, {"test": False}, {})
    assert summary["agents"]["test"]["success_rate"] == 0.0
    assert summary["agents"]["test"]["lateral_offset_mae_m"] is None


def test_timing_by_hand() -> None:
    figures = timing_figures({"net": np.array([1, 2, 3], np.float32) / 1000.0}, {"net": 0.5})["net"]
    assert figures["act_ms_p50"] == pytest.approx(2.0)
    assert (figures["steps"], figures["steps_per_s"]) == (3, 6.0)
    assert timing_figures({"net": np.zeros(0, np.float32)}, {"net": 0.0})["net"]["act_ms_p50"] is None


@pytest.mark.parametrize(
    ("net", "modular", "expected"),
    [
        (set(), {0, 1, 2, 3, 4, 5}, "net drives better than modular."),
        (set(), {0}, "net is ahead of modular, but not by more than chance could do."),
        ({1}, {0}, "net and modular drive equally often without a mistake."),
    ],
)
def test_the_headline_follows_the_numbers(net: set[int], modular: set[int], expected: str) -> None:
    agents = (("expert", "expert", set()), ("net", "net.onnx", net), ("modular", "modular", modular))
    summary, rows = summary_of(*agents, ("straight", "straight", set(range(8))))
    assert headline(summary) == expected
    text = " ".join(reasons(summary, TIMING, rows))
    assert f"net drove {8 - len(net)} of 8 routes" in text
    assert "no training" in text


def test_reasons_name_what_went_wrong_and_where() -> None:
    summary, rows = summary_of(("net", "net.onnx", {1, 3, 4}))
    summary["agents"]["net"]["training_pictures"] = 26_700
    text = " ".join(reasons(summary, TIMING, rows))
    assert "net left its lane 3 times (fog 2, wet 1; 2 of 3 in weather that no training used)." in text
    assert "26,700 labelled pictures" in text
    assert headline(summary) == "net drove 5 of 8 routes without a mistake."
