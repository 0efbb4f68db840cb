"""One camera picture's evidence of the lane, laid on the map of the ground."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.modular.birdseye import BirdsEye
from drive.modular.evidence import ACROSS_RANGE, find_evidence, find_hidden, gather_road, learn_asphalt
from drive.modular.local_map import LocalMap, remember

SIDE = 0.4  # from a mark's middle to the ground beside it [m]
TRUST = 0.3  # of a near cell in one picture: what stands up moves from picture to picture, paint adds up
FIRST_TRUST = 0.5  # in the first picture
FRONT = 3.5  # rear axle to front bumper, about [m]
LEAD_HALF_WIDTH = 1.4  # of what the car ahead hides, with some room [m]
NOTHING_HIDDEN = np.array([1e9, 0.0, 0.0, 0.0, 0.0])
ROAD_AHEAD = np.arange(4.0, 8.5, 0.5)  # where the lane shows the road's colour [m]
ROAD_ASIDE = np.array([-0.8, -0.4, 0.0, 0.4, 0.8])  # and how far beside its middle [m]


@dataclass(frozen=True, eq=False)
class _Views:
    """What follows from the calibration alone: pictures of the ground, (R, C)."""

    trust: NDArray[np.float32]  # in a cell, 0 where it is not seen
    along_seen: NDArray[np.float32]  # 1 where a cell and its sides in the row are seen
    across_seen: NDArray[np.float32]  # the same in the column
    nearer: NDArray[np.int32]  # column in the next row through which a cell is seen; -1 outside

    @staticmethod
    def of(birdseye: BirdsEye, side: int) -> "_Views":
        camera, region = birdseye.camera, birdseye.region
        xs, ys = region.xs, region.ys
        distance = np.hypot(xs[:, None] - camera.x, ys[None, :] - camera.y)
        trust = TRUST * np.clip(8.0 / distance, 0.15, 1.0) ** 1.5
        seen = birdseye.visible.astype(np.uint8)
        reach = 2 * side + 3
        along, across = (
            cv2.erode(seen, np.ones(size, np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(
                np.float32
            )
            for size in ((1, reach), (reach, 1))
        )
        # A cell is seen through the one in the next row on the line to the camera.
        depth = xs - camera.x
        y = camera.y + (ys - camera.y) * np.append(depth[1:] / depth[:-1], 1.0)[:, None]
        nearer = np.floor((region.y_max - y) / region.cell).astype(np.int32)
        nearer = np.where((nearer >= 0) & (nearer < region.shape[1]), nearer, -1).astype(np.int32)
        return _Views(np.where(birdseye.visible, trust, 0.0).astype(np.float32), along, across, nearer)


class GroundEvidence:
    """Finds paint and what is not road in pictures from above, and remembers both on a map."""

    def __init__(self, camera: Camera, *, alone: bool = False) -> None:
        """Prepare for a camera; `alone`: only one picture comes, so that its evidence counts in full."""
        self.birdseye = BirdsEye(camera)
        region = self.birdseye.region
        self._side = max(round(SIDE / region.cell), 1)
        self._views = _Views.of(self.birdseye, self._side)
        self._xs, self._ys = region.xs, region.ys
        self._across_row = int(np.searchsorted(-self._xs, -ACROSS_RANGE))
        shape = region.shape
        self._planes = [np.zeros(shape, np.uint8) for _ in range(3)]
        self._light, self._yellow, self._mark, self._hidden = (np.zeros(shape, np.float32) for _ in range(4))
        self._asphalt = np.zeros(4)
        self._patch = np.zeros((len(ROAD_AHEAD) * len(ROAD_ASIDE), 3), np.uint8)
        self._alone = alone
        self.pictures = 0  # seen so far
        self.above: NDArray[np.uint8] = np.zeros((*shape, 3), np.uint8)  # the last picture, from above
        self.mark: NDArray[np.float32] = np.zeros(shape, np.float32)  # (R, C) of the last picture, 0 .. 1
        self.off: NDArray[np.float32] = np.zeros(shape, np.float32)  # (R, C) off the road, 0 .. 1

    def remember(
        self, image: NDArray[np.uint8], middle: NDArray[np.float64], shade: NDArray[np.float64],
        memory: LocalMap, pose: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Put one picture's evidence on the map.

        Args:
            image: (H, W, 3) uint8 RGB.
            middle: (n, 2) x, y in the vehicle frame where the own lane is believed to be at ROAD_AHEAD: its
                asphalt shows the road's colour [m].
            shade: (5,) what the car ahead hides (`shade_of_lead`).
            memory: the map, changed.
            pose: (3,) of the car in the map's frame.
        """
        self.above = self.birdseye.warp(image)
        self._learn_asphalt(middle)
        cv2.split(self.above, self._planes)
        red, green, blue = self._planes
        views = self._views
        find_evidence(red, green, blue, views.along_seen, views.across_seen, self._side, self._across_row,
                      self._asphalt, self._light, self._yellow, self._mark, self.off)  # fmt: skip
        cv2.GaussianBlur(self._mark, (3, 3), 0.8, dst=self.mark)
        np.multiply(self.mark, np.float32(1.8), out=self.mark)
        np.minimum(self.mark, 1.0, out=self.mark)
        np.subtract(1.0, self._mark, out=self._mark)
        np.minimum(self.off, self._mark, out=self.off)  # paint lies on the road
        find_hidden(self.off, views.nearer, self._hidden, self.birdseye.region.cell)
        np.subtract(1.0, self._hidden, out=self._hidden)
        self.pictures += 1
        if self._alone:
            self._hidden *= self.birdseye.visible
        else:
            early = FIRST_TRUST / self.pictures / TRUST
            trust = views.trust * np.float32(early) if early > 1.0 else views.trust
            np.multiply(trust, self._hidden, out=self._hidden)
        remember(memory.grid, self.mark, self.off, self._hidden, self._xs, self._ys, pose, shade)

    @property
    def road_yellowness(self) -> float:
        """How yellow the road is in this light, relative to its brightness: (red + green) / 2 - blue."""
        _, green_magenta, red_blue, _ = self._asphalt.tolist()
        return float(0.75 * red_blue + 0.5 * green_magenta)

    def _learn_asphalt(self, middle: NDArray[np.float64]) -> None:
        region, visible = self.birdseye.region, self.birdseye.visible
        count = gather_road(
            middle, ROAD_ASIDE, region.x_max, region.y_max, region.cell, visible, self.above, self._patch
        )
        self._asphalt = learn_asphalt(self._asphalt, self._patch[:count])


def shade_of_lead(camera: Camera, x: float, y: float) -> NDArray[np.float64]:
    """(5,) what a car ahead hides, whose back is at x, y in the vehicle frame [m] (`local_map.remember`)."""
    reach = max(x - camera.x, 1.0)
    low, high = (y - LEAD_HALF_WIDTH - camera.y) / reach, (y + LEAD_HALF_WIDTH - camera.y) / reach
    return np.array([x, camera.x, camera.y, low, high])
