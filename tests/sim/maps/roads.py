"""Small road maps of known shape for tests."""

import numpy as np

from drive.sim.maps.procedural_line import ReferenceLine, trace
from drive.sim.maps.road_map import Lane, RoadMap


def arc(radius: float, angle: float, step: float = 0.5) -> np.ndarray:
    """(n, 3) points of an arc from (0, 0) heading east, left for a positive angle."""
    n = max(2, int(np.ceil(radius * abs(angle) / step)) + 1)
    turned = np.linspace(0.0, abs(angle), n)
    side = np.sign(angle)
    return np.stack([radius * np.sin(turned), side * radius * (1.0 - np.cos(turned)), np.zeros(n)], axis=1)


def straight(length: float, start=(0.0, 0.0), yaw: float = 0.0, step: float = 0.5) -> np.ndarray:
    s = np.linspace(0.0, length, max(2, int(length / step) + 1))
    return np.stack([start[0] + s * np.cos(yaw), start[1] + s * np.sin(yaw), np.zeros_like(s)], axis=1)


def lane(index: int, center: np.ndarray, width: float = 3.5, **fields) -> Lane:
    """A lane without known curvature along a centre line."""
    s = np.r_[0.0, np.cumsum(np.hypot(*np.diff(center[:, :2], axis=0).T))]
    given = dict(road_id=str(index), section=0, lane_id=-1, type="driving", speed_limit=10.0)
    return Lane(index=index, center=center, s=s, width=np.full(len(s), width), **{**given, **fields})


def chain_of(*centers: np.ndarray, **fields) -> RoadMap:
    """Lanes that follow one another."""
    lanes = [
        lane(
            i,
            center,
            successors=(i + 1,) if i + 1 < len(centers) else (),
            predecessors=(i - 1,) if i else (),
            **fields,
        )
        for i, center in enumerate(centers)
    ]
    return RoadMap("chain", tuple(lanes))


def line_of(*pieces: tuple[float, float, float, float], yaw: float = 0.0) -> ReferenceLine:
    return trace(list(pieces), yaw, 5.0)
