import json
import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from drive.agent import AgentFailure, Context
from drive.camera import Camera, Remap
from drive.core.errors import UserError
from drive.models.policy import OnnxPolicy, training_seeds
from drive.models.policy_camera import camera_remark

FRAME = np.full((16, 32, 3), 51, np.uint8)
CONTEXT = Context(cameras={"front": Camera(width_px=32, height_px=16)})


def write(path: Path, nodes: list, inputs: list, outputs: list) -> Path:
    graph = helper.make_graph(nodes, "policy", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def value(name: str, kind: int, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def mean_policy(
    path: Path, *, batch: object = "N", scale: float = 1.0, kind: int = TensorProto.UINT8
) -> Path:
    """steering = scale * mean of the frame."""
    shape = [batch, 16, 32, 3] if kind == TensorProto.UINT8 else [batch, 3, 16, 32]
    nodes = [
        helper.make_node("Cast", ["camera"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Constant", [], ["s"], value_float=scale),
        helper.make_node("Mul", ["m", "s"], ["ms"]),
        helper.make_node("Constant", [], ["shape"], value_ints=[-1, 1]),
        helper.make_node("Reshape", ["ms", "shape"], ["steering"]),
    ]
    return write(
        path, nodes, [value("camera", kind, shape)], [value("steering", TensorProto.FLOAT, ["N", 1])]
    )


def recurrent_policy(path: Path, *, complete: bool = True) -> Path:
    """state counts the speeds seen; steering is the state."""
    nodes = [
        helper.make_node("Add", ["state_sum", "speed"], ["next_state_sum"]),
        helper.make_node("Identity", ["next_state_sum"], ["steering"]),
    ]
    inputs = [value("speed", TensorProto.FLOAT, ["N", 1]), value("state_sum", TensorProto.FLOAT, ["N", 1])]
    outputs = [value("steering", TensorProto.FLOAT, ["N", 1])]
    if complete:
        outputs.append(value("next_state_sum", TensorProto.FLOAT, ["N", 1]))
    return write(path, nodes, inputs, outputs)


@pytest.mark.parametrize(("scale", "steering"), [(0.01, 0.51), (1.0, 1.0), (-1.0, -1.0)])
def test_steering_is_clipped(tmp_path: Path, scale: float, steering: float) -> None:
    policy = OnnxPolicy(mean_policy(tmp_path / "p.onnx", scale=scale))
    policy.reset(CONTEXT)
    assert policy.act({"camera": FRAME}).steering == pytest.approx(steering)
    assert policy.act({"camera": FRAME}).acceleration is None


def test_a_number_that_is_none_is_the_agents_failure(tmp_path: Path) -> None:
    policy = OnnxPolicy(mean_policy(tmp_path / "p.onnx", scale=float("nan")))
    with pytest.raises(AgentFailure, match="steering is nan"):
        policy.act({"camera": FRAME})


def test_recurrent_state_is_carried_and_forgotten(tmp_path: Path) -> None:
    policy = OnnxPolicy(recurrent_policy(tmp_path / "p.onnx"))
    observation = {"speed": np.array([0.25], np.float32)}
    assert [policy.act(observation).steering for _ in range(3)] == [0.25, 0.5, 0.75]
    policy.reset(CONTEXT)
    assert policy.act(observation).steering == 0.25


def test_pytorch_exports_are_served_by_the_adapter_named_in_the_json(tmp_path: Path) -> None:
    path = mean_policy(tmp_path / "p.onnx", kind=TensorProto.FLOAT)
    with pytest.raises(UserError, match="adapter"):
        OnnxPolicy(path)
    adapter = {"camera": "float_nchw", "mean": [0.1, 0.1, 0.1], "std": [0.5, 0.5, 0.5]}
    path.with_suffix(".json").write_text(json.dumps({"adapter": adapter, "training_seeds": [3, 4]}))
    policy = OnnxPolicy(path)
    policy.reset(CONTEXT)
    assert policy.act({"camera": FRAME}).steering == pytest.approx((51 / 255 - 0.1) / 0.5, rel=1e-4)
    assert training_seeds(path) == {3, 4}


@pytest.mark.parametrize("declared", [["N", "K"], ["N", 1], None])
def test_three_numbers_as_steering_are_refused_though_the_file_does_not_say_so(
    tmp_path: Path, declared: list | None
) -> None:
    three = helper.make_tensor("three", TensorProto.FLOAT, [1, 3], [0.0, 0.1, 0.2])
    nodes = [
        helper.make_node("Constant", [], ["three"], value=three),
        helper.make_node("Add", ["three", "speed"], ["steering"]),
    ]
    path = write(
        tmp_path / "wide.onnx",
        nodes,
        [value("speed", TensorProto.FLOAT, ["N", 1])],
        [value("steering", TensorProto.FLOAT, declared)],  # type: ignore[arg-type]
    )
    with pytest.raises(UserError, match=r"wide.onnx: `steering` has the shape \(N, 3\), not \(N, 1\)"):
        OnnxPolicy(path)


def test_files_that_cannot_drive_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        OnnxPolicy(tmp_path / "none.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("hello")
    with pytest.raises(UserError, match=r"text.onnx is not a policy file .* export it again"):
        OnnxPolicy(text)
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    with pytest.raises(UserError, match="not a policy file"):
        OnnxPolicy(empty)
    whole = mean_policy(tmp_path / "whole.onnx").read_bytes()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="not a policy file"):
        OnnxPolicy(cut)
    with pytest.raises(UserError, match="batches of 4"):
        OnnxPolicy(mean_policy(tmp_path / "four.onnx", batch=4))
    with pytest.raises(UserError, match="next_state_sum"):
        OnnxPolicy(recurrent_policy(tmp_path / "half.onnx", complete=False))
    nodes = [helper.make_node("Identity", ["pixels"], ["steering"])]
    strange = write(
        tmp_path / "strange.onnx",
        nodes,
        [value("pixels", TensorProto.FLOAT, ["N", 1])],
        [value("steering", TensorProto.FLOAT, ["N", 1])],
    )
    with pytest.raises(UserError, match="unknown input pixels"):
        OnnxPolicy(strange)
    nodes = [helper.make_node("Identity", ["speed"], ["wheel"])]
    unnamed = write(
        tmp_path / "unnamed.onnx",
        nodes,
        [value("speed", TensorProto.FLOAT, ["N", 1])],
        [value("wheel", TensorProto.FLOAT, ["N", 1])],
    )
    with pytest.raises(UserError, match="no output `steering`"):
        OnnxPolicy(unnamed)


def test_another_camera_is_refused(tmp_path: Path) -> None:
    policy = OnnxPolicy(mean_policy(tmp_path / "p.onnx"))
    with pytest.raises(UserError, match="takes frames of 32x16 px, the camera gives 320x160"):
        policy.reset(Context())


def test_pictures_of_another_camera_are_mapped_to_the_trained_one(tmp_path: Path) -> None:
    path, trained = mean_policy(tmp_path / "p.onnx", scale=0.001), CONTEXT.cameras["front"]
    path.with_suffix(".json").write_text(json.dumps({"camera": trained.to_json()}))
    turned, large = Camera(32, 16, pitch_deg=12.0), Camera(64, 48, 70.0, pitch_deg=12.0)
    policy, blunt = OnnxPolicy(path), OnnxPolicy(path, adapt=False)
    for camera in (turned, large, trained):
        rows = np.linspace(0, 255, camera.height_px).astype(np.uint8)
        seen = {"camera": np.broadcast_to(rows[:, None, None], (camera.height_px, camera.width_px, 3)).copy()}
        for agent in (policy, blunt):
            agent.reset(Context(cameras={"front": camera}))
        mapped = Remap(camera, trained)(seen["camera"]).mean()
        assert policy.act(seen).steering == pytest.approx(0.001 * mapped, rel=1e-4)
        assert blunt.act(seen).steering == pytest.approx(0.1275, abs=0.001)
        assert (mapped == pytest.approx(127.5, abs=1.0)) == (camera == trained)
    behind = Context(cameras={"front": Camera(yaw_deg=180.0)})
    with pytest.raises(UserError, match=r"p\.onnx cannot drive behind this camera: .*--no-adapt"):
        policy.reset(behind)
    blunt.reset(behind)


def test_a_command_says_what_becomes_of_the_pictures(tmp_path: Path) -> None:
    path, trained = tmp_path / "p.onnx", CONTEXT.cameras["front"]
    turned, large = Camera(32, 16, pitch_deg=12.0), Camera(width_px=64, height_px=48, fov_deg=70.0)
    assert camera_remark("net", path, trained, trained, True) is None
    assert camera_remark("net", path, None, turned, True) is None
    mapped = camera_remark("net", path, trained, turned, True)
    assert mapped is not None and re.match(
        r"net was trained with another camera than this one \(pitch_deg 12, not 3\): its pictures are mapped "
        r"to that one's, \d+ % of them filled from their surroundings. --no-adapt does without.\Z",
        mapped,
    )
    assert str(camera_remark("net", path, trained, turned, False)).endswith(
        "and sees its pictures as they are."
    )
    assert str(camera_remark("net", path, trained, large, False)).endswith("sees its pictures at that size.")


def test_damaged_json_is_named(tmp_path: Path) -> None:
    path = mean_policy(tmp_path / "p.onnx")
    for text, fault in (
        ("{", "truncated"),
        ('{"camera": 3}', "camera: expected object"),
        ('{"training_seeds": ["a"]}', r"training_seeds\[0\]: expected int, got str"),
        ('{"other": ' + "[" * 100_000, "nested too deeply"),
    ):
        path.with_suffix(".json").write_text(text)
        with pytest.raises(UserError, match=rf"p.json is damaged \(.*{fault}"):
            OnnxPolicy(path)


def test_a_description_of_another_file_is_told_at_loading(tmp_path: Path) -> None:
    path = mean_policy(tmp_path / "p.onnx")
    beside = path.with_suffix(".json")
    beside.write_text(json.dumps({"sha256": sha256(path.read_bytes()).hexdigest()}))
    OnnxPolicy(path)
    mean_policy(path, scale=0.5)  # as where a kill came between two renames
    with pytest.warns(UserWarning, match=r"p.json describes another file than .*p.onnx: export"):
        OnnxPolicy(path)
