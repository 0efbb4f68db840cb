"""Another road around the middle of a lane that exists: what lies beside it changes, the lane stays."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from drive.sim.maps.procedural import RoadConfig, build_road, draw_road
from drive.sim.maps.procedural_line import MIN_CORNER_RADIUS
from drive.sim.maps.procedural_section import KERB_TO_PAINT, Border, RoadStyle
from drive.sim.maps.procedural_style import draw_style
from drive.sim.maps.road_map import RoadMap

_FILLED = 0.8  # of the room beside a bend may lie under the road
_TRIES = 200


def relayout_road(
    rng: np.random.Generator,
    look: np.random.Generator,
    road: RoadMap,
    config: RoadConfig,
    lane: int,
    *,
    mirrored: bool,
) -> tuple[RoadMap, int] | None:
    """A road with another cross section that has one lane where the old one has it.

    Traffic keeps to the right on it: all lanes of the lane's direction are right of all oncoming ones.

    Args:
        rng: in the state in which `generate_road` made the road.
        look: the new road follows from it.
        road: what `generate_road` made.
        config: with which it did.
        lane: index of a driving lane along the reference line.
        mirrored: exchange left and right first: the lane is mirrored at the x axis.

    Returns:
        The road and the lane's index there; the lane has the same centre, arc length, width and limit. None
        where no cross section fits between the bends.
    """
    style, line = draw_road(rng, config)
    middle = line.shifted(_center(style, lane))
    was = _Extent.of(style, lane)
    if mirrored:
        middle, was = middle.mirrored(), _Extent(was.right, was.left)
    # What the road covers already, it may cover again.
    may = _Extent(*(_Side.beside(room).or_more(side) for room, side in zip(middle.room(), was, strict=True)))
    for _ in range(_TRIES):
        drawn = draw_style(look)
        ours = [i for i, strip in enumerate(drawn.strips) if strip.type == "driving" and strip.forward]
        other, at = _narrowed(
            _of_width(drawn, style.strips[lane].width), ours[int(look.integers(len(ours)))], may
        )
        if _Extent.of(other, at).fits(may):
            line = middle.shifted(-_center(other, at))
            return build_road(look, other, line, road.lanes[lane].speed_limit, config), at
    return None


@dataclass(frozen=True)
class _Side:
    """How far a road reaches to one side of a lane's middle [m]."""

    edge: float  # the outermost surface
    driven: float  # the middle of the outermost lane

    @staticmethod
    def beside(room: float) -> "_Side":
        """What fits in where a circle of a radius lies beside the lane."""
        return _Side(_FILLED * room, room - MIN_CORNER_RADIUS)

    def or_more(self, other: "_Side") -> "_Side":
        return _Side(max(self.edge, other.edge), max(self.driven, other.driven))


class _Extent(NamedTuple):
    """How far a road reaches to both sides of a lane's middle."""

    left: _Side
    right: _Side

    @staticmethod
    def of(style: RoadStyle, lane: int) -> "_Extent":
        center, section = _center(style, lane), style.section
        return _Extent(
            _Side(section.edge_left - center, section.driven_left - center),
            _Side(center - section.edge_right, center - section.driven_right),
        )

    def fits(self, may: "_Extent") -> bool:
        return all(
            ours.edge <= theirs.edge + 1e-9 and ours.driven <= theirs.driven + 1e-9
            for ours, theirs in zip(self, may, strict=True)
        )


def _center(style: RoadStyle, lane: int) -> float:
    """A lane's middle, from the style's reference line, left positive [m]."""
    return 0.5 * float(style.offsets[lane] + style.offsets[lane + 1])


def _of_width(style: RoadStyle, width: float) -> RoadStyle:
    """With driving lanes of another width; the reference line stays where it is among them."""
    strips = tuple(replace(s, width=width) if s.type == "driving" else s for s in style.strips)
    wider = sum(
        new.width - old.width
        for new, old, center in zip(
            strips, style.strips, 0.5 * (style.offsets[:-1] + style.offsets[1:]), strict=True
        )
        if center > 0.0
    )
    return replace(style, strips=strips, left_edge=style.left_edge + wider)


def _narrowed(style: RoadStyle, lane: int, may: _Extent) -> tuple[RoadStyle, int]:
    """Without the outermost strips that reach too far and carry no traffic, and the lane's index there."""
    while style.strips[0].type != "driving" and _Extent.of(style, lane).left.edge > may.left.edge:
        style = replace(
            style,
            strips=style.strips[1:],
            borders=(_outermost(style.borders[1], style.borders[0], -KERB_TO_PAINT), *style.borders[2:]),
            left_edge=style.left_edge - style.strips[0].width,
        )
        lane -= 1
    while style.strips[-1].type != "driving" and _Extent.of(style, lane).right.edge > may.right.edge:
        edge = _outermost(style.borders[-2], style.borders[-1], KERB_TO_PAINT)
        style = replace(style, strips=style.strips[:-1], borders=(*style.borders[:-2], edge))
    return style, lane


def _outermost(border: Border, outer: Border, inset: float) -> Border:
    """A border where the road ends now as it ended at an outer one, unless it has an edge of its own."""
    if border.unpainted != "none":
        return border
    edge = replace(border, curb=outer.curb, unpainted=outer.unpainted)
    return replace(edge, inset=inset) if edge.curb else edge
