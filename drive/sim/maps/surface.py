"""From lanes to what is drawn: strips of surface between two borders, strokes of paint along one."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.portable_math_arrays import hypot_array
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
_MOST_CELLS = 3e7  # of a grid; junctions larger than 500 m are traced more coarsely


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
    points = points[np.concatenate([[True], hypot_array(*np.diff(points, axis=0).T) > 1e-6])]
    if distance == 0.0 or len(points) < 2:
        return points
    tangent = np.gradient(points, axis=0)
    length = hypot_array(tangent[:, 0], tangent[:, 1])
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


def long_axis(polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) unit vector along which a polygon's corners are spread widest."""
    x, y = (polygon[:, :2] - polygon[:, :2].mean(axis=0)).T
    # The larger axis of [[a, b], [b, -a]], the part of the covariance that has a direction.
    a, b = 0.5 * float((x * x - y * y).sum()), float((x * y).sum())
    size = math.sqrt(a * a + b * b)
    axis = np.array([a + size, b]) if a >= 0.0 else np.array([b, size - a])
    length = float(hypot_array(*axis))
    return axis / length if length > 0.0 else np.array([1.0, 0.0])


def zebra_bars(polygon: NDArray[np.float64], bar: float = 0.5, gap: float = 0.5) -> list[NDArray[np.float64]]:
    """The white bars of a pedestrian crossing, side by side along its longer axis.

    Args:
        polygon: (n, 2) convex outline [m].
        bar: width of a bar [m].
        gap: between bars [m].
    """
    axis = long_axis(polygon)
    along = polygon[:, 0] * axis[0] + polygon[:, 1] * axis[1]
    count = int((along.max() - along.min() + gap) / (bar + gap))
    first = 0.5 * (along.max() + along.min() - count * (bar + gap) + gap)
    lows = first + np.arange(count) * (bar + gap)
    bars = [_clip(_clip(polygon, axis, low, True), axis, low + bar, False) for low in lows]
    return [corners for corners in bars if len(corners) >= 3]


def _clip(
    polygon: NDArray[np.float64], axis: NDArray[np.float64], limit: float, above: bool
) -> NDArray[np.float64]:
    """The part of a convex polygon on one side of a line (Sutherland and Hodgman)."""
    height = (polygon[:, 0] * axis[0] + polygon[:, 1] * axis[1] - limit) * (1.0 if above else -1.0)
    result = []
    for i in range(len(polygon)):
        a, b, height_a, height_b = polygon[i - 1], polygon[i], height[i - 1], height[i]
        if (height_a >= 0.0) != (height_b >= 0.0):
            result.append(a + (b - a) * (height_a / (height_a - height_b)))
        if height_b >= 0.0:
            result.append(b)
    return np.array(result).reshape(-1, 2)


def _style(stroke: Stroke) -> tuple:
    return (stroke.type, stroke.color, stroke.width, stroke.dash, stroke.gap, stroke.wear, stroke.layer)


def join_strokes(strokes: list[Stroke], tolerance: float = 0.01) -> list[Stroke]:
    """Strokes that continue each other with the same paint as one, so that dashes keep their rhythm.

    A stroke may be turned round. Where more than two meet, none goes on.

    Args:
        strokes: any.
        tolerance: between the ends that meet [m].
    """
    meeting: dict[tuple, list[tuple[int, int]]] = {}

    ends = np.array([stroke.points[[0, -1]] for stroke in strokes]).reshape(-1, 2, 2)
    cells = np.round(ends / tolerance).astype(int).tolist()
    styles = [_style(stroke) for stroke in strokes]

    def cell(i: int, end: int, dx: int = 0, dy: int = 0) -> tuple:
        x, y = cells[i][end]
        return (*styles[i], x + dx, y + dy)

    for i in range(len(strokes)):
        for end in (0, -1):
            meeting.setdefault(cell(i, end), []).append((i, end))
    partner: dict[tuple[int, int], tuple[int, int]] = {}
    for i in range(len(strokes)):
        for end in (0, -1):
            around = [cell(i, end, dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
            met = [other for key in around for other in meeting.get(key, ()) if other != (i, end)]
            if len(met) == 1:
                partner[i, end] = met[0]
    partner = {a: b for a, b in partner.items() if partner.get(b) == a}
    result: list[Stroke] = []
    done: set[int] = set()
    first_ends = [(i, end) for i in range(len(strokes)) for end in (0, -1) if (i, end) not in partner]
    for i, end in [*first_ends, *((i, 0) for i in range(len(strokes)))]:  # chains, then rings
        if i in done:
            continue
        parts: list[NDArray[np.float64]] = []
        at: tuple[int, int] | None = (i, end)
        while at is not None and at[0] not in done:
            done.add(at[0])
            points = strokes[at[0]].points
            points = points if at[1] == 0 else points[::-1]
            parts.append(points[1:] if parts else points)
            at = partner.get((at[0], -1 if at[1] == 0 else 0))
        result.append(replace(strokes[i], points=np.concatenate(parts)))
    return result


def drop_doubles(strokes: list[Stroke], tolerance: float = 0.1) -> list[Stroke]:
    """Leave out strokes that lie along another one of the same paint, as where two lanes share a border.

    Args:
        strokes: any; the longer one of two stays.
        tolerance: between the strokes, roughly [m].
    """
    placed: dict[str, set[tuple[int, int]]] = {}
    kept = []
    for stroke in sorted(strokes, key=lambda x: -float(hypot_array(*np.diff(x.points, axis=0).T).sum())):
        there = placed.setdefault(stroke.type + stroke.color, set())
        probes = _cells_along(stroke.points, 2.0, tolerance)
        if all(any((x + i, y + j) in there for i in (0, 1, -1) for j in (0, 1, -1)) for x, y in probes):
            continue
        there.update(_cells_along(stroke.points, tolerance, tolerance))
        kept.append(stroke)
    return kept


def _cells_along(points: NDArray[np.float64], step: float, cell: float) -> list[tuple[int, int]]:
    """Cells of a grid at five places or more along a polyline, at most `step` apart."""
    s = np.concatenate([[0.0], np.cumsum(hypot_array(*np.diff(points, axis=0).T))])
    at = np.linspace(0.0, s[-1], 5 + int(s[-1] / step))
    x, y = (np.round(np.interp(at, s, points[:, axis]) / cell).astype(int).tolist() for axis in (0, 1))
    return list(zip(x, y, strict=True))


class _Grid:
    """Polygons on a grid of cells, and the way back."""

    def __init__(self, surfaces: list[Surface], cell: float, margin: float) -> None:
        corners = np.concatenate([surface.polygon for surface in surfaces])
        self.low = corners.min(axis=0) - margin
        span = corners.max(axis=0) + margin - self.low
        self.cell = max(cell, float(np.sqrt(span.prod() / _MOST_CELLS)))
        self.size = np.ceil(span / self.cell).astype(int)

    def mask(self, surfaces: list[Surface]) -> Any:
        import cv2

        mask = np.zeros((int(self.size[1]), int(self.size[0])), np.uint8)
        for surface in surfaces:
            pixels = np.round((surface.polygon - self.low) / self.cell * 16.0 - 8.0).astype(np.int32)
            cv2.fillPoly(mask, [pixels], 255, lineType=cv2.LINE_8, shift=4)
        return mask

    def polygons(self, mask: Any) -> list[NDArray[np.float64]]:
        import cv2

        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return [self.low + (x[:, 0, :] + 0.5) * self.cell for x in outlines if len(x) >= 3]


def _closed(mask: Any, cells: int, largest_hole: float) -> Any:
    """A mask with narrow gaps closed and holes of up to `largest_hole` cells filled."""
    import cv2

    closed = cv2.morphologyEx(
        mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (cells | 1, cells | 1))
    )
    outlines, tree = cv2.findContours(closed, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for outline, (_, _, _, parent) in zip(outlines, tree[0], strict=True):
        if parent >= 0 and cv2.contourArea(outline) <= largest_hole:
            cv2.drawContours(closed, [outline], -1, 255, cv2.FILLED)
    return closed


def area(members: list[Surface], cell: float = 0.1, bridge: float = 2.0) -> list[Surface]:
    """The ground of the lanes of a junction: their union with holes filled and gaps closed.

    The outline is traced on a grid and drawn in by 1.5 cells, so that it stays below the exact strips.

    Args:
        members: at least one, of one material and layer.
        cell: of the grid [m].
        bridge: gaps up to this wide are closed [m].
    """
    import cv2

    grid = _Grid(members, cell, bridge)
    filled = _closed(grid.mask(members), round(bridge / grid.cell), np.inf)
    filled = cv2.erode(filled, np.ones((3, 3), np.uint8))
    first = members[0]
    return [Surface(polygon, first.material, first.layer) for polygon in grid.polygons(filled)]


def gaps(
    members: list[Surface],
    others: list[Surface],
    material: str = "asphalt",
    cell: float = 0.1,
    bridge: float = 2.0,
    largest: float = 120.0,
) -> list[Surface]:
    """The ground that surfaces leave free between them: what is narrow, and small holes.

    Only what borders on asphalt or a shoulder counts. Each reaches a little below its neighbours, so that no
    seam is seen; draw them first.

    Args:
        members: around these, at least one.
        others: further surfaces that may enclose a hole.
        material: of the result.
        cell: of the grid [m].
        bridge: gaps up to this wide are closed [m].
        largest: hole that is filled [m^2].
    """
    import cv2

    grid = _Grid(members, cell, 3.0 * bridge)
    mask = grid.mask([*members, *others])
    free = cv2.bitwise_and(
        _closed(mask, round(bridge / grid.cell), largest / grid.cell**2), cv2.bitwise_not(mask)
    )
    paved = grid.mask([x for x in (*members, *others) if x.material in ("asphalt", "shoulder")])
    count, parts = cv2.connectedComponents(free)
    touching = np.zeros(count, np.uint8)
    touching[parts[cv2.dilate(paved, np.ones((5, 5), np.uint8)) > 0]] = 255
    free &= touching[parts]
    free = cv2.dilate(free, np.ones((5, 5), np.uint8))
    return [Surface(polygon, material, members[0].layer) for polygon in grid.polygons(free)]
