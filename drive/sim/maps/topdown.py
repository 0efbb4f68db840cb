"""Pictures of a road map from above, north up: ground, paint, direction of travel, signals."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.sim.maps.road_map import RoadMap, Signal, Stroke
from drive.sim.maps.surface import zebra_bars

GRASS = (134, 152, 108)
MATERIAL_COLORS = {
    "asphalt": (84, 86, 91),
    "concrete": (158, 157, 152),
    "shoulder": (112, 110, 104),
    "sidewalk": (176, 173, 166),
    "median": (146, 150, 118),
    "crosswalk": (92, 94, 99),
    "paint white": (232, 232, 228),
    "paint yellow": (228, 188, 64),
}
PAINT_COLORS = {
    "white": (236, 236, 232),
    "yellow": (236, 196, 66),
    "blue": (70, 120, 210),
    "green": (80, 160, 90),
    "red": (200, 70, 60),
    "orange": (230, 140, 50),
}
CURB = (196, 194, 188)
ARROW = (140, 146, 156)
SIGNAL_COLORS = {
    "light": (60, 200, 90),
    "stop": (214, 48, 44),
    "yield": (242, 150, 40),
    "speed": (52, 110, 214),
}
FINE_PIXELS = 3_000_000  # pictures up to this size are drawn twice as large and averaged down
MARGIN = 8.0  # kept around the map where no centre is given [m]
ARROW_SPACING = 40.0  # [m]
_SHIFT = 4  # fractional bits of cv2's coordinates


def extent(road_map: RoadMap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(low, high): the corners of the box around all lanes, (2,) each [m]."""
    points = np.concatenate([lane.center[[0, -1, len(lane.s) // 2], :2] for lane in road_map.lanes])
    points = np.concatenate(
        [points, *(lane.border(side)[:, :2] for lane in road_map.lanes for side in (1, -1))]
    )
    return points.min(axis=0), points.max(axis=0)


def draw_map(
    road_map: RoadMap,
    width_px: int,
    height_px: int,
    center: tuple[float, float] | None = None,
    meters_per_px: float | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Draw a road map from above, x to the right and y up.

    Args:
        road_map: what to draw.
        width_px: of the picture.
        height_px: of the picture.
        center: (x, y) in the middle of the picture [m]; that of the map when None.
        meters_per_px: scale; the whole map fits when None.

    Returns:
        The picture, uint8 (height_px, width_px, 3) RGB, and pixel_from_world, (3, 3): (x, y, 1) to (column,
        row, 1), whole numbers at the middles of pixels, as cv2 draws.
    """
    low, high = extent(road_map)
    middle = 0.5 * (low + high) if center is None else np.asarray(center, np.float64)
    if meters_per_px is None:
        need = high - low + 2.0 * MARGIN
        meters_per_px = float(max(need[0] / width_px, need[1] / height_px))
    fine = 2 if width_px * height_px <= FINE_PIXELS else 1
    picture = np.full((height_px * fine, width_px * fine, 3), GRASS, np.uint8)
    _Drawing(picture, middle, meters_per_px / fine).road_map(road_map)
    if fine > 1:
        smooth = cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)
        picture = np.asarray(smooth, np.uint8)
    return picture, _pixel_from_world(width_px, height_px, middle, meters_per_px)


def _pixel_from_world(
    width_px: int, height_px: int, middle: NDArray[np.float64], meters_per_px: float
) -> NDArray[np.float64]:
    scale = 1.0 / meters_per_px
    return np.array(
        [
            [scale, 0.0, 0.5 * width_px - 0.5 - scale * middle[0]],
            [0.0, -scale, 0.5 * height_px - 0.5 + scale * middle[1]],
            [0.0, 0.0, 1.0],
        ]
    )


def dashes(stroke: Stroke, begin: float = 0.0, end: float = np.inf) -> Iterator[NDArray[np.float64]]:
    """The painted parts of a stroke as polylines of three points; the whole stroke where it is unbroken."""
    if stroke.type not in ("broken", "botts dots"):
        yield stroke.points
        return
    dash, gap = (0.1, 1.0) if stroke.type == "botts dots" else (stroke.dash, stroke.gap)
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke.points, axis=0).T))])
    starts = np.arange(0.0, s[-1], dash + gap)
    places = np.minimum(starts[:, None] + dash * np.array([0.0, 0.5, 1.0]), s[-1])
    yield from np.stack([np.interp(places, s, stroke.points[:, axis]) for axis in (0, 1)], axis=-1)


class _Drawing:
    """Draws into one picture at one scale."""

    def __init__(self, picture: NDArray[np.uint8], middle: NDArray[np.float64], meters_per_px: float) -> None:
        height_px, width_px = picture.shape[:2]
        self._picture = picture
        self._meters_per_px = meters_per_px
        self._transform = _pixel_from_world(width_px, height_px, middle, meters_per_px)
        reach = 0.5 * meters_per_px * np.array([width_px, height_px]) + 5.0
        self._low, self._high = middle - reach, middle + reach

    def _seen(self, points: NDArray[np.float64]) -> bool:
        return bool(np.all(points.max(axis=0) >= self._low) and np.all(points.min(axis=0) <= self._high))

    def _pixels(self, points: NDArray[np.float64]) -> NDArray[np.int32]:
        plane = points[..., :2] @ self._transform[:2, :2].T + self._transform[:2, 2]
        return np.round(plane * 2**_SHIFT).astype(np.int32)

    def _lines(self, lines: Iterable[NDArray], color: tuple[int, int, int], width: float) -> None:
        thickness = max(round(width / self._meters_per_px), 1)
        cv2.polylines(
            self._picture,
            [self._pixels(x) for x in lines],
            False,
            color,
            thickness,
            cv2.LINE_AA,
            shift=_SHIFT,
        )

    def _fill(self, polygons: Iterable[NDArray], color: tuple[int, int, int]) -> None:
        for polygon in polygons:
            cv2.fillPoly(self._picture, [self._pixels(polygon)], color, cv2.LINE_8, shift=_SHIFT)

    def road_map(self, road_map: RoadMap) -> None:
        for surface in road_map.surfaces:
            if self._seen(surface.polygon):
                color = MATERIAL_COLORS.get(surface.material, MATERIAL_COLORS["concrete"])
                self._fill([surface.polygon], color)
                if surface.material == "crosswalk":
                    self._fill(zebra_bars(surface.polygon), MATERIAL_COLORS["paint white"])
        self._arrows(road_map)
        for stroke in sorted(road_map.strokes, key=lambda x: x.type != "curb"):
            if self._seen(stroke.points):
                painted = PAINT_COLORS.get(stroke.color, PAINT_COLORS["white"])
                color = CURB if stroke.type == "curb" else painted
                self._lines(dashes(stroke), color, stroke.width)
        for signal in road_map.signals:
            if signal.type in SIGNAL_COLORS and self._seen(np.array([[signal.x, signal.y]])):
                self._signal(signal)

    def _arrows(self, road_map: RoadMap) -> None:
        """Chevrons along the direction of travel, on lanes that are wide enough for a car."""
        size = max(1.4, 5.0 * self._meters_per_px)
        if size > 4.0:
            return
        shape = np.array([[-0.5, 0.5], [0.5, 0.0], [-0.5, -0.5]]) * [size, min(size, 2.2)]
        found = []
        for lane in road_map.lanes:
            if (
                lane.type == "driving"
                and lane.width.max() > 2.2
                and lane.length > 12.0
                and lane.junction is None
            ):
                count = max(round(lane.length / ARROW_SPACING), 1)
                s = (np.arange(count) + 0.5) * lane.length / count
                x, y, yaw = (np.interp(s, lane.s, values) for values in (*lane.center.T[:2], lane.headings))
                turn = np.stack([np.cos(yaw), -np.sin(yaw), np.sin(yaw), np.cos(yaw)], axis=1).reshape(
                    -1, 2, 2
                )
                found.append(np.stack([x, y], axis=1)[:, None, :] + shape @ turn.transpose(0, 2, 1))
        if found:
            self._lines(np.concatenate(found), ARROW, 0.16)

    def _signal(self, signal: Signal) -> None:
        radius = max(0.9 / self._meters_per_px, 3.0)
        pixel = self._pixels(np.array([signal.x, signal.y]))
        ahead = np.array([np.cos(signal.yaw), np.sin(signal.yaw)]) * radius * self._meters_per_px * 2.2
        pole = np.array([[signal.x, signal.y], [signal.x + ahead[0], signal.y + ahead[1]]])
        self._lines([pole], (40, 42, 46), 0.5 * radius * self._meters_per_px)
        fixed = round(radius * 2**_SHIFT)
        center = (int(pixel[0]), int(pixel[1]))
        for reach, color in ((1.45, (40, 42, 46)), (1.0, SIGNAL_COLORS[signal.type])):
            cv2.circle(
                self._picture, center, round(fixed * reach), color, cv2.FILLED, cv2.LINE_AA, shift=_SHIFT
            )


def draw_scale(picture: NDArray[np.uint8], meters_per_px: float) -> None:
    """Draw a bar of a round length in the lower left corner, in place."""
    height_px, width_px = picture.shape[:2]
    lengths = [x * 10.0**k for k in range(-1, 5) for x in (1.0, 2.0, 5.0)]
    length = max([x for x in lengths if x / meters_per_px <= 0.2 * width_px], default=lengths[0])
    left, right, base = 24, 24 + round(length / meters_per_px), height_px - 24
    for color, thickness in (((40, 42, 46), 6), ((245, 245, 240), 2)):
        cv2.line(picture, (left, base), (right, base), color, thickness, cv2.LINE_AA)
        label = (left, base - 12)
        cv2.putText(
            picture, f"{length:g} m", label, cv2.FONT_HERSHEY_SIMPLEX, 0.6, color, thickness // 2, cv2.LINE_AA
        )
