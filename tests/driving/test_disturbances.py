"""What a driver sees when something between the camera and it is out of order."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

import drive  # noqa: F401 - registers the environments
from drive.camera import Camera
from drive.core.errors import UserError
from drive.driving.disturbances import Delay, DisturbedEnv, DroppedFrames, PictureNoise, TurnedCamera
from drive.driving.rollout import rollout
from drive.sim.env import LaneEnv
from drive.sim.scenario import lane_scenario
from tests.fakes import Scripted


def frame(value: int) -> Any:
    return {"camera": np.full((6, 8, 3), value, np.uint8), "speed": np.array([value], np.float32)}


def test_noise_has_its_size_and_follows_from_the_seed() -> None:
    noise, grey = PictureNoise(10.0), {"camera": np.full((120, 160, 3), 128, np.uint8)}
    noise.reset(1)
    first = noise(grey)["camera"]
    assert np.std(first.astype(float)) == pytest.approx(10.0, abs=0.3)
    assert not np.array_equal(noise(grey)["camera"], first)
    noise.reset(1)
    assert np.array_equal(noise(grey)["camera"], first)
    assert grey["camera"].max() == 128, "the frame itself is left alone"


def test_a_delay_shows_what_was_some_steps_ago() -> None:
    delay = Delay(3)
    delay.reset(0)
    seen = [int(delay(frame(i))["camera"][0, 0, 0]) for i in range(8)]
    assert seen == [0, 0, 0, 0, 1, 2, 3, 4]


def test_a_lost_frame_shows_the_last_one_and_new_numbers() -> None:
    dropped = DroppedFrames(0.5)
    dropped.reset(4)
    seen = [dropped(frame(i)) for i in range(200)]
    shown = np.array([one["camera"][0, 0, 0] for one in seen])
    assert [int(one["speed"][0]) for one in seen] == list(range(200))
    assert shown[0] == 0 and np.all(np.diff(shown.astype(int)) >= 0)
    assert 70 < np.sum(shown == np.arange(200)) < 130


@pytest.mark.parametrize("turn", [{"yaw_deg": 4.0}, {"pitch_deg": -3.0}])
def test_a_turned_camera_shows_what_a_camera_mounted_so_shows(turn: dict[str, float]) -> None:
    straight = Camera(pitch_deg=0.0)
    mounted = Camera(**{"pitch_deg": 0.0, **turn})
    pictures, scenario = [], lane_scenario(3, weather_name="overcast")
    for camera in (straight, mounted):
        seen, _ = LaneEnv(camera=camera).reset(options={"scenario": scenario})
        pictures.append(seen["camera"])
    turned = TurnedCamera(straight, **turn)({"camera": pictures[0]})["camera"].astype(int)
    inside = np.s_[30:130, 60:260]
    wrong = np.abs(turned - pictures[1])[inside].mean()
    unturned = np.abs(pictures[0].astype(int) - pictures[1])[inside].mean()
    assert wrong < 0.35 * unturned


def test_half_a_turn_about_the_axis_turns_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 40, 3), np.uint8)
    turned = TurnedCamera(Camera(width_px=40, height_px=20), roll_deg=180.0)({"camera": picture})["camera"]
    assert np.array_equal(turned, picture[::-1, ::-1])


def test_the_task_knows_nothing_of_it() -> None:
    env, scenario = LaneEnv(camera=Camera(width_px=64, height_px=32)), lane_scenario(4)
    plain = rollout(env, Scripted(), scenario)
    disturbed = rollout(env, Scripted(), scenario, disturbances=[PictureNoise(50.0), Delay(4)])
    assert disturbed.sha256_frames == plain.sha256_frames
    assert disturbed.sha256_states == plain.sha256_states


def test_an_environment_is_wrapped() -> None:
    camera = Camera(width_px=64, height_px=32)
    env = DisturbedEnv(gymnasium.make("drive/Lane-v0", camera=camera), Delay(2))
    first, _ = env.reset(seed=1)
    second = env.step(np.zeros(1, np.float32))[0]
    third = env.step(np.zeros(1, np.float32))[0]
    assert np.array_equal(first["camera"], second["camera"]) and first["speed"] == second["speed"]
    assert np.array_equal(first["camera"], third["camera"])
    assert env.observation_space.contains(third)
    env.close()


def test_a_rollout_takes_a_disturbed_environment_as_it_is_and_passes_no_wrapper_by() -> None:
    camera, seen = Camera(width_px=64, height_px=32), []
    env = gymnasium.make("drive/Lane-v0", camera=camera)

    class Watching(Scripted):
        def act(self, observation: Any) -> Any:
            seen.append(observation["camera"].copy())
            return super().act(observation)

    scenario = lane_scenario(4)
    rollout(DisturbedEnv(env, Delay(4)), Watching(), replace(scenario, goal_s=scenario.start_s + 8.0))
    assert all(np.array_equal(picture, seen[0]) for picture in seen[:5])
    assert not np.array_equal(seen[5], seen[0])
    with pytest.raises(UserError, match="TimeLimit"):
        rollout(gymnasium.wrappers.TimeLimit(env, 5), Scripted(), lane_scenario(4))
    env.close()


def test_an_environment_without_the_truth_makes_no_episode() -> None:
    class Bare(gymnasium.Env):
        pass

    with pytest.raises(UserError, match="Bare does not say where its car is"):
        rollout(Bare(), Scripted(), 3)
