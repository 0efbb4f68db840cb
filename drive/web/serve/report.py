"""The messages `map` and `state` of the protocol, as plain values."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import DT
from drive.web.serve.simulation import Simulation

NEAR = 80.0  # actors within this are sent [m]
MAX_ACTORS = 60
AROUND = 150.0  # lanes within this of the route are sent [m]
SPACING = 4.0  # between two points of a lane [m]
MAX_LANES = 400


def describe_map(simulation: Simulation) -> dict[str, Any]:
    """The fields of `map`."""
    scenario, choice = simulation.scenario, simulation.choice
    points = scenario.route.points
    route = _line(np.stack([points["x"], points["y"]], axis=1), 0.5)
    low = np.array([points["x"].min(), points["y"].min()]) - AROUND
    high = np.array([points["x"].max(), points["y"].max()]) + AROUND
    lanes = []
    for lane in scenario.road_map.lanes:
        center = lane.center[:, :2]
        if lane.drivable and np.all((center > low) & (center < high), axis=1).any():
            lanes.append(
                {
                    "type": lane.type,
                    "width": round(float(np.mean(lane.width)), 2),
                    "points": _line(center, lane.length / max(len(center) - 1, 1)),
                }
            )
    params = simulation.params
    return {
        "scenario": scenario.name,
        "map": choice.map,
        "seed": choice.seed,
        "weather": scenario.weather,
        "traffic": choice.traffic,
        "route": route,
        "start_s": scenario.start_s,
        "goal_s": scenario.goal_s,
        "lanes": lanes[:MAX_LANES],
        "car": {
            "length": float(params.length),
            "width": float(params.width),
            "center_x": float(params.center_x),
        },
    }


def _line(points: NDArray[np.float64], spacing: float) -> list[list[float]]:
    """A thinned line, both ends kept."""
    every = max(int(SPACING / max(spacing, 1e-6)), 1)
    kept = np.unique(np.r_[np.arange(0, len(points), every), len(points) - 1])
    return [[round(float(x), 2), round(float(y), 2)] for x, y in points[kept]]


def describe_drive(simulation: Simulation) -> dict[str, Any]:
    """The fields of `state` that follow from where the car is."""
    ego, truth = simulation.ego, simulation.truth()
    offset = float(ego["lateral_offset"])
    return {
        "drive_step": simulation.drive_step,
        "time_s": round(simulation.drive_step * DT, 2),
        "end": simulation.end,
        "at_wheel": simulation.at_wheel,
        "agent": simulation.agent.name if simulation.agent is not None else None,
        "intervention": simulation.agent is not None and simulation.person_drives,
        "wheel_angle_rad": _short(ego["steering_angle"], 5),
        "speed": _short(ego["speed"], 3),
        "speed_limit": _short(ego["speed_limit"], 2),
        "command": int(simulation.observation["command"]),
        "lateral_offset": _short(offset, 3),
        "heading_error": _short(ego["heading_error"], 4),
        "left_lane": offset > float(ego["left_border"]) or offset < -float(ego["right_border"]),
        "off_road": truth["off_road"],
        "collision": truth["collision"],
        "route_completion": _short(truth["route_completion"], 4),
        "pose": [_short(ego[name], 3) for name in ("x", "y", "yaw")],
        "actors": _actors(simulation),
        "shadows": {
            shadow.name: {
                "steering": None if shadow.control is None else _short(shadow.control.steering, 4),
                "disagreement": _short(shadow.disagreement, 4),
            }
            for shadow in simulation.shadows
        },
        "agent_steering": (
            None
            if simulation.agent is None or simulation.agent.control is None
            else _short(simulation.agent.control.steering, 4)
        ),
    }


def _actors(simulation: Simulation) -> list[list[float]]:
    actors, ego = simulation.actors, simulation.ego
    away = (actors["x"] - ego["x"]) ** 2 + (actors["y"] - ego["y"]) ** 2
    near = np.flatnonzero((away < NEAR * NEAR) & (actors["active"] != 0))
    near = near[np.argsort(away[near], kind="stable")][:MAX_ACTORS]
    names = ("x", "y", "yaw", "length", "width")
    return [[round(float(actors[name][i]), 2) for name in names] for i in near]


def _short(value: Any, digits: int) -> float | None:
    """A number rounded for the wire; null where it is none."""
    if value is None:
        return None
    number = float(value)
    return round(number, digits) if math.isfinite(number) else None
