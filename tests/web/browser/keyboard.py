"""Drives by pressing and releasing keys, as a person would: looks ahead along the road, and corrects."""

from math import atan

import numpy as np

from tests.web.browser.page import Opened

FULL_LOCK = 0.6  # road wheel angle at steering 1 [rad]
WHEELBASE = 2.7  # [m]
AHEAD = 7.0  # where the driver looks [m]
TOLERANCE = 0.02  # steering that is not worth a key


class KeyDriver:
    """Two hands on the arrow keys; follows the route of the page's map at a speed [m/s]."""

    def __init__(self, opened: Opened, speed: float) -> None:
        self._opened, self._speed = opened, speed
        self._held: set[str] = set()
        self.presses = 0
        corners = np.array(opened.map["route"])
        along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(corners, axis=0).T))]
        fine = np.arange(0.0, along[-1], 0.5)
        self._route = np.stack([np.interp(fine, along, corners[:, i]) for i in (0, 1)], axis=1)

    def wanted_steering(self) -> float:
        """Pure pursuit of the point ahead, in [-1, 1], left positive."""
        x, y, yaw = self._opened.state["pose"]
        way = self._route - [x, y]
        nearest = int(np.argmin(np.hypot(*way.T)))
        to_x, to_y = way[min(nearest + round(AHEAD / 0.5), len(way) - 1)]
        aside = -np.sin(yaw) * to_x + np.cos(yaw) * to_y
        angle = atan(WHEELBASE * 2.0 * aside / (to_x**2 + to_y**2))
        return min(max(angle / FULL_LOCK, -1.0), 1.0)

    def _hold(self, key: str, hold: bool) -> None:
        if hold and key not in self._held:
            self._opened.page.keyboard.down(key)
            self._held.add(key)
            self.presses += 1
        elif not hold and key in self._held:
            self._opened.page.keyboard.up(key)
            self._held.remove(key)

    def look(self) -> None:
        """Press and release what the newest state asks for."""
        state = self._opened.state
        missing = self.wanted_steering() - state["steering"]
        self._hold("ArrowLeft", missing > TOLERANCE)
        self._hold("ArrowRight", missing < -TOLERANCE)
        self._hold("ArrowUp", state["speed"] < self._speed - 0.3)
        self._hold("ArrowDown", state["speed"] > self._speed + 0.7)

    def release(self) -> None:
        """Take both hands off."""
        for key in list(self._held):
            self._hold(key, False)
