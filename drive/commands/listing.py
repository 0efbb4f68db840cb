"""`drive list`: what can be named: agents, suites, weathers, models, cameras."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import tyro

Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class ListConfig:
    """Say what can be named on the command line, with what each is."""

    what: tyro.conf.Positional[Literal["all", "agents", "suites", "weathers", "models", "cameras"]] = "all"
    """One of the lists, or all of them."""


def _agents() -> Rows:
    from drive.driving.agents import BUILT_IN

    told = {
        "expert": "knows the truth: the ceiling of every score",
        "modular": "finds the lane in the picture, tracks it, follows it; no training",
        "straight": "holds the wheel straight: the floor of every score",
    }
    return [(name, told[name]) for name in BUILT_IN] + [
        ("FILE.onnx", "a policy, as `drive train` writes it"),
        ("MODULE:FACTORY", "your own code: called without arguments, gives reset(context), act(observation)"),
        ("NAME=AGENT", "any of these under another name"),
    ]


def _suites() -> Rows:
    from drive.scoring.suites import SUITES

    told = {
        "lane": "follow a lane of town, country and highway on generated roads, or on a --map",
        "corners": "the same on generated town streets from corner to corner",
    }
    return [(one.name, told[one.name]) for one in SUITES]


def _weathers() -> Rows:
    from drive.sim.sensors.weather import TRAINING_WEATHERS, WEATHERS

    told = {True: "recorded by default", False: "held out: for evaluation, unless asked for"}
    return [(name, told[name in TRAINING_WEATHERS]) for name in WEATHERS]


def _models() -> Rows:
    from drive.models.networks.table import NETWORKS

    return [
        (
            name,
            f"sees {one.width_px}x{one.height_px} px"
            + "".join(f", {key}" for key in one.inputs)
            + f"; gives {', '.join(output.name for output in one.outputs)}",
        )
        for name, one in NETWORKS.items()
    ]


def _cameras() -> Rows:
    from drive.camera import Camera

    one = Camera()
    where = f"{one.z:g} m above the ground, {one.x:g} m ahead of the rear axle, {one.pitch_deg:g} deg down"
    return [
        (
            "default",
            f"{one.width_px}x{one.height_px} px, {one.fov_deg:g} deg across, {one.lens} lens, {where}",
        ),
        (
            "FILE.toml",
            f"--camera takes it: your own, in a table [camera] with {', '.join(one.to_json())} ...",
        ),
    ]


LISTS: dict[str, tuple[str, Callable[[], Rows]]] = {  # the flag that takes them
    "agents": ("--agent, --driver, --shadow", _agents),
    "suites": ("--suite", _suites),
    "weathers": ("--weather", _weathers),
    "models": ("--model", _models),
    "cameras": ("", _cameras),
}


def main(config: ListConfig) -> None:
    """Print the lists."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for name, (flags, rows) in LISTS.items():
        if config.what not in ("all", name):
            continue
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), title_justify="left")
        table.title = Text(name + (f" ({flags})" if flags else ""), style="bold")
        for first, text in rows():
            table.add_row(Text(f"  {first}"), Text(text))
        console.print(table)
