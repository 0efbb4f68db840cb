import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drive.camera import Camera
from drive.core.errors import UserError
from drive.models.data.preprocess import preprocess_tensors, road_crop
from drive.models.export import export_policy
from drive.models.networks.pilotnet import PILOTNET
from drive.models.policy import OnnxPolicy, training_seeds
from drive.models.training.device import load_tensorflow


@pytest.mark.parametrize("camera", [Camera(), Camera(width_px=96, height_px=96, pitch_deg=10.0)])
def test_the_file_equals_keras_alone_and_in_a_batch(camera: Camera, tmp_path: Path) -> None:
    tf = load_tensorflow()
    model = PILOTNET.build()
    path = tmp_path / "policy.onnx"
    assert export_policy(model, PILOTNET, camera, path, {"training_seeds": [1, 5]}) <= 1e-3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["policy.json", "policy.onnx"]

    policy = OnnxPolicy(path)
    assert [(entry.name, entry.shape, entry.type) for entry in policy.session.get_inputs()] == [
        ("camera", ["N", camera.height_px, camera.width_px, 3], "tensor(uint8)"),
        ("speed", ["N", 1], "tensor(float)"),
    ]
    assert [output.name for output in policy.session.get_outputs()] == ["steering"]
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (5, camera.height_px, camera.width_px, 3), np.uint8)
    speed = np.float32([[0.0], [3.0], [8.0], [14.0], [25.0]])
    pixels = preprocess_tensors(tf.constant(frames), road_crop(camera), 66, 200)
    wanted = model([pixels, tf.constant(speed)]).numpy()
    for count in (1, 5):
        found = policy.session.run(["steering"], {"camera": frames[:count], "speed": speed[:count]})[0]
        assert found.shape == (count, 1)
        np.testing.assert_allclose(found, wanted[:count], atol=1e-3)
    described = json.loads((tmp_path / "policy.json").read_text())
    assert described["inputs"]["camera"]["shape"] == ["N", camera.height_px, camera.width_px, 3]
    assert described["crop"]["bottom_px"] == camera.height_px
    assert Camera(**described["camera"]) == camera
    assert training_seeds(path) == {1, 5}
    (tmp_path / "policy.json").unlink()  # the file alone says the same
    inside = policy.session.get_modelmeta().custom_metadata_map
    assert training_seeds(path) == {1, 5} and inside["license"].startswith("MIT")
    alone = OnnxPolicy(path).description
    assert alone is not None and alone.camera == camera
    assert alone.values["outputs"]["steering"]["content"] == "left positive, -1..1"
    assert alone.values.keys() == described.keys() - {"largest_difference_to_keras", "sha256"}


def test_a_policy_and_its_description_change_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, replaced = [], os.replace
    monkeypatch.setattr("drive.core.files.os.fsync", lambda _: written.append(len(written)))

    def replace(part: Path, path: Path) -> None:
        assert written == [0, 1]  # both lie on the disk before either gets its name
        replaced(part, path)

    monkeypatch.setattr("drive.core.files.os.replace", replace)
    camera, path = Camera(), tmp_path / "policy.onnx"
    export_policy(PILOTNET.build(), PILOTNET, camera, path, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["policy.json", "policy.onnx"]


def test_a_file_that_differs_from_keras_is_not_written(tmp_path: Path) -> None:
    tf = load_tensorflow()

    def fickle(inputs: Any, training: bool) -> Any:
        pixels, speed = inputs
        mean = tf.reduce_mean(pixels, axis=(1, 2))[:, :1] / 255.0 + 0.0 * speed
        return mean + (0.1 if tf.executing_eagerly() else 0.0)

    with pytest.raises(UserError, match=r"differs from Keras by 0.1 .* not written"):
        export_policy(fickle, PILOTNET, Camera(), tmp_path / "policy.onnx", {})
    assert not list(tmp_path.iterdir())
