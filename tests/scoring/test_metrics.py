"""Every metric against a case worked out by hand."""

import numpy as np
import pytest

from drive.scoring import metrics
from drive.scoring.metrics import SCORES, outcome, score
from tests.scoring.episodes import at, episode


def test_a_flawless_drive_has_flawless_scores() -> None:
    found = score(episode())
    assert found["success"].value == 1.0
    assert found["route_completion"].value == 1.0
    assert found["autonomy_formula"].value == 1.0
    assert found["comfort_nuplan_formula"].value == 1.0
    for name in ("crashes", "lateral_offset_mae_m", "lane_departures", "off_road_s", "interventions_formula"):
        assert found[name].value == 0.0
    assert all(metric.valid for metric in found.values())


def test_lateral_offset_by_hand() -> None:
    # States 1 .. 4 are 0.1, -0.3, 0.6, 0.2; the start's 5.0 is nobody's doing.
    drive = episode(4, lateral_offset=[5.0, 0.1, -0.3, 0.6, 0.2])
    assert metrics.lateral_offset_mae_m(drive).value == pytest.approx(1.2 / 4)
    assert metrics.lateral_offset_rms_m(drive).value == pytest.approx(np.sqrt(0.5 / 4))
    assert metrics.lateral_offset_max_m(drive).value == pytest.approx(0.6)
    # Sorted 0.1 0.2 0.3 0.6: position 0.95 * 3 = 2.85, so 0.3 + 0.85 * 0.3.
    assert metrics.lateral_offset_p95_m(drive).value == pytest.approx(0.555)
    assert metrics.lateral_offset_beyond_half_metre_share(drive).value == 0.25


def test_samples_beside_an_obstacle_do_not_count() -> None:
    drive = episode(4, lateral_offset=[0, 0.1, 2.0, 2.0, 0.3], path_blocked=[0, 0, 1, 1, 0])
    assert metrics.lateral_offset_mae_m(drive).value == pytest.approx(0.2)
    assert metrics.valid_share(drive).value == 0.5
    nothing_left = episode(4, path_blocked=True)
    assert not metrics.lateral_offset_mae_m(nothing_left).valid
    assert metrics.lateral_offset_mae_m(nothing_left).json is None
    assert metrics.valid_share(nothing_left).value == 0.0


def test_distance_is_the_length_of_the_way() -> None:
    assert metrics.distance_km(episode(2, x=[0, 3, 3], y=[0, 4, 5])).value == pytest.approx(0.006)


def test_route_completion_counts_progress_only() -> None:
    drive = episode(
        4, start_s=10.0, goal_s=110.0, progress=[10, 20, 35, 35, 35], center_s=[10, 20, 35, 90, 110]
    )
    assert metrics.route_completion(drive).value == pytest.approx(0.25)
    assert outcome(drive) == "stopped"


def test_off_road_from_a_corner_0_3_m_outside() -> None:
    drive = episode(40, off_road=at(40, {5: 0.3, 6: 0.31, 7: 1.0}))
    assert metrics.off_road_s(drive).value == pytest.approx(0.1)
    assert outcome(drive) == "off_road"
    assert outcome(episode(40, off_road=0.3)) == "goal"


def test_lane_departure_counts_crossings_and_time() -> None:
    drive = episode(40, lateral_offset=at(40, {3: 1.76, 4: 1.8, 5: 1.7, 9: -1.9}))
    assert metrics.lane_departures(drive).value == 2.0
    assert metrics.lane_departure_s(drive).value == pytest.approx(0.15)
    assert outcome(drive) == "lane_departure"
    narrow_to_the_right = episode(40, lateral_offset=-1.0, right_border=0.9)
    assert outcome(narrow_to_the_right) == "lane_departure"


def test_interventions_and_autonomy_by_hand() -> None:
    # Out at 3; 0.7 m is not yet back; back at 8; out again at 10: two interventions in 400 * 0.05 s = 20 s.
    offsets = at(400, {3: 1.2, 4: 0.7, 5: 1.3, 6: 0.7, 7: 0.7, 8: 0.4, 9: 0.2, 10: -1.1})
    drive = episode(400, lateral_offset=offsets)
    assert metrics.interventions_formula(drive).value == 2.0
    assert metrics.autonomy_formula(drive).value == pytest.approx(1.0 - 12.0 / 20.0)


def test_a_crash_is_one_intervention_and_an_excursion_into_it_no_second_one() -> None:
    hit = {"collision_actor": at(40, {40: 3}, -1), "other_speed": at(40, {40: 0.0}, np.nan)}
    assert metrics.interventions_formula(episode(40, **hit)).value == 1.0
    swerving = at(40, {38: 1.1, 39: 1.3, 40: 1.5})
    assert metrics.interventions_formula(episode(40, lateral_offset=swerving, **hit)).value == 1.0
    assert metrics.autonomy_formula(episode(40, **hit)).value == 0.0  # 6 s of 2 s


def test_steering_roughness_by_hand() -> None:
    drive = episode(3, steering=np.array([0.0, 0.1, -0.1]))
    assert metrics.steering_roughness_per_s(drive).value == pytest.approx(0.15 / 0.05)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "goal"),
        ({"failure": "steering is nan at step 3"}, "agent_failure"),
        ({"time_limit": 1.9}, "timeout"),
        ({"goal_s": 30.0}, "stopped"),
        ({"goal_s": 30.0, "time_limit": 2.0}, "timeout"),
        ({"collision_actor": 0}, "collision"),
        ({"off_road": at(40, {9: 1.0}), "lateral_offset": at(40, {8: 2.0})}, "lane_departure"),
        ({"off_road": at(40, {8: 1.0}), "lateral_offset": at(40, {8: 2.0})}, "off_road"),
    ],
)
def test_the_first_trouble_names_the_outcome(changes: dict, expected: str) -> None:
    drive = episode(40, **changes)
    assert outcome(drive) == expected
    assert metrics.success(drive).value == (expected == "goal")


def test_a_drive_of_no_step_has_nothing_to_measure() -> None:
    found = score(episode(0, failure="act raised ValueError: no at step 0", goal_s=10.0))
    assert found["success"].value == 0.0
    assert found["route_completion"].value == 0.0
    for name in ("lateral_offset_mae_m", "valid_share", "mean_speed_mps"):
        assert not found[name].valid
    for name in ("autonomy_formula", "comfort_nuplan_formula", "comfort_time_share_formula"):
        assert found[name].value == 0.0, "an agent that fails must not drop out of the mean"
    unhurt = score(episode(0, goal_s=10.0))
    assert not unhurt["autonomy_formula"].valid and not unhurt["comfort_nuplan_formula"].valid


def test_shadow_disagreement_by_hand() -> None:
    heard = {"modular": np.array([0.1, np.nan, -0.3]), "mute": np.full(3, np.nan)}
    drive = episode(3, steering=np.array([0.0, 0.5, 0.1]), shadow_steering=heard)
    assert metrics.shadow_disagreement(drive, "modular").value == pytest.approx(0.25)
    assert not metrics.shadow_disagreement(drive, "mute").valid


def test_names_are_unique_and_defined() -> None:
    assert len({entry.name for entry in SCORES}) == len(SCORES)
    assert all(len(entry.definition) > 20 for entry in SCORES)
