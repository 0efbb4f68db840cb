import gymnasium
import numpy as np
import pytest

import drive  # noqa: F401 - registers the environments
from drive.agent import Context
from drive.control.lateral import LATERAL_LAWS
from drive.driving.session import rollout
from drive.driving.true_lane import TrueLaneAgent
from drive.scoring.suites import suite


@pytest.fixture(scope="module")
def env():
    environment = gymnasium.make("drive/Lane-v0", disable_env_checker=True)
    yield environment
    environment.close()


@pytest.mark.parametrize("law", list(LATERAL_LAWS))
@pytest.mark.parametrize("name", ["lane/0", "corners/1"])
def test_on_the_true_lane_each_law_drives_to_the_goal_within_its_lane(env, law, name):
    suite_name, _, index = name.partition("/")
    episode = rollout(env, TrueLaneAgent(LATERAL_LAWS[law]), suite(suite_name).scenario(int(index)))
    assert episode.failure is None and episode.error is None
    assert episode.progress[-1] >= episode.goal_s
    assert np.abs(episode.lateral_offset).mean() < 0.12
    assert np.abs(episode.lateral_offset).max() < 0.6


def test_without_the_world_it_refuses_to_start():
    with pytest.raises(ValueError, match="privileged"):
        TrueLaneAgent().reset(Context())
