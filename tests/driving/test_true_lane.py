import gymnasium
import numpy as np
import pytest

import drive  # noqa: F401 - registers the environments
from drive.agent import Context
from drive.control.lane_vector import lane_to_vector
from drive.control.lateral import LATERAL_LAWS
from drive.driving.rollout import rollout
from drive.driving.true_lane import TrueLane, stanley_on_true_lane, true_lane_agent
from drive.modular.lane_detector import LaneDetector
from drive.modular.lane_tracker import LaneTracker
from drive.modular.pipeline import ModularAgent
from drive.modular.stages import Untracked, VectorPerception, first_odometry
from drive.scoring.suites import suite
from drive.sim.expert import Expert
from drive.sim.lane_truth import true_lane
from drive.sim.scenario import lane_scenario
from tests.modular.pinned import swerve


@pytest.fixture(scope="module")
def env():
    environment = gymnasium.make("drive/Lane-v0", disable_env_checker=True)
    yield environment
    environment.close()


def kept(env, agent, name):
    suite_name, _, index = name.partition("/")
    episode = rollout(env, agent, suite(suite_name).scenario(int(index)))
    assert episode.failure is None and episode.error is None
    assert episode.progress[-1] >= episode.goal_s
    return np.abs(episode.lateral_offset)


@pytest.mark.parametrize("law", list(LATERAL_LAWS))
@pytest.mark.parametrize("name", ["lane/0", "corners/1"])
def test_on_the_true_lane_each_law_drives_to_the_goal_within_its_lane(env, law, name):
    offsets = kept(env, true_lane_agent(LATERAL_LAWS[law]), name)
    assert offsets.mean() < 0.12
    assert offsets.max() < 0.6


class RoughTruth(TrueLane):
    """The true lane with noise as large as its covariance says."""

    def reset(self, context):
        super().reset(context)
        self.rng = np.random.default_rng(5)

    def numbers(self, observation):
        vector = lane_to_vector(super().see(observation, first_odometry(observation), None))
        std = np.array([0.2, 0.03, 0.01, 0.002, 0.2])
        vector[:5] += self.rng.normal(0.0, std)
        vector[5:10] = std
        return vector

    def see(self, observation, odometry, expected):
        return VectorPerception(self.numbers).see(observation, odometry, expected)


def test_the_tracker_smooths_whatever_lane_is_seen(env):
    """Noise on the numbers of a vector, as a network has it: behind the tracker the car hardly feels it."""
    errors = {}

    class Noting(ModularAgent):
        def act(self, observation):
            control = super().act(observation)
            truth = true_lane(self._context.world, self._context.world_index)
            errors.setdefault(type(self.tracking), []).append(self.lane.values - truth.values)
            return control

    for tracking in (LaneTracker(), Untracked()):
        offsets = kept(env, Noting(RoughTruth(), tracking), "lane/2")
        assert offsets.mean() < 0.25
    tracked, raw = (np.sqrt(np.mean(np.square(errors[kind]), axis=0)) for kind in (LaneTracker, Untracked))
    assert raw[:3] == pytest.approx([0.2, 0.03, 0.01], rel=0.1)
    assert (tracked[:3] < 0.6 * raw[:3]).all()


@pytest.mark.parametrize("weather", ["clear-noon", "overcast"])
def test_on_clean_roads_a_single_picture_gives_the_lane_within_bounds(env, weather):
    """Nine pictures of ten: offset and width to 0.25 m, heading to 1.5 degrees, curvature to 1/125 m."""
    errors, deviations = [], []
    for seed in range(11, 16):
        scenario = lane_scenario(seed, weather_name=weather, traffic="none", style="country")
        observation, _ = env.reset(options={"scenario": scenario})
        world, detector, expert = env.unwrapped.world, LaneDetector(memory=False), Expert()
        detector.reset(world.context())
        expert.reset(world.context(privileged=True))
        for step in range(120):
            if step % 8 == 0:
                seen = detector.see(observation, first_odometry(observation))
                errors.append(np.abs(seen.values - true_lane(world, 0).values))
                deviations.append(np.sqrt(np.diag(seen.covariance)))
                assert (np.linalg.eigvalsh(seen.covariance) > 0.0).all()
                assert seen.covariance == pytest.approx(seen.covariance.T, abs=1e-12)
            steering = expert.act(observation).steering + swerve(step)
            observation, *_ = env.step(np.array([steering], np.float32))
    assert (np.percentile(errors, 90, axis=0)[[0, 1, 2, 4]] < [0.25, 0.026, 0.008, 0.25]).all()
    assert (errors < 3.0 * np.array(deviations)).mean() > 0.95


def test_without_the_world_it_refuses_to_start():
    agent = stanley_on_true_lane()
    assert agent.privileged and not ModularAgent().privileged
    with pytest.raises(ValueError, match="privileged"):
        agent.reset(Context())
