"""What stands between a camera and a driver: noise, delay, lost frames, a camera that has moved.

Each changes what driver and shadows see; the task, its truth and the hashes of its frames know nothing of it.
`DisturbedEnv` puts the same before a Gymnasium environment.
"""

import copy
from collections import deque
from math import cos, radians, sin
from typing import Any, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

from drive.agent import Observation
from drive.camera import Camera
from drive.driving.parts import Disturbance


class _Disturbance:
    """Snapshots of everything that a disturbance holds."""

    def reset(self, seed: int) -> None:
        """Begin a drive; everything random follows from the seed."""
        self._rng = np.random.default_rng([seed, 7919])

    def snapshot(self) -> dict[str, Any]:
        """All of its state."""
        return copy.deepcopy(self.__dict__)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.__dict__.update(copy.deepcopy(state))


class PictureNoise(_Disturbance):
    """Gaussian noise on every channel of the picture.

    Args:
        std: [grey levels].
    """

    def __init__(self, std: float) -> None:
        self._std = std

    def __call__(self, observation: Observation) -> Observation:
        """The observation with a noisy picture."""
        camera = observation["camera"]
        noisy = camera + self._rng.normal(0.0, self._std, camera.shape)
        return {**observation, "camera": np.clip(np.rint(noisy), 0, 255).astype(np.uint8)}


class Delay(_Disturbance):
    """Everything is seen so many control steps late; at the start the first observation stands still.

    Args:
        steps: of 0.05 s.
    """

    def __init__(self, steps: int) -> None:
        if steps < 1:
            raise ValueError(f"Delay.steps is {steps}; take 1 or more.")
        self._steps = steps

    def reset(self, seed: int) -> None:
        """Forget the last drive."""
        self._past: deque[Observation] = deque(maxlen=self._steps + 1)

    def __call__(self, observation: Observation) -> Observation:
        """What was observed `steps` ago."""
        self._past.append(observation)
        return self._past[0]


class DroppedFrames(_Disturbance):
    """A share of the pictures is lost: the last one that came is seen again.

    Args:
        share: probability that a picture is lost.
    """

    def __init__(self, share: float) -> None:
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"DroppedFrames.share is {share}; take 0 to 1.")
        self._share = share

    def reset(self, seed: int) -> None:
        """Forget the last drive."""
        super().reset(seed)
        self._last: NDArray[np.uint8] | None = None

    def __call__(self, observation: Observation) -> Observation:
        """The observation with the newest picture that came."""
        if self._last is None or self._rng.random() >= self._share:
            self._last = observation["camera"]
        return {**observation, "camera": self._last}


class TurnedCamera(_Disturbance):
    """The camera was turned on its mount after calibration: its picture is of another direction.

    A turn about the optical centre moves every pixel by the homography K R K^-1 whatever its depth (Hartley
    and Zisserman, Multiple View Geometry, ch. 8.4); pixels that the camera does not show are black.

    Args:
        camera: the front camera as calibrated.
        yaw_deg: left positive.
        pitch_deg: downwards positive.
        roll_deg: clockwise as seen from behind positive.
    """

    def __init__(
        self, camera: Camera, yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0
    ) -> None:
        yaw, pitch, roll = radians(yaw_deg), radians(pitch_deg), radians(roll_deg)
        about_down = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
        about_right = np.array([[1, 0, 0], [0, cos(pitch), -sin(pitch)], [0, sin(pitch), cos(pitch)]])
        about_ahead = np.array([[cos(roll), sin(roll), 0], [-sin(roll), cos(roll), 0], [0, 0, 1]])
        k = camera.intrinsics
        centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])  # OpenCV counts from a pixel's centre
        turned = k @ about_ahead @ about_right @ about_down @ np.linalg.inv(k)
        self._homography = np.linalg.inv(centre) @ turned @ centre

    def __call__(self, observation: Observation) -> Observation:
        """The observation with the picture that the turned camera takes."""
        import cv2

        camera = observation["camera"]
        size = camera.shape[1], camera.shape[0]
        turned = cast(NDArray[np.uint8], cv2.warpPerspective(camera, self._homography, size))
        return {**observation, "camera": turned}


class DisturbedEnv(gymnasium.ObservationWrapper):
    """A Gymnasium environment whose agent sees what the disturbances leave.

    Args:
        env: with dict observations that hold `camera`.
        disturbances: applied in this order.
    """

    def __init__(self, env: gymnasium.Env, *disturbances: Disturbance) -> None:
        super().__init__(env)
        self.disturbances = disturbances
        self._rng = np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin a drive; `seed` reseeds the disturbances too."""
        observation, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        for disturbance in self.disturbances:
            disturbance.reset(int(self._rng.integers(1 << 31)))
        return self.observation(observation), info

    def observation(self, observation: Any) -> Any:
        """What the agent sees."""
        for disturbance in self.disturbances:
            observation = disturbance(observation)
        return observation
