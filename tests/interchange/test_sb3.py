"""The batch that Stable-Baselines3 drives; `tests/outside/check_sb3.py` runs its PPO on it."""

import sys

import numpy as np
import pytest

from drive.camera import Camera
from drive.core.errors import UserError
from drive.interchange.sb3 import Drives, make_sb3_env
from drive.sim.vector import LaneVectorEnv

OPTIONS = {"traffic": "none", "camera": Camera(width_px=64, height_px=32)}


def test_a_drive_starts_anew_in_the_step_that_ends_it() -> None:
    drives, plain = Drives(2, **OPTIONS), LaneVectorEnv(2, **OPTIONS)
    seen = drives.reset([5, 6])
    expected, _ = plain.reset(seed=[5, 6])
    actions = np.array([[1.0], [0.0]], np.float32)  # the first leaves its lane
    for _ in range(200):
        assert all(np.array_equal(seen[key], expected[key]) for key in expected)
        before = {key: values.copy() for key, values in seen.items()}
        last, (seen, rewards, ended, infos) = seen, drives.step(actions)
        assert all(np.array_equal(last[key], before[key]) for key in before)  # the learner still holds it
        expected, same_rewards, terminated, _, info = plain.step(actions)
        np.testing.assert_allclose(rewards, same_rewards, rtol=1e-6)
        assert ended.tolist() == terminated.tolist()
        if ended[0]:
            break
        assert infos == [{"TimeLimit.truncated": False}] * 2
    assert rewards.dtype == np.float32 and rewards[0] < -9.0 and not ended[1]
    final = infos[0].pop("terminal_observation")
    assert infos[0] == {"TimeLimit.truncated": False, "end": info["end"][0], "is_success": False}
    assert "terminal_observation" not in infos[1]
    assert final in drives.env.single_observation_space
    assert all(np.array_equal(final[key], expected[key][0]) for key in expected)
    again, *_ = plain.step(actions)  # which resets the first instead of driving it
    assert all(np.array_equal(seen[key][0], again[key][0]) for key in again)
    assert all(np.array_equal(seen[key][1], expected[key][1]) for key in again)
    for batch in (drives.env, plain):
        batch.close()


def test_a_time_limit_is_told_from_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    drives = Drives(1, **OPTIONS)
    drives.reset([1])
    drives.env.task._limits[0] = 0.1
    assert not drives.step(np.zeros((1, 1), np.float32))[2][0]
    *_, ended, infos = drives.step(np.zeros((1, 1), np.float32))
    assert ended[0] and infos[0]["TimeLimit.truncated"] and infos[0]["end"] == ("timeout",)
    assert not drives.step(np.zeros((1, 1), np.float32))[2][0]
    drives.env.close()


def test_without_sb3_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stable_baselines3.common.vec_env", None)
    with pytest.raises(UserError, match="pip install stable-baselines3"):
        make_sb3_env(2)
