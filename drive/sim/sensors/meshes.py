"""Shapes of cars, vans, trucks, barriers, buildings and fences as faces of a unit body.

A body spans x -0.5 .. 0.5 (length, forward), y -0.5 .. 0.5 (width, left), z 0 .. 1 (height).
"""

from dataclasses import dataclass, field
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.sim import arrays
from drive.sim.sensors import textures

# What colours a face: slots of a body's colours.
(
    BODY, GLASS, TYRE, HEADLAMP, TAIL_LAMP, TRIM, NUMBER_PLATE, WHITE, ROOF, DARK_ROOF, CARGO, METAL, ORANGE,
    WINDOW, DARK_BODY, RED,
) = range(16)  # fmt: skip
FACE = np.dtype(
    [
        ("nx", "f8"),  # outward normal of the real body, near enough for light
        ("ny", "f8"),
        ("nz", "f8"),
        ("slot", "i8"),  # its colour, or the first of its texture's ramp
        ("slot_b", "i8"),  # the second colour of the ramp
        ("texture", "i8"),  # -1: one colour
        ("cell_u", "f8"),  # side of one repeat of the texture [m]; 0: once over the face
        ("cell_v", "f8"),
        ("two_sided", "i8"),
    ]
)
NEAR, MIDDLE, FAR = range(3)  # levels of detail
DETAILS = 3
KINDS = 17  # of bodies, see drive.sim.arrays
VARIANTS = 2
Points = list[tuple[float, float, float]]


@dataclass
class _Shape:
    corners: list[Points] = field(default_factory=list)
    faces: list[tuple] = field(default_factory=list)

    def face(
        self,
        corners: Points,
        normal: tuple[float, float, float],
        slot: int,
        slot_b: int = 0,
        texture: int = -1,
        cell: tuple[float, float] = (0.0, 0.0),
        two_sided: bool = False,
    ) -> None:
        """Four corners, counter-clockwise seen from outside, lower left first."""
        self.corners.append(corners)
        length = sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2])
        self.faces.append((*(c / length for c in normal), slot, slot_b, texture, *cell, int(two_sided)))

    def frustum(
        self,
        bottom: tuple[float, float, float, float, float],
        top: tuple[float, float, float, float, float],
        sides: int,
        lid: int | None,
        ends: int | None = None,
        **style: Any,
    ) -> None:
        """A box with slanted sides; (x0, x1, y0, y1, z) of its lower and upper rectangle."""
        a0, a1, b0, b1, c = bottom
        d0, d1, e0, e1, f = top
        rise = max(f - c, 1e-6)
        ends = sides if ends is None else ends
        slope_f, slope_r = (a1 - d1) / rise * 2.0, (d0 - a0) / rise * 2.0
        slope_l, slope_s = (b1 - e1) / rise, (e0 - b0) / rise
        self.face([(a1, b0, c), (a1, b1, c), (d1, e1, f), (d1, e0, f)], (1.0, 0.0, slope_f), ends, **style)
        self.face([(a0, b1, c), (a0, b0, c), (d0, e0, f), (d0, e1, f)], (-1.0, 0.0, slope_r), ends, **style)
        self.face([(a1, b1, c), (a0, b1, c), (d0, e1, f), (d1, e1, f)], (0.0, 1.0, slope_l), sides, **style)
        self.face([(a0, b0, c), (a1, b0, c), (d1, e0, f), (d0, e0, f)], (0.0, -1.0, slope_s), sides, **style)
        if lid is not None:
            self.face([(d0, e0, f), (d1, e0, f), (d1, e1, f), (d0, e1, f)], (0.0, 0.0, 1.0), lid)

    def box(
        self, x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, slot: int, lid: int
    ) -> None:
        self.frustum((x0, x1, y0, y1, z0), (x0, x1, y0, y1, z1), slot, lid)

    def end_patch(
        self, x: float, y0: float, y1: float, z0: float, z1: float, slot: int, **style: Any
    ) -> None:
        """A rectangle just before the front (x > 0) or rear of the body."""
        normal = (1.0 if x > 0.0 else -1.0, 0.0, 0.0)
        corners = [(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)]
        if x < 0.0:
            corners = [corners[1], corners[0], corners[3], corners[2]]
        self.face(corners, normal, slot, **style)

    def side_patch(
        self, x0: float, x1: float, y: float, z0: float, z1: float, slot: int, **style: Any
    ) -> None:
        """The same rectangle just outside the left and the right side."""
        left = [(x1, y, z0), (x0, y, z0), (x0, y, z1), (x1, y, z1)]
        right = [(x0, -y, z0), (x1, -y, z0), (x1, -y, z1), (x0, -y, z1)]
        self.face(left, (0.0, 1.0, 0.0), slot, **style)
        self.face(right, (0.0, -1.0, 0.0), slot, **style)

    def wheels(self, places: tuple[float, ...], half: float, z1: float, textured: bool) -> None:
        for x in places:
            if textured:
                self.side_patch(
                    x - half, x + half, 0.505, 0.0, z1, TYRE, slot_b=METAL, texture=textures.WHEEL
                )
            else:
                self.side_patch(x - half, x + half, 0.505, 0.0, z1 * 0.6, TYRE)

    def lamps(self, z0: float, z1: float, inner: float, rear_z1: float | None = None) -> None:
        for side in (-1.0, 1.0):
            y0, y1 = sorted((side * inner, side * 0.48))
            self.end_patch(0.503, y0, y1, z0, z1, HEADLAMP)
            self.end_patch(-0.503, y0, y1, z0, z1 if rear_z1 is None else rear_z1, TAIL_LAMP)


def _car(detail: int, estate: bool) -> _Shape:
    s = _Shape()
    rear = -0.49 if estate else -0.40
    top_rear = -0.44 if estate else -0.24
    body = (-0.5, 0.5, -0.5, 0.5)
    s.frustum((*body, 0.13), (-0.495, 0.49, -0.485, 0.485, 0.57), BODY, BODY)
    cabin, roof = (rear, 0.24, -0.47, 0.47), (top_rear, 0.06, -0.39, 0.39)
    if detail == NEAR:
        s.frustum((*cabin, 0.56), (*roof, 0.97), DARK_BODY, None)
        s.box(top_rear - 0.01, 0.07, -0.395, 0.395, 0.95, 1.0, BODY, BODY)
        _cabin_glass(s, cabin, roof)
        s.wheels((-0.30, 0.31), 0.075, 0.44, True)
        s.lamps(0.36, 0.48, 0.28, 0.52)
        s.end_patch(-0.504, -0.14, 0.14, 0.34, 0.44, NUMBER_PLATE)
        s.end_patch(0.504, -0.24, 0.24, 0.24, 0.38, TRIM, slot_b=METAL, texture=textures.GRILLE)
        for x in (-0.502, 0.502):
            s.end_patch(x, -0.5, 0.5, 0.13, 0.22, TRIM)
        s.side_patch(-0.5, 0.5, 0.501, 0.13, 0.19, TRIM)
    else:
        s.frustum((*cabin, 0.56), (*roof, 0.97), GLASS, BODY)
        if detail == MIDDLE:
            s.wheels((-0.30, 0.31), 0.07, 0.44, False)
            for x in (-0.502, 0.502):
                s.end_patch(x, -0.5, 0.5, 0.13, 0.22, TRIM)
        s.lamps(0.36, 0.48, 0.26, 0.52)
    return s


def _cabin_glass(
    s: _Shape, low: tuple[float, float, float, float], high: tuple[float, float, float, float]
) -> None:
    """Windscreen, rear and side windows set into the cabin, which shows as pillars around them."""
    a0, a1, _b0, b1 = low
    d0, d1, _e0, e1 = high
    z0, z1, out = 0.58, 0.94, 0.006

    def at(x_low: float, x_high: float, y_low: float, y_high: float, t: float) -> tuple[float, float]:
        return x_low + (x_high - x_low) * t, y_low + (y_high - y_low) * t

    t0, t1 = (z0 - 0.56) / 0.41, (z1 - 0.56) / 0.41
    for x_low, x_high, sign in ((a1, d1, 1.0), (a0, d0, -1.0)):
        (xa, ya), (xb, yb) = (
            at(x_low, x_high, b1 - 0.04, e1 - 0.04, t0),
            at(x_low, x_high, b1 - 0.04, e1 - 0.04, t1),
        )
        xa, xb = xa + sign * out, xb + sign * out
        quad = [(xa, -ya * sign, z0), (xa, ya * sign, z0), (xb, yb * sign, z1), (xb, -yb * sign, z1)]
        s.face(quad, (sign, 0.0, 1.0), GLASS)
    middle = 0.5 * (a0 + a1) - 0.02
    for sign in (1.0, -1.0):
        for part in (0, 1):
            low_x = (middle + 0.012, a1 - 0.05) if part else (a0 + 0.05, middle - 0.012)
            high_x = (middle + 0.012, d1 - 0.025) if part else (d0 + 0.03, middle - 0.012)
            y0 = sign * (b1 + (e1 - b1) * t0 + out * 2.0)
            y1 = sign * (b1 + (e1 - b1) * t1 + out * 2.0)
            quad = [(low_x[1], y0, z0), (low_x[0], y0, z0), (high_x[0], y1, z1), (high_x[1], y1, z1)]
            if sign < 0.0:
                quad = [quad[1], quad[0], quad[3], quad[2]]
            s.face(quad, (0.0, sign, 0.3), GLASS)


def _van(detail: int) -> _Shape:
    s = _Shape()
    s.frustum((-0.5, 0.36, -0.5, 0.5, 0.12), (-0.49, 0.20, -0.46, 0.46, 1.0), BODY, BODY)
    s.frustum((0.30, 0.5, -0.5, 0.5, 0.12), (0.30, 0.49, -0.49, 0.49, 0.46), BODY, BODY)
    s.face(
        [(0.352, -0.44, 0.5), (0.352, 0.44, 0.5), (0.215, 0.42, 0.93), (0.215, -0.42, 0.93)],
        (1.0, 0.0, 0.6),
        GLASS,
    )
    s.end_patch(-0.505, -0.40, 0.40, 0.55, 0.88, GLASS)
    s.lamps(0.26, 0.38, 0.30, 0.5)
    if detail != FAR:
        s.side_patch(0.10, 0.26, 0.502, 0.52, 0.84, GLASS)
        s.wheels((-0.31, 0.33), 0.07, 0.34, detail == NEAR)
        for x in (-0.504, 0.504):
            s.end_patch(x, -0.5, 0.5, 0.12, 0.20, TRIM)
    if detail == NEAR:
        s.end_patch(-0.506, -0.13, 0.13, 0.26, 0.33, NUMBER_PLATE)
        s.end_patch(0.505, -0.26, 0.26, 0.2, 0.34, TRIM, slot_b=METAL, texture=textures.GRILLE)
        s.end_patch(-0.507, -0.008, 0.008, 0.2, 0.92, TRIM)
    return s


def _truck(detail: int) -> _Shape:
    s = _Shape()
    s.box(-0.5, 0.24, -0.5, 0.5, 0.27, 1.0, CARGO, CARGO)
    s.frustum((0.26, 0.5, -0.48, 0.48, 0.12), (0.27, 0.485, -0.46, 0.46, 0.82), BODY, BODY)
    s.box(-0.49, 0.40, -0.42, 0.42, 0.13, 0.27, TRIM, TRIM)
    s.end_patch(0.502, -0.42, 0.42, 0.46, 0.74, GLASS)
    s.side_patch(0.33, 0.46, 0.487, 0.46, 0.72, GLASS)
    s.lamps(0.17, 0.25, 0.32)
    if detail != FAR:
        s.wheels((-0.38, -0.22, 0.37), 0.06, 0.28, detail == NEAR)
        s.end_patch(-0.505, -0.5, 0.5, 0.12, 0.17, TRIM)
    if detail == NEAR:
        s.end_patch(-0.504, -0.01, 0.01, 0.28, 0.98, TRIM)
        s.end_patch(0.503, -0.3, 0.3, 0.2, 0.4, TRIM, slot_b=METAL, texture=textures.GRILLE)
        s.end_patch(-0.506, -0.12, 0.12, 0.19, 0.24, NUMBER_PLATE)
    return s


def _barrier() -> _Shape:
    s = _Shape()
    sides: dict[str, Any] = dict(slot_b=WHITE, texture=textures.STRIPES, cell=(0.8, 0.0))
    s.frustum((-0.5, 0.5, -0.5, 0.5, 0.0), (-0.49, 0.49, -0.3, 0.3, 1.0), RED, WHITE, **sides)
    return s


def _building(detail: int, gabled: bool, texture: int) -> _Shape:
    s = _Shape()
    eaves = 0.68 if gabled else 1.0
    walls: dict[str, Any] = dict(slot_b=WINDOW, texture=texture, cell=(2.8, 2.9))
    box = (-0.5, 0.5, -0.5, 0.5)
    s.frustum((*box, 0.0), (*box, eaves), BODY, None if gabled else DARK_ROOF, **walls)
    if gabled:
        tiles: dict[str, Any] = dict(slot_b=DARK_ROOF, texture=textures.SHINGLES, cell=(2.4, 2.4))
        low, out = eaves - 0.04, 0.56
        right = [(-0.53, -out, low), (0.53, -out, low), (0.53, 0.0, 1.0), (-0.53, 0.0, 1.0)]
        left = [(0.53, out, low), (-0.53, out, low), (-0.53, 0.0, 1.0), (0.53, 0.0, 1.0)]
        s.face(right, (0.0, -1.0, 1.2), ROOF, two_sided=True, **tiles)
        s.face(left, (0.0, 1.0, 1.2), ROOF, two_sided=True, **tiles)
        for x in (-0.5, 0.5):
            end = [(x, -0.5, eaves), (x, 0.5, eaves), (x, 0.0, 0.985), (x, 0.0, 0.985)]
            s.face(end if x > 0 else [end[1], end[0], end[2], end[3]], (2.0 * x, 0.0, 0.0), BODY)
    elif detail == NEAR:
        rim = (-0.51, 0.51, -0.51, 0.51)
        s.frustum((*rim, 0.965), (*rim, 1.01), DARK_BODY, None)
    return s


def _panel(texture: int, cell: float) -> _Shape:
    s = _Shape()
    corners = [(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.5, 0.0, 1.0), (-0.5, 0.0, 1.0)]
    s.face(corners, (0.0, -1.0, 0.3), DARK_BODY, BODY, texture, (cell, 0.0), two_sided=True)
    return s


@cache
def face_tables() -> tuple[NDArray[np.float64], np.ndarray, NDArray[np.int64]]:
    """All shapes: corners (n, 4, 3), records (n,) of FACE, and the first face of each shape.

    Shape ((kind * VARIANTS) + variant) * DETAILS + detail holds faces first[shape] .. first[shape + 1].
    """
    shapes = [_Shape() for _ in range(KINDS * VARIANTS * DETAILS)]
    for detail in range(DETAILS):
        for variant in range(VARIANTS):
            made = {
                arrays.CAR: _car(detail, estate=variant == 1),
                arrays.VAN: _van(detail),
                arrays.TRUCK: _truck(detail),
                arrays.BARRIER: _barrier(),
                arrays.BUILDING: _building(
                    detail, variant == 1, textures.SHUTTERS if variant else textures.FLATS
                ),
                arrays.FENCE: _panel(textures.BOARDS, 2.0) if variant else _panel(textures.RAIL, 3.0),
            }
            for kind, shape in made.items():
                shapes[(kind * VARIANTS + variant) * DETAILS + detail] = shape
    first = np.concatenate([[0], np.cumsum([len(s.faces) for s in shapes])]).astype(np.int64)
    corners = np.array([c for s in shapes for c in s.corners], np.float64)
    faces = np.array([f for s in shapes for f in s.faces], FACE)
    return corners, faces, first
