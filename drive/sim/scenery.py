"""What stands beside the road: houses, trees, lamps, fences, signs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import atan2, sincos
from drive.sim.arrays import BUILDING, BUSH, FENCE, POLE, PROP, SIGN, TRAFFIC_LIGHT, TREE
from drive.sim.maps.drivable import DrivableArea, distance_outside, drivable_area
from drive.sim.maps.road_map import Lane, RoadMap
from drive.sim.scenery_rows import BUSHES, LEAVES, METAL, POLES, ROWS, SIGNS, WALLS, Row

CLEARANCE = 1.5  # between the drivable area and what is scattered [m]
BUILDING_CLEARANCE = 5.0  # [m]
_OBJECT_CLEARANCE = 0.2  # of what a map's file places by itself [m]
_HIGHEST = 300.0  # of what a map's file places [m]
_CELL = 16.0  # of the grid on which scattered things are looked up [m]
_CHAINS = 1 << 14
_BEYOND = 70.0  # how far the scenery goes on beyond the end of a road [m]

# The kinds of a map's own objects, by OpenDRIVE object type: kind and colours.
_OF_FILE: dict[str, tuple[int, tuple[int, ...]]] = {
    "building": (BUILDING, WALLS),
    "tree": (TREE, LEAVES),
    "vegetation": (BUSH, BUSHES),
    "pole": (POLE, POLES),
    "streetLamp": (POLE, POLES),
    "gantry": (POLE, POLES),
    "barrier": (FENCE, METAL),
    "railing": (FENCE, METAL),
    "wall": (FENCE, WALLS),
    "soundBarrier": (FENCE, METAL),
}


def scatter(
    road_map: RoadMap, rng: np.random.Generator, style: str | None = None, area: DrivableArea | None = None
) -> np.ndarray:
    """Place scenery beside the roads of a map.

    Nothing scattered stands within CLEARANCE of the drivable area (buildings: BUILDING_CLEARANCE), and
    nothing overlaps anything else. What the map itself places (objects, signs, lights) comes first and
    stays unless it stands on the drivable area.

    Args:
        road_map: the roads.
        rng: everything random follows from it.
        style: a key of ROWS; by default the map's own, or one that fits each road of a file.
        area: the map's drivable area, where it is at hand already.

    Returns:
        (n,) a record array of `drive.sim.arrays.PROP`.

    Raises:
        ValueError: unknown style.
    """
    if style is not None and style not in ROWS:
        raise ValueError(f"The scenery style is {style!r}; take one of {', '.join(ROWS)}.")
    area = area or drivable_area(road_map)
    own = _of_map(road_map, rng)
    edges = _edges(road_map)
    if not edges:
        return own
    parts = [own]
    styles = [style or road_map.style or _style_of(road_map.lanes[e.lane]) for e in edges]
    for name in ROWS:
        here = [edge for edge, s in zip(edges, styles, strict=True) if s == name]
        parts += [_row(rng, row, here) for row in ROWS[name] if here]
    props = np.concatenate(parts)
    clearance = np.full(len(props), CLEARANCE)
    clearance[props["kind"] == BUILDING] = BUILDING_CLEARANCE
    clearance[: len(own)] = _OBJECT_CLEARANCE
    kept = np.zeros(len(props), np.bool_)
    _accept(props, clearance, len(own), area.table, area.blocks, area.x0, area.y0, area.cell, kept)
    return props[kept]


@dataclass(frozen=True, eq=False)
class _Edge:
    """An outer border of the drivable lanes, in the direction in which the outside is on its right."""

    lane: int
    s: NDArray[np.float64]  # (n,) [m]
    points: NDArray[np.float64]  # (n, 2) [m]
    normals: NDArray[np.float64]  # (n, 2) outwards, unit
    facing: float  # -1: a sign looks against the edge's direction, +1: along it
    dead_end: tuple[bool, bool]  # nothing before, nothing behind


def _edges(road_map: RoadMap) -> list[_Edge]:
    edges = []
    for lane in road_map.lanes:
        if not lane.drivable or lane.junction is not None or lane.length < 2.0:
            continue
        center = lane.center[:, :2]
        tangent = np.gradient(center, lane.s, axis=0, edge_order=2 if len(lane.s) > 2 else 1)
        tangent /= np.sqrt((tangent * tangent).sum(axis=1))[:, None]
        ends = (not lane.predecessors, not lane.successors)
        left = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
        half = 0.5 * lane.width[:, None]
        if _outer(road_map, lane.right_neighbour):
            edges.append(_Edge(lane.index, lane.s, center - half * left, -left, -1.0, ends))
        if _outer(road_map, lane.left_neighbour):
            border = (center + half * left)[::-1]
            edges.append(_Edge(lane.index, lane.s[-1] - lane.s[::-1], border, left[::-1], 1.0, ends[::-1]))
    return edges


def _outer(road_map: RoadMap, neighbour: int | None) -> bool:
    """Whether the road ends beyond a lane's border: no other lane for cars comes behind it."""
    for _ in range(8):
        if neighbour is None:
            return True
        lane = road_map.lanes[neighbour]
        if lane.drivable or lane.type == "median":
            return False
        if lane.type in ("sidewalk", "none"):
            return True
        neighbour = lane.right_neighbour
    return True


def _style_of(lane: Lane) -> str:
    """What a road of a file probably runs through, by its speed limit."""
    return "town" if lane.speed_limit < 16.0 else "country" if lane.speed_limit < 24.5 else "highway"


def _between(rng: np.random.Generator, bounds: tuple[float, float], n: int) -> NDArray[np.float64]:
    return bounds[0] + (bounds[1] - bounds[0]) * rng.random(n)


def _row(rng: np.random.Generator, row: Row, edges: Sequence[_Edge]) -> np.ndarray:
    """Candidates of one row along all edges."""
    x, y, nx, ny, lengths, face = [], [], [], [], [], []
    for edge in edges:
        begin = -_BEYOND if row.loose and edge.dead_end[0] else 0.0
        end = float(edge.s[-1]) + (_BEYOND if row.loose and edge.dead_end[1] else 0.0)
        n = int((end - begin) / (row.spacing[0] + row.length[0])) + 2
        has = rng.random() < row.sides
        length = _between(rng, row.length, n)
        gaps = _between(rng, row.spacing, n)
        step = np.cumsum(length + gaps)
        s = begin + step - 0.5 * length - gaps * rng.random()
        keep = (s > begin + 1.0) & (s < end - 1.0) & (rng.random(n) < row.share)
        if row.stretches > 0.0:
            on = rng.random(int((end - begin) / row.stretches) + 2) < 0.6
            shift = rng.random()
            keep &= on[np.clip((s - begin) / row.stretches + shift, 0, len(on) - 1).astype(int)]
        s = s[keep] if has else s[:0]
        inside = np.clip(s, 0.0, edge.s[-1])
        over = (s - inside)[:, None]
        at = [np.interp(inside, edge.s, v) for v in (*edge.points.T, *edge.normals.T)]
        # Beyond an end the edge goes on straight; the outside is on its right.
        x.append(at[0] - over[:, 0] * at[3])
        y.append(at[1] + over[:, 0] * at[2])
        nx.append(at[2])
        ny.append(at[3])
        lengths.append(length[keep] if has else length[:0])
        face.append(np.full(len(s), edge.facing))
    px, py, ox, oy, length, facing = (np.concatenate(v) for v in (x, y, nx, ny, lengths, face))
    n = len(px)
    props = np.zeros(n, PROP)
    depth = length if row.depth is None else _between(rng, row.depth, n)
    away = _between(rng, row.away, n) + 0.5 * depth
    props["kind"] = row.kind
    props["x"], props["y"] = px + away * ox, py + away * oy
    along = np.empty(n)
    _angles(ox, -oy, along)
    if row.facing:
        along = along + np.where(facing < 0.0, math.pi, 0.0)
    props["yaw"] = along + row.turned * (2.0 * rng.random(n) - 1.0)
    props["length"], props["width"] = length, depth
    props["height"] = _between(rng, row.height, n)
    props["color"] = _shaded(rng, row.colors, n)
    props["seed"] = rng.integers(1 << 31, size=n)
    return props


def _shaded(rng: np.random.Generator, colors: tuple[int, ...], n: int) -> NDArray[np.int64]:
    """Random colours of a palette, each a little lighter or darker."""
    chosen = np.array(colors, np.int64)[rng.integers(len(colors), size=n)]
    factor = 0.88 + 0.24 * rng.random(n)
    mixed = np.zeros(n, np.int64)
    for shift in (16, 8, 0):
        channel = np.minimum(((chosen >> shift) & 255) * factor, 255.0).astype(np.int64)
        mixed |= channel << shift
    return mixed


def _of_map(road_map: RoadMap, rng: np.random.Generator) -> np.ndarray:
    """What the map itself places: objects, signs and lights."""
    objects = [o for o in road_map.objects if o.type in _OF_FILE]
    props = np.zeros(len(objects) + len(road_map.signals), PROP)
    for prop, item in zip(props, objects, strict=False):
        kind, colors = _OF_FILE[item.type]
        size = (max(item.length, 0.1), max(item.width, 0.1), min(max(item.height, 0.3), _HIGHEST))
        prop["kind"], prop["x"], prop["y"], prop["yaw"] = kind, item.x, item.y, item.yaw
        prop["length"], prop["width"], prop["height"] = size
        prop["color"] = _shaded(rng, colors, 1)[0]
    for prop, signal in zip(props[len(objects) :], road_map.signals, strict=True):
        light = signal.type == "light"
        prop["kind"], prop["x"], prop["y"] = TRAFFIC_LIGHT if light else SIGN, signal.x, signal.y
        prop["yaw"] = signal.yaw
        prop["length"], prop["width"] = (0.3, 0.3) if light else (0.08, 0.6)
        prop["height"] = min(max(signal.height, 3.2 if light else 2.2), _HIGHEST)
        prop["color"] = 0x2A2C2E if light else SIGNS[0]
    props["seed"] = rng.integers(1 << 31, size=len(props))
    return props


@kernel
def _angles(y: NDArray[np.float64], x: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for i in range(len(out)):
        out[i] = atan2(y[i], x[i])


@kernel
def _overlap(
    ax: float, ay: float, al: float, aw: float, ac: float, as_: float,
    bx: float, by: float, bl: float, bw: float, bc: float, bs: float,
) -> bool:  # fmt: skip
    """Whether two rectangles (centre, half length, half width, cosine, sine of yaw) overlap."""
    dx = bx - ax
    dy = by - ay
    along = abs(ac * bc + as_ * bs)
    across = abs(ac * bs - as_ * bc)
    if abs(dx * ac + dy * as_) > al + bl * along + bw * across:
        return False
    if abs(dy * ac - dx * as_) > aw + bl * across + bw * along:
        return False
    if abs(dx * bc + dy * bs) > bl + al * along + aw * across:
        return False
    return abs(dy * bc - dx * bs) <= bw + al * across + aw * along


@kernel
def _cell(x: float, y: float) -> int:
    """The chain of the things whose centres lie in a cell; different cells may share one."""
    return (floor(x / _CELL) * 73856093 ^ floor(y / _CELL) * 19349663) & (_CHAINS - 1)


@kernel
def _meets(chosen: NDArray[np.float64], links: NDArray[np.int64], k: int, box: NDArray[np.float64]) -> bool:
    """Whether a rectangle overlaps one of the chain that begins with the k-th chosen one."""
    while k >= 0:
        other = chosen[k]
        dx, dy = other[0] - box[0], other[1] - box[1]
        reach = box[6] + other[6]
        if dx * dx + dy * dy < reach * reach and _overlap(
            box[0], box[1], box[2], box[3], box[4], box[5],
            other[0], other[1], other[2], other[3], other[4], other[5],
        ):  # fmt: skip
            return True
        k = links[k]
    return False


@kernel
def _accept(
    props: np.ndarray,
    clearance: NDArray[np.float64],
    fixed: int,
    table: NDArray[np.int32],
    blocks: NDArray[np.uint8],
    x0: float,
    y0: float,
    cell: float,
    kept: NDArray[np.bool_],
) -> None:
    """Keep, in order, what is clear of the drivable area and of everything kept before.

    The first `fixed` props only have to be clear of the drivable area.
    """
    n = len(props)
    chosen = np.empty((n, 7))  # centre, half length and width, cosine and sine of the yaw, radius
    count = 0
    heads = np.full(_CHAINS + 1, -1, np.int64)  # the last chain holds what is larger than a cell
    links = np.empty(n, np.int64)
    for i in range(n):
        x = props[i].x
        y = props[i].y
        s, c = sincos(props[i].yaw)
        h = 0.5 * props[i].length
        w = 0.5 * props[i].width
        clear = True
        # Points around the outline, at most a metre apart.
        for side in range(4):
            reach = h if side < 2 else w
            steps = int(2.0 * reach) + 1
            for k in range(steps + 1):
                at = reach * (2.0 * k / steps - 1.0)
                u = at if side < 2 else (h if side == 2 else -h)
                v = at if side >= 2 else (w if side == 0 else -w)
                outside = distance_outside(table, blocks, x0, y0, cell, x + u * c - v * s, y + u * s + v * c)
                if outside < clearance[i]:
                    clear = False
                    break
            if not clear:
                break
        radius = sqrt(h * h + w * w)
        box = chosen[count]
        box[0], box[1], box[2], box[3], box[4], box[5], box[6] = x, y, h, w, c, s, radius
        if clear and i >= fixed:
            clear = not _meets(chosen, links, heads[_CHAINS], box)
            near = int((radius + _CELL) / _CELL) + 1
            for row in range(-near, near + 1):
                for column in range(-near, near + 1):
                    at = _cell(x + column * _CELL, y + row * _CELL)
                    clear = clear and not _meets(chosen, links, heads[at], box)
        if clear:
            kept[i] = True
            at = _cell(x, y) if radius < _CELL else _CHAINS
            links[count], heads[at] = heads[at], count
            count += 1
