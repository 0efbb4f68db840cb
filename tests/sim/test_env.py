import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import drive  # noqa: F401 - registers the environments
from drive.camera import Camera
from drive.core.errors import UserError
from drive.sim.env import LaneEnv
from drive.sim.scenario import lane_scenario
from drive.sim.task import LaneTask
from drive.sim.vector import LaneVectorEnv

SMALL = Camera(width_px=64, height_px=48)


@pytest.mark.parametrize("longitudinal", ["cruise", "agent"])
def test_gymnasium_finds_nothing_to_complain_about(longitudinal):
    env = gymnasium.make("drive/Lane-v0", camera=SMALL, longitudinal=longitudinal, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_observations_lie_in_the_space_and_share_no_memory():
    env = LaneEnv(camera=SMALL)
    first, _ = env.reset(seed=4)
    assert env.observation_space.contains(first)
    second, *_ = env.step(np.zeros(1, np.float32))
    assert env.observation_space.contains(second)
    for key in first:
        assert not np.shares_memory(np.asarray(first[key]), np.asarray(second[key])), key


def test_a_seed_fixes_the_drive_and_another_changes_it():
    env = LaneEnv(camera=SMALL)
    pictures = [env.reset(seed=seed)[0]["camera"] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_steering_straight_leaves_the_lane_and_ends_the_drive():
    env = LaneEnv(camera=SMALL)
    ended = 0
    for seed in range(4):
        env.reset(options={"scenario": lane_scenario(seed)})
        for _ in range(4000):
            _, reward, terminated, truncated, info = env.step(np.zeros(1, np.float32))
            if terminated or truncated:
                break
        assert terminated
        if "goal" not in info["end"]:
            ended += 1
            assert reward < -9.0
            assert info["route_completion"] < 1.0
    assert ended >= 3


def test_rewards_are_the_product_of_their_named_terms():
    env = LaneEnv(camera=SMALL)
    env.reset(seed=0)
    _, reward, *_, info = env.step(np.zeros(1, np.float32))
    terms = info["reward_terms"]
    expected = 0.05 * terms["progress"] * terms["lane"] * (0.5 + 0.5 * terms["comfort"])
    assert reward == pytest.approx(expected)


def test_actions_that_are_no_numbers_are_refused_and_nothing_moves():
    env = LaneEnv(camera=SMALL)
    env.reset(seed=0)
    before = env.world.state_bytes(0)
    with pytest.raises(ValueError, match="not finite"):
        env.step(np.array([np.nan], np.float32))
    assert env.world.state_bytes(0) == before


def test_unknown_names_are_answered_with_the_nearest_ones():
    with pytest.raises(UserError, match=r"foggy.*fog"):
        LaneEnv(weather="foggy").reset(seed=0)
    with pytest.raises(UserError, match="regular"):
        LaneEnv(traffic="reguler").reset(seed=0)
    with pytest.raises(UserError, match="scenario, pose"):
        LaneEnv().reset(options={"scenaro": None})


def test_a_batch_equals_its_members_and_restarts_ended_drives_in_the_next_step():
    scenarios = [lane_scenario(seed) for seed in range(3)]
    batch = gymnasium.make_vec("drive/Lane-v0", num_envs=3, camera=SMALL)
    observation, _ = batch.reset(seed=0, options={"scenarios": scenarios})
    singles = [LaneEnv(camera=SMALL) for _ in scenarios]
    for env, scenario in zip(singles, scenarios, strict=True):
        env.reset(options={"scenario": scenario})
    ended = np.zeros(3, bool)
    for _ in range(600):
        observation, rewards, terminated, truncated, info = batch.step(np.zeros((3, 1), np.float32))
        assert batch.observation_space.contains(observation)
        for w, env in enumerate(singles):
            if ended[w]:
                continue
            one, reward, end, _, truth = env.step(np.zeros(1, np.float32))
            np.testing.assert_array_equal(one["camera"], observation["camera"][w])
            assert reward == rewards[w]
            assert end == terminated[w]
            assert truth["lateral_offset_m"] == info["lateral_offset_m"][w]
            for name, term in truth["reward_terms"].items():
                assert info["reward_terms"][name][w] == term
            assert list(info["end"][w]) == truth["end"]
            assert info["_end"][w]
        newly = (terminated | truncated) & ~ended
        if newly.any():
            w = int(np.flatnonzero(newly)[0])
            assert len(info["end"][w]) > 0
            actions = np.zeros((3, 1), np.float32)
            actions[w] = np.nan  # an action for a drive that is over
            _, rewards, terminated, _, info = batch.step(actions)
            assert not info["_end"][w]
            assert not info["_reward_terms"][w]
            assert rewards[w] == 0.0
            assert not terminated[w]
            assert info["route_completion"][w] < 0.05
            break
    else:
        pytest.fail("no drive ended though all steered straight")
    batch.close()


def test_a_batch_refuses_what_it_does_not_know():
    batch = LaneVectorEnv(2, camera=SMALL)
    with pytest.raises(UserError, match="Unknown reset option 'scenario'; known: scenarios"):
        batch.reset(options={"scenario": lane_scenario(0)})
    with pytest.raises(UserError, match="1 scenarios for 2 drives"):
        batch.reset(options={"scenarios": [lane_scenario(0)]})
    batch.reset(seed=0)
    with pytest.raises(ValueError, match="not finite"):
        batch.step(np.array([[0.0], [np.nan]], np.float32))
    batch.close()


def test_rendering_shows_the_camera_and_the_view_from_above():
    env = LaneEnv(camera=Camera(), render_mode="rgb_array")
    env.reset(seed=1)
    picture = env.render()
    assert picture.shape == (320, 960, 3)
    assert picture.dtype == np.uint8
    assert picture[:, 640:].std() > 5.0


@pytest.mark.parametrize("action", [[0.5, 1.0], [], [0.1, 0.2, 0.3]])
def test_an_action_of_another_size_is_refused_and_changes_no_later_drive(action: list[float]) -> None:
    env, batch = LaneEnv(camera=SMALL), LaneVectorEnv(2, camera=SMALL)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"has the shape \(\d,\); this environment takes 1: the steering"):
        env.step(np.array(action, np.float32))
    batch.reset(seed=0)
    with pytest.raises(ValueError, match="takes 1 each for 2 cars"):
        batch.step(np.zeros((2, 2), np.float32))
    batch.close()


def test_a_drive_with_pedals_leaves_nothing_to_the_next() -> None:
    task = LaneTask(1, camera=SMALL)
    hashes = []
    for pedals in (False, True, False):
        task.reset(0, np.random.default_rng(3), None)
        for _ in range(5):
            task.advance(np.array([[0.1, 0.9]] if pedals else [[0.1]], np.float32))
        hashes.append(task.world.state_bytes(0))
    assert hashes[0] == hashes[2] != hashes[1]
