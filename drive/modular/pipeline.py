"""The modular driver: see the lane, follow it over time, steer along it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.agent import Context, Control, Observation
from drive.control.pursuit import pure_pursuit
from drive.modular.fit import MAX_CURVATURE, STATION
from drive.modular.lane_detector import LaneDetector
from drive.modular.lane_tracker import LaneTracker
from drive.modular.local_map import LocalMap

LATENCY = 0.1  # from the picture until the wheels have turned [s]


@dataclass(eq=False)
class Debug:
    """What the last picture showed, for overlays and tests."""

    offset: float = 0.0  # of the rear axle from the lane's middle, left positive [m]
    heading_error: float = 0.0  # [rad]
    curvature: float = 0.0  # of the lane at the car [1/m]
    width: float = 0.0  # [m]
    confidence: float = 0.0  # 0 .. 1
    target: tuple[float, float] = (0.0, 0.0)  # pure pursuit's, in the vehicle frame [m]


class ModularAgent:
    """Bird's-eye view, lane evidence, a fit of both borders, a Kalman filter, pure pursuit."""

    debug: Debug

    def reset(self, context: Context) -> None:
        """Build everything from the calibration of the context's front camera."""
        self._context = context
        camera = context.cameras["front"]
        self._detector = LaneDetector(camera)
        self._map = LocalMap()
        self._tracker = LaneTracker(self._map.pose)
        self._first = True
        self._speed = 0.0
        self._steering = 0.0
        self.debug = Debug()

    def act(self, observation: Observation) -> Control:
        """Steer along the lane; the speed law keeps speed and distance."""
        speed, yaw_rate = float(observation["speed"][0]), float(observation["yaw_rate"][0])
        lead_gap = float(observation["lead"][0]) if "lead" in observation else 200.0
        self._look(observation["camera"], speed, yaw_rate, lead_gap)
        steering = self._steer(speed)
        self._steering = steering
        return Control(float(np.clip(steering / self._context.max_steering_angle, -1.0, 1.0)))

    def _look(self, image: NDArray[np.uint8], speed: float, yaw_rate: float, lead_gap: float) -> None:
        detector, tracker, memory = self._detector, self._tracker, self._map
        if self._first:
            bend = float(np.clip(yaw_rate / max(speed, 2.0), -MAX_CURVATURE, MAX_CURVATURE))
            tracker = self._tracker = LaneTracker(memory.pose, bend)
        else:
            dt = self._context.dt
            memory.move(0.5 * (speed + self._speed) * dt, yaw_rate * dt)
            tracker.predict(memory.pose, speed)
        self._speed = speed
        detector.see(image, lead_gap, tracker, memory)
        lane = detector.search(tracker, memory, self._first)
        if lane is not None:
            tracker.adopt(lane)
            tracker.locate(memory.pose)
        information, gradient, confidence = detector.measure(tracker, memory)
        tracker.update(information, gradient)
        tracker.locate(memory.pose)
        tracker.confidence += 0.2 * (confidence - tracker.confidence)
        self._first = False

    def _steer(self, speed: float) -> float:
        tracker, wheelbase = self._tracker, self._context.wheelbase
        pose = self._map.pose.copy()
        reach = speed * LATENCY
        turn = reach * np.tan(self._steering) / wheelbase
        pose += (reach * np.cos(pose[2] + 0.5 * turn), reach * np.sin(pose[2] + 0.5 * turn), turn)
        lookahead = float(np.clip(1.5 + 0.55 * speed, 3.0, 12.0))
        s = (tracker.foot + reach + lookahead) / STATION
        line = tracker.middle
        i = min(int(s), len(line) - 2)
        x, y, yaw = line[i] + (s - i) * (line[i + 1] - line[i])
        curvature = (line[i + 1, 2] - line[i, 2]) / STATION
        # The car's middle, not its rear axle, is to stay on the line: the axle runs inside of it.
        inside = 0.5 * curvature * (0.5 * wheelbase) ** 2
        x, y = x - np.sin(yaw) * inside, y + np.cos(yaw) * inside
        c, si = np.cos(pose[2]), np.sin(pose[2])
        target = (
            float(c * (x - pose[0]) + si * (y - pose[1])),
            float(-si * (x - pose[0]) + c * (y - pose[1])),
        )
        here = int(tracker.foot / STATION)
        self.debug = Debug(
            tracker.offset - tracker.aside, tracker.heading_error,
            float((line[here + 1, 2] - line[here, 2]) / STATION),
            tracker.lane_width, tracker.confidence, target,
        )  # fmt: skip
        return float(pure_pursuit(*target, wheelbase))

    @property
    def pose(self) -> NDArray[np.float64]:
        """(3,) x, y, yaw of the rear axle by dead reckoning since the reset."""
        return self._map.pose

    @property
    def line(self) -> NDArray[np.float64]:
        """(n, 3) x, y, yaw of the lane's middle, in the frame of `pose`, every STATION metres."""
        return self._tracker.middle

    def borders(self) -> NDArray[np.float64]:
        """(2, n, 2) left and right border ahead, in the vehicle frame [m]."""
        tracker, pose = self._tracker, self._map.pose
        line = tracker.middle[int(tracker.foot / STATION) :]
        c, s = np.cos(pose[2]), np.sin(pose[2])
        out = np.empty((2, len(line), 2))
        for i, side in enumerate((1.0, -1.0)):
            d = 0.5 * side * tracker.lane_width
            x = line[:, 0] - np.sin(line[:, 2]) * d - pose[0]
            y = line[:, 1] + np.cos(line[:, 2]) * d - pose[1]
            out[i] = np.stack([c * x + s * y, -s * x + c * y], axis=1)
        return out

    def overlay(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A copy of the camera picture with both borders and the steering target drawn in."""
        picture = image.copy()
        for border in (*self.borders(), np.array([self.debug.target])):
            uv, ahead = self._detector.birdseye.project(border)
            points = np.round(uv[ahead]).astype(np.int32)
            if len(points) > 1:
                cv2.polylines(picture, [points], False, (80, 255, 80), 1, cv2.LINE_AA)
            elif len(points) == 1:
                cv2.circle(picture, points[0].tolist(), 3, (255, 60, 60), -1, cv2.LINE_AA)
        return picture
