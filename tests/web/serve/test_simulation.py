"""The drive step by step: who steers, what is recorded, going back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drive.agent import DT
from drive.camera import Camera
from drive.core.errors import UserError
from drive.sim.env import LaneEnv
from drive.sim.scenario import lane_scenario
from drive.web.serve.catalog import Catalog, Choice
from drive.web.serve.messages import Restart, Start
from drive.web.serve.protocol import ProtocolError
from drive.web.serve.report import describe_drive, describe_map
from drive.web.serve.simulation import Simulation
from drive.web.serve.step_log import Done
from tests.web.serve.agents import Breaks, Counts, Quarter, StartsTwice

CAMERA = Camera(width_px=64, height_px=32)
CATALOG = Catalog.of([], [], {"quarter": Quarter(), "breaks": Breaks()})


def simulation(choice: Choice | None = None, pedals: str = "cruise", views: bool = False) -> Simulation:
    made = Simulation(CATALOG, CAMERA, pedals=pedals, views=views)
    made.load(choice or Choice(seed=3))
    return made


def follow(drive: Simulation, steps: int) -> list[Done]:
    """A person who steers as the expert shows."""
    done: list[Done] = []
    for _ in range(steps):
        done.append(drive.step(done[-1].expert if done else 0.0, 0.0))
    return done


def test_a_person_drives_the_same_bits_as_the_environment() -> None:
    drive = simulation(Choice(seed=3, weather="wet", traffic="light"))
    env = LaneEnv(camera=CAMERA)
    observation, _ = env.reset(options={"scenario": lane_scenario(3, weather_name="wet", traffic="light")})
    for i in range(40):
        steering = 0.05 * np.sin(0.3 * i)
        np.testing.assert_array_equal(drive.observation["camera"], observation["camera"])
        done = drive.step(float(steering), 1.0)
        observation = env.step(np.array([steering], np.float32))[0]
        assert done.step == i
        assert done.steering == np.float32(steering)
    assert drive.observation["speed"] == observation["speed"]
    assert env.world.state_bytes(0) == drive._task.world.state_bytes(0)


def test_roads_of_one_style_have_a_name_of_their_own() -> None:
    for name, style in (
        ("generated", None),
        ("generated corners", "corners"),
        ("generated highway", "highway"),
    ):
        drive = simulation(Choice(map=name, seed=3))
        assert drive.map_name == name == describe_map(drive)["map"]
        route = lane_scenario(3, style=style).route
        np.testing.assert_array_equal(drive.scenario.route.points, route.points)


def test_the_expert_stands_beside_the_person() -> None:
    drive = simulation()
    done = drive.step(-0.2, 0.0)
    assert done.row["action"] == done.row["executed.action"]
    assert done.row["action"][0] == pytest.approx(-0.2)
    assert done.row["expert.action"][0] == done.expert != -0.2
    assert done.row["intervention"] == 1
    # the car keeps its speed by itself, so the expert's acceleration is what was driven
    assert done.row["expert.action"][1] == pytest.approx(done.row["action"][1])


def test_hands_on_and_off_the_wheel() -> None:
    drive = simulation(Choice(seed=3, agent="quarter"))
    steps = [drive.step(-0.5, 0.0)]
    assert drive.take_wheel(True)
    steps += [drive.step(-0.5, 0.0) for _ in range(2)]
    assert describe_drive(drive)["intervention"] is True
    assert describe_drive(drive)["agent_steering"] == 0.25
    assert drive.take_wheel(False)
    steps += [drive.step(-0.5, 0.0)]
    assert [done.row["intervention"] for done in steps] == [0, 1, 1, 0]
    assert [done.row["executed.action"][0] for done in steps] == [0.25, -0.5, -0.5, 0.25]
    agent_rows = [steps[0].row, steps[3].row]
    assert all(row["action"] == row["expert.action"] for row in agent_rows), "an agent's action is no label"
    assert describe_drive(drive)["intervention"] is False


def test_without_an_agent_the_wheel_cannot_be_let_go() -> None:
    drive = simulation()
    assert not drive.take_wheel(False)
    assert drive.person_drives


def test_an_agent_that_fails_leaves_the_wheel_to_the_person() -> None:
    drive = simulation(Choice(seed=3, agent="breaks"))
    done = [drive.step(0.0 if drive.at_wheel != "person" else 0.1, 0.0) for _ in range(6)]
    assert [step.row["intervention"] for step in done] == [0, 0, 0, 0, 0, 1]
    failed = done[4].row
    assert failed["executed.action"][0] == 0.0
    assert failed["action"] == failed["expert.action"], "nobody's steering is no label"
    assert drive.agent is not None and "no lane" in (drive.agent.failure or "")
    assert drive.at_wheel == "person"


def test_shadows_see_every_frame_and_are_not_heard() -> None:
    alone, watched = simulation(), simulation(Choice(seed=3, shadows=("quarter", "breaks")))
    for _ in range(20):
        alone.step(-0.05, 0.0)
        watched.step(-0.05, 0.0)
    assert alone._task.world.state_bytes(0) == watched._task.world.state_bytes(0)
    told = describe_drive(watched)["shadows"]
    assert told["quarter"] == {"steering": 0.25, "disagreement": pytest.approx(0.3)}
    assert told["breaks"]["steering"] is None
    assert told["breaks"]["disagreement"] == pytest.approx(0.05)  # of the four steps before it failed


def test_disagreement_is_of_the_last_five_seconds() -> None:
    drive = simulation(Choice(seed=5, traffic="none", shadows=("quarter",)))
    done = follow(drive, 130)
    assert drive.end is None
    expected = np.mean([abs(0.25 - step.steering) for step in done[-100:]])
    assert drive.shadows[0].disagreement == pytest.approx(expected)
    assert expected != pytest.approx(np.mean([abs(0.25 - step.steering) for step in done]))


def test_the_expert_by_hand_arrives() -> None:
    drive = simulation(Choice(seed=5, traffic="none"))
    steps = 0
    while drive.end is None:
        label = drive._expert.steering_at(drive._task.world, 0, 0.0, 0.0)
        drive.step(label, 0.0)
        steps += 1
    assert drive.end == "goal"
    assert drive.drive_step == steps


def test_off_the_road_for_two_seconds_ends_the_drive() -> None:
    drive = simulation(Choice(seed=3, traffic="none"))
    first = None
    while drive.end is None:
        drive.step(0.4, 0.0)
        if first is None and drive.truth()["off_road"]:
            first = drive.drive_step
    assert drive.end == "off_road"
    assert first is not None and drive.drive_step - first == 40


def test_going_back_restores_every_bit() -> None:
    drive = simulation(Choice(seed=3, shadows=("modular",)))
    follow(drive, 30)
    bits, picture = drive._task.world.state_bytes(0), drive.observation["camera"].copy()
    before = follow(drive, 50)
    assert drive.rewind(30)
    assert drive.drive_step == 30
    assert drive._task.world.state_bytes(0) == bits
    np.testing.assert_array_equal(drive.observation["camera"], picture)
    again = follow(drive, 50)
    assert [done.step for done in again] == [done.step for done in before]
    assert [done.expert for done in again] == [done.expert for done in before]


def test_going_back_undoes_a_crash_and_has_its_limits() -> None:
    drive = simulation(Choice(seed=3, traffic="none"))
    while drive.end is None:
        drive.step(0.4, 0.0)
    ended = drive.drive_step
    assert drive.rewind(ended - 60)
    assert drive.end is None
    follow(drive, 5)
    assert not drive.rewind(ended), "that is ahead"
    drive = simulation(Choice(seed=5, traffic="none"))
    for _ in range(450):
        drive.step(drive._expert.steering_at(drive._task.world, 0, 0.0, 0.0), 0.0)
    assert not drive.rewind(10), "more than 20 s ago"


@pytest.mark.parametrize("role", ["driver", "shadow"])
def test_going_back_goes_on_without_an_agent_that_refuses_to_start_again(role: str) -> None:
    catalog = Catalog.of([], [], {"twice": StartsTwice(), "counts": Counts()})
    drive = Simulation(catalog, CAMERA)
    driver, shadow = ("twice", "counts") if role == "driver" else ("counts", "twice")
    drive.load(Choice(seed=3, traffic="none", agent=driver, shadows=(shadow,)))
    bits = drive._task.world.state_bytes(0)
    for _ in range(10):
        drive.step(0.0, 0.0)
    assert drive.rewind(0)
    assert drive.drive_step == 0 and drive._task.world.state_bytes(0) == bits
    done = [drive.step(0.0, 0.0) for _ in range(3)]
    failures = {agent.name: agent.failure for agent in drive.agents()}
    assert failures == {"twice": "twice failed: no third start", "counts": None}
    (counts,) = (agent for agent in drive.agents() if agent.name == "counts")
    assert counts.control is not None and counts.control.steering == 0.03, "it counted anew"
    assert [one.steering for one in done] == pytest.approx(
        [0.0] * 3 if role == "driver" else [0.01, 0.02, 0.03]
    )
    assert drive.at_wheel == ("person" if role == "driver" else "counts")


def test_a_person_with_pedals_stands_still_and_never_reverses() -> None:
    drive = simulation(Choice(seed=3, traffic="none"), pedals="person")
    speed = float(drive.ego["speed"])
    done = drive.step(0.0, -0.5)
    assert done.row["action"][1] == pytest.approx(-0.5)
    assert float(drive.ego["speed"]) == pytest.approx(speed - 0.5 * 8.0 * DT, abs=0.05)
    for _ in range(100):
        drive.step(0.0, -1.0)
    assert float(drive.ego["speed"]) == pytest.approx(0.0, abs=1e-6)
    drive.step(0.0, 1.0)
    assert float(drive.ego["speed"]) > 0.05


def test_the_second_picture_comes_with_its_label() -> None:
    done = simulation(views=True).step(0.0, 0.0)
    assert done.view is not None and done.view.shape == (32, 64, 3)
    assert abs(done.row["view.lateral_m"]) <= 1.0
    assert done.row["view.action"] != done.expert


def test_the_second_picture_s_middle_stays_in_the_lane() -> None:
    drive = simulation(Choice(seed=3, traffic="none"), views=True)
    outside = 0
    while drive.end is None:
        ego = drive.ego
        offset, left, right = (float(ego[name]) for name in ("lateral_offset", "left_border", "right_border"))
        row = drive.step(0.15, 0.0).row
        outside += not -right + 0.3 <= offset <= left - 0.3
        if -right + 0.3 <= offset <= left - 0.3:
            assert -right + 0.3 - 1e-6 <= offset + row["view.lateral_m"] <= left - 0.3 + 1e-6
        else:
            assert abs(offset + row["view.lateral_m"]) <= abs(offset), "not further out"
    assert outside > 10


def test_a_drive_that_cannot_be_loaded_leaves_the_one_before_alone() -> None:
    catalog = replace(
        CATALOG, made={**CATALOG.made, "counts": Counts()}, agents=CATALOG.agents | {"counts": "counts"}
    )
    drive = Simulation(catalog, CAMERA)
    drive.load(Choice(seed=3, agent="counts"))
    before = [drive.step(0.0, 0.0).steering for _ in range(3)]
    refusing = replace(catalog, agents=catalog.agents | {"refuses": "tests.web.serve.agents:Refuses"})
    drive.catalog = refusing
    for choice in (
        Choice(seed=4, agent="counts", shadows=("refuses",)),
        Choice(seed=4, agent="quarter", shadows=("counts", "refuses")),
    ):
        with pytest.raises(UserError, match="not with this camera"):
            drive.load(choice)
    before.append(drive.step(0.0, 0.0).steering)
    np.testing.assert_allclose(before, [0.01, 0.02, 0.03, 0.04], rtol=1e-6)
    assert drive.choice.seed == 3


def test_what_is_told_of_the_map() -> None:
    drive = simulation()
    told = describe_map(drive)
    points = drive.scenario.route.points
    assert told["route"][0] == pytest.approx([points["x"][0], points["y"][0]], abs=0.01)
    assert told["route"][-1] == pytest.approx([points["x"][-1], points["y"][-1]], abs=0.01)
    assert any(lane["type"] == "driving" for lane in told["lanes"])
    assert told["goal_s"] > told["start_s"]


def test_names_are_chosen_from_the_lists_only() -> None:
    before = Choice(seed=3)
    assert CATALOG.chosen(before, Start(weather="fog", shadows=("expert", "expert"))) == replace(
        before, weather="fog", shadows=("expert",)
    )
    assert CATALOG.chosen(before, Restart("next")).seed == 4
    for message in (
        Start(map="/etc/passwd"),
        Start(agent="../policy.onnx"),
        Start(agent="tests.web.serve.agents:Quarter"),
        Start(weather="hail"),
        Start(shadows=("os:getcwd",)),
        Start(traffic="jam"),
    ):
        with pytest.raises(ProtocolError, match="choose from"):
            CATALOG.chosen(before, message)


def test_two_maps_of_one_name_and_an_agent_called_person_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="rename"):
        Catalog.of([tmp_path / "a.xodr", tmp_path / "b" / "a.xodr"], [])
    with pytest.raises(UserError, match="person"):
        Catalog.of([], ["person=expert"])
