"""Policy files that give vectors: what the JSON beside them may say, and how they drive."""

import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from drive.agent import AgentFailure, Context
from drive.control.lane_vector import LANE_VECTOR, lane_from_vector
from drive.control.lateral import LATERAL_LAWS, CarMotion
from drive.control.speed import speed_control
from drive.core.errors import UserError
from drive.models.policy import OnnxPolicy

WHEELBASE, LIMIT = Context().wheelbase, Context().max_steering_angle
SEEN = {"speed": np.array([10.0], np.float32)}


def constant_policy(path: Path, driving: dict | None, **outputs: np.ndarray) -> Path:
    """Gives the same arrays for every frame, whatever the speed."""
    nodes, infos = [], []
    for name, values in outputs.items():
        values = np.asarray(values, np.float32)[None]
        ones = numpy_helper.from_array(values, f"{name}_values")
        nodes += [
            helper.make_node("Constant", [], [f"{name}_values"], value=ones),
            helper.make_node("ReduceSum", ["speed"], [f"{name}_speed"], keepdims=0),
            helper.make_node("Constant", [], [f"{name}_zero"], value_float=0.0),
            helper.make_node("Mul", [f"{name}_speed", f"{name}_zero"], [f"{name}_nothing"]),
            helper.make_node("Add", [f"{name}_values", f"{name}_nothing"], [name]),
        ]
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *values.shape[1:]]))
    speed = helper.make_tensor_value_info("speed", TensorProto.FLOAT, ["N", 1])
    graph = helper.make_graph(nodes, "policy", [speed], infos)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    if driving is not None:
        path.with_suffix(".json").write_text(json.dumps({"driving": driving}))
    return path


def loaded(*arguments, **outputs) -> OnnxPolicy:
    policy = OnnxPolicy(constant_policy(*arguments, **outputs))
    policy.reset(Context())
    return policy


def arc(radius: float, spacing: float = 0.5, count: int = 40) -> np.ndarray:
    """Points of the circle that the rear axle stands on, from one spacing ahead."""
    angle = spacing / radius * np.arange(1, count + 1)
    return np.stack([radius * np.sin(angle), radius * (1.0 - np.cos(angle))], axis=1)


@pytest.mark.parametrize("radius", [25.0, -40.0])
def test_a_path_is_pursued(tmp_path: Path, radius: float) -> None:
    policy = loaded(tmp_path / "p.onnx", {"path": "way"}, way=arc(radius))
    control = policy.act(SEEN)
    assert control.steering * LIMIT == pytest.approx(math.atan(WHEELBASE / radius), rel=1e-2)
    assert control.acceleration is None


def test_a_path_with_times_is_driven_as_fast_as_it_says(tmp_path: Path) -> None:
    straight = np.stack([np.arange(1, 9) * 3.0, np.zeros(8)], axis=1)
    policy = loaded(tmp_path / "p.onnx", {"path": "way", "point_interval_s": 0.25}, way=straight)
    control = policy.act(SEEN)
    assert control.steering == pytest.approx(0.0, abs=1e-6)
    assert control.acceleration == pytest.approx(speed_control(10.0, 12.0) / 3.0)
    slow = loaded(tmp_path / "s.onnx", {"path": "way", "point_interval_s": 2.0}, way=straight)
    assert slow.act(SEEN).acceleration == pytest.approx(speed_control(10.0, 1.5) / 8.0)


def test_a_path_beside_an_acceleration_output(tmp_path: Path) -> None:
    policy = loaded(tmp_path / "p.onnx", {"path": "way"}, way=arc(25.0), acceleration=[-0.4])
    assert policy.act(SEEN).acceleration == pytest.approx(-0.4)


@pytest.mark.parametrize("law", ["pursuit", "stanley"])
def test_a_lane_is_followed_by_a_law(tmp_path: Path, law: str) -> None:
    def lane(**values: float) -> list[float]:
        base = dict.fromkeys(LANE_VECTOR, 0.1) | {
            "heading_error": 0.0,
            "curvature": 0.0,
            "curvature_rate": 0.0,
        }
        base |= {"lateral_offset": 0.0, "width": 3.5, "left_reach": 40.0, "right_reach": 40.0}
        return list((base | values).values())

    def steering(name: str, **values: float) -> float:
        policy = loaded(tmp_path / f"{name}.onnx", {"lane": "lane", "law": law}, lane=lane(**values))
        return policy.act(SEEN).steering

    assert steering("middle") == pytest.approx(0.0, abs=1e-6)
    assert steering("left", lateral_offset=0.5) < -0.02
    assert steering("right", lateral_offset=-0.5) > 0.02
    estimate = lane_from_vector(lane(curvature=0.02))
    wanted = LATERAL_LAWS[law](estimate, CarMotion(10.0, 0.0, WHEELBASE)) / LIMIT
    assert steering("bend", curvature=0.02) == pytest.approx(wanted, abs=1e-6)
    assert wanted > 0.05


def test_actions_are_driven_for_some_steps_before_the_file_is_asked_again(tmp_path: Path) -> None:
    actions = np.array([[0.1, -0.2], [0.2, -0.1], [0.3, 5.0], [0.4, 0.1]])
    policy = loaded(tmp_path / "p.onnx", {"actions": "plan", "steps": 3}, plan=actions)
    found = [policy.act(SEEN) for _ in range(5)]
    assert [round(c.steering, 3) for c in found] == [0.1, 0.2, 0.3, 0.1, 0.2]
    assert found[2].acceleration == 1.0, "clipped"
    saved = policy.snapshot()
    assert policy.act(SEEN).steering == pytest.approx(0.3)
    policy.restore(saved)
    assert policy.act(SEEN).steering == pytest.approx(0.3)
    policy.reset(Context())
    assert policy.act(SEEN).steering == pytest.approx(0.1)
    alone = loaded(tmp_path / "s.onnx", {"actions": "plan"}, plan=actions[:, :1])
    assert alone.act(SEEN).acceleration is None


def test_a_vector_with_a_hole_is_the_agents_failure(tmp_path: Path) -> None:
    way = arc(25.0)
    way[3, 1] = np.nan
    with pytest.raises(AgentFailure, match="way holds what is no number"):
        loaded(tmp_path / "p.onnx", {"path": "way"}, way=way).act(SEEN)


@pytest.mark.parametrize(
    ("driving", "outputs", "message"),
    [
        (None, {"way": arc(25.0)}, r"no output `steering` .*say in p.json how a vector drives"),
        ({"path": "route"}, {"way": arc(25.0)}, r"no output `route`, by which p.json drives \(it has way\)"),
        ({"path": "way"}, {"way": np.zeros((4, 3))}, r"`way` has the shape .*drives by \(N, P, 2\)"),
        ({"path": "way"}, {"way": np.zeros((1, 2))}, r"`way` has the shape"),
        ({"lane": "lane"}, {"lane": np.zeros(5)}, r"`lane` has the shape .*drives by \(N, 14\)"),
        (
            {"actions": "plan", "steps": 9},
            {"plan": np.zeros((4, 2))},
            r"actions for 4 steps, p.json drives 9",
        ),
        ({"lane": "lane", "law": "mpc"}, {"lane": np.zeros(14)}, r"p.json is damaged .*law 'mpc' is unknown"),
        ({"path": "way", "speed": 3}, {"way": arc(25.0)}, r"driving by path has no speed"),
        ({"way": "way"}, {"way": arc(25.0)}, r"driving takes one of path, lane, actions"),
        (None, {"steering": np.zeros(3)}, r"`steering` has the shape .*not \(N, 1\)"),
        ({"path": "way"}, {"way": arc(25.0), "acceleration": np.zeros(2)}, r"`acceleration` has the shape"),
    ],
)
def test_files_that_do_not_fit_their_json_are_refused(
    tmp_path: Path, driving: dict | None, outputs: dict, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        OnnxPolicy(constant_policy(tmp_path / "p.onnx", driving, **outputs))
