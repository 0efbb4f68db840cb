"""From a Keras network to a policy file: ONNX with all preprocessing inside, and a JSON beside it.

The file is the thing that is evaluated, so it is loaded, run and compared with Keras before it gets its name.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.errors import UserError
from drive.models.data.preprocess import preprocess, road_crop
from drive.models.policy import POLICY_FORMAT, OnnxPolicy

OPSET = 17
TOLERANCE = 1e-3  # of full steering, 0.03 degrees at the wheel: a pixel rounded the other way makes 1e-4


def export_policy(
    network: Any,
    camera: Camera,
    path: Path,
    facts: Mapping[str, Any],
    frames: NDArray[np.uint8] | None = None,
    outputs: Sequence[str] = ("steering",),
) -> float:
    """Write `path` (.onnx) and the JSON beside it, both or neither.

    Args:
        network: Keras model from [(N, 66, 200, 3) pixels, (N, 1) speed] to steering (N, 1), in float32; or
            to a list, each (N, 1), named by `outputs`.
        camera: whose frames the policy takes.
        path: of the ONNX file.
        facts: what stands in the JSON beside inputs, camera and crop: data, seeds, settings.
        frames: (N, H, W, 3) uint8 frames to compare on; None: smooth random pictures.
        outputs: what the file's outputs are called.

    Returns:
        The largest difference between the file and Keras over the frames, as a fraction of full steering.

    Raises:
        UserError: the file does not load, or differs from Keras.
    """
    import onnx

    if frames is None:
        frames = _smooth_noise(camera, 8)
    temporary = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        onnx.save(to_onnx(network, camera, outputs), temporary)
        difference = _compare(network, camera, temporary, frames, outputs)
        description = describe(camera, facts) | {"largest_difference_to_keras": difference}
        sidecar = temporary.with_name(path.stem + ".json.part")
        sidecar.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
        os.replace(sidecar, path.with_suffix(".json"))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return difference


def to_onnx(network: Any, camera: Camera, outputs: Sequence[str] = ("steering",)) -> Any:
    """The whole graph, raw frame to steering, as an ONNX model with named inputs and outputs."""
    import tensorflow as tf
    import tf2onnx

    crop = road_crop(camera)
    signature = [
        tf.TensorSpec((None, camera.height_px, camera.width_px, 3), tf.uint8, name="camera"),
        tf.TensorSpec((None, 1), tf.float32, name="speed"),
    ]

    @tf.function(input_signature=signature)
    def policy(camera: Any, speed: Any) -> Any:
        found = _as_list(network([preprocess(camera, crop), speed], training=False))
        return [tf.identity(value, name=name) for name, value in zip(outputs, found, strict=True)]

    model, _ = tf2onnx.convert.from_function(policy, input_signature=signature, opset=OPSET)
    for i, name in enumerate(outputs):
        _name_output(model, i, name)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    return model


def _as_list(found: Any) -> list[Any]:
    """A network's outputs, one or several."""
    return list(found) if isinstance(found, list | tuple) else [found]


def _name_output(model: Any, index: int, name: str) -> None:
    old = model.graph.output[index].name
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [name if entry == old else entry for entry in names]
    model.graph.output[index].name = name


def describe(camera: Camera, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON beside a policy file."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        program = version("drivegym")
    except PackageNotFoundError:
        program = "unknown"
    shape = ["N", camera.height_px, camera.width_px, 3]
    return {
        "format": POLICY_FORMAT,
        "program": f"drive {program}",
        "inputs": {
            "camera": {"dtype": "uint8", "shape": shape, "content": "RGB, row 0 on top"},
            "speed": {"dtype": "float32", "shape": ["N", 1], "content": "m/s"},
        },
        "outputs": {"steering": {"dtype": "float32", "shape": ["N", 1], "content": "left positive, -1..1"}},
        "camera": camera.to_json(),
        "crop": asdict(road_crop(camera)),
        **facts,
    }


def _compare(
    network: Any, camera: Camera, path: Path, frames: NDArray[np.uint8], outputs: Sequence[str]
) -> float:
    import onnx
    import tensorflow as tf

    onnx.checker.check_model(str(path), full_check=True)
    policy = OnnxPolicy(path, described=False)
    speed = np.linspace(0.0, 20.0, len(frames), dtype=np.float32)[:, None]
    pixels = preprocess(tf.constant(frames), road_crop(camera))
    found = _as_list(network([pixels, tf.constant(speed)], training=False))
    wanted = np.concatenate([value.numpy() for value in found], axis=1)
    runs = [policy.run({"camera": frame, "speed": s}) for frame, s in zip(frames, speed, strict=True)]
    alone = np.array([[run[name] for name in outputs] for run in runs])
    names = list(outputs)
    together = np.concatenate(policy.session.run(names, {"camera": frames, "speed": speed}), axis=1)
    if together.shape != wanted.shape:
        raise UserError(
            f"{path}: the exported file gives {together.shape}, Keras {wanted.shape}: not written."
        )
    difference = float(max(np.abs(alone - wanted).max(), np.abs(together - wanted).max()))
    if not difference <= TOLERANCE:
        raise UserError(
            f"{path}: the exported file differs from Keras by {difference:.2g} of full steering "
            f"(at most {TOLERANCE} is accepted): not written. Use layers that ONNX can express."
        )
    return difference


def _smooth_noise(camera: Camera, count: int) -> NDArray[np.uint8]:
    import cv2

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 12, 24, 3), np.uint8)
    return np.stack([cv2.resize(picture, (camera.width_px, camera.height_px)) for picture in coarse])
