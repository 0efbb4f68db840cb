"""Minari and RLDS, read back by the libraries that they belong to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from drive.commands.data.importing import ImportConfig, main
from drive.core.errors import UserError
from drive.dataset import check, read_episode, read_info
from drive.interchange import minari_writer
from drive.interchange.observations import environment_spec
from drive.models.training.device import load_tensorflow
from tests.interchange.sources import udacity
from tests.interchange.test_round_trips import export
from tests.models.synthetic import write_lines


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("own") / "My data 1", episodes=2, length=12)


def test_minari_loads_it(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import minari

    out = export(data, tmp_path / "out", "minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(out))
    assert list(minari.list_local_datasets()) == ["drive/My-data-1-v0"]
    dataset = minari.load_dataset("drive/My-data-1-v0")
    assert (dataset.total_episodes, dataset.total_steps) == (2, 22)
    frames = read_episode(data, 1)
    episode = list(dataset.iterate_episodes())[1]
    np.testing.assert_array_equal(episode.actions, np.asarray(frames["action"])[:11])
    np.testing.assert_array_equal(episode.infos["action_executed"], frames["executed.action"])
    assert set(episode.observations) == {"camera", "speed", "yaw_rate", "speed_limit", "lead", "command"}
    np.testing.assert_array_equal(
        episode.observations["lead"], np.asarray(frames["observation.state"])[:, 3:]
    )
    np.testing.assert_array_equal(
        episode.observations["speed"], np.asarray(frames["observation.state"])[:, :1]
    )
    for t, jpeg in enumerate(frames["observation.images.front"]):
        pixels = cv2.cvtColor(
            cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
        )
        assert np.abs(episode.observations["camera"][t].astype(int) - pixels).max() <= 2  # another decoder
    assert not episode.terminations.any() and list(np.flatnonzero(episode.truncations)) == [10]
    np.testing.assert_array_equal(episode.rewards, np.asarray(frames["next.reward"], np.float64)[:11])
    assert dataset.storage.metadata["description"].startswith("20 frames a second")
    step = {key: values[3] for key, values in episode.observations.items()}
    assert dataset.observation_space.contains(step) and dataset.action_space.contains(episode.actions[3])
    assert [m["seed"] for m in dataset.storage.get_episode_metadata([0, 1])] == [100, 101]


def test_minari_recovers_the_environment(data: Path, tmp_path: Path) -> None:
    import minari

    dataset = minari.MinariDataset(
        export(data, tmp_path / "out", "minari") / "drive" / "My-data-1-v0" / "data"
    )
    env = dataset.recover_environment()
    assert (env.observation_space, env.action_space) == (dataset.observation_space, dataset.action_space)
    assert env.unwrapped.task.camera == read_info(data).camera
    observation, _ = env.reset(seed=0)
    assert observation in dataset.observation_space
    assert np.isfinite(env.step(dataset[0].actions[0])[1])
    env.close()


def test_an_environment_on_a_map_is_not_claimed(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = read_info(data)
    spec = environment_spec(info)
    assert spec is not None and "map" not in spec.kwargs
    on_a_map = replace(info, recordings=tuple({**one, "map": "town.xodr"} for one in info.recordings))
    assert environment_spec(on_a_map) is None, "only the map's name is known"


def test_the_pictures_in_minari_are_the_bytes_recorded(data: Path, tmp_path: Path) -> None:
    import h5py

    out = export(data, tmp_path / "out", "minari")
    with h5py.File(next(out.rglob("main_data.hdf5"))) as file:
        found = [bytes(picture) for picture in file["episode_0/observations/camera"]]
    assert found == read_episode(data, 0)["observation.images.front"]


def test_imported_logs_have_no_observations_that_nobody_made(tmp_path: Path) -> None:
    import minari

    main(ImportConfig(source=udacity(tmp_path / "log"), out=tmp_path / "data"))
    out = export(tmp_path / "data", tmp_path / "out", "minari")
    dataset = minari.MinariDataset(out / "drive" / "data-v0" / "data")
    assert set(dataset.observation_space) == {"camera", "speed", "command"} and dataset.env_spec is None
    assert dataset[0].observations["camera"].shape == (12, 64, 96, 3)


def test_without_minari_the_install_line_is_given(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minari_writer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'needs minari and h5py.*pip install "drivegym\[interchange\]"'):
        export(data, tmp_path / "out", "minari")
    assert not list(tmp_path.iterdir())


def parser(tf: Any, features: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """What `features.json` says, as a specification for `tf.io.parse_single_example`."""
    kind = features["pythonClassName"].rsplit(".", 1)[-1]
    if kind == "FeaturesDict":
        found: dict[str, Any] = {}
        for name, one in features["featuresDict"]["features"].items():
            found |= parser(tf, one, f"{prefix}/{name}" if prefix else name)
        return found
    if kind == "Dataset":
        inner = parser(tf, features["sequence"]["feature"], prefix)
        return {name: tf.io.RaggedFeature(one.dtype) for name, one in inner.items()}
    dtype = tf.string
    if kind in ("Scalar", "Tensor"):
        dtype = tf.float32 if features["tensor"]["dtype"] == "float32" else tf.int64
    return {prefix: tf.io.FixedLenFeature([], dtype)}


def test_tf_data_reads_rlds(data: Path, tmp_path: Path) -> None:
    out = export(data, tmp_path / "out", "rlds")
    tf = load_tensorflow()
    spec = parser(tf, json.loads((out / "features.json").read_text()))
    about = json.loads((out / "dataset_info.json").read_text())
    assert about["name"] == "my_data_1" and about["splits"][0]["shardLengths"] == ["2"]
    records = tf.data.TFRecordDataset([str(out / "my_data_1-train.tfrecord-00000-of-00001")])
    episodes = [tf.io.parse_single_example(record, spec) for record in records]
    assert len(episodes) == 2 and about["splits"][0]["numBytes"] == str(sum(len(r.numpy()) for r in records))
    frames, episode = read_episode(data, 1), episodes[1]
    assert episode["steps/observation/camera"].numpy().tolist() == frames["observation.images.front"]
    np.testing.assert_array_equal(episode["steps/action"].numpy().reshape(-1, 2), frames["action"])
    lead = episode["steps/observation/lead"].numpy().reshape(-1, 2)
    np.testing.assert_array_equal(lead, np.asarray(frames["observation.state"])[:, 3:])
    assert episode["steps/is_first"].numpy().tolist() == [1] + [0] * 11
    assert episode["steps/is_last"].numpy().tolist() == [0] * 11 + [1]
    assert not episode["steps/is_terminal"].numpy().any()
    np.testing.assert_array_equal(episode["steps/reward"].numpy(), frames["next.reward"])
    assert episode["steps/discount"].numpy().tolist() == [1.0] * 12
    assert episode["episode_metadata/scenario"].numpy() == b"lines/1"
    assert episode["episode_metadata/episode"].numpy() == 1


def test_a_policy_learns_from_an_imported_tub_without_speed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from drive import train
    from drive.camera import Camera
    from drive.models.policy import OnnxPolicy

    own = write_lines(tmp_path / "own", episodes=3, length=24, camera=Camera(width_px=160, height_px=120))
    tub = export(own, tmp_path / "tub", "donkey")
    (tub / "drive.json").unlink()  # a tub of another program: nothing is known of its camera
    for catalog in tub.glob("*.catalog"):
        catalog.write_text(catalog.read_text().replace('"enc/speed"', '"other/speed"'))
    main(ImportConfig(source=tub, out=tmp_path / "data", fov_deg=120.0))
    assert check(tmp_path / "data") == []
    assert read_info(tmp_path / "data").features["observation.state"]["names"] == ["throttle"]
    assert "the log has no speed: it is missing" in capsys.readouterr().out
    train.main(train.TrainConfig(data=(tmp_path / "data",), out=tmp_path / "run", epochs=1, batch_size=16))
    assert "has no speed: pilotnet_pixels learns" in capsys.readouterr().out.replace("\n", " ")
    policy = OnnxPolicy(tmp_path / "run" / "policy.onnx")
    jpeg = read_episode(tmp_path / "data", 0)["observation.images.front"][0]
    frame = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    control = policy.act({"camera": np.ascontiguousarray(frame), "speed": np.array([8.0], np.float32)})
    assert [entry.name for entry in policy.session.get_inputs()] == ["camera"]
    assert -1.0 <= control.steering <= 1.0
    described = json.loads((tmp_path / "run" / "policy.json").read_text())
    assert described["camera"]["fov_deg"] == 120.0 and described["camera"]["height_px"] == 120
    assert not read_info(tmp_path / "data").calibrated
