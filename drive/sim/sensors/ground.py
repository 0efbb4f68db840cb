"""The ground of a map as a pyramid of tiles: what lies on every decimetre, without its colour."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.core.portable_math_arrays import hypot_array, sincos_array
from drive.sim.maps.road_map import Lane, RoadMap, Stroke, Surface
from drive.sim.sensors import ground_paint as paint
from drive.sim.sensors.ground_levels import finish_tiles, join_tiles
from drive.sim.sensors.pixels import GRASS_VARIANTS, LEVELS, OFFSETS, STRIDES, TEXEL, TILE, TILE_SIZE

TILE_LENGTH = TILE * TEXEL  # [m]
_MATERIALS = {
    "asphalt": paint.ASPHALT,
    "concrete": paint.CONCRETE,
    "shoulder": paint.SHOULDER,
    "sidewalk": paint.SIDEWALK,
    "median": paint.MEDIAN,
    "crosswalk": paint.ASPHALT,
    "paint white": paint.ASPHALT,
    "grass": paint.GRASS,
    "dirt": paint.DIRT,
}
_PAINTS = {
    "white": paint.WHITE,
    "standard": paint.WHITE,
    "yellow": paint.YELLOW,
    "blue": paint.BLUE,
    "green": paint.GREEN,
    "red": paint.RED,
    "orange": paint.ORANGE,
}
MAX_TILES = 15_000
_PIECE = 3.2  # longest segment that is drawn at once [m]


@dataclass(frozen=True, eq=False)
class Ground:
    """Tiles of texels around the roads of one map, grass elsewhere.

    A texel (16 bits, see `pixels`) holds grain, material, paint coverage and paint class. Worlds that
    share a Ground object share its tiles in a `SceneStore`.
    """

    x0: float  # corner of the grid of tiles [m], a multiple of the tile's side
    y0: float
    grid: NDArray[np.int32]  # (rows along y, columns along x): index of a tile, or -1 - variant of grass
    tiles: NDArray[np.uint16]  # (n, TILE_SIZE)

    @classmethod
    def of(cls, road_map: RoadMap, seed: np.random.Generator | int = 0) -> "Ground":
        """Draw a map's surfaces, then its lines; equal maps and seeds give equal tiles.

        Args:
            road_map: its `surfaces` in order, its `strokes` over them.
            seed: of the grain, patches and cracks of the road.

        Raises:
            UserError: the map has more ground than MAX_TILES.
        """
        rng = np.random.default_rng(seed)
        salt = int(rng.integers(1 << 20))
        polygons = [np.ascontiguousarray(s.polygon[:, :2], np.float64) for s in road_map.surfaces]
        segments = _segments(road_map, rng)
        x0, y0, rows, columns = _extent(polygons, segments)
        used = np.zeros((rows, columns), np.uint8)
        for polygon in polygons:
            paint.mark_tiles_of_polygon(polygon, x0, y0, used)
        paint.mark_tiles_of_segments(segments, x0, y0, used)
        where = np.flatnonzero(used)
        if len(where) > MAX_TILES:
            ground, limit = (n * TILE_LENGTH**2 / 1e6 for n in (len(where), MAX_TILES))
            raise UserError(
                f"{road_map.name or 'the map'}: {ground:.1f} square km of ground at its roads, "
                f"at most {limit:.1f} can be drawn; cut the map into parts."
            )
        grid = -1 - rng.integers(GRASS_VARIANTS, size=used.shape, dtype=np.int32)
        grid.flat[where] = np.arange(len(where), dtype=np.int32)
        tiles = np.zeros((len(where), TILE_SIZE), np.uint16)
        texels = len(where), TILE * TILE
        material, cover, classes = (np.zeros(texels, np.uint8) for _ in range(3))
        tone = np.zeros(texels, np.int8)
        for surface, polygon in zip(road_map.surfaces, polygons, strict=True):
            kind = _MATERIALS.get(surface.material, paint.ASPHALT)
            paint.fill_polygon(polygon, x0, y0, grid, material, kind, cover, classes, _stripe(surface))
        paint.draw_segments(segments, x0, y0, salt, grid, material, cover, classes, tone)
        first_x = (where % columns) * TILE + round(x0 / TEXEL)
        first_y = (where // columns) * TILE + round(y0 / TEXEL)
        finish_tiles(first_x, first_y, salt, material, cover, classes, tone, tiles)
        join_tiles(grid, tiles)
        for array in (grid, tiles):
            array.setflags(write=False)
        return cls(x0, y0, grid, tiles)

    def texel(self, x: float, y: float) -> int:
        """The finest texel at a point of the plane [m], 0 (grass) outside the tiles."""
        column, row = int(np.floor((x - self.x0) / TEXEL)), int(np.floor((y - self.y0) / TEXEL))
        gy, gx = row // TILE, column // TILE
        if not (0 <= gy < self.grid.shape[0] and 0 <= gx < self.grid.shape[1]) or self.grid[gy, gx] < 0:
            return 0
        return int(self.tiles[self.grid[gy, gx], (row % TILE) * STRIDES[0] + column % TILE])

    def material(self, x: float, y: float) -> int:
        """Material at a point [m] (`ground_paint.ASPHALT`, ...)."""
        return self.texel(x, y) >> 4 & 15

    def coverage(self, x: float, y: float) -> float:
        """Share of the texel at a point [m] that is painted."""
        return (self.texel(x, y) >> 8 & 15) / 15.0


@cache
def grass_tiles() -> NDArray[np.uint16]:
    """(GRASS_VARIANTS, TILE_SIZE) tiles of plain grass that all grounds share."""
    n, texels = GRASS_VARIANTS, (GRASS_VARIANTS, TILE * TILE)
    tiles = np.zeros((n, TILE_SIZE), np.uint16)
    bare = np.zeros(texels, np.uint8)
    corner = np.arange(n) * TILE * 16
    finish_tiles(corner, corner, 5, bare, bare, bare, np.zeros(texels, np.int8), tiles)
    for tile in tiles:
        for level in range(LEVELS):
            size, step = TILE >> level, STRIDES[level]
            block = tile[OFFSETS[level] : OFFSETS[level] + step * step].reshape(step, step)
            block[:size, size] = block[:size, 0]
            block[size, :] = block[0, :]
    return tiles


def _extent(polygons: list[NDArray[np.float64]], segments: np.ndarray) -> tuple[float, float, int, int]:
    xs = [p[:, 0] for p in polygons] + [segments["x0"], segments["x1"]]
    ys = [p[:, 1] for p in polygons] + [segments["y0"], segments["y1"]]
    x, y = np.concatenate(xs), np.concatenate(ys)
    if len(x) == 0:
        return 0.0, 0.0, 1, 1
    left, bottom = (int(np.floor((v.min() - 1.0) / TILE_LENGTH)) for v in (x, y))
    right, top = (int(np.floor((v.max() + 1.0) / TILE_LENGTH)) for v in (x, y))
    return left * TILE_LENGTH, bottom * TILE_LENGTH, top - bottom + 1, right - left + 1


def _stripe(surface: Surface) -> NDArray[np.float64]:
    """Where zebra stripes start and which way they repeat: along the polygon's longest edge."""
    stripe = np.zeros(4)
    edges = np.diff(surface.polygon[:, :2], axis=0, append=surface.polygon[:1, :2])
    longest = edges[np.argmax((edges**2).sum(1))]
    if surface.material == "crosswalk":
        stripe[:2] = surface.polygon[0, :2]
        stripe[2:] = longest / hypot_array(*longest)
    elif surface.material == "paint white":
        # one stripe of endless width: half a metre of "along" never passes
        stripe[:2] = surface.polygon[0, :2] - 1e3
        stripe[2] = 1e-5
    return stripe


def _segments(road_map: RoadMap, rng: np.random.Generator) -> np.ndarray:
    """All that is drawn as lines, in drawing order: road tone, patches, cracks, then kerbs and paint."""
    parts: list[np.ndarray] = []
    for lane in road_map.lanes:
        if lane.drivable and lane.length > 2.0:
            parts.extend(_lane_traces(lane, rng))
    kerbs = [s for s in road_map.strokes if s.type == "curb"]
    for stroke in kerbs:
        parts.append(_pieces(stroke.points, 0.5 * max(stroke.width, 0.2) + 0.12, paint.MATERIAL, paint.KERB))
    for stroke in kerbs:
        parts.append(_pieces(stroke.points, 0.5 * max(stroke.width, 0.2), paint.PAINT, paint.KERB_TOP))
    for stroke in road_map.strokes:
        if stroke.type in ("solid", "broken", "botts dots"):
            parts.append(_paint_pieces(stroke))
    return np.concatenate([np.zeros(0, paint.SEGMENT), *parts])


def _paint_pieces(stroke: Stroke) -> np.ndarray:
    dash, gap = {"broken": (stroke.dash, stroke.gap), "botts dots": (0.14, 1.1)}.get(stroke.type, (0.0, 0.0))
    width = max(stroke.width, 0.14) if stroke.type == "botts dots" else max(stroke.width, 0.08)
    color = _PAINTS.get(stroke.color, paint.WHITE)
    return _pieces(stroke.points, 0.5 * width, paint.PAINT, color, dash=dash, gap=gap, wear=stroke.wear)


def _count(rng: np.random.Generator, mean: float) -> int:
    """How many of something there are: drawn from whole numbers, whose bits are the same on every machine."""
    return int(np.count_nonzero(rng.integers(4, size=round(4.0 * mean)) == 0))


def _lane_traces(lane: Lane, rng: np.random.Generator) -> Iterable[np.ndarray]:
    """Tyre tracks, the oil line between them, patches and cracks of one lane."""
    yaw = lane.headings
    sine, cosine = sincos_array(yaw)
    normal = np.stack([-sine, cosine], axis=1)
    center = lane.center[:, :2]
    for side in (-0.8, 0.8):
        yield _pieces(center + side * normal, 0.3, paint.TONE, 2)
    yield _pieces(center, 0.25, paint.TONE, -2)
    width = float(lane.width.mean())
    for _ in range(_count(rng, lane.length / 60.0)):
        s, length = rng.uniform(0.0, lane.length), rng.uniform(1.0, 9.0)
        half = rng.uniform(0.3, max(0.3, 0.45 * width))
        where = np.array([s, min(s + length, lane.length)])
        aside = rng.uniform(-0.5, 0.5) * (width - 2.0 * half)
        line = np.stack(
            [np.interp(where, lane.s, center[:, k] + aside * normal[:, k]) for k in (0, 1)], axis=1
        )
        yield _pieces(line, half, paint.MATERIAL, paint.PATCH)
    for _ in range(_count(rng, lane.length / 30.0)):
        n = int(rng.integers(4, 12))
        along = np.clip(rng.uniform(0.0, lane.length) + np.cumsum(rng.uniform(0.0, 0.9, n)), 0.0, lane.length)
        wander = np.clip(
            rng.uniform(-0.4, 0.4) * width + np.cumsum(rng.uniform(-0.4, 0.4, n)), -0.45 * width, 0.45 * width
        )
        line = np.stack([np.interp(along, lane.s, center[:, k]) for k in (0, 1)], axis=1)
        across = np.stack([np.interp(along, lane.s, normal[:, k]) for k in (0, 1)], axis=1)
        yield _pieces(line + wander[:, None] * across, 0.06, paint.MATERIAL, paint.CRACK)


def _pieces(
    points: NDArray[np.float64],
    half: float,
    mode: int,
    value: int,
    dash: float = 0.0,
    gap: float = 0.0,
    wear: float = 0.0,
) -> np.ndarray:
    """A polyline as SEGMENT records of at most _PIECE metres."""
    start, step = points[:-1, :2], np.diff(points[:, :2], axis=0)
    length = hypot_array(step[:, 0], step[:, 1])
    count = np.maximum(1, np.ceil(length / _PIECE)).astype(np.int64)
    which = np.repeat(np.arange(len(length)), count)
    part = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    t0, t1 = (part / count[which])[:, None], ((part + 1) / count[which])[:, None]
    pieces = np.zeros(len(which), paint.SEGMENT)
    pieces["x0"], pieces["y0"] = (start[which] + t0 * step[which]).T
    pieces["x1"], pieces["y1"] = (start[which] + t1 * step[which]).T
    pieces["s"] = (np.cumsum(length) - length)[which] + t0[:, 0] * length[which]
    pieces["half"], pieces["dash"], pieces["gap"], pieces["wear"] = half, dash, gap, wear
    pieces["mode"], pieces["value"] = mode, value
    if len(pieces):
        pieces["first"][0] = pieces["last"][-1] = 1
    return pieces
