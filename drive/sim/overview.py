"""A picture from above: the map around the ego with everything that moves."""

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.sim.maps.topdown import draw_map
from drive.sim.scenario import Scenario
from drive.sim.world import World

_METERS_PER_PX = 0.2
_EGO_RGB = (30, 110, 220)


def _corners(x: float, y: float, yaw: float, length: float, width: float) -> NDArray[np.float64]:
    """(4, 2) corners of a footprint."""
    along = 0.5 * length * np.array([np.cos(yaw), np.sin(yaw)])
    aside = 0.5 * width * np.array([-np.sin(yaw), np.cos(yaw)])
    return np.array([x, y]) + np.stack([along + aside, along - aside, -along - aside, -along + aside])


class Overview:
    """Draws one scenario from above; the map is drawn once."""

    def __init__(self, scenario: Scenario) -> None:
        points = scenario.route.points
        low = np.array([points["x"].min(), points["y"].min()]) - 60.0
        high = np.array([points["x"].max(), points["y"].max()]) + 60.0
        size = np.ceil((high - low) / _METERS_PER_PX).astype(int)
        center = 0.5 * (low + high)
        self._map, self._pixel_from_world = draw_map(
            scenario.road_map, int(size[0]), int(size[1]), tuple(center), _METERS_PER_PX
        )
        route = self._pixels(np.stack([points["x"], points["y"]], axis=1))
        cv2.polylines(self._map, [route], False, (120, 170, 230), 2, cv2.LINE_AA, shift=4)

    def _pixels(self, xy: NDArray[np.float64]) -> NDArray[np.int32]:
        """World points as fixed-point pixels (4 fractional bits)."""
        homogeneous = np.column_stack([xy, np.ones(len(xy))]) @ self._pixel_from_world.T
        return np.round(16.0 * homogeneous[:, :2] / homogeneous[:, 2:]).astype(np.int32)

    def draw(self, world: World, w: int, size_px: int = 320) -> NDArray[np.uint8]:
        """(size_px, size_px, 3) the surroundings of ego w, north up."""
        picture = self._map.copy()
        for actor in world.actors[w]:
            if actor["active"]:
                corners = _corners(actor["x"], actor["y"], actor["yaw"], actor["length"], actor["width"])
                color = int(actor["color"])
                rgb = (color >> 16 & 255, color >> 8 & 255, color & 255)
                cv2.fillPoly(picture, [self._pixels(corners)], rgb, cv2.LINE_AA, shift=4)
        ego, params = world.egos[w], world.params
        x = ego["x"] + params.center_x * np.cos(ego["yaw"])
        y = ego["y"] + params.center_x * np.sin(ego["yaw"])
        corners = _corners(x, y, ego["yaw"], params.length, params.width)
        cv2.fillPoly(picture, [self._pixels(corners)], _EGO_RGB, cv2.LINE_AA, shift=4)
        cv2.polylines(picture, [self._pixels(corners)], True, (255, 255, 255), 1, cv2.LINE_AA, shift=4)
        center = self._pixels(np.array([[x, y]]))[0] / 16.0
        patch: NDArray[np.uint8] = cv2.getRectSubPix(picture, (size_px, size_px), tuple(center.tolist()))  # type: ignore[assignment]
        return patch

    def side_by_side(self, world: World, w: int, height_px: int = 320) -> NDArray[np.uint8]:
        """The front camera and the view from above, both `height_px` high."""
        name = next(iter(world.cameras))
        camera = world.render_view(w, 0.0, 0.0, name)
        width = round(height_px * camera.shape[1] / camera.shape[0])
        scaled = cv2.resize(camera, (width, height_px), interpolation=cv2.INTER_LINEAR)
        return np.concatenate([scaled, self.draw(world, w, height_px)], axis=1)
