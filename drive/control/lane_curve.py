"""The course of a lane: points along its middle, seen from a car that moves while they stand still."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LaneCurve:
    """A lane's middle and width at evenly spaced stations, in any frame that stands on the ground.

    What its methods return is in the vehicle frame (ISO 8855: x forward, y left, origin under the rear axle)
    of a car at `pose`. Between stations everything is linear; beyond both ends the lane goes on straight.
    """

    points: Array  # (n, 3) x, y [m] and yaw [rad, continuous] of the lane's middle; n >= 2
    width: Array  # (n,) of the lane [m]
    spacing: float  # arc length from one station to the next [m]
    foot: float  # arc length from the first station to the foot of the car's rear axle [m]
    pose: Array  # (3,) x, y [m] and yaw [rad] of the car's rear axle in the frame of `points`

    def _stations(self, s: ArrayLike) -> tuple[NDArray[np.int64], Array]:
        """The station before each s, and how many spacings beyond it."""
        u = (self.foot + np.asarray(s, np.float64)) / self.spacing
        i = np.minimum(np.maximum(u.astype(np.int64), 0), len(self.points) - 2)
        return i, u - i

    @property
    def ahead(self) -> Array:
        """(m,) s of the stations from the car's foot on [m]."""
        first = max(int(np.ceil(self.foot / self.spacing - 1e-9)), 0)
        return np.asarray(np.arange(first, len(self.points)) * self.spacing - self.foot, np.float64)

    def poses(self, s: ArrayLike) -> Array:
        """(..., 3) x, y [m], yaw [rad] of the lane's middle, s metres along it from the car's foot."""
        i, u = self._stations(s)
        p = self.points[i] + u[..., None] * (self.points[i + 1] - self.points[i])
        x, y = self._to_vehicle(p[..., 0], p[..., 1])
        return np.stack([x, y, p[..., 2] - self.pose[2]], axis=-1)

    def position(self, s: ArrayLike, d: ArrayLike = 0.0) -> Array:
        """(..., 2) x, y [m] of the point s metres along the lane from the car's foot and d to the left."""
        i, u = self._stations(s)
        p = self.points[i] + u[..., None] * (self.points[i + 1] - self.points[i])
        yaw = p[..., 2]
        return np.stack(self._to_vehicle(p[..., 0] - np.sin(yaw) * d, p[..., 1] + np.cos(yaw) * d), axis=-1)

    def curvature(self, s: ArrayLike) -> Array:
        """(...,) of the lane's middle, a mean between two stations, left positive [1/m]."""
        i, _ = self._stations(s)
        return np.asarray((self.points[i + 1, 2] - self.points[i, 2]) / self.spacing)

    def border(self, side: int, s: ArrayLike) -> Array:
        """(..., 2) x, y [m] of the left (side = +1) or right (side = -1) border."""
        i, u = self._stations(s)
        width = self.width[i] + u * (self.width[i + 1] - self.width[i])
        return self.position(s, 0.5 * side * width)

    def moved(self, distance: float, turn: float) -> "LaneCurve":
        """The same lane from a car that went on.

        Args:
            distance: along its own arc, small against the lane's radius [m].
            turn: of the car on the way, left positive [rad].
        """
        yaw = self.pose[2] + 0.5 * turn
        step = np.array([distance * np.cos(yaw), distance * np.sin(yaw), turn])
        return replace(self, pose=self.pose + step, foot=self.foot + distance)

    def _to_vehicle(self, x: Array, y: Array) -> tuple[Array, Array]:
        px, py, yaw = self.pose
        c, s = np.cos(yaw), np.sin(yaw)
        return c * (x - px) + s * (y - py), -s * (x - px) + c * (y - py)


def clothoid(
    lateral_offset: float,
    heading_error: float,
    curvature: float,
    curvature_rate: float,
    width: float,
    reach: float,
    spacing: float = 0.5,
) -> LaneCurve:
    """The lane whose curvature grows evenly along it, from the car's foot to `reach`.

        yaw(s) = curvature s + curvature_rate s^2 / 2,  d(x, y) / ds = (cos yaw, sin yaw)

    in the frame of the lane at the car's foot, integrated by Simpson's rule.

    Args:
        lateral_offset: of the rear axle from the lane's middle, left positive [m].
        heading_error: car's yaw minus the lane's [rad].
        curvature: at the foot, left positive [1/m].
        curvature_rate: along the lane [1/m^2].
        width: [m].
        reach: arc length of the lane ahead [m].
        spacing: of the stations [m].
    """
    count = max(int(np.ceil(reach / spacing - 1e-9)), 1)
    s = spacing * np.arange(2 * count + 1) / 2.0  # stations and the middles between them
    yaw = curvature * s + 0.5 * curvature_rate * s * s
    points = np.zeros((count + 1, 3))
    for axis, slope in enumerate((np.cos(yaw), np.sin(yaw))):
        points[1:, axis] = np.cumsum((slope[:-2:2] + 4.0 * slope[1::2] + slope[2::2]) * spacing / 6.0)
    points[:, 2] = yaw[::2]
    pose = np.array([0.0, lateral_offset, heading_error])
    return LaneCurve(points, np.full(count + 1, width), spacing, 0.0, pose)
