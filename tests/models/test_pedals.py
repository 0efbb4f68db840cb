"""A network with an acceleration output: trained, exported, and driven with the pedals its own."""

from pathlib import Path

import numpy as np
import pytest

from drive.driving.rollout import rollout
from drive.models.policy import OnnxPolicy
from drive.scoring.suites import suite
from drive.sim.env import LaneEnv
from drive.train import TrainConfig, main
from tests.models.fixtures import lines  # noqa: F401  (fixture)
from tests.models.synthetic import CAMERA, target_acceleration


@pytest.mark.slow
def test_a_policy_with_pedals_is_trained_and_drives(lines: Path, tmp_path: Path) -> None:  # noqa: F811
    out = tmp_path / "run"
    main(TrainConfig(data=(lines,), out=out, model="pilotnet_pedals", epochs=8, batch_size=16, augment=False))
    policy = OnnxPolicy(out / "policy.onnx")
    env = LaneEnv(camera=CAMERA, longitudinal="agent", traffic="none")
    try:
        episode = rollout(env, policy, suite("lane").scenario(0))
    finally:
        env.close()
    assert episode.failure is None and episode.error is None
    steps = len(episode.acceleration_action)
    assert steps > 20
    wanted = target_acceleration(episode.speed[:steps])
    error = np.abs(episode.acceleration_action - wanted)
    assert error.mean() < 0.12, "it learned to bring the speed to 8 m/s"
    driven = np.sign(episode.acceleration_action[5:]) == np.sign(np.diff(episode.speed)[5:steps])
    assert driven.mean() > 0.8, "and the car obeys it"
