"""Hand-made episodes: a straight lane along x, 3.5 m wide, driven at 10 m/s."""

from typing import Any

import numpy as np

from drive.episode import Episode


def episode(steps: int = 40, **changes: Any) -> Episode:
    """A flawless drive of `steps` steps from s = 0 to the goal, with some fields replaced.

    Scalars given for state fields are spread over all states.
    """
    n, dt, speed = steps + 1, 0.05, 10.0
    s = speed * dt * np.arange(n)
    states: dict[str, Any] = {
        "x": s - 1.422,
        "y": 0.0,
        "yaw": 0.0,
        "speed": speed,
        "yaw_rate": 0.0,
        "steering_angle": 0.0,
        "acceleration": 0.0,
        "center_s": s,
        "lateral_offset": 0.0,
        "heading_error": 0.0,
        "left_border": 1.75,
        "right_border": 1.75,
        "progress": s,
        "off_road": 0.0,
        "lead_gap": 200.0,
        "collision_actor": -1,
        "closing_speed": 0.0,
        "contact_x": 0.0,
        "contact_y": 0.0,
        "other_speed": np.nan,
        "path_blocked": False,
    }
    kinds = {"collision_actor": np.int64, "path_blocked": np.bool_}
    given = {name: changes.pop(name, value) for name, value in states.items()}
    arrays = {
        name: np.broadcast_to(np.asarray(value, kinds.get(name, np.float64)), (n,)).copy()
        for name, value in given.items()
    }
    rest: dict[str, Any] = {
        "agent": "test",
        "scenario": "lane/0",
        "weather": "clear-noon",
        "held_out": False,
        "dt": dt,
        "route_length": float(s[-1]),
        "time_limit": float(s[-1]) / (5.0 / 3.6) + 20.0,
        "start_s": 0.0,
        "goal_s": float(s[-1]),
        "steering": np.zeros(steps),
        "acceleration_action": np.full(steps, np.nan),
        "act_seconds": np.full(steps, 0.001),
    }
    return Episode(**arrays, **(rest | changes))


def at(steps: int, values: dict[int, float], default: float = 0.0) -> np.ndarray:
    """(steps + 1,) `default` but for some states."""
    found = np.full(steps + 1, default)
    for step, value in values.items():
        found[step] = value
    return found
