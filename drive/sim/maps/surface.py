"""From lanes to what is drawn: strips of surface between two borders, strokes of paint along one."""

import numpy as np
from numpy.typing import NDArray

from drive.sim.maps.road_map import Stroke, Surface

# What covers the ground of a lane, by OpenDRIVE lane type; types that are left out show the ground as it is.
MATERIALS = {
    "driving": "asphalt",
    "bidirectional": "asphalt",
    "entry": "asphalt",
    "exit": "asphalt",
    "onRamp": "asphalt",
    "offRamp": "asphalt",
    "connectingRamp": "asphalt",
    "parking": "asphalt",
    "stop": "asphalt",
    "slipLane": "asphalt",
    "roadWorks": "asphalt",
    "bus": "asphalt",
    "taxi": "asphalt",
    "HOV": "asphalt",
    "biking": "asphalt",
    "restricted": "asphalt",
    "shared": "asphalt",
    "shoulder": "shoulder",
    "border": "shoulder",
    "sidewalk": "sidewalk",
    "walking": "sidewalk",
    "curb": "concrete",
    "median": "median",
    "rail": "concrete",
    "tram": "concrete",
}
LINES_OF = {  # the lines of a compound mark, the left one first, seen along the points
    "solid solid": ("solid", "solid"),
    "solid broken": ("solid", "broken"),
    "broken solid": ("broken", "solid"),
    "broken broken": ("broken", "broken"),
}
CURB_WIDTH = 0.2  # [m]


def strip(
    left_border: NDArray[np.float64], right_border: NDArray[np.float64], material: str, layer: int = 0
) -> Surface:
    """The surface between two borders that run in the same direction.

    Args:
        left_border: (n, 2 or 3) points [m]; heights are left out.
        right_border: (m, 2 or 3) points [m].
        material: see `Surface.material`.
        layer: see `Surface.layer`.
    """
    return Surface(np.concatenate([left_border[:, :2], right_border[::-1, :2]]), material, layer)


def offset_line(points: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    """(n, 2) a polyline moved sideways, left positive [m]; points closer than 1 um are dropped first."""
    points = points[:, :2]
    points = points[np.concatenate([[True], np.hypot(*np.diff(points, axis=0).T) > 1e-6])]
    if distance == 0.0 or len(points) < 2:
        return points
    tangent = np.gradient(points, axis=0)
    length = np.hypot(tangent[:, 0], tangent[:, 1])
    tangent /= np.where(length > 0.0, length, 1.0)[:, None]
    return points + distance * np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)


def mark_strokes(
    points: NDArray[np.float64],
    mark_type: str,
    color: str = "white",
    width: float = 0.12,
    *,
    spacing: float | None = None,
    dash: float = 3.0,
    gap: float = 6.0,
    wear: float = 0.0,
    layer: int = 0,
) -> list[Stroke]:
    """The strokes of one road mark along a border: none, one, or two for a double mark.

    Args:
        points: (n, 2 or 3) the border [m]. A compound type is read from left to right along it.
        mark_type: see `Mark.type`.
        color: see `Mark.color`.
        width: of one line [m].
        spacing: between the middles of a double mark's lines [m]; one line's width stays free when None.
        dash: length of a dash of a broken line [m].
        gap: between dashes [m].
        wear: share of the paint that is gone, 0 .. 1.
        layer: see `Stroke.layer`.
    """
    if mark_type == "none" or len(points) < 2:
        return []
    lines = LINES_OF.get(mark_type, (mark_type,))
    apart = 2.0 * width if spacing is None else spacing
    strokes = []
    for line, side in zip(lines, (0.5, -0.5) if len(lines) == 2 else (0.0,), strict=True):
        moved = offset_line(points, side * apart)
        if len(moved) >= 2:
            drawn = max(width, CURB_WIDTH) if line == "curb" else width
            strokes.append(Stroke(moved, line, color, drawn, dash, gap, wear, layer))
    return strokes
