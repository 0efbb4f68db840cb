"""The driving session: one loop for all worlds, copies of everything that moves, gates, both pedals."""

import hashlib
import math
from typing import Any

import gymnasium
import numpy as np
import pytest

from drive.agent import Control
from drive.camera import Camera
from drive.driving.disturbances import Delay, PictureNoise
from drive.driving.drive import Drive, Observer, Seat
from drive.driving.episode_log import EpisodeLog
from drive.driving.foreign import ForeignTask
from drive.driving.gates import NoiseGate, RecoveryGate
from drive.driving.parts import Step
from drive.driving.rollout import ReplayAgent, rollout
from drive.driving.session import Session
from drive.driving.steering_noise import NoiseSettings
from drive.episode import End
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.scenario import lane_scenario
from drive.sim.task import LaneTask

SMALL = Camera(width_px=64, height_px=32)


class States(Observer):
    """Hashes of the states, and rewards, of each step."""

    def begin(self, drive: Drive) -> None:
        self.states, self.rewards = [], []

    def moved(self, drive: Drive, step: Step) -> None:
        self.states.append(hashlib.sha256(drive.world.state_bytes(drive.w)).hexdigest())
        self.rewards.append(step.reward)


class Remembering:
    """Steers by the mean of every picture that it has seen: what it does depends on all of the past."""

    def reset(self, context: Any) -> None:
        self.total = 0.0

    def act(self, observation: Any) -> Control:
        self.total += float(observation["camera"].mean())
        return Control(0.01 * math.sin(self.total))


class Copied(Remembering):
    """One that can be copied, and must not be shown frames."""

    def snapshot(self) -> float:
        return self.total

    def restore(self, state: float) -> None:
        self.total = state


class Pedalling(Expert):
    """Steers as the expert does, with half the throttle first, then the brake."""

    def reset(self, context: Any) -> None:
        super().reset(context)
        self.step = 0

    def act(self, observation: Any) -> Control:
        self.step += 1
        return Control(super().act(observation).steering, 0.5 if self.step < 20 else -1.0)


def task(longitudinal: str = "cruise") -> LaneTask:
    return LaneTask(1, camera=SMALL, longitudinal=longitudinal)


def test_a_batch_drives_each_world_as_it_would_go_alone() -> None:
    scenarios = [lane_scenario(seed) for seed in (3, 4, 5)]
    logs = [EpisodeLog() for _ in scenarios]
    drivers = Expert(), Remembering(), Expert()
    seats = [Seat(driver, observers=[log]) for driver, log in zip(drivers, logs, strict=True)]
    session = Session(LaneTask(3, camera=SMALL), *seats)
    session.reset(*scenarios)
    session.run(60)
    for scenario, driver, log in zip(scenarios, (Expert(), Remembering(), Expert()), logs, strict=True):
        alone = EpisodeLog()
        single = Session(task(), Seat(driver, observers=[alone]))
        single.reset(scenario)
        single.run(60)
        one, other = alone.episode(), log.episode()
        assert (one.sha256_states, one.sha256_frames, one.steps) == (
            other.sha256_states,
            other.sha256_frames,
            other.steps,
        )


def test_every_world_has_its_seat() -> None:
    with pytest.raises(ValueError, match="1 seats for 2 worlds"):
        Session(LaneTask(2, camera=SMALL), Seat(Expert()))


@pytest.mark.parametrize("driver", [Remembering, Copied, Expert])
@pytest.mark.parametrize("disturbances", [(), (PictureNoise, Delay)])
def test_a_branch_goes_on_as_the_drive_itself_does(driver: type[Any], disturbances: tuple[Any, ...]) -> None:
    def parts() -> list[Any]:
        return [PictureNoise(20.0), Delay(3)] if disturbances else []

    states = States()
    session = Session(task(), Seat(driver(), disturbances=parts(), observers=[states]))
    session.reset(lane_scenario(6))
    session.run(12)
    theirs = States()
    branch = session.branch(Seat(driver(), disturbances=parts(), observers=[theirs]))
    session.run(15)
    branch.run(15)
    assert branch.drive.step == session.drive.step == 27
    assert theirs.states == states.states[12:]
    assert theirs.rewards == states.rewards[12:], "the reward compares with the step before"
    assert branch.drive.controls == session.drive.controls


def test_a_world_in_the_middle_of_a_batch_is_branched_too() -> None:
    logs = [States() for _ in range(3)]
    seats = [
        Seat(driver, observers=[log])
        for driver, log in zip((Expert(), Remembering(), Expert()), logs, strict=True)
    ]
    session = Session(LaneTask(3, camera=SMALL), *seats)
    session.reset(*(lane_scenario(seed) for seed in (3, 6, 5)))
    session.run(12)
    theirs = States()
    branch = session.branch(Seat(Remembering(), observers=[theirs]), w=1)
    session.run(10)
    branch.run(10)
    assert theirs.states == logs[1].states[12:] and len(theirs.states) == 10


def test_a_branch_is_disturbed_as_if_it_always_had_been_and_a_failed_shadow_stays_failed() -> None:
    class Frail(Remembering):
        def act(self, observation: Any) -> Control:
            raise RuntimeError("lost")

    session = Session(task(), Seat(Expert(), shadows={"frail": Frail()}))
    session.reset(lane_scenario(6))
    session.run(8)
    branch = session.branch(
        Seat(Copied(), shadows={"frail": Frail()}, disturbances=[PictureNoise(5.0), Delay(2)])
    )
    assert "lost" in branch.drive.shadow_failures["frail"]
    whole = Session(
        task(),
        Seat(ReplayAgent(np.array(session.drive.controls)[:, 0]), disturbances=[PictureNoise(5.0), Delay(2)]),
    )
    whole.reset(lane_scenario(6))
    whole.run(8)
    assert np.array_equal(branch.drive.seen["camera"], whole.drive.seen["camera"])
    branch.run(3)
    assert branch.drive.step == 11


def test_a_branch_from_a_drive_that_nobody_watched_shows_its_driver_the_frame() -> None:
    session = Session(task(), Seat(Expert()))
    session.reset(lane_scenario(6))
    session.run(8)
    branch = session.branch(Seat(Remembering()))
    branch.run(2)
    assert branch.drive.step == 10 and branch.drive.failure is None


def test_a_branch_takes_noise_along_and_another_driver_sees_the_past() -> None:
    def gate() -> NoiseGate:
        return NoiseGate(Expert(), np.random.default_rng(5), NoiseSettings(share=1.0))

    session = Session(task(), Seat(Expert(), gates=[gate()]))
    session.reset(lane_scenario(6))
    session.run(12)
    branch = session.branch(Seat(Expert(), gates=[gate()]))
    other = session.branch(Seat(Remembering()))
    session.run(10)
    branch.run(10)
    assert branch.drive.controls == session.drive.controls
    watched = Remembering()
    watcher = Session(
        task(), Seat(ReplayAgent(np.array(session.drive.controls)[:12, 0]), shadows={"watched": watched})
    )
    watcher.reset(lane_scenario(6))
    watcher.run(12)
    assert other.drive.seat.driver.total == watched.total  # type: ignore[attr-defined]


def test_going_back_and_driving_again_is_the_same_drive() -> None:
    states = States()
    session = Session(task(), Seat(Copied(), observers=[states]))
    session.reset(lane_scenario(7))
    session.run(6)
    kept = session.snapshot()
    session.run(6)
    session.restore(kept)
    assert (session.drive.step, len(session.drive.controls)) == (6, 6)
    session.run(6)
    assert len(states.states) == 18
    assert states.states[6:12] == states.states[12:] and states.rewards[6:12] == states.rewards[12:]


def test_whoever_has_the_pedals_drives_by_them_and_is_driven_again_by_both_actions() -> None:
    env = LaneEnv(camera=SMALL, longitudinal="agent")
    scenario = lane_scenario(8)
    episode = rollout(env, Pedalling(), scenario)
    assert np.all(episode.acceleration_action[:19] == np.float32(0.5))
    assert episode.speed[19] > episode.speed[0] and episode.speed.min() < 0.5
    again = rollout(env, ReplayAgent(episode.steering, episode.acceleration_action), scenario)
    assert again.sha256_states == episode.sha256_states and again.sha256_frames == episode.sha256_frames
    cruising = rollout(LaneEnv(camera=SMALL), Pedalling(), scenario)
    assert np.isnan(cruising.acceleration_action).all() and cruising.speed[40:].min() > 1.0


def test_without_pedals_of_its_own_an_agent_keeps_limit_and_distance() -> None:
    """It knows neither curves nor the path."""
    env = LaneEnv(camera=SMALL, longitudinal="agent")

    class Steering(Expert):
        def act(self, observation: Any) -> Control:
            return Control(super().act(observation).steering)

    episode = rollout(env, Steering(), lane_scenario(3))
    assert np.isfinite(episode.acceleration_action).all()
    assert episode.speed.max() > 5.0 and (episode.collision_actor < 0).all()


def test_the_expert_with_pedals_slows_down_for_curves_and_arrives() -> None:
    episode = rollout(LaneEnv(camera=SMALL, longitudinal="agent"), Expert(), lane_scenario(9))
    assert episode.failure is None and episode.progress.max() >= episode.goal_s
    lateral = np.abs(episode.speed * episode.yaw_rate)
    assert lateral.max() < 3.5


def test_the_expert_takes_the_wheel_where_a_driver_strays_and_gives_it_back() -> None:
    class Left:
        def reset(self, context: Any) -> None: ...

        def act(self, observation: Any) -> Control:
            return Control(0.03)

    gate, helped = RecoveryGate(Expert()), []

    class Watch(Observer):
        def decided(self, drive: Drive, step: Step) -> None:
            helped.append(gate.helping)

    session = Session(task(), Seat(Left(), gates=[gate], observers=[Watch()]))
    session.reset(lane_scenario(9, traffic="none"))
    session.run(200)
    changes = np.flatnonzero(np.diff(helped))
    assert len(changes) >= 3, "it helps, lets go, and helps again"
    assert session.drive.ends == ()


def test_nothing_is_drawn_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    lane = task()
    observe = lane.observe
    monkeypatch.setattr(lane, "observe", lambda pictures=True: drawn.append(pictures) or observe(pictures))
    session = Session(lane, Seat(Expert()))
    session.reset(lane_scenario(3))
    session.run(5)
    assert drawn == [False] * 6 and "camera" not in session.drive.observation
    session = Session(lane, Seat(Expert(), shadows={"seeing": Remembering()}))
    session.reset(lane_scenario(3))
    assert drawn[-1] and "camera" in session.drive.observation


def test_only_chosen_reasons_end_a_drive_and_an_observer_may_add_its_own() -> None:
    class Enough(Observer):
        def moved(self, drive: Drive, step: Step) -> None:
            if drive.step == 40:
                drive.end(End.STOPPED)

    class Hard(Remembering):
        def act(self, observation: Any) -> Control:
            return Control(1.0)

    session = Session(task(), Seat(Hard(), observers=[Enough()]), ending=frozenset())
    session.reset(lane_scenario(3))
    session.run()
    assert (session.drive.step, session.drive.ends) == (40, (End.STOPPED,))
    session = Session(task(), Seat(Hard()))
    session.reset(lane_scenario(3))
    session.run()
    assert session.drive.step < 40 and session.drive.ends[0] in (
        End.LANE_DEPARTURE,
        End.OFF_ROAD,
        End.COLLISION,
    )


def test_a_gate_may_leave_the_pedals_to_the_car_s_own_law() -> None:
    class Law:
        def reset(self, context: Any) -> None: ...

        def __call__(self, control: Control, observation: Any) -> Control:
            return Control(control.steering, math.nan)

        def snapshot(self) -> None: ...

        def restore(self, state: None) -> None: ...

    cruising, driven = States(), States()
    for longitudinal, gates, states in (("cruise", [], cruising), ("agent", [Law()], driven)):
        session = Session(task(longitudinal), Seat(Pedalling(), gates=gates, observers=[states]))
        session.reset(lane_scenario(3))
        session.run(40)
    assert driven.states == cruising.states


def test_a_shadow_that_is_not_ready_is_not_asked() -> None:
    class Later(Remembering):
        ready = False

        def act(self, observation: Any) -> Control:
            assert self.ready
            return Control(0.5)

    class Answers(Observer):
        def begin(self, drive: Drive) -> None:
            self.answers: list[Control | None] = []

        def moved(self, drive: Drive, step: Step) -> None:
            self.answers.append(step.shadows["later"])

    later, answers = Later(), Answers()
    session = Session(task(), Seat(Expert(), shadows={"later": later}, observers=[answers]))
    session.reset(lane_scenario(3))
    session.run(2)
    later.ready = True
    session.run(1)
    assert answers.answers == [None, None, Control(0.5)] and not session.drive.shadow_failures


class Corridor(gymnasium.Env):
    """Another program's environment: a number to keep near 0, shown as a picture's grey; ends at 20 steps."""

    observation_space = gymnasium.spaces.Box(0, 255, (4, 4, 3), np.uint8)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.x, self.t = float(self.np_random.uniform(-1.0, 1.0)), 0
        return self._picture(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.x, self.t = self.x - 0.3 * float(action[0]) + 0.1 * float(action[1]), self.t + 1
        return self._picture(), -abs(self.x), abs(self.x) > 3.0, self.t == 20, {}

    def _picture(self) -> Any:
        return np.full((4, 4, 3), np.clip(128 + 40 * self.x, 0, 255), np.uint8)


class Centring:
    def reset(self, context: Any) -> None: ...

    def act(self, observation: Any) -> Control:
        return Control(-(float(observation["camera"][0, 0, 0]) - 128) / 256, 0.1)


def test_an_environment_of_another_program_is_driven_and_branched() -> None:
    foreign = ForeignTask(
        Corridor,
        longitudinal="agent",
        action=lambda steering, acceleration: np.array([-steering, acceleration], np.float32),
    )

    class Rewards(Observer):
        def begin(self, drive: Drive) -> None:
            self.rewards: list[float] = []

        def moved(self, drive: Drive, step: Step) -> None:
            self.rewards.append(step.reward)

    rewards, theirs = Rewards(), Rewards()
    session = Session(foreign, Seat(Centring(), observers=[rewards]))
    session.reset(17)
    session.run(8)
    branch = session.branch(Seat(Centring(), observers=[theirs]))
    session.run()
    branch.run()
    assert session.drive.ends == branch.drive.ends == (End.TIMEOUT,)
    assert session.drive.step == 20 and rewards.rewards[8:] == theirs.rewards
    with pytest.raises(TypeError, match="a function that makes one"):
        Session(ForeignTask(Corridor()), Seat(Centring())).branch(Seat(Centring()))
