"""Training on Keras's other backends, and without TensorFlow's import."""

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.models.networks.pilotnet import PILOTNET
from drive.models.policy import OnnxPolicy
from drive.models.training import device
from drive.models.training.device import load_tensorflow
from drive.models.training.exporting import export_weights
from drive.models.training.resume import save_weights
from tests.children import HANG_S
from tests.models.fixtures import lines  # noqa: F401  (fixture)
from tests.models.synthetic import CAMERA, line_frame

EPOCHS = 6


def run(code: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *code],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_trains_to_the_same_loss(backend: str, lines: Path, tmp_path: Path) -> None:  # noqa: F811
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install {backend}")
    out = tmp_path / "run"
    command = ["-m", "drive", "train", str(lines), "--out", str(out), "--epochs", str(EPOCHS)]
    found = run([*command, "--batch-size", "16", "--mixed-precision", "off"], KERAS_BACKEND=backend)
    with (out / "log.csv").open(encoding="utf-8") as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert len(losses) == EPOCHS and losses[-1] < 0.15, "TensorFlow comes to 0.02 to 0.08"
    if importlib.util.find_spec("tensorflow") is None:
        assert 'pip install "drivegym[train]"; then give the same command again' in found.stderr
        assert (out / "weights.npz").is_file() and (out / "checkpoint.npz").is_file()
        return
    assert found.returncode == 0, found.stderr
    described = json.loads((out / "policy.json").read_text())
    assert described["backend"] == backend and described["largest_difference_to_keras"] < 1e-3


def test_only_the_export_needs_tensorflow() -> None:
    rooms = "augmentation decoding samples columns preprocess".split()
    modules = [f"drive.models.data.{name}" for name in rooms]
    modules += [f"drive.models.networks.{name}" for name in ("table", "ensemble")]
    training = (
        "fit training_model options throughput exporting ensemble_trainer online_trainer resume".split()
    )
    modules += [f"drive.models.training.{name}" for name in training]
    found = run(["-c", f"import sys; sys.modules['tensorflow'] = None; import {', '.join(modules)}"])
    assert found.returncode == 0, found.stderr


def test_weights_of_another_backend_are_exported_by_a_tensorflow_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_tensorflow()
    model = PILOTNET.build()
    weights, path = tmp_path / "weights.npz", tmp_path / "policy.onnx"
    save_weights(model, weights)
    frames = np.stack([line_frame(s, np.random.default_rng(0)) for s in (-0.5, 0.0, 0.5)])
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert export_weights(weights, PILOTNET, CAMERA, path, {"backend": "jax"}, frames) < 1e-3
    policy = OnnxPolicy(path)
    assert policy.description is not None
    assert policy.description.camera == CAMERA and policy.description.values["backend"] == "jax"

    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(UserError, match="the export by TensorFlow failed: it ended with status 1"):
        export_weights(weights, PILOTNET, CAMERA, path, {}, frames)
    find_spec = device.importlib.util.find_spec
    monkeypatch.setattr(
        device.importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else find_spec(name)
    )
    with pytest.raises(
        UserError, match=r"weights.npz holds the trained weights, but the export needs tf2onnx"
    ):
        export_weights(weights, PILOTNET, CAMERA, path, {}, frames)


def test_unknown_and_missing_backends_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(UserError, match="KERAS_BACKEND is theano; take tensorflow, jax, torch"):
        device.choose_device("auto")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: None if name == "jax" else object())
    with pytest.raises(UserError, match="training needs jax, which is not installed: pip install keras jax"):
        device.choose_device("auto")
