"""The ground ahead seen from above, from the camera's calibration alone."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera


@dataclass(frozen=True)
class Region:
    """The rectangle of ground that is looked at, in the vehicle frame (x forward, y left, rear axle)."""

    x_min: float = 3.0  # [m]
    x_max: float = 25.0  # [m]
    y_max: float = 8.0  # half width: from -y_max to y_max [m]
    cell: float = 0.125  # [m]

    def __post_init__(self) -> None:
        if not (self.cell > 0.0 and self.x_max - self.x_min >= self.cell and self.y_max >= self.cell):
            raise ValueError(f"{self} holds no cell; take x_max > x_min, y_max > 0 and a smaller cell.")

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns): row 0 is the farthest, column 0 the leftmost."""
        return round((self.x_max - self.x_min) / self.cell), round(2.0 * self.y_max / self.cell)

    @property
    def xs(self) -> NDArray[np.float64]:
        """(rows,) x of the cell centres [m]."""
        return np.asarray(self.x_max - (np.arange(self.shape[0]) + 0.5) * self.cell, np.float64)

    @property
    def ys(self) -> NDArray[np.float64]:
        """(columns,) y of the cell centres [m]."""
        return np.asarray(self.y_max - (np.arange(self.shape[1]) + 0.5) * self.cell, np.float64)


def project(camera: Camera, ground: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Picture coordinates of ground points.

        (u, v, 1) ~ image_from_ground (x, y, 1)

    Args:
        camera: the calibration.
        ground: (..., 2) x, y in the vehicle frame [m].

    Returns:
        (..., 2) u, v [px] and (...,) whether the point is at least 0.3 m ahead of the camera.
    """
    h = camera.image_from_ground
    p = ground @ h[:, :2].T + h[:, 2]
    ahead = p[..., 2] > 0.3
    return p[..., :2] / np.where(ahead, p[..., 2], 1.0)[..., None], ahead


class BirdsEye:
    """Warps camera pictures to the ground plane."""

    def __init__(self, camera: Camera, region: Region | None = None) -> None:
        region = region or Region()
        self.camera = camera
        self.region = region
        x, y = np.meshgrid(region.xs, region.ys, indexing="ij")
        uv, ahead = project(camera, np.stack([x, y], axis=-1))
        # cv2 counts from the centre of the first pixel, the camera from its corner.
        self._map_u = (uv[..., 0] - 0.5).astype(np.float32)
        self._map_v = (uv[..., 1] - 0.5).astype(np.float32)
        inside = (
            (uv >= 1.0).all(-1) & (uv[..., 0] <= camera.width_px - 1) & (uv[..., 1] <= camera.height_px - 1)
        )
        self.visible: NDArray[np.bool_] = inside & ahead
        self._map_u[~self.visible] = -1e4
        self._map_v[~self.visible] = -1e4
        self._fixed = cv2.convertMaps(self._map_u, self._map_v, cv2.CV_16SC2)
        self._out = np.zeros((*region.shape, 3), np.uint8)

    def warp(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(rows, columns, 3) the ground from above; black where the camera does not see.

        Args:
            image: (H, W, 3) uint8 of the calibrated camera.

        Returns:
            A buffer that the next call overwrites.
        """
        if image.shape != (self.camera.height_px, self.camera.width_px, 3):
            raise ValueError(
                f"The picture is {image.shape}, the calibration says "
                f"({self.camera.height_px}, {self.camera.width_px}, 3); reset with the context's camera."
            )
        cv2.remap(image, *self._fixed, cv2.INTER_LINEAR, dst=self._out, borderMode=cv2.BORDER_CONSTANT)
        return self._out
