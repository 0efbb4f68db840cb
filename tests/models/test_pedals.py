"""A network with an acceleration output: trained, exported, and driven with the pedals its own."""

from pathlib import Path

import numpy as np
import pytest

from drive.agent import Context, Control, Observation
from drive.driving.rollout import rollout
from drive.models.policy import OnnxPolicy
from drive.scoring.suites import suite
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.train import TrainConfig, main
from tests.models.fixtures import lines  # noqa: F401  (fixture)
from tests.models.synthetic import CAMERA, target_acceleration


class PolicyOnThePedals:
    """The expert steers, since the network learned from lines, not from roads; the network does the rest."""

    privileged = True

    def __init__(self, policy: OnnxPolicy) -> None:
        self.policy, self.expert, self.asked = policy, Expert(), []

    def reset(self, context: Context) -> None:
        self.policy.reset(context)
        self.expert.reset(context)

    def act(self, observation: Observation) -> Control:
        control = self.policy.act(observation)
        self.asked.append(control.acceleration)
        return Control(self.expert.act(observation).steering, control.acceleration)


@pytest.mark.slow
def test_a_policy_with_pedals_is_trained_and_drives(lines: Path, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "run"
    main(TrainConfig(data=(lines,), out=out, model="pilotnet_pedals", epochs=4, batch_size=8, augment=False))
    agent = PolicyOnThePedals(OnnxPolicy(out / "policy.onnx"))
    env = LaneEnv(camera=CAMERA, longitudinal="agent", traffic="none")
    try:
        episode = rollout(env, agent, suite("lane").scenario(0))
    finally:
        env.close()
    assert episode.failure is None and episode.error is None
    action, speed = episode.acceleration_action, episode.speed
    assert len(action) > 200
    np.testing.assert_array_equal(action, np.float32(agent.asked))
    assert np.abs(action - target_acceleration(speed[: len(action)])).mean() < 0.15, "it learned the label"
    assert np.abs(speed[len(speed) // 2 :] - 8.0).mean() < 2.0, "and the car drives by it"
