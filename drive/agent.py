"""What every driver shares: the observation it sees, the control it gives, the context it starts in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera

DT = 0.05  # control step [s]
MAX_STEERING_ANGLE = 0.6  # road wheel [rad]
MAX_ACCELERATION = 3.0  # [m/s^2] at Control.acceleration = +1
MAX_DECELERATION = 8.0  # [m/s^2] at Control.acceleration = -1
NO_LEAD_GAP = 200.0  # the radar's answer when nothing is ahead [m]
# Bounds of what is observed.
MAX_SPEED = 60.0  # [m/s]
MAX_YAW_RATE = 10.0  # [rad/s]
MIN_GAP = -50.0  # [m]


def acceleration_fraction(acceleration: float) -> float:
    """An acceleration [m/s^2] as `Control.acceleration`: a fraction of the car's limits, in [-1, 1]."""
    limit = MAX_ACCELERATION if acceleration > 0.0 else MAX_DECELERATION
    return min(max(acceleration / limit, -1.0), 1.0)


class AgentFailure(Exception):
    """The agent itself failed: its output is not a number, has the wrong shape, or came too late."""


class Observation(TypedDict, total=False):
    """What an agent sees each control step; the same keys for every agent. `OBSERVATION` declares them."""

    camera: NDArray[np.uint8]  # (H, W, 3) RGB, front camera
    speed: NDArray[np.float32]  # (1,) [m/s]
    yaw_rate: NDArray[np.float32]  # (1,) [rad/s], left positive
    speed_limit: NDArray[np.float32]  # (1,) [m/s]
    command: int  # 0 follow lane; 1 left, 2 right, 3 straight: from 30 m before a junction on
    lead: NDArray[np.float32]  # (2,) gap to the vehicle ahead [m], its speed minus ours [m/s]


@dataclass(frozen=True)
class Quantity:
    """One key of the observation, from which spaces, dataset columns and policy inputs are derived."""

    shape: tuple[int | str, ...]  # of one observation; "H" and "W" are the camera's
    dtype: str
    low: tuple[float, ...]  # one for all elements, or one each
    high: tuple[float, ...]
    columns: tuple[str, ...] = ()  # names of its numbers in a dataset's `observation.state`
    mirrored: bool = False  # its sign changes where left and right are exchanged


OBSERVATION: Mapping[str, Quantity] = {
    "camera": Quantity(("H", "W", 3), "uint8", (0,), (255,)),
    "speed": Quantity((1,), "float32", (0.0,), (MAX_SPEED,), ("speed_mps",)),
    "yaw_rate": Quantity(
        (1,), "float32", (-MAX_YAW_RATE,), (MAX_YAW_RATE,), ("yaw_rate_radps",), mirrored=True
    ),
    "speed_limit": Quantity((1,), "float32", (0.0,), (MAX_SPEED,), ("speed_limit_mps",)),
    "command": Quantity((), "int64", (0,), (3,)),
    "lead": Quantity(
        (2,),
        "float32",
        (MIN_GAP, -MAX_SPEED),
        (NO_LEAD_GAP, MAX_SPEED),
        ("lead_gap_m", "lead_relative_speed_mps"),
    ),
}


def state_of(observation: Mapping[str, Any]) -> tuple[float, ...]:
    """The observation's numbers, as `observation.state` of a dataset holds them."""
    return tuple(
        float(value)
        for key, quantity in OBSERVATION.items()
        if quantity.columns
        for value in observation[key]
    )


@dataclass(frozen=True, slots=True)
class Control:
    """What an agent does: fractions of the car's limits, in [-1, 1]."""

    steering: float  # of MAX_STEERING_ANGLE at the road wheel, left positive
    acceleration: float | None = None  # +1 = 3 m/s^2, -1 = -8 m/s^2; None: leave it to the speed law


@dataclass(frozen=True)
class Context:
    """What an agent may know before it drives."""

    cameras: Mapping[str, Camera] = field(default_factory=lambda: {"front": Camera()})
    dt: float = DT  # [s]
    wheelbase: float = 2.578  # [m]
    max_steering_angle: float = MAX_STEERING_ANGLE  # [rad]
    max_acceleration: float = MAX_ACCELERATION  # [m/s^2]
    max_deceleration: float = MAX_DECELERATION  # [m/s^2]
    world: Any = None  # the simulator's truth, for agents marked `privileged = True` only
    world_index: int = 0  # which of the world's batch is ours


@runtime_checkable
class Agent(Protocol):
    """Whatever acts: a network, a modular stack, a person, the expert.

    An agent with the attribute `privileged = True` also gets `context.world`. One with `looks = False` gets
    observations without pictures where nobody else needs them, which are then not drawn.
    """

    def reset(self, context: Context) -> None:
        """Forget the last episode and prepare for the next one."""
        ...

    def act(self, observation: Observation) -> Control:
        """Choose the control for the next `context.dt` seconds."""
        ...
