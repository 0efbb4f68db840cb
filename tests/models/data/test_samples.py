from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset import DatasetWriter, lane_features, read_episode, read_info
from drive.models.data.decoding import FrameFilter
from drive.models.data.preprocess import preprocess, preprocess_tensors, road_crop
from drive.models.data.samples import (
    Samples,
    balance_weights,
    batches,
    draw_epoch,
    open_samples,
    split_by_road,
    steps_of_epoch,
)
from drive.models.networks.declaration import Output
from drive.models.networks.pilotnet import PILOTNET
from drive.models.networks.pilotnet_pedals import PILOTNET_PEDALS
from drive.models.training.device import load_tensorflow
from tests.models.synthetic import CAMERA


def toy(count: int = 100, episodes: int = 5, drives_of_a_road: int = 1) -> Samples:
    steering = np.linspace(-1, 1, count).astype(np.float32)
    pictures = np.zeros((count, 66, 200, 3), np.uint8)
    pictures[:, 0, 0, 0] = np.arange(count) % 256
    episode = np.arange(count) * episodes // count
    inputs = {"speed": np.zeros((count, 1), np.float32)}
    return Samples(pictures, inputs, steering[:, None], episode, episode // drives_of_a_road)


def test_the_cache_holds_preprocessed_pictures_and_is_made_once(lines: Path, tmp_path: Path) -> None:
    import cv2

    info = read_info(lines)
    calls: list[tuple[int, int]] = []
    samples = open_samples([info], PILOTNET, tmp_path, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (160, 160)
    assert samples.pictures.shape == (320, 66, 200, 3)
    values = read_episode(info, 1, ["view.image", "view.action"])
    frame = cv2.imdecode(np.frombuffer(values["view.image"][7], np.uint8), cv2.IMREAD_COLOR)
    wanted = preprocess(frame[None, :, :, ::-1], road_crop(info.camera), 66, 200)[0]
    position = 80 + 40 + 7  # after episode 0 (front, view) and the front pictures of episode 1
    np.testing.assert_array_equal(samples.pictures[position], wanted)
    assert samples.labels[position, 0] == values["view.action"][7]
    assert samples.episode[position] == 1
    calls.clear()
    again = open_samples([info], PILOTNET, tmp_path, lambda done, total: calls.append((done, total)))
    assert not calls
    np.testing.assert_array_equal(again.labels, samples.labels)


@pytest.mark.parametrize("size", [(66, 200), (88, 256)])
@pytest.mark.parametrize("camera", [Camera(), CAMERA, Camera(width_px=640, height_px=480, pitch_deg=5.0)])
def test_the_exported_graphs_preprocessing_equals_that_of_the_cache(camera: Camera, size: tuple) -> None:
    tf = load_tensorflow()
    shape = (16, camera.height_px, camera.width_px, 3)
    frames = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = preprocess(frames, road_crop(camera), *size)
    wanted = np.asarray(preprocess_tensors(tf.constant(frames), road_crop(camera), *size))
    if camera == Camera():
        np.testing.assert_array_equal(found, wanted)
    differing = np.abs(found - wanted)
    assert differing.max() <= 1.0 and np.count_nonzero(differing) < 0.004 * differing.size


def test_labels_and_inputs_are_those_that_the_network_declares(lines: Path, tmp_path: Path) -> None:
    info = read_info(lines)
    samples = open_samples([info], PILOTNET_PEDALS, tmp_path)
    assert samples.pictures.shape == (320, 88, 256, 3)
    assert {key: values.shape for key, values in samples.inputs.items()} == {
        "speed": (320, 1),
        "speed_limit": (320, 1),
        "lead": (320, 2),
    }
    values = read_episode(info, 1, ["observation.state", "action", "view.action"])
    front, view = 80 + 7, 80 + 40 + 7
    np.testing.assert_array_equal(samples.labels[front], values["action"][7])
    assert samples.labels[view, 0] == values["view.action"][7]
    assert samples.labels[view, 1] == values["action"][7][1], "a shifted car brakes as the real one"
    np.testing.assert_array_equal(samples.inputs["lead"][front], values["observation.state"][7][3:])
    unknown = replace(PILOTNET, outputs=(Output("gear", "", ("gear",), scale=1.0),))
    with pytest.raises(UserError, match=r"no label gear \(it has steering, acceleration"):
        open_samples([info], unknown, tmp_path)


def test_a_damaged_picture_is_named(lines: Path, tmp_path: Path) -> None:
    from drive.models.data.decoding import _Decoder

    info = read_info(lines)
    with pytest.raises(UserError, match=r"observation.images.front of episode 3 cannot be decoded"):
        _Decoder(info, 3, "observation.images.front")(b"\xff\xd8\xff")


def test_a_road_is_never_split() -> None:
    samples = toy(2000, episodes=10, drives_of_a_road=2)
    for seed in range(5):
        training, validation = split_by_road(samples, 0.2, seed)
        assert len(training) == 1600 and len(validation) == 400
        assert not set(samples.road[training]) & set(samples.road[validation])
        assert len(np.unique(samples.episode[validation])) == 2


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "lengths", [(3, 4000, 4000, 2000), (2, 9000), (3000, 1, 1, 300, 280), (5, 5, 400, 40)]
)
def test_validation_is_counted_in_pictures_and_never_takes_most_of_them(
    lengths: tuple[int, ...], seed: int
) -> None:
    road = np.repeat(np.arange(len(lengths)), lengths)
    samples = replace(toy(len(road)), road=road)
    training, validation = split_by_road(samples, 0.1, seed)
    small = sorted(n for n in lengths if n <= len(road) / 2)
    wanted = min(max(0.1 * len(road), min(200, len(road) / 4)), sum(small))
    assert wanted <= len(validation) < wanted + small[-1] and len(training) > 0
    assert len(validation) - max(np.bincount(road[validation])) < wanted, "more roads than it takes"


@pytest.mark.parametrize("samples", [*range(32, 3000, 37), 66_940])
def test_steps_are_taken_several_at_once_and_few_samples_left_out(samples: int) -> None:
    steps, at_once = steps_of_epoch(samples, 32)
    assert 1 <= at_once <= 16 and steps % at_once == 0
    assert 0 <= samples // 32 - steps < at_once
    if steps > 16:
        assert at_once > 8


@pytest.mark.parametrize(
    ("samples", "batch_size", "expected"),
    [
        (2091 * 32, 32, (2090, 11)),
        (23 * 32 + 31, 32, (22, 11)),
        (16 * 32, 32, (16, 16)),
        (9000, 4096, (2, 1)),
    ],
)
def test_the_number_at_once_is_the_one_that_leaves_out_least(
    samples: int, batch_size: int, expected: tuple[int, int]
) -> None:
    assert steps_of_epoch(samples, batch_size) == expected


def test_one_road_is_too_few_however_often_it_was_driven() -> None:
    told = r"one road alone \(drives: 4\), .*record another one with a different --seed"
    with pytest.raises(UserError, match=told):
        split_by_road(toy(episodes=4, drives_of_a_road=4), 0.1, seed=0)


def write_roads(root: Path, lines: Path, *drives: tuple[str, int | None]) -> Path:
    """A dataset of drives (map, seed), each of the same ten frames."""
    names = [name for name in lane_features(CAMERA) if "index" not in name and name != "timestamp"]
    columns = {name: values[:10] for name, values in read_episode(lines, 0, names).items()}
    for name, seed in drives:
        with DatasetWriter(root, fps=20, camera=CAMERA, driver="expert", map_name=name) as writer:
            writer.add_episode(columns, seed=seed)
    return root


def test_drives_of_one_map_and_seed_are_of_one_road_in_whatever_dataset(lines: Path, tmp_path: Path) -> None:
    first = write_roads(tmp_path / "first", lines, ("generated", 7), ("town", 7), ("generated", None))
    look = write_roads(tmp_path / "look", lines, ("generated town", 7), ("generated", 8), ("generated", None))
    infos = [read_info(first), read_info(look)]
    samples = open_samples(infos, PILOTNET, tmp_path)
    pictures = 20  # of a drive, front and view
    np.testing.assert_array_equal(samples.episode, np.repeat(np.arange(6), pictures))
    np.testing.assert_array_equal(samples.road, np.repeat([0, 1, 2, 0, 3, 4], pictures))
    again = open_samples(infos, PILOTNET, tmp_path)
    np.testing.assert_array_equal(again.road, samples.road)


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
    stream = batches(samples, chosen, PILOTNET, 25, seed=7)
    first = [next(stream) for _ in range(8)]
    later = batches(samples, chosen, PILOTNET, 25, seed=7, first_epoch=1)
    for (a, steering_a), (b, steering_b) in zip(first[4:], [next(later) for _ in range(4)], strict=True):
        np.testing.assert_array_equal(a["pictures"], b["pictures"])
        np.testing.assert_array_equal(a["changes"], b["changes"])
        np.testing.assert_array_equal(steering_a, steering_b)
    assert not np.array_equal(first[0][1], first[4][1])


def test_the_crop_keeps_the_road() -> None:
    assert road_crop(Camera()).top_px == 61  # horizon at 80 - 160 tan(3 deg) = 71.6, 3.5 deg above it
    assert road_crop(Camera(pitch_deg=40.0)).top_px == 0
    # a lens that hardly bends crops as a pinhole; one rolled by 10 deg keeps the horizon's higher end
    bent = Camera(lens="brown-conrady", distortion=(1e-9, 0.0, 0.0, 0.0, 0.0))
    assert 56 <= road_crop(bent).top_px <= 61
    assert road_crop(Camera(roll_deg=10.0)).top_px < 61 - 160 * 0.17
    with pytest.raises(UserError, match="pitch it further down"):
        road_crop(Camera(pitch_deg=-40.0))


def test_what_is_left_of_an_episode_must_be_long_enough(lines: Path, tmp_path: Path) -> None:
    info = read_info(write_roads(tmp_path / "short", lines, ("generated", 7)))  # ten frames at 20 Hz
    assert FrameFilter(min_duration_s=0.5).mask(info, 0).all()
    assert not FrameFilter(min_duration_s=0.55).mask(info, 0).any()
