"""Every network of the table: it learns, and its policy file answers as Keras does and drives."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drive.agent import OBSERVATION, Context
from drive.core.errors import UserError
from drive.dataset import read_info
from drive.models.data.preprocess import preprocess
from drive.models.data.samples import batches, open_samples
from drive.models.networks.declaration import Network
from drive.models.networks.pilotnet import PILOTNET
from drive.models.networks.table import NETWORKS
from drive.models.policy import OnnxPolicy
from drive.models.training.device import Device, load_tensorflow
from drive.models.training.exporting import export_weights
from drive.models.training.options import TrainingOptions
from drive.models.training.resume import save_weights
from tests.models.fixtures import lines  # noqa: F401  (fixture)
from tests.models.synthetic import CAMERA

EACH = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


@EACH
def test_a_network_is_built_as_it_declares_itself(network: Network) -> None:
    load_tensorflow()
    model = network.build()
    shapes = [tuple(entry.shape[1:]) for entry in model.inputs]
    assert shapes == [network.picture_shape, *((size,) for size in network.input_sizes.values())]
    assert [tuple(entry.shape[1:]) for entry in model.outputs] == [(o.size,) for o in network.outputs]
    assert NETWORKS[network.name] is network


@EACH
def test_a_network_learns_and_its_file_equals_keras(network: Network, lines: Path, tmp_path: Path) -> None:  # noqa: F811
    load_tensorflow()
    from drive.models.training.training_model import build_compiled

    samples = open_samples([read_info(lines)], network, tmp_path)
    options = TrainingOptions(model=network.name, epochs=1)
    model = build_compiled(network, options, CAMERA, Device(()), "float32", 12, 6)
    stream = batches(samples, np.arange(len(samples.labels)), network, 16)
    before = model.network.get_weights()
    losses = model.fit(stream, steps_per_epoch=6, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[1] < losses[0]
    assert all((a != b).any() for a, b in zip(before, model.network.get_weights(), strict=True))

    save_weights(model.network, tmp_path / "weights.npz")
    path = tmp_path / "policy.onnx"
    difference = export_weights(tmp_path / "weights.npz", network, CAMERA, path, {}, frames())
    assert difference <= 1e-3
    assert json.loads(path.with_suffix(".json").read_text())["outputs"].keys() == {
        output.name for output in network.outputs
    }
    policy = OnnxPolicy(path)
    policy.reset(Context(cameras={"front": CAMERA}))
    observation = {
        key: np.array(quantity.low, np.float32) * 0.0 + 7.0 for key, quantity in OBSERVATION.items()
    } | {"camera": frames()[0]}
    control = policy.act(observation)
    pixels = preprocess(frames()[:1], network.crop(CAMERA), network.height_px, network.width_px)
    numbers = [np.float32(observation[key])[None] for key in network.inputs]
    answers = model.network([np.float32(pixels), *numbers], training=False)
    answers = answers if isinstance(answers, list) else [answers]
    wanted = {o.name: float(a[0, 0]) for o, a in zip(network.outputs, answers, strict=True)}
    assert control.steering == pytest.approx(wanted["steering"], abs=1e-3)
    assert (control.acceleration is None) == ("acceleration" not in wanted)
    if control.acceleration is not None:
        assert control.acceleration == pytest.approx(wanted["acceleration"], abs=1e-3)


def frames() -> np.ndarray:
    rng = np.random.default_rng(2)
    return rng.integers(0, 256, (4, CAMERA.height_px, CAMERA.width_px, 3), np.uint8)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(
        UserError, match="--model is alexnet; take pilotnet or pilotnet_pixels or pilotnet_pedals"
    ):
        TrainingOptions(model="alexnet")
    with pytest.raises(ValueError, match="lidar is not a number of the observation"):
        replace(PILOTNET, inputs=("speed", "lidar"))
