"""What generated roads look like: town streets, country roads and highways, and their paint."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from drive.sim.maps.procedural_line import LineStyle
from drive.sim.maps.procedural_section import KERB_TO_PAINT, Border, Paint, RoadStyle, Strip
from drive.sim.maps.styles import STYLES

KMH = 1.0 / 3.6
_Item = TypeVar("_Item")


def pick(rng: np.random.Generator, items: Sequence[_Item], weights: Sequence[float]) -> _Item:
    """One of the items, by weights that need not add up to 1."""
    at = float(rng.random()) * sum(weights)
    for item, weight in zip(items, weights, strict=True):
        at -= weight
        if at < 0.0:
            return item
    return items[-1]


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(rng.random())


def _chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)


def _centre_paint(rng: np.random.Generator, wide: bool, yellow: bool, line: Paint) -> tuple[Paint, Paint]:
    """The mark between the directions, on straights and in bends."""
    color = "yellow" if yellow else "white"
    solid, double = replace(line, type="solid", color=color), replace(line, type="solid solid", color=color)
    broken = replace(line, type="broken", color=color)
    if wide:
        return pick(
            rng,
            [(double, double), (solid, solid), (replace(line, type="botts dots", color=color),) * 2],
            [0.7, 0.2, 0.1],
        )
    one_sided = replace(line, type="solid broken" if _chance(rng, 0.5) else "broken solid", color=color)
    choices = [
        (broken, broken if _chance(rng, 0.6) else (double if yellow else solid)),
        (double, double),
        (solid, solid),
        (one_sided, double),
        (replace(broken, type="broken broken"), solid),
        (replace(line, type="botts dots", color=color), double),
    ]
    return pick(rng, choices, [0.5, 0.17, 0.12, 0.12, 0.04, 0.05])


def _separator_paint(rng: np.random.Generator, line: Paint) -> Paint:
    """The mark between lanes of one direction."""
    kind = pick(
        rng,
        ["broken", "botts dots", "solid", "solid broken", "broken solid"],
        [0.82, 0.08, 0.05, 0.025, 0.025],
    )
    return replace(line, type=kind, color="white")


def _line(rng: np.random.Generator, fast: bool) -> Paint:
    """Width, dash and gap as one country has them."""
    slow_dashes = [(3.0, 6.0), (3.0, 3.0), (2.0, 4.0), (3.05, 9.15), (1.5, 3.0), (4.0, 2.0), (5.0, 5.0)]
    fast_dashes = [(6.0, 12.0), (3.05, 9.15), (3.0, 9.0), (4.0, 8.0), (6.0, 9.0)]
    dashes = fast_dashes if fast else slow_dashes
    dash, gap = pick(rng, dashes, [1.0] * len(dashes))
    return Paint("broken", "white", _uniform(rng, 0.10, 0.16 if not fast else 0.2), dash, gap)


def _lanes(rng: np.random.Generator, counts: tuple[int, int], width: tuple[float, float]) -> list[Strip]:
    """Driving lanes from left to right: oncoming ones first."""
    wide = _uniform(rng, *width)
    return [Strip("driving", wide, False, "asphalt") for _ in range(counts[0])] + [
        Strip("driving", wide, True, "asphalt") for _ in range(counts[1])
    ]


def _assemble(
    rng: np.random.Generator,
    lanes: list[Strip],
    median: tuple[Strip, ...],
    right: tuple[list[Strip], Border],
    left: tuple[list[Strip], Border],
    line: Paint,
    yellow: bool,
) -> tuple[tuple[Strip, ...], tuple[Border, ...], float]:
    """Join lanes, what lies outside them and the paint on all borders.

    `right` and `left` hold the strips outside the lanes, from the lanes outwards, and the border
    of the outermost driven lane on that side.
    """
    wear = max(0.0, _uniform(rng, -0.15, 0.3)) if _chance(rng, 0.85) else _uniform(rng, 0.4, 0.75)
    oncoming = sum(not lane.forward for lane in lanes)
    separator = _separator_paint(rng, line)
    strips: list[Strip] = []
    borders: list[Border] = []

    def outer(strips_out: list[Strip], edge: Border) -> list[Border]:
        """Borders from the lane's edge outwards: a parking lane moves the kerb to its far side."""
        found = [edge]
        for i, strip in enumerate(strips_out):
            parked = strip.type == "parking"
            if parked:
                found[-1] = replace(edge, curb=False, inset=0.0, unpainted="none")
            unpainted = edge.unpainted if parked else "grass" if i + 1 == len(strips_out) else "none"
            curb = edge.curb and parked
            found.append(Border(curb=curb, unpainted="curb" if curb else unpainted))
        return found

    left_strips, left_edge = left
    left_borders = outer(left_strips, replace(left_edge, inset=-left_edge.inset))
    borders += left_borders[::-1]
    strips += left_strips[::-1]
    for i, lane in enumerate(lanes):
        strips.append(lane)
        if i + 1 == len(lanes):
            break
        if i + 1 == oncoming:
            if median:
                inner = replace(line, type="solid", color="yellow" if yellow else "white")
                curb = median[0].material == "concrete"
                inset = 0.3 if curb else 0.0
                rest = "curb" if curb else "grass"
                borders.append(Border(inner, curb=curb, inset=inset, unpainted=rest))
                strips += median
                borders.append(Border(inner, curb=curb, inset=-inset, unpainted=rest))
            else:
                base, curve = _centre_paint(rng, len(lanes) > 2, yellow, line)
                borders.append(Border(base, curve))
        else:
            borders.append(Border(separator))
    right_strips, right_edge = right
    borders += outer(right_strips, right_edge)
    strips += right_strips
    borders = [replace(b, wear=min(0.85, max(0.0, wear + _uniform(rng, -0.06, 0.06)))) for b in borders]

    # The reference line runs between the directions, or along the left border of a one-way road.
    left_edge_t = sum(s.width for s in left_strips) + sum(lane.width for lane in lanes if not lane.forward)
    left_edge_t += 0.5 * sum(s.width for s in median)
    return tuple(strips), tuple(borders), left_edge_t


def _town(rng: np.random.Generator) -> RoadStyle:
    counts = pick(rng, [(1, 1), (2, 2), (0, 1), (0, 2), (0, 3)], [0.64, 0.14, 0.06, 0.12, 0.04])
    lanes = _lanes(rng, counts, (3.0, 4.0))
    yellow = _chance(rng, 0.5)
    line = _line(rng, fast=False)
    parking = [Strip("parking", _uniform(rng, 2.1, 2.5), True, "asphalt")] if _chance(rng, 0.3) else []
    pavement = _uniform(rng, 1.5, 3.2)

    def side(forward: bool, parked: bool) -> tuple[list[Strip], Border]:
        strips = [replace(s, forward=forward) for s in parking] if parked else []
        if _chance(rng, 0.88):
            strips.append(Strip("sidewalk", pavement, forward, "sidewalk"))
        solid = replace(line, type="solid")
        paint = pick(
            rng, [None, solid, replace(solid, color="yellow"), replace(line, dash=1.0, gap=1.0)], edges
        )
        return strips, Border(paint, curb=True, inset=KERB_TO_PAINT if paint else 0.0, unpainted="curb")

    edges = pick(rng, [(1.0, 0.0, 0.0, 0.0), (0.2, 0.6, 0.1, 0.1)], [0.5, 0.5])
    right = side(True, True)
    left = side(counts[0] > 0, _chance(rng, 0.4))
    strips, borders, left_edge = _assemble(rng, lanes, (), right, left, line, yellow)
    curvy = _chance(rng, 0.3)
    shape = LineStyle(
        straight=(10.0, 45.0) if curvy else (30.0, 90.0),
        radius=(25.0, 80.0) if curvy else (60.0, 250.0),
        angle=(math.radians(15.0), math.radians(80.0 if curvy else 45.0)),
        linked=0.4 if curvy else 0.1,
        corners=pick(rng, [0, 1, 2, 3], [0.1, 0.2, 0.4, 0.3]),
    )
    posted = pick(rng, [30.0, 40.0, 50.0], [0.2, 0.3, 0.5])
    limits = (posted * KMH, 40.0 * KMH, 30.0 * KMH)
    return RoadStyle("town", shape, strips, borders, left_edge, limits, _bare(rng), curvy)


def _corners(rng: np.random.Generator) -> RoadStyle:
    """A town street from corner to corner."""
    shape = LineStyle(
        straight=(8.0, 30.0),
        radius=(25.0, 80.0),
        angle=(math.radians(15.0), math.radians(60.0)),
        linked=0.3,
        corners=12,
        abrupt=0.6,
    )
    return replace(_town(rng), line=shape, curvy=True)


def _country(rng: np.random.Generator) -> RoadStyle:
    counts = pick(rng, [(1, 1), (2, 2), (0, 1), (0, 2), (1, 2)], [0.8, 0.06, 0.03, 0.06, 0.05])
    lanes = _lanes(rng, counts, (3.0, 3.75))
    yellow = _chance(rng, 0.45)
    line = _line(rng, fast=_chance(rng, 0.4))
    solid = replace(line, type="solid")
    paint = pick(
        rng, [solid, replace(line, dash=3.0, gap=3.5), replace(line, dash=1.0, gap=1.0), None], [6, 1, 0.7, 2]
    )
    ragged = "grass" if _chance(rng, 0.5) else "edge"
    strips_out = [Strip("shoulder", _uniform(rng, 0.25, 0.6), True, "asphalt")] if paint else []
    if _chance(rng, 0.7):
        strips_out.append(Strip("shoulder", _uniform(rng, 0.6, 1.6), True, "shoulder"))
    edge = Border(paint, unpainted="none" if paint else ragged)
    left_edge_border = edge
    if counts[0] == 0 and yellow and paint:
        left_edge_border = replace(edge, base=replace(paint, color="yellow"))
    left_out = [replace(s, forward=counts[0] == 0) for s in strips_out]
    strips, borders, left_edge = _assemble(
        rng, lanes, (), (strips_out, edge), (left_out, left_edge_border), line, yellow
    )
    curvy = _chance(rng, 0.5)
    shape = LineStyle(
        straight=(10.0, 40.0) if curvy else (30.0, 110.0),
        radius=(25.0, 90.0) if curvy else (70.0, 350.0),
        angle=(math.radians(12.0), math.radians(95.0 if curvy else 50.0)),
        linked=0.5 if curvy else 0.2,
        corners=1 if _chance(rng, 0.4) else 0,
        corner_radius=(7.0, 16.0),
    )
    posted = pick(rng, [50.0, 60.0, 70.0, 80.0], [0.4, 0.35, 0.2, 0.05])
    limits = (posted * KMH, 60.0 * KMH, 50.0 * KMH, 40.0 * KMH)
    return RoadStyle("country", shape, strips, borders, left_edge, limits, _bare(rng), curvy)


def _highway(rng: np.random.Generator) -> RoadStyle:
    counts = pick(rng, [(2, 2), (3, 3), (0, 2), (0, 3)], [0.35, 0.2, 0.2, 0.25])
    lanes = _lanes(rng, counts, (3.4, 4.0))
    yellow = _chance(rng, 0.5)
    line = _line(rng, fast=True)
    solid = replace(line, type="solid", width=max(line.width, 0.14))
    median: tuple[Strip, ...] = ()
    if counts[0] and _chance(rng, 0.6):
        material = pick(rng, ["median", "concrete"], [0.6, 0.4])
        median = (Strip("median", _uniform(rng, 1.2, 4.5), True, material),)
    hard = Strip("shoulder", _uniform(rng, 1.5, 2.8), True, "asphalt")
    narrow = Strip("shoulder", _uniform(rng, 0.5, 1.0), True, "asphalt")
    gravel = Strip("shoulder", _uniform(rng, 0.6, 1.2), True, "shoulder")
    right = [hard, gravel] if _chance(rng, 0.6) else [hard]
    if counts[0]:
        left, left_paint = [replace(s, forward=False) for s in right], solid
    else:
        left, left_paint = [narrow, gravel], replace(solid, color="yellow" if yellow else "white")
    strips, borders, left_edge = _assemble(
        rng, lanes, median, (right, Border(solid)), (left, Border(left_paint)), line, yellow
    )
    curvy = _chance(rng, 0.15)
    shape = LineStyle(
        straight=(30.0, 120.0),
        radius=(90.0, 250.0) if curvy else (150.0, 600.0),
        angle=(math.radians(8.0), math.radians(45.0)),
        linked=0.3,
        corners=0,
    )
    posted = pick(rng, [60.0, 70.0, 80.0], [0.5, 0.3, 0.2])
    limits = (posted * KMH, 60.0 * KMH)
    return RoadStyle("highway", shape, strips, borders, left_edge, limits, _bare(rng), curvy)


def _bare(rng: np.random.Generator) -> int:
    return pick(rng, [0, 1, 2], [0.45, 0.35, 0.2])


_DRAWN_BY = {"town": _town, "country": _country, "highway": _highway, "corners": _corners}


def draw_style(rng: np.random.Generator, name: str | None = None) -> RoadStyle:
    """A random road of a style (one of STYLES), or of a random one."""
    drawn = pick(rng, list(STYLES), list(STYLES.values()))
    return _DRAWN_BY[name or drawn](rng)


def redraw_style(rng: np.random.Generator, style: RoadStyle, reach: tuple[float, float]) -> RoadStyle:
    """Another look for a road whose lanes stay where they are.

    Paint, wear, dashes and what lies beside the lanes are drawn anew; driving and parking lanes, the median,
    the line and the limits are those of `style`. Where no road of these lanes is drawn soon, `style` itself.

    Args:
        rng: everything random follows from it.
        style: the road as it is.
        reach: how far surfaces may lie to the left and the right of the reference line [m].
    """

    def fixed(one: RoadStyle) -> list[Strip]:
        return [strip for strip in one.strips if strip.type in ("driving", "parking", "median")]

    lanes = fixed(style)
    first = next(i for i, strip in enumerate(style.strips) if strip in lanes)
    edge = float(style.offsets[first])
    for _ in range(300):
        other = draw_style(rng)
        theirs = fixed(other)
        if [(s.type, s.forward) for s in theirs] != [(s.type, s.forward) for s in lanes]:
            continue
        ours = iter(lanes)
        strips = tuple(
            replace(s, width=next(ours).width) if s.type in ("driving", "parking", "median") else s
            for s in other.strips
        )
        before = next(i for i, strip in enumerate(strips) if strip.type in ("driving", "parking", "median"))
        left = edge + sum(strip.width for strip in strips[:before])
        drawn = replace(
            style,
            name=other.name,
            strips=strips,
            borders=other.borders,
            left_edge=left,
            bare_stretches=other.bare_stretches,
        )
        if drawn.offsets[0] <= reach[0] and -drawn.offsets[-1] <= reach[1]:
            return drawn
    return style
