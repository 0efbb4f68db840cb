"""From a Keras network to a policy file: ONNX with all preprocessing inside, and a JSON beside it.

The file is the thing that is evaluated, so it is loaded, run and compared with Keras before it gets its name.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import OBSERVATION
from drive.camera import Camera
from drive.core.errors import UserError
from drive.core.files import PART, replace_files
from drive.models.data.preprocess import preprocess, preprocess_tensors
from drive.models.networks.declaration import Network
from drive.models.policy import INSIDE, POLICY_FORMAT, OnnxPolicy

OPSET = 17
TOLERANCE = 1e-3  # of full steering, 0.03 degrees at the wheel: a pixel rounded the other way makes 1e-4


def export_policy(
    model: Any,
    network: Network,
    camera: Camera,
    path: Path,
    facts: Mapping[str, Any],
    frames: NDArray[np.uint8] | None = None,
) -> float:
    """Write `path` (.onnx) and the JSON beside it, both or neither.

    Args:
        model: Keras model in float32, as `network` declares it.
        network: declares the picture, inputs and outputs.
        camera: whose frames the policy takes.
        path: of the ONNX file.
        facts: what stands in the JSON beside inputs, camera and crop: data, seeds, settings.
        frames: (N, H, W, 3) uint8 frames to compare on; None: smooth random pictures.

    Returns:
        The largest difference between the file and Keras over the frames, as a fraction of full steering.

    Raises:
        UserError: the file does not load, or differs from Keras.
    """
    import onnx

    if frames is None:
        frames = _smooth_noise(camera, 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    try:
        exported = to_onnx(model, network, camera)
        about = describe(network, camera, facts)
        onnx.helper.set_model_props(exported, {INSIDE: json.dumps(about), "license": about["license"]})
        onnx.save(exported, part)
        difference = _compare(model, network, camera, part, frames)
        data = part.read_bytes()
        description = about | {
            "largest_difference_to_keras": difference,
            "sha256": sha256(data).hexdigest(),  # of the file that this describes
        }
        beside = (json.dumps(description, indent=1) + "\n").encode()
        replace_files({path.with_suffix(".json"): beside, path: data})
    finally:
        part.unlink(missing_ok=True)
    return difference


def to_onnx(model: Any, network: Network, camera: Camera) -> Any:
    """The whole graph, from raw frame to outputs, as an ONNX model with named inputs and outputs."""
    import tensorflow as tf
    import tf2onnx

    crop = network.crop(camera)
    signature = [
        tf.TensorSpec((None, camera.height_px, camera.width_px, 3), tf.uint8, name="camera"),
        *(
            tf.TensorSpec((None, *OBSERVATION[key].shape), OBSERVATION[key].dtype, name=key)
            for key in network.inputs
        ),
    ]

    @tf.function(input_signature=signature)
    def policy(camera: Any, *measured: Any) -> Any:
        pixels = preprocess_tensors(camera, crop, network.height_px, network.width_px)
        numbers = [
            tf.reshape(tf.cast(value, tf.float32), (-1, network.input_sizes[key]))
            for key, value in zip(network.inputs, measured, strict=True)
        ]
        found = _as_list(model([pixels, *numbers], training=False))
        return [
            tf.identity(value, name=output.name) for output, value in zip(network.outputs, found, strict=True)
        ]

    exported, _ = tf2onnx.convert.from_function(policy, input_signature=signature, opset=OPSET)
    for i, output in enumerate(network.outputs):
        _name_output(exported, i, output.name)
    for value in (*exported.graph.input, *exported.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    return exported


def _as_list(found: Any) -> list[Any]:
    """A network's outputs, one or several."""
    return list(found) if isinstance(found, list | tuple) else [found]


def _name_output(model: Any, index: int, name: str) -> None:
    old = model.graph.output[index].name
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [name if entry == old else entry for entry in names]
    model.graph.output[index].name = name


def describe(network: Network, camera: Camera, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON inside a policy file, and beside it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        program = version("drivegym")
    except PackageNotFoundError:
        program = "unknown"
    shape = ["N", camera.height_px, camera.width_px, 3]
    inputs = {
        key: {
            "dtype": OBSERVATION[key].dtype,
            "shape": ["N", *OBSERVATION[key].shape],
            "content": ", ".join(OBSERVATION[key].columns) or "follow lane, left, right, straight",
        }
        for key in network.inputs
    }
    return {
        "format": POLICY_FORMAT,
        "program": f"drive {program}",
        "license": "MIT, as the program that wrote it; whoever trained it may choose another",
        "inputs": {"camera": {"dtype": "uint8", "shape": shape, "content": "RGB, row 0 on top"}, **inputs},
        "outputs": {
            output.name: {"dtype": "float32", "shape": ["N", output.size], "content": output.content}
            for output in network.outputs
        },
        "camera": asdict(camera),
        "crop": asdict(network.crop(camera)),
        "picture": {"height_px": network.height_px, "width_px": network.width_px},
        **facts,
    }


def _compare(model: Any, network: Network, camera: Camera, path: Path, frames: NDArray[np.uint8]) -> float:
    """The largest difference between the file and Keras on the pictures that training reads."""
    import onnx

    onnx.checker.check_model(str(path), full_check=True)
    policy = OnnxPolicy(path, described=False)
    measured = {key: _spread_values(key, len(frames)) for key in network.inputs}
    pixels = preprocess(frames, network.crop(camera), network.height_px, network.width_px)
    numbers = [np.float32(value).reshape(len(frames), -1) for value in measured.values()]
    found = _as_list(model([np.float32(pixels), *numbers], training=False))
    wanted = np.concatenate([np.asarray(value) for value in found], axis=1)
    seen = {"camera": frames, **measured}
    names = [output.name for output in network.outputs]
    runs = [policy.run({key: values[i] for key, values in seen.items()}) for i in range(len(frames))]
    alone = np.array([np.concatenate([np.atleast_1d(run[name]) for name in names]) for run in runs])
    together = np.concatenate(policy.session.run(names, seen), axis=1)
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


def _spread_values(key: str, count: int) -> NDArray[Any]:
    """Values of an observation from one end of everyday driving to the other, (count, *shape)."""
    quantity = OBSERVATION[key]
    low, high = np.array(quantity.low), np.array(quantity.high)
    values = low + (high - low) * np.linspace(0.0, 1.0, count)[:, None] / 3.0  # to 20 m/s of the possible 60
    return np.asarray(values.astype(quantity.dtype).reshape(count, *map(int, quantity.shape)))


def _smooth_noise(camera: Camera, count: int) -> NDArray[np.uint8]:
    import cv2

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 12, 24, 3), np.uint8)
    return np.stack([cv2.resize(picture, (camera.width_px, camera.height_px)) for picture in coarse])
