"""From a camera picture to evidence on the map, and from the map to measurements of the lane."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.modular import fit
from drive.modular.birdseye import BirdsEye, Region
from drive.modular.evidence import ACROSS_RANGE, find_evidence, find_hidden, learn_asphalt
from drive.modular.lane_search import score_lane, search_lane
from drive.modular.lane_tracker import BEHIND, SEGMENTS, LaneTracker
from drive.modular.local_map import LocalMap, remember

SIDE = 0.4  # from a mark's middle to the ground beside it [m]
TRUST = 0.3  # of a near cell in one picture: what stands up moves from picture to picture, paint adds up
FIRST_TRUST = 0.5  # in the first picture
SEARCH_GAIN = 1.0  # another lane must score this much more than the predicted one
MIN_START_VARIANCE = np.array([0.06, 0.015, 0.06]) ** 2  # of shift [m^2], turn [rad^2], width [m^2]
MAX_START_COST = 10.0
MIN_CURVATURE_VARIANCE = 0.012**2  # [1/m^2]
KNOWN = 3  # segments of the chain that lie behind or below the car
FRONT = 3.5  # rear axle to front bumper, about [m]
NOTHING_HIDDEN = np.array([1e9, 0.0, 0.0, 0.0, 0.0])


def _grid(*axes: tuple[float, ...]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


FIRST_STARTS = _grid(
    (0.0, -0.2, 0.2, -0.4, 0.4, -0.6, 0.6), (0.0, -0.05, 0.05, -0.1, 0.1), (0.0, -0.25, 0.25, -0.5, 0.5)
)
STARTS = _grid((0.0, -0.15, 0.15), (0.0, -0.03, 0.03), (0.0,))
OTHER_WIDTHS = np.arange(2.7, 4.5, 0.2)  # [m]
AGAIN = 4  # pictures from one look for another width to the next
LOST_STARTS = _grid((0.0, -0.2, 0.2, -0.4, 0.4, -0.6, 0.6, -0.8, 0.8, -1.0, 1.0), (0.0, -0.03, 0.03), (0.0,))
LOST = 0.25  # confidence below which the lane is looked for further aside
DOUBTFUL_MARGIN = 0.25  # [m]: from here on the road's end is looked for at any distance
NEW_MARGIN = 0.15  # doubt of a road's end that was just found [m]
END_SEEN = 0.35  # mean evidence of a road's end


def _other_widths(width: float) -> NDArray[np.float64]:
    """Starts of another width: with the same middle, the same right or the same left border."""
    wider = OTHER_WIDTHS - width
    zero = np.zeros(len(wider))
    return np.concatenate([np.stack([shift * wider, zero, wider], axis=1) for shift in (0.0, 0.5, -0.5)])


@dataclass(eq=False)
class Evidence:
    """One picture's evidence, as pictures of the ground."""

    above: NDArray[np.uint8]  # (R, C, 3)
    mark: NDArray[np.float32]  # (R, C) 0 .. 1
    off: NDArray[np.float32]  # (R, C) 0 .. 1


class LaneDetector:
    """Finds the borders of the own lane."""

    def __init__(self, camera: Camera, region: Region | None = None) -> None:
        self.birdseye = BirdsEye(camera, region)
        region = self.birdseye.region
        self._xs, self._ys = region.xs, region.ys
        shape = region.shape
        distance = np.hypot(self._xs[:, None] - camera.x, self._ys[None, :] - camera.y)
        trust = TRUST * np.clip(8.0 / distance, 0.15, 1.0) ** 1.5
        self._weight = np.where(self.birdseye.visible, trust, 0.0).astype(np.float32)
        self._side = max(round(SIDE / region.cell), 1)
        self._across_row = int(np.searchsorted(-self._xs, -ACROSS_RANGE))
        seen = self.birdseye.visible.astype(np.uint8)
        reach = 2 * self._side + 3
        self._along_seen, self._across_seen = (
            cv2.erode(seen, np.ones(size, np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(
                np.float32
            )
            for size in ((1, reach), (reach, 1))
        )
        self._planes = [np.zeros(shape, np.uint8) for _ in range(3)]
        # A cell is seen through the one in the next row on the line to the camera.
        depth = self._xs - camera.x
        y = camera.y + (self._ys - camera.y) * np.append(depth[1:] / depth[:-1], 1.0)[:, None]
        nearer = np.floor((region.y_max - y) / region.cell).astype(np.int32)
        self._nearer = np.where((nearer >= 0) & (nearer < shape[1]), nearer, -1).astype(np.int32)
        self._hidden = np.zeros(shape, np.float32)
        self._light, self._yellow = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._mark = np.zeros(shape, np.float32)
        self.evidence = Evidence(
            self.birdseye.warp(np.zeros((camera.height_px, camera.width_px, 3), np.uint8)),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
        )
        self._asphalt = np.zeros(4)
        self._pictures = 0
        size = fit.CURVES + SEGMENTS
        self._information, self._gradient = np.zeros((size, size)), np.zeros(size)
        self._lane = np.zeros(3 + SEGMENTS)
        self._ends = np.zeros((2, fit.ENDS))
        self.found: NDArray[np.float64] = np.zeros((SEGMENTS * fit.STATIONS + 1, 4, 2))

    def see(self, image: NDArray[np.uint8], lead_gap: float, tracker: LaneTracker, memory: LocalMap) -> None:
        """Put one picture's evidence on the map.

        Args:
            image: (H, W, 3) uint8 RGB.
            lead_gap: to the car ahead [m]; what it hides is left out.
            tracker: where the lane is believed to be: its asphalt shows the road's colour.
            memory: the map, changed.
        """
        evidence = self.evidence
        evidence.above = self.birdseye.warp(image)
        s = np.arange(4.0, 8.5, 0.5)
        middle = self._lane_in_view(tracker, memory, s)
        self._learn_asphalt(middle)
        cv2.split(evidence.above, self._planes)
        red, green, blue = self._planes
        find_evidence(red, green, blue, self._along_seen, self._across_seen, self._side, self._across_row,
                      self._asphalt, self._light, self._yellow, self._mark, evidence.off)  # fmt: skip
        cv2.GaussianBlur(self._mark, (3, 3), 0.8, dst=evidence.mark)
        np.minimum(evidence.mark * np.float32(1.8), 1.0, out=evidence.mark)
        np.minimum(evidence.off, 1.0 - self._mark, out=evidence.off)  # paint lies on the road
        find_hidden(evidence.off, self._nearer, self._hidden, self.birdseye.region.cell)
        np.subtract(1.0, self._hidden, out=self._hidden)
        self._pictures += 1
        weight = self._weight * np.float32(max(FIRST_TRUST / self._pictures / TRUST, 1.0))
        weight *= self._hidden
        remember(memory.grid, evidence.mark, evidence.off, weight, self._xs, self._ys, memory.pose,
                 self._shade(lead_gap, tracker, memory))  # fmt: skip

    def search(self, tracker: LaneTracker, memory: LocalMap, first: bool) -> NDArray[np.float64] | None:
        """Another lane near the predicted one that fits the map better, if there is one."""
        doubt = tracker.covariance[:3, :3] + np.diag(MIN_START_VARIANCE)
        if first:
            starts = FIRST_STARTS
        elif tracker.confidence < LOST:
            starts = LOST_STARTS
        elif self._pictures % AGAIN == 0:
            starts = np.concatenate([STARTS, _other_widths(tracker.width)])
        else:
            starts = STARTS
        args = (memory.grid, tracker.anchor, tracker.width, tracker.margin, tracker.curvature)
        variance = np.maximum(np.diag(tracker.covariance)[fit.CURVES :], MIN_CURVATURE_VARIANCE)
        cost = 0.5 * np.einsum("ij,jk,ik->i", starts, np.linalg.inv(doubt), starts)
        costs = np.minimum(cost, MAX_START_COST)
        score = search_lane(
            *args, variance, tracker.most_curvature, KNOWN, SEGMENTS, starts, costs, self._lane
        )
        predicted = score_lane(*args, SEGMENTS)
        return self._lane if first or score > predicted + SEARCH_GAIN else None

    def measure(
        self, tracker: LaneTracker, memory: LocalMap
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Offsets of both borders from the predicted lane: information, gradient, share of borders found."""
        self._find_ends(tracker, memory)
        gate = np.clip(2.5 * tracker.deviation() + 0.2, 0.25, 0.8)
        doubt = np.sqrt(np.diag(tracker.covariance)[3:5])
        edge_gate = np.clip(2.0 * doubt, 0.05, 0.9)
        fit.measure_borders(
            memory.grid, tracker.line, tracker.width, tracker.margin, gate, edge_gate,
            self._information, self._gradient, self.found,
        )  # fmt: skip
        near = self.found[int(BEHIND / fit.STATION) : int((BEHIND + 15.0) / fit.STATION), :, 1]
        tracker.notice_gutter(
            np.mean(self.found[: int((BEHIND + 12.0) / fit.STATION), :2, 1] > fit.PAINT_SEEN, axis=0)
        )
        return self._information, self._gradient, float(np.mean(near[:, :2].max(axis=1)))

    def _find_ends(self, tracker: LaneTracker, memory: LocalMap) -> None:
        """Where the road ends, to a side on which nothing is known of it."""
        doubt = np.sqrt(np.diag(tracker.covariance)[3:5])
        if doubt.max() < DOUBTFUL_MARGIN:
            return
        begin, end = int((tracker.foot + 1.0) / fit.STATION), int((tracker.foot + 13.0) / fit.STATION)
        fit.scan_ends(memory.grid, tracker.line[begin:end], tracker.width, self._ends)
        for side in range(2):
            ends = self._ends[side]
            if doubt[side] < DOUBTFUL_MARGIN or ends.max() < END_SEEN:
                continue
            best = np.flatnonzero(ends >= 0.9 * ends.max())  # a plateau: the ground is compared across metres
            if best[-1] < len(ends) - 1:
                tracker.learn_margin(side, float(best.mean()) * fit.END_STEP, NEW_MARGIN)

    def _lane_in_view(
        self, tracker: LaneTracker, memory: LocalMap, s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        i = np.clip(((tracker.foot + s) / fit.STATION).astype(np.int64), 0, len(tracker.line) - 1)
        d = tracker.line[i, :2] - memory.pose[:2]
        c, si = np.cos(memory.pose[2]), np.sin(memory.pose[2])
        return np.stack([c * d[:, 0] + si * d[:, 1], -si * d[:, 0] + c * d[:, 1]], axis=1)

    def _learn_asphalt(self, middle: NDArray[np.float64]) -> None:
        region = self.birdseye.region
        spread = np.array([-0.8, -0.4, 0.0, 0.4, 0.8])
        row = ((region.x_max - middle[:, :1]) / region.cell).astype(np.int64) + np.zeros(5, np.int64)
        column = ((region.y_max - middle[:, 1:] - spread) / region.cell).astype(np.int64)
        ok = (row >= 0) & (row < region.shape[0]) & (column >= 0) & (column < region.shape[1])
        row, column = row[ok], column[ok]
        seen = self.birdseye.visible[row, column]
        self._asphalt = learn_asphalt(self._asphalt, self.evidence.above[row[seen], column[seen]])

    def _shade(self, lead_gap: float, tracker: LaneTracker, memory: LocalMap) -> NDArray[np.float64]:
        x = FRONT + lead_gap - 0.8
        if x > self.birdseye.region.x_max:
            return NOTHING_HIDDEN
        x, y = self._lane_in_view(tracker, memory, np.array([x]))[0]
        camera = self.birdseye.camera
        reach = max(x - camera.x, 1.0)
        low, high = (y - 1.4 - camera.y) / reach, (y + 1.4 - camera.y) / reach
        return np.array([x, camera.x, camera.y, low, high])
