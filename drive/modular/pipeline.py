"""The modular driver: see the lane, follow it over time, steer along it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.agent import Context, Control, Observation
from drive.camera import Camera
from drive.control.lane_estimate import LaneEstimate
from drive.control.lateral import CarMotion, LateralLaw, pursuit_target, steer_by_pursuit
from drive.modular.birdseye import project
from drive.modular.lane_detector import LaneDetector
from drive.modular.lane_tracker import LaneTracker
from drive.modular.stages import Odometry, Perception, Tracking, first_odometry, next_odometry


class ModularAgent:
    """Perception, tracking and a lateral law, each of which can be swapped.

    As it stands: lane detection from above, a Kalman filter, pure pursuit.

    Attributes:
        lane: what the law steered by last.
        car: how the car moved then.
        odometry: where it was.
        privileged: whether its perception reads the simulator's truth.
    """

    lane: LaneEstimate
    car: CarMotion
    odometry: Odometry | None

    def __init__(
        self,
        perception: Perception | None = None,
        tracking: Tracking | None = None,
        law: LateralLaw = steer_by_pursuit,
    ) -> None:
        """Take the stages; None for the usual one."""
        self.perception: Perception = LaneDetector() if perception is None else perception
        self.tracking: Tracking = LaneTracker() if tracking is None else tracking
        self.law = law
        self.privileged = bool(getattr(self.perception, "privileged", False))

    def reset(self, context: Context) -> None:
        """Forget the last drive."""
        self._context = context
        self.perception.reset(context)
        self.tracking.reset(context)
        self.odometry = None
        self._steering_angle = 0.0  # as asked for last [rad]

    def act(self, observation: Observation) -> Control:
        """Steer along the lane; the speed law keeps speed and distance."""
        context, last = self._context, self.odometry
        odometry = (
            first_odometry(observation) if last is None else next_odometry(last, observation, context.dt)
        )
        seen = self.perception.see(observation, odometry, self.tracking.expect(odometry))
        self.lane = self.tracking.track(seen, odometry)
        self.odometry = odometry
        self.car = CarMotion(odometry.speed, self._steering_angle, context.wheelbase)
        self._steering_angle = self.law(self.lane, self.car)
        return Control(float(np.clip(self._steering_angle / context.max_steering_angle, -1.0, 1.0)))


def draw_lane(
    image: NDArray[np.uint8], camera: Camera, lane: LaneEstimate, car: CarMotion
) -> NDArray[np.uint8]:
    """A copy of a camera picture with both borders and pure pursuit's target drawn in.

    Args:
        image: (H, W, 3) uint8 RGB of the calibrated camera.
        camera: the calibration.
        lane: as seen in this picture.
        car: how the car moves.
    """
    picture = image.copy()
    for border in (lane.border(+1), lane.border(-1)):
        uv, ahead = project(camera, border)
        cv2.polylines(picture, [np.round(uv[ahead]).astype(np.int32)], False, (80, 255, 80), 1, cv2.LINE_AA)
    uv, ahead = project(camera, np.array([pursuit_target(lane, car)]))
    if ahead[0]:
        cv2.circle(picture, np.round(uv[0]).astype(np.int32).tolist(), 3, (255, 60, 60), -1, cv2.LINE_AA)
    return picture
