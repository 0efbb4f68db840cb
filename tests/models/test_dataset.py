from pathlib import Path

import numpy as np
import pytest

from drive.dataset import read_episode, read_info
from drive.errors import UserError
from drive.models.dataset import (
    Samples,
    balance_weights,
    batches,
    draw_epoch,
    open_samples,
    split_by_episode,
)
from drive.models.device import load_tensorflow
from drive.models.preprocess import preprocess, road_crop
from drive.sim.sensors.camera import Camera


def toy(count: int = 100, episodes: int = 5) -> Samples:
    steering = np.linspace(-1, 1, count).astype(np.float32)
    pictures = np.zeros((count, 66, 200, 3), np.uint8)
    pictures[:, 0, 0, 0] = np.arange(count) % 256
    return Samples(pictures, steering, np.zeros(count, np.float32), np.arange(count) * episodes // count)


def test_the_cache_equals_the_graphs_own_preprocessing_and_is_made_once(lines: Path, tmp_path: Path) -> None:
    import cv2

    tf = load_tensorflow()
    info = read_info(lines)
    crop = road_crop(info.camera)
    calls: list[tuple[int, int]] = []
    samples = open_samples([info], crop, tmp_path, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (160, 160)
    assert samples.pictures.shape == (320, 66, 200, 3)
    values = read_episode(info, 1, ["observation.images.view", "action.view"])
    frame = cv2.imdecode(np.frombuffer(values["observation.images.view"][7], np.uint8), cv2.IMREAD_COLOR)
    wanted = preprocess(tf.constant(frame[None, :, :, ::-1]), crop).numpy()[0]
    position = 80 + 40 + 7  # after episode 0 (front, view) and the front pictures of episode 1
    np.testing.assert_array_equal(samples.pictures[position], wanted)
    assert samples.steering[position] == values["action.view"][7]
    assert samples.episode[position] == 1
    calls.clear()
    again = open_samples([info], crop, tmp_path, lambda done, total: calls.append((done, total)))
    assert not calls
    np.testing.assert_array_equal(again.steering, samples.steering)


def test_a_damaged_picture_is_named(lines: Path, tmp_path: Path) -> None:
    from drive.models.dataset import _Decoder

    info = read_info(lines)
    with pytest.raises(UserError, match=r"observation.images.front of episode 3 cannot be decoded"):
        _Decoder(info, 3, "observation.images.front")(b"\xff\xd8\xff")


def test_an_episode_is_never_split() -> None:
    samples = toy()
    training, validation = split_by_episode(samples, 0.2, seed=1)
    assert len(training) == 80 and len(validation) == 20
    assert not set(samples.episode[training]) & set(samples.episode[validation])


def test_one_episode_is_too_few() -> None:
    with pytest.raises(UserError, match="training needs 2"):
        split_by_episode(toy(episodes=1), 0.1, seed=0)


def test_balance_draws_corners_more_often() -> None:
    steering = np.concatenate([np.zeros(900), np.full(100, 0.5)]).astype(np.float32)
    assert balance_weights(steering, 0.0)[-1] == pytest.approx(0.001)
    assert balance_weights(steering, 1.0)[-100:].sum() == pytest.approx(0.5)
    half = balance_weights(steering, 0.5)
    assert half[-1] / half[0] == pytest.approx(3.0)


def test_an_epoch_draws_each_sample_its_expected_number_of_times() -> None:
    weights = np.array([0.5, 0.25, 0.25])
    drawn = draw_epoch(weights, 400, np.random.default_rng(0))
    assert np.abs(np.bincount(drawn) - [200, 100, 100]).max() <= 1
    assert np.any(np.diff(drawn) < 0)


def test_an_epochs_batches_depend_on_seed_and_epoch_alone() -> None:
    samples, chosen = toy(), np.arange(100)
    stream = batches(samples, chosen, 25, 7, 0, 0.5, True)
    first = [next(stream) for _ in range(8)]
    later = batches(samples, chosen, 25, 7, 1, 0.5, True)
    for (a, steering_a), (b, steering_b) in zip(first[4:], [next(later) for _ in range(4)], strict=True):
        np.testing.assert_array_equal(a["pictures"], b["pictures"])
        np.testing.assert_array_equal(a["parameters"], b["parameters"])
        np.testing.assert_array_equal(steering_a, steering_b)
    assert not np.array_equal(first[0][1], first[4][1])


def test_the_crop_keeps_the_road() -> None:
    assert road_crop(Camera()).top_px == 61  # horizon at 80 - 160 tan(3 deg) = 71.6, 3.5 deg above it
    assert road_crop(Camera(pitch_deg=40.0)).top_px == 0
    with pytest.raises(UserError, match="pitch it further down"):
        road_crop(Camera(pitch_deg=-40.0))
