"""Cameras: intrinsics, where they are mounted, and how a command asks for one."""

from dataclasses import dataclass
from math import cos, radians, sin, tan

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError


@dataclass(frozen=True)
class Camera:
    """A forward pinhole camera on the car.

    Vehicle frame (ISO 8855): x forward, y left, z up, origin on the ground under the rear axle.
    Image: u right, v down, (0, 0) at the outer corner of the top left pixel, so that the centre
    of pixel (row r, column c) is (u, v) = (c + 0.5, r + 0.5).
    """

    width_px: int = 320
    height_px: int = 160
    fov_deg: float = 90.0  # horizontal field of view
    x: float = 1.5  # ahead of the rear axle [m]
    y: float = 0.0  # left of the car's middle [m]
    z: float = 1.4  # above the ground [m]
    pitch_deg: float = 3.0  # downwards positive
    yaw_deg: float = 0.0  # left positive

    def __post_init__(self) -> None:
        if not (8 <= self.width_px <= 4096 and 8 <= self.height_px <= 4096):
            raise ValueError(
                f"Camera size {self.width_px}x{self.height_px} px is out of range; take 8 to 4096 a side."
            )
        if not 10.0 <= self.fov_deg <= 150.0:
            raise ValueError(f"Camera.fov_deg is {self.fov_deg}; take 10 to 150 degrees.")
        if not 0.2 <= self.z <= 10.0:
            raise ValueError(f"Camera.z is {self.z} m above the ground; take 0.2 to 10 m.")
        if not -45.0 <= self.pitch_deg <= 60.0:
            raise ValueError(f"Camera.pitch_deg is {self.pitch_deg}; take -45 (up) to 60 (down).")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels, the same along u and v."""
        return self.width_px / (2.0 * tan(radians(self.fov_deg) / 2.0))

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) matrix from camera coordinates (right, down, ahead) to homogeneous (u, v)."""
        f = self.focal_px
        return np.array([[f, 0.0, self.width_px / 2.0], [0.0, f, self.height_px / 2.0], [0.0, 0.0, 1.0]])

    @property
    def camera_from_vehicle(self) -> NDArray[np.float64]:
        """(4, 4) rigid transform from the vehicle frame to (right, down, ahead) camera coordinates."""
        yaw, pitch = radians(self.yaw_deg), radians(self.pitch_deg)
        ahead = np.array([cos(pitch) * cos(yaw), cos(pitch) * sin(yaw), -sin(pitch)])
        right = np.array([sin(yaw), -cos(yaw), 0.0])
        down = np.cross(ahead, right)
        rotation = np.stack([right, down, ahead])
        transform = np.eye(4)
        transform[:3, :3] = rotation
        transform[:3, 3] = -rotation @ np.array([self.x, self.y, self.z])
        return transform

    @property
    def image_from_ground(self) -> NDArray[np.float64]:
        """(3, 3) homography from the ground plane (x, y, 1) in the vehicle frame to homogeneous (u, v)."""
        full = self.intrinsics @ self.camera_from_vehicle[:3]
        return full[:, [0, 1, 3]]


@dataclass(frozen=True, kw_only=True)
class CameraFlags:
    """A field of a command's config, nameless (`tyro.conf.arg(name="")`): its flags then have no prefix."""

    width_px: int = 320
    """Width of the pictures."""
    height_px: int = 160
    """Height of the pictures."""
    fov_deg: float = 90.0
    """Horizontal field of view of the camera."""
    camera_height_m: float = 1.4
    """Height of the camera above the ground."""
    camera_pitch_deg: float = 3.0
    """How far the camera looks down."""

    def __post_init__(self) -> None:
        try:
            _ = self.camera  # checks its own fields
        except ValueError as error:
            raise UserError(f"The camera cannot be built: {error}") from error

    @property
    def camera(self) -> Camera:
        """The front camera."""
        return Camera(
            width_px=self.width_px,
            height_px=self.height_px,
            fov_deg=self.fov_deg,
            z=self.camera_height_m,
            pitch_deg=self.camera_pitch_deg,
        )
