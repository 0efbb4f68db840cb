"""Processes that stand where the one that learns would, without TensorFlow: to test what is around it."""

import time
from multiprocessing.connection import Connection
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from drive.models.training.online_trainer import Failed, NewPolicy, OnlineTrainerSettings, Progress, _Inbox

STEERING = 0.125


def write_policy(path: Path, std: float) -> None:
    """A policy that always steers the same, and is as sure as told."""

    def constant(name: str, value: float) -> list[onnx.NodeProto]:
        zero = helper.make_node("Mul", ["speed", f"{name}_zero"], [f"{name}_none"])
        scale = helper.make_node("Constant", [], [f"{name}_zero"], value_floats=[0.0])
        number = helper.make_node("Constant", [], [f"{name}_number"], value_floats=[value])
        return [scale, number, zero, helper.make_node("Add", [f"{name}_none", f"{name}_number"], [name])]

    def info(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1])

    nodes = [*constant("steering", STEERING), *constant("steering_std", std)]
    graph = helper.make_graph(nodes, "policy", [info("speed")], [info("steering"), info("steering_std")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def _listen(connection: Connection, settings: OnlineTrainerSettings, std: float | None) -> None:
    inbox, seen = _Inbox(connection), 0
    if std is not None:
        write_policy(settings.out / "policy.onnx", std)
        connection.send(NewPolicy(0.1))
    while not inbox.ended.is_set():
        while found := inbox.take():
            seen += len(found)
        connection.send(Progress(seen, 0 if std is None else 500, None))
        time.sleep(0.02)


def sure(connection: Connection, settings: OnlineTrainerSettings) -> None:
    """Has a policy at once, and is sure of it."""
    _listen(connection, settings, 0.01)


def unsure(connection: Connection, settings: OnlineTrainerSettings) -> None:
    """Has a policy at once, and is unsure of it."""
    _listen(connection, settings, 0.5)


def slow(connection: Connection, settings: OnlineTrainerSettings) -> None:
    """Never has one."""
    _listen(connection, settings, None)


def broken(connection: Connection, settings: OnlineTrainerSettings) -> None:
    """Fails."""
    connection.send(Failed("ValueError: no light"))
