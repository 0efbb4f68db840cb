"""How a policy file's named vectors drive: a path, a lane, or actions for several steps.

The JSON beside the file says which output and how, as one of

    {"driving": {"path": "OUTPUT", "lookahead_time_s": 0.8, "min_lookahead_m": 4.0, "max_lookahead_m": 20.0,
                 "point_interval_s": 0.5}}
    {"driving": {"lane": "OUTPUT", "law": "pursuit"}}
    {"driving": {"actions": "OUTPUT", "steps": 4}}

All but the output's name may be left out. A file with an output `acceleration` beside a path or a lane works
the pedals by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from drive.agent import AgentFailure, Context, acceleration_fraction
from drive.control.lane_vector import LANE_VECTOR, lane_from_vector
from drive.control.lateral import LATERAL_LAWS, CarMotion
from drive.control.pursuit import lookahead_distance, pure_pursuit
from drive.control.speed import speed_control
from drive.core.errors import UserError

Values = Mapping[str, Any]  # what the file gave, by output: a float, or an array without the batch axis


class VectorDriving(Protocol):
    """A way to drive by one vector output."""

    output: str
    wanted: tuple[int | str, ...]  # its shape without the batch axis; a letter stands for any number

    def reset(self, context: Context) -> None:
        """A drive begins."""
        ...

    def control(self, values: Values, speed: float) -> tuple[float, float | None]:
        """Steering and acceleration (None: by another output or the speed law), as fractions, not clipped."""
        ...


@dataclass
class PathDriving:
    """Pure pursuit of a path: points (P, 2) in the vehicle frame [m], in the order in which they are passed.

    Where they are `point_interval_s` apart in time, the car also drives as fast as they lie apart.
    """

    output: str
    lookahead_time_s: float = 0.8
    min_lookahead_m: float = 4.0
    max_lookahead_m: float = 20.0
    point_interval_s: float | None = None
    wanted: tuple[int | str, ...] = ("P", 2)

    def __post_init__(self) -> None:
        if not 0.0 < self.min_lookahead_m <= self.max_lookahead_m:
            raise ValueError("min_lookahead_m must be positive and at most max_lookahead_m")
        if self.point_interval_s is not None and not self.point_interval_s > 0.0:
            raise ValueError("point_interval_s must be positive")

    def reset(self, context: Context) -> None:
        """Take the car's measures."""
        self._context = context

    def control(self, values: Values, speed: float) -> tuple[float, float | None]:
        """Steer to the point of the path at the lookahead distance."""
        points = np.asarray(values[self.output], np.float64)
        steps = np.hypot(*np.diff(points, axis=0, prepend=0.0).T)  # from the rear axle on
        ahead = lookahead_distance(speed, self.lookahead_time_s, self.min_lookahead_m, self.max_lookahead_m)
        x, y = (float(np.interp(ahead, np.cumsum(steps), points[:, i])) for i in (0, 1))
        steering = pure_pursuit(x, y, self._context.wheelbase) / self._context.max_steering_angle
        if self.point_interval_s is None:
            return steering, None
        return steering, acceleration_fraction(speed_control(speed, float(steps[1]) / self.point_interval_s))


@dataclass
class LaneDriving:
    """A lateral law on the lane that the output describes, in the order of `LANE_VECTOR`."""

    output: str
    law: str = "pursuit"
    wanted: tuple[int | str, ...] = (len(LANE_VECTOR),)

    def __post_init__(self) -> None:
        if self.law not in LATERAL_LAWS:
            raise ValueError(f"law {self.law!r} is unknown, take {' or '.join(LATERAL_LAWS)}")

    def reset(self, context: Context) -> None:
        """Wheels straight."""
        self._context, self.steering_angle = context, 0.0

    def control(self, values: Values, speed: float) -> tuple[float, float | None]:
        """Steer by the law."""
        lane = lane_from_vector(values[self.output])
        car = CarMotion(speed, self.steering_angle, self._context.wheelbase)
        limit = self._context.max_steering_angle
        self.steering_angle = min(max(LATERAL_LAWS[self.law](lane, car), -limit), limit)
        return self.steering_angle / limit, None


@dataclass
class ActionDriving:
    """Actions (T, 1) or (T, 2) for the coming steps: steering, and acceleration where there are two numbers.

    The first `steps` of them are driven before the network is asked again.
    """

    output: str
    steps: int = 1
    wanted: tuple[int | str, ...] = ("T", "1 or 2")
    pending: list[NDArray[np.float64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError("steps must be 1 or more")

    def reset(self, context: Context) -> None:
        """Nothing is pending."""
        self.pending = []

    def control(self, values: Values, speed: float) -> tuple[float, float | None]:
        """The first action; the others are kept for `next`."""
        actions = np.asarray(values[self.output], np.float64)
        self.pending = list(actions[: self.steps])
        return self.next()

    def next(self) -> tuple[float, float | None]:
        """The first of the pending actions."""
        action = self.pending.pop(0)
        return float(action[0]), float(action[1]) if len(action) > 1 else None


_KINDS: dict[str, type[PathDriving] | type[LaneDriving] | type[ActionDriving]] = {
    "path": PathDriving,
    "lane": LaneDriving,
    "actions": ActionDriving,
}


def read_driving(values: Mapping[str, Any]) -> VectorDriving:
    """The entry `driving` of a policy's JSON.

    Raises:
        ValueError: unknown kind, unknown settings, or one out of range.
    """
    kinds = [kind for kind in _KINDS if kind in values]
    if len(kinds) != 1:
        raise ValueError(f"driving takes one of {', '.join(_KINDS)}")
    kind = _KINDS[kinds[0]]
    settings = {name: value for name, value in values.items() if name != kinds[0]}
    known = {entry.name for entry in fields(kind)} - {"output", "wanted", "pending"}
    if unknown := settings.keys() - known:
        raise ValueError(
            f"driving by {kinds[0]} has no {', '.join(sorted(unknown))}; it has {', '.join(known)}"
        )
    return kind(str(values[kinds[0]]), **settings)


def check_driving(driving: VectorDriving, path: Path, outputs: Mapping[str, Sequence[Any]]) -> None:
    """Refuse a file that lacks the output or gives it in another shape.

    Raises:
        UserError: with what it has instead.
    """
    wanted = f"(N, {', '.join(map(str, driving.wanted))})"
    if driving.output not in outputs:
        raise UserError(
            f"{path}: no output `{driving.output}`, by which {path.stem}.json drives (it has "
            f"{', '.join(outputs)}); name one of shape {wanted}."
        )
    shape = outputs[driving.output]
    sizes = list(shape[1:])
    fits = len(sizes) == len(driving.wanted) and all(map(_fits, sizes, driving.wanted))
    if fits and isinstance(driving, PathDriving) and sizes[0] < 2:
        fits = False
    if fits and isinstance(driving, ActionDriving) and sizes[0] < driving.steps:
        raise UserError(
            f"{path}: `{driving.output}` has actions for {sizes[0]} steps, {path.stem}.json drives "
            f"{driving.steps} of them; correct the JSON."
        )
    if not fits:
        raise UserError(
            f"{path}: `{driving.output}` has the shape {list(shape)}, {path.stem}.json drives by {wanted}; "
            "export it with that shape."
        )


def _fits(size: Any, wanted: int | str) -> bool:
    if not isinstance(size, int):
        return False
    return size in (1, 2) if wanted == "1 or 2" else size == wanted if isinstance(wanted, int) else size > 0


def check_finite(name: str, value: Any) -> None:
    """Refuse what is not a number.

    Raises:
        AgentFailure: it is none.
    """
    if not np.isfinite(value).all():
        raise AgentFailure(f"{name} is {value}" if np.ndim(value) == 0 else f"{name} holds what is no number")
