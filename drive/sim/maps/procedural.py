"""Seeded generator of single roads: one road without junctions, with everything painted on it."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drive.sim.maps.procedural_line import ReferenceLine, draw_line
from drive.sim.maps.procedural_section import Border, Paint, RoadStyle
from drive.sim.maps.procedural_style import draw_style, pick, redraw_style
from drive.sim.maps.road_map import Lane, Mark, RoadMap, Signal, Stroke, Surface
from drive.sim.maps.styles import STYLES, generated_map
from drive.sim.maps.surface import mark_strokes, strip

BARE_LENGTH = (10.0, 25.0)  # of a stretch without paint [m]
_BEND = 1.0 / 130.0  # from this curvature on, the paint is that of bends [1/m]
_BEND_APPROACH = 18.0  # how far before and after a bend its paint reaches [m]
_PAINTED_START = 25.0  # after the run-in [m]
_SURFACE_PIECE = 40.0  # [m]
_REVERSED = {"solid broken": "broken solid", "broken solid": "solid broken"}


@dataclass(frozen=True)
class RoadConfig:
    """What road to generate."""

    length: float = 400.0
    """The part that is driven and scored [m]."""
    run_in: float = 30.0
    """Road before it [m]."""
    run_out: float = 80.0
    """Road after it, so that the camera sees no end [m]."""
    style: str | None = None
    """One of STYLES; by default the seed decides."""

    def __post_init__(self) -> None:
        for name in ("length", "run_in", "run_out"):
            value = getattr(self, name)
            if not 0.0 <= value <= 5000.0 or (name == "length" and value < 20.0):
                raise ValueError(f"RoadConfig.{name} is {value} m; take 0 to 5000 m (length: from 20 m).")
        if self.style is not None and self.style not in STYLES:
            raise ValueError(f"RoadConfig.style is {self.style!r}; take one of {', '.join(STYLES)}.")


def generate_road(rng: np.random.Generator, config: RoadConfig | None = None) -> RoadMap:
    """Generate one road: its line, lanes, marks, surfaces and a speed sign.

    Every driven lane is at least run_in + length + run_out long. The same generator state gives the
    same bytes.
    """
    config = config or RoadConfig()
    style, line = draw_road(rng, config)
    return build_road(rng, style, line, _posted_limit(style, line), config)


def draw_road(rng: np.random.Generator, config: RoadConfig) -> tuple[RoadStyle, ReferenceLine]:
    """The first half of `generate_road`: the cross section and the line that it follows."""
    style = draw_style(rng, config.style)
    return style, draw_line(rng, style.line, style.section, config.run_in + config.length + config.run_out)


def build_road(
    rng: np.random.Generator, style: RoadStyle, line: ReferenceLine, limit: float, config: RoadConfig
) -> RoadMap:
    """Lanes, marks, surfaces and a speed sign along a line.

    Args:
        rng: stretches without paint and the wear of the rest follow from it.
        style: the cross section.
        line: on which the style's offsets are measured.
        limit: that is posted [m/s].
        config: for the name, and the run-in, whose paint is whole.
    """
    zones = _paint_zones(rng, style, line, config.run_in + _PAINTED_START)
    lanes = _lanes(style, line, zones, limit)
    coarse = _coarse_stations(style, line)
    return RoadMap(
        name=generated_map(config.style),
        lanes=lanes,
        strokes=tuple(_strokes(rng, style, coarse, zones)),
        surfaces=tuple(_surfaces(style, coarse)),
        signals=(_speed_sign(style, line, lanes, limit),),
        style=style.name,
    )


def repaint_road(
    rng: np.random.Generator, look: np.random.Generator, road: RoadMap, config: RoadConfig
) -> RoadMap:
    """A generated road with other paint and other ground beside its lanes, which stay as they are.

    Args:
        rng: in the state in which `generate_road` made the road.
        look: the new paint follows from it.
        road: what `generate_road` made.
        config: with which it did.

    Returns:
        The same lanes and signals; strokes, surfaces and style are new. The marks that the lanes list are
        still the old ones.
    """
    style, line = draw_road(rng, config)
    # A border must not fold over in the tightest bend to its side.
    bend = 0.8 / max(1e-6, float(line.curvature.max())), 0.8 / max(1e-6, float(-line.curvature.min()))
    edges = float(style.offsets[0]), -float(style.offsets[-1])
    other = redraw_style(look, style, (max(bend[0], edges[0]), max(bend[1], edges[1])))
    built = build_road(look, other, line, road.lanes[0].speed_limit, config)
    return replace(road, strokes=built.strokes, surfaces=built.surfaces, style=built.style)


def _posted_limit(style: RoadStyle, line: ReferenceLine) -> float:
    """The usual limit, or a lower one that is at most 1.6 times what the tightest bend allows.

    Corners count as bends of 20 m radius: there, drivers slow down for the corner itself.
    """
    tightest = min(1.0 / 20.0, max(1e-4, float(np.max(np.abs(line.curvature)))))
    fits = 1.6 * math.sqrt(2.5 / tightest)
    below = [limit for limit in style.speed_limits if limit <= fits]
    return below[0] if below else min(style.speed_limits)


def _paint_zones(
    rng: np.random.Generator, style: RoadStyle, line: ReferenceLine, painted_to: float
) -> list[tuple[float, float, str]]:
    """(begin, end, "base" or "curve" or "bare") along the reference line, without gaps.

    No bare stretch begins before `painted_to`, so that drives start between marks.
    """
    end = float(line.s[-1])
    bent = np.abs(line.curvature) > _BEND
    begins = line.s[np.flatnonzero(bent & ~np.r_[False, bent[:-1]])] - _BEND_APPROACH
    ends = line.s[np.flatnonzero(bent & ~np.r_[bent[1:], False])] + _BEND_APPROACH
    cuts: list[tuple[float, float, str]] = []
    for a, b in zip(begins.tolist(), ends.tolist(), strict=True):
        if cuts and a < cuts[-1][1] + 20.0:
            cuts[-1] = (cuts[-1][0], b, "curve")
        else:
            cuts.append((a, b, "curve"))
    kinds = [(0.0, end, "base"), *cuts]

    bare: list[tuple[float, float, str]] = []
    half_width = float(np.max(np.abs(style.offsets)))
    for _ in range(style.bare_stretches):
        for _attempt in range(10):
            length = BARE_LENGTH[0] + 0.5 + (BARE_LENGTH[1] - BARE_LENGTH[0] - 1.0) * float(rng.random())
            a = painted_to + float(rng.random()) * (end - 20.0 - painted_to - length)
            turned = abs(float(np.diff(np.interp([a, a + length], line.s, line.yaw))[0]))
            apart = all(a > b1 + 40.0 or a + length < b0 - 40.0 for b0, b1, _ in bare)
            if painted_to <= a <= end - 20.0 - length and turned * half_width < 0.45 and apart:
                bare.append((a, a + length, "bare"))
                break
    kinds += bare
    edges = sorted({min(max(v, 0.0), end) for a, b, _ in kinds for v in (a, b)})
    zones: list[tuple[float, float, str]] = []
    for a, b in itertools.pairwise(edges):
        kind = [k for s0, s1, k in kinds if s0 <= 0.5 * (a + b) <= s1][-1]
        if zones and zones[-1][2] == kind:
            zones[-1] = (zones[-1][0], b, kind)
        else:
            zones.append((a, b, kind))
    return zones


def _paint_in(border: Border, zone: str) -> Paint | None:
    if zone == "bare":
        return None
    return border.curve if zone == "curve" and border.curve else border.base


def _border_zones(
    border: Border, zones: list[tuple[float, float, str]]
) -> list[tuple[float, float, Paint | None]]:
    """The zones of one border, joined where its paint stays the same."""
    joined: list[tuple[float, float, Paint | None]] = []
    for a, b, zone in zones:
        paint = _paint_in(border, zone)
        if joined and joined[-1][2] == paint:
            joined[-1] = (joined[-1][0], b, paint)
        else:
            joined.append((a, b, paint))
    return joined


def _marks(
    border: Border, zones: list[tuple[float, float, str]], line: ReferenceLine, lane_s: NDArray, forward: bool
) -> tuple[Mark, ...]:
    """The marks of a lane's border in the lane's own direction; lane_s is along the reference line."""
    marks = []
    length = float(lane_s[-1])
    for a, b, paint in _border_zones(border, zones):
        start, end = np.interp([a, b], line.s, lane_s).tolist()
        if not forward:
            start, end = length - end, length - start
        if paint is None:
            marks.append(Mark(start, end, border.unpainted, "white"))
        else:
            kind = paint.type if forward else _REVERSED.get(paint.type, paint.type)
            marks.append(Mark(start, end, kind, paint.color, paint.width))
    return tuple(marks if forward else marks[::-1])


def _lanes(
    style: RoadStyle, line: ReferenceLine, zones: list[tuple[float, float, str]], limit: float
) -> tuple[Lane, ...]:
    """One lane for each strip, from left to right, each along its own direction."""
    t = style.offsets
    n = len(line.s)
    centers = 0.5 * (t[:-1] + t[1:])
    left_of_line = int(np.sum(centers > 1e-9))
    lanes = []
    for i, strip_ in enumerate(style.strips):
        forward = strip_.forward
        center = np.zeros((n, 3))
        center[:, :2] = line.offset(float(centers[i]))
        along = line.offset_s(float(centers[i]))
        s, curvature = along, line.offset_curvature(float(centers[i]))
        left, right = (i, i + 1) if forward else (i + 1, i)
        beside = (i - 1, i + 1) if forward else (i + 1, i - 1)
        if not forward:
            center = np.ascontiguousarray(center[::-1])
            s, curvature = along[-1] - along[::-1], -curvature[::-1]
        lanes.append(
            Lane(
                index=i,
                road_id="0",
                section=0,
                lane_id=left_of_line - i if i < left_of_line else left_of_line - i - 1,
                type=strip_.type,
                center=center,
                s=np.ascontiguousarray(s),
                width=np.full(n, strip_.width),
                speed_limit=limit,
                left_neighbour=beside[0] if 0 <= beside[0] < len(style.strips) else None,
                right_neighbour=beside[1] if 0 <= beside[1] < len(style.strips) else None,
                left_marks=_marks(style.borders[left], zones, line, along, forward),
                right_marks=_marks(style.borders[right], zones, line, along, forward),
                forward=forward,
                curvature=np.ascontiguousarray(curvature),
            )
        )
    return tuple(lanes)


def _coarse_stations(style: RoadStyle, line: ReferenceLine) -> ReferenceLine:
    """As few stations as keep every border within 2 mm, at most 8 m apart."""
    t = style.offsets
    # A chord c of a parallel curve deviates by c^2 k_t / 8, with c = ds (1 - t k) and k_t = k / (1 - t k).
    stretch = np.maximum(np.abs(1.0 - t[0] * line.curvature), np.abs(1.0 - t[-1] * line.curvature))
    density = np.maximum(1.0 / 8.0, np.sqrt(np.abs(line.curvature) * stretch / 0.016))
    count = np.cumsum(np.r_[0.0, np.diff(line.s) * np.maximum(density[1:], density[:-1])])
    keep = np.r_[True, np.floor(count[1:]) > np.floor(count[:-1])]
    keep[:-1] |= keep[1:]
    keep[-1] = True
    fields = (line.s, line.x, line.y, line.yaw, line.cos, line.sin, line.curvature)
    return ReferenceLine(*(f[keep] for f in fields))


def _between(line: ReferenceLine, t: float, a: float, b: float) -> NDArray[np.float64]:
    """(n, 2) the parallel curve at offset t from a to b along the reference line [m]."""
    points = line.offset(t)
    inside = (line.s > a + 1e-3) & (line.s < b - 1e-3)
    ends = np.stack([np.interp([a, b], line.s, points[:, axis]) for axis in (0, 1)], axis=1)
    return np.concatenate([ends[:1], points[inside], ends[1:]])


def _strokes(
    rng: np.random.Generator, style: RoadStyle, line: ReferenceLine, zones: list[tuple[float, float, str]]
) -> list[Stroke]:
    """The paint and kerbs of every border."""
    strokes: list[Stroke] = []
    end = float(line.s[-1])
    for t, border in zip(style.offsets.tolist(), style.borders, strict=True):
        if border.curb:
            strokes += mark_strokes(_between(line, t, 0.0, end), "curb", "white", 0.2)
        for a, b, paint in _border_zones(border, zones):
            extra = pick(rng, [0.0, 0.3], [0.85, 0.15])
            if paint is not None:
                strokes += mark_strokes(
                    _between(line, t + border.inset, a, b),
                    paint.type,
                    paint.color,
                    paint.width,
                    dash=paint.dash,
                    gap=paint.gap,
                    wear=min(0.85, border.wear + extra),
                )
    return strokes


def _surfaces(style: RoadStyle, line: ReferenceLine) -> list[Surface]:
    """Strips of one material, joined across lanes, in pieces along the road."""
    t = style.offsets.tolist()
    joined: list[tuple[float, float, str]] = []
    for i, strip_ in enumerate(style.strips):
        if joined and joined[-1][2] == strip_.material:
            joined[-1] = (joined[-1][0], t[i + 1], strip_.material)
        else:
            joined.append((t[i], t[i + 1], strip_.material))
    piece = np.floor(line.s / _SURFACE_PIECE)
    starts = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(line.s) - 1]
    surfaces = []
    for left, right, material in joined:
        left_border, right_border = line.offset(left), line.offset(right)
        for a, b in itertools.pairwise(starts):
            if b > a:
                surfaces.append(strip(left_border[a : b + 1], right_border[a : b + 1], material))
    return surfaces


def _speed_sign(style: RoadStyle, line: ReferenceLine, lanes: tuple[Lane, ...], limit: float) -> Signal:
    """The sign that posts the limit, at the right edge near the road's start."""
    i = int(np.searchsorted(line.s, 20.0))
    x, y = line.offset(float(style.offsets[-1]) - 1.8)[i].tolist()
    governed = tuple(lane.index for lane in lanes if lane.type == "driving" and lane.forward)
    return Signal("0", "speed", x, y, 0.0, float(line.yaw[i]) + np.pi, 2.2, limit, governed)
