"""A generated road as data: its cross section, its paint, and how it bends."""

from dataclasses import dataclass

import numpy as np

from drive.sim.maps.procedural_line import CrossSection, LineStyle

KERB_TO_PAINT = 0.25  # from a kerb to the edge line beside it [m]


@dataclass(frozen=True)
class Paint:
    """One kind of mark; compound types are read from left to right along the road."""

    type: str
    color: str = "white"
    width: float = 0.12  # [m]
    dash: float = 3.0  # [m]
    gap: float = 6.0  # [m]


@dataclass(frozen=True)
class Border:
    """What is on the line between two strips."""

    base: Paint | None = None
    curve: Paint | None = None  # in bends; None: as elsewhere
    curb: bool = False
    inset: float = 0.0  # of the paint to the left of the border [m]
    unpainted: str = "none"  # the mark's type where there is no paint
    wear: float = 0.0


@dataclass(frozen=True)
class Strip:
    """One lane of the cross section."""

    type: str
    width: float  # [m]
    forward: bool
    material: str


@dataclass(frozen=True)
class RoadStyle:
    """Everything about a generated road but the line it follows."""

    name: str  # town, country or highway: what stands beside it
    line: LineStyle
    strips: tuple[Strip, ...]  # from left to right
    borders: tuple[Border, ...]  # one more than strips
    left_edge: float  # of the leftmost strip, from the reference line, left positive [m]
    speed_limits: tuple[float, ...]  # that may be posted [m/s], the usual one first
    bare_stretches: int  # without any paint
    curvy: bool  # tight open bends, one after another

    @property
    def offsets(self) -> np.ndarray:
        """(strips + 1,) lateral offsets of the borders from the reference line, left positive [m]."""
        offsets = [self.left_edge]
        for strip in self.strips:
            offsets.append(offsets[-1] - strip.width)
        return np.array(offsets)

    @property
    def section(self) -> CrossSection:
        """The extent that bends must respect."""
        t = self.offsets
        driven = [i for i, strip in enumerate(self.strips) if strip.type == "driving"]
        centers = [0.5 * float(t[i] + t[i + 1]) for i in driven]
        return CrossSection(centers[0], centers[-1], float(t[0]), float(t[-1]))
