"""The environment in LeRobot's form: keys, names and values of a dataset's features."""

import numpy as np
from gymnasium.vector import AutoresetMode

from drive.agent import state_of
from drive.camera import Camera
from drive.dataset import STATE_NAMES, lane_features
from drive.interchange.lerobot import LeRobotEnv, make_env
from drive.sim.env import LaneEnv


def test_what_is_seen_are_a_datasets_features_and_lerobots_options_are_passed_over() -> None:
    camera = Camera(width_px=64, height_px=32)
    env, plain = (
        LeRobotEnv(camera, traffic="none"),
        LaneEnv(camera=camera, longitudinal="agent", traffic="none"),
    )
    features = lane_features(camera)
    seen, _ = env.reset(seed=3, options={"lerobot_new_rollout": True})
    expected, _ = plain.reset(seed=3)
    for _ in range(3):
        assert seen in env.observation_space
        assert np.array_equal(seen["pixels"]["front"], expected["camera"])
        assert list(seen["agent_pos"].shape) == features["observation.state"]["shape"]
        assert seen["agent_pos"].tolist() == list(state_of(expected))
        assert seen["agent_pos"][STATE_NAMES.index("speed_mps")] == expected["speed"][0]
        assert seen["command"].tolist() == [expected["command"]]
        action = np.array([0.02, 0.1], np.float32)
        seen, reward, *_, info = env.step(action)
        expected, same_reward, *_ = plain.step(action)
        assert reward == same_reward and info["is_success"] is False
    assert list(env.action_space.shape) == features["action"]["shape"]
    assert env._max_episode_steps == round(plain.scenario.time_limit * 20)


def test_make_env_gives_suites_of_drives_that_start_anew_in_the_step_that_ends_them() -> None:
    (drives,) = make_env(n_envs=2)["drive"].values()
    assert drives.num_envs == 2 and drives.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    drives.reset(seed=[0, 1])
    for _ in range(200):
        *_, terminated, _, info = drives.step(np.array([[1.0, 1.0], [0.0, -1.0]], np.float32))
        if terminated[0]:
            break
    assert "final_info" in info and not info["final_info"]["is_success"].any()
    assert drives.call("task_description") == ("follow the lane",) * 2
    drives.close()
