"""Rollouts: what is recorded, whose fault it is, and that stored actions give the same drive."""

import math
from dataclasses import replace

import numpy as np
import pytest

from drive.agent import Control
from drive.camera import Camera
from drive.core.errors import UserError
from drive.driving.drive import Drive, Observer
from drive.driving.episode_log import path_blocked
from drive.driving.parts import Step
from drive.driving.rollout import ReplayAgent, rollout
from drive.scoring.metrics import outcome
from drive.sim.arrays import ACTOR
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.scenario import lane_scenario
from tests.fakes import FakeEnv, FakeScenario, Scripted


def wobble(step: int) -> float:
    return 0.3 * math.sin(0.2 * step)


def test_a_drive_is_recorded_from_start_to_goal() -> None:
    episode = rollout(FakeEnv(), Scripted(), FakeScenario(), name="calm")
    assert (episode.agent, episode.scenario, episode.steps) == ("calm", "fake/0", 60)
    assert len(episode.x) == 61 and len(episode.act_seconds) == 60
    assert episode.x == pytest.approx(0.5 * np.arange(61))
    assert episode.failure is None and episode.error is None
    assert outcome(episode) == "goal"
    assert np.isnan(episode.acceleration_action).all()
    assert (episode.vehicle_length, episode.vehicle_width) == (4.5, 1.6)


def test_the_same_drive_has_the_same_hashes_and_another_has_others() -> None:
    env = FakeEnv()
    first = rollout(env, Scripted(wobble), FakeScenario())
    again = rollout(FakeEnv(), Scripted(wobble), FakeScenario())
    other = rollout(env, Scripted(), FakeScenario())
    assert first.sha256_states == again.sha256_states != other.sha256_states
    assert first.sha256_frames == again.sha256_frames
    assert len(first.sha256_frames) == 64


def test_stored_actions_drive_the_same_way() -> None:
    env = FakeEnv()
    first = rollout(env, Scripted(wobble), FakeScenario())
    assert not np.array_equal(first.steering, [wobble(i) for i in range(first.steps)])  # float32, as driven
    again = rollout(env, ReplayAgent(first.steering), FakeScenario())
    assert again.sha256_states == first.sha256_states
    assert np.array_equal(again.steering, first.steering)
    short = rollout(env, ReplayAgent(first.steering[:10]), FakeScenario())
    assert short.steps == 10 and short.failure is not None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (math.nan, "steering is nan, not in [-1, 1], at step 7"),
        (1.5, "steering is 1.5, not in [-1, 1], at step 7"),
        (Control(0.0, math.inf), "acceleration is inf, not in [-1, 1], at step 7"),
        ((0.1, 0.2), "act returned a tuple, not a Control, at step 7"),
        (Control("left"), "steering is a str, not a number, at step 7"),
        (Control("0.1"), "steering is a str, not a number, at step 7"),
        (Control(np.zeros(3)), "steering is a ndarray of the shape (3,), not a number, at step 7"),
    ],
)
def test_an_agent_that_gives_nonsense_has_failed(answer: object, message: str) -> None:
    episode = rollout(FakeEnv(), Scripted(lambda step: answer if step == 7 else 0.0), FakeScenario())
    assert episode.failure == message
    assert episode.error is None
    assert episode.steps == 7
    assert outcome(episode) == "agent_failure"


def test_an_agent_that_raises_or_exits_has_failed() -> None:
    def stumble(step: int) -> float:
        if step == 3:
            raise RuntimeError("lost\nthe lane")
        return 0.0

    def leave(step: int) -> float:
        raise SystemExit(4)

    assert rollout(FakeEnv(), Scripted(stumble), FakeScenario()).failure == (
        "act raised RuntimeError: lost the lane at step 3"
    )
    assert "SystemExit" in (rollout(FakeEnv(), Scripted(leave), FakeScenario()).failure or "")


def test_an_agent_that_cannot_start_has_failed() -> None:
    class Stillborn(Scripted):
        def reset(self, context: object) -> None:
            raise KeyError("weights")

    episode = rollout(FakeEnv(), Stillborn(), FakeScenario())
    assert episode.failure == "reset raised KeyError: 'weights'"
    assert episode.steps == 0 and len(episode.x) == 1


def test_an_agent_that_does_not_fit_is_the_users_to_mend() -> None:
    class Misfit(Scripted):
        def reset(self, context: object) -> None:
            raise UserError("takes frames of 64x64 px")

    with pytest.raises(UserError, match="64x64"):
        rollout(FakeEnv(), Misfit(), FakeScenario())


def test_a_heartbeat_says_who_acts_next_and_when() -> None:
    beats: list[str] = []
    shadows = {"keen": Scripted(lambda step: 0.25)}
    rollout(FakeEnv(), Scripted(), FakeScenario(), name="net", shadows=shadows, heartbeat=beats.append)
    assert beats[:4] == [
        "reset of net at step 0",
        "reset of keen at step 0",
        "act of net at step 0",
        "act of keen at step 0",
    ]
    assert beats[-1] == "act of keen at step 59" and len(beats) == 2 + 2 * 60


def test_an_error_of_the_environment_is_the_programs() -> None:
    episode = rollout(FakeEnv(), Scripted(), FakeScenario(fail_at=4))
    assert episode.error == "FloatingPointError: the simulator broke at step 4"
    assert episode.failure is None
    assert episode.steps == 4 and len(episode.x) == 5
    assert "in step" in episode.extra["traceback"]


def test_shadows_are_recorded_and_not_heard() -> None:
    def fails_later(step: int) -> float:
        return 0.5 if step < 5 else math.nan

    shadows = {"keen": Scripted(lambda step: 0.25), "frail": Scripted(fails_later)}
    alone = rollout(FakeEnv(), Scripted(), FakeScenario())
    beside = rollout(FakeEnv(), Scripted(), FakeScenario(), shadows=shadows)
    assert beside.sha256_states == alone.sha256_states
    assert np.all(beside.shadow_steering["keen"] == 0.25)
    assert np.isfinite(beside.shadow_steering["frail"]).sum() == 5
    assert "at step 5" in beside.extra["shadow_failures"]["frail"]
    assert beside.failure is None


def test_only_privileged_agents_get_the_world() -> None:
    plain, knowing = Scripted(), Scripted()
    knowing.privileged = True  # type: ignore[attr-defined]
    env = FakeEnv()
    rollout(env, plain, FakeScenario())
    rollout(env, knowing, FakeScenario())
    assert plain.context.world is None
    assert knowing.context.world is env.world


def test_frames_are_handed_on() -> None:
    seen: list[tuple[int, int, float]] = []

    class Watch(Observer):
        def decided(self, drive: Drive, step: Step) -> None:
            seen.append((step.index, int(step.observation["camera"][0, 0, 0]), step.steering))

    rollout(FakeEnv(), Scripted(), FakeScenario(), observers=[Watch()])
    assert seen == [(i, i, 0.0) for i in range(60)]


def test_frames_are_hashed_where_anybody_looks() -> None:
    """All of them or none, though an observer looks at one frame in the middle."""
    env, scenario = LaneEnv(camera=Camera(width_px=16, height_px=8, pitch_deg=5.0)), lane_scenario(3)
    short = replace(scenario, goal_s=scenario.start_s + 5.0)
    looked = []

    class Glance(Observer):
        def looks(self, drive: Drive) -> bool:
            return drive.step == 4

        def moved(self, drive: Drive, step: Step) -> None:
            looked.append("camera" in drive.observation)

    whole = rollout(env, Expert(), short)
    unseen = rollout(env, Expert(), short, observers=[Glance()], frames=False)
    assert unseen.sha256_frames is None and looked.index(True) == 3 and sum(looked) == 1
    seen = rollout(env, Expert(), short, shadows={"seeing": Scripted()}, frames=False)
    assert seen.sha256_frames == whole.sha256_frames
    assert unseen.sha256_states == seen.sha256_states == whole.sha256_states


def test_a_standing_obstacle_blocks_the_path_around_it() -> None:
    actors = np.zeros(3, ACTOR)
    actors["active"], actors["length"], actors["width"] = 1, 4.0, 2.0
    actors["path"] = (-1, -1, 0)  # the third drives
    actors["x"], actors["y"] = (30.0, 10.0, 5.0), (1.5, 2.0, 0.0)  # 0.5 m into the path's strip; beside it
    s = np.array([0.0, 7.9, 8.1, 30.0, 41.9, 42.1])
    blocked = path_blocked(FakeScenario(actors=actors), s, width=1.6)
    assert blocked.tolist() == [False, False, True, True, True, False]
    assert not path_blocked(FakeScenario(), s, width=1.6).any()
