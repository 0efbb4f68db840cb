"""Finds the own lane: evidence onto the map, a search for the lane in it, a measurement of both borders."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drive.agent import NO_LEAD_GAP, Context, Observation
from drive.camera import Remap
from drive.control.lane_estimate import LaneEstimate
from drive.modular import fit
from drive.modular.arc_chain import BEHIND, SEGMENTS, SIZE, ArcChain
from drive.modular.ground_evidence import FRONT, NOTHING_HIDDEN, ROAD_AHEAD, GroundEvidence, shade_of_lead
from drive.modular.lane_search import score_lane, search_lane
from drive.modular.lane_tracker import CONFIDENCE_RATE, ChainLane
from drive.modular.lines import lines_of
from drive.modular.local_map import LocalMap
from drive.modular.stages import Odometry

SEARCH_GAIN = 1.0  # another lane must score this much more than the predicted one
MIN_START_COVARIANCE = np.diag([0.06, 0.015, 0.06]) ** 2  # of shift [m], turn [rad], width [m]
MAX_START_COST = 10.0
MIN_CURVATURE_VARIANCE = 0.012**2  # [1/m^2]
PASSES_ALONE = 3  # a lane found in a single picture is measured so often, each time from nearer by
KNOWN = 3  # segments of the chain that lie behind or below the car


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
MEASUREMENT = 0.35  # of one station's border, its correlation with its neighbours included [m]
NEAR = slice(int(BEHIND / fit.STATION), int((BEHIND + 15.0) / fit.STATION))  # stations that give confidence
MAX_FOV_DEG = 100.0  # of the pinhole that stands in for a lens
GUTTER = slice(0, int((BEHIND + 12.0) / fit.STATION))  # stations at which stripes are counted


def _other_widths(width: float) -> NDArray[np.float64]:
    """Starts of another width: with the same middle, the same right or the same left border."""
    wider = OTHER_WIDTHS - width
    zero = np.zeros(len(wider))
    return np.concatenate([np.stack([shift * wider, zero, wider], axis=1) for shift in (0.0, 0.5, -0.5)])


@dataclass(frozen=True, eq=False)
class _Buffers:
    """What the kernels write into."""

    information: NDArray[np.float64]  # (SIZE, SIZE)
    gradient: NDArray[np.float64]  # (SIZE,)
    lane: NDArray[np.float64]  # (3 + SEGMENTS,) shift [m], turn [rad], width [m], curvatures [1/m]
    ends: NDArray[np.float64]  # (2, ENDS)
    found: NDArray[np.float64]  # (stations, 4, 2), see `fit.measure_borders`

    @staticmethod
    def empty() -> "_Buffers":
        stations = SEGMENTS * fit.STATIONS + 1
        return _Buffers(
            np.zeros((SIZE, SIZE)), np.zeros(SIZE), np.zeros(3 + SEGMENTS), np.zeros((2, fit.ENDS)),
            np.zeros((stations, 4, 2)),
        )  # fmt: skip


class LaneDetector:
    """Sees the own lane in camera pictures.

    Told what to expect, it answers with the expected chain after this picture. Otherwise it begins with a
    usual lane along the car's way.
    """

    def __init__(self, *, memory: bool = True) -> None:
        """Keep evidence of earlier pictures on the map; without `memory` each picture stands alone."""
        self._remembers = memory

    def reset(self, context: Context) -> None:
        """Build everything from the calibration of the context's front camera.

        Behind a lens that bends lines, it looks at the pictures of a pinhole in its place.
        """
        camera = context.cameras["front"]
        self._camera, self._remap = camera, None
        if camera.distorting:
            fov = min(camera.fov_deg, MAX_FOV_DEG)
            self._camera = replace(camera, lens="pinhole", distortion=(), roll_deg=0.0, fov_deg=fov)
            self._remap = Remap(camera, self._camera)
        self._forget()
        self._buffers = _Buffers.empty()

    def _forget(self) -> None:
        self._evidence = GroundEvidence(self._camera, alone=not self._remembers)
        self._map = LocalMap()

    def see(
        self, observation: Observation, odometry: Odometry, expected: LaneEstimate | None = None
    ) -> ChainLane:
        """The lane in a picture."""
        if not self._remembers and self._evidence.pictures > 0:
            self._forget()
        pose = odometry.pose
        self._map.center_on(pose)
        known = isinstance(expected, ChainLane)
        chain = expected.chain if isinstance(expected, ChainLane) else self._usual(odometry)
        self._look(observation, chain, pose)
        lane = self._search(chain, first=not known)
        if lane is not None:
            chain = chain.adopted(lane).located(pose)
        chain = self._with_ends(chain)
        for _ in range(1 if self._remembers else PASSES_ALONE, 1, -1):
            nearer = self._measured(chain)
            chain = chain._replace(
                anchor=nearer.anchor, width=nearer.width, margin=nearer.margin, curvature=nearer.curvature
            ).located(pose)
        chain = self._measured(chain).located(pose)
        left, right = lines_of(self._buffers.found, chain, self._evidence, pose)
        return ChainLane.of(chain, odometry, left, right, continues=known)

    def _usual(self, odometry: Odometry) -> ArcChain:
        bend = odometry.yaw_rate / max(odometry.speed, 2.0)
        return ArcChain.start(odometry.pose, float(np.clip(bend, -fit.MAX_CURVATURE, fit.MAX_CURVATURE)))

    def _look(self, observation: Observation, chain: ArcChain, pose: NDArray[np.float64]) -> None:
        gap = float(observation["lead"][0]) if "lead" in observation else NO_LEAD_GAP
        shade, back = NOTHING_HIDDEN, FRONT + gap - 0.8
        if back <= self._evidence.birdseye.region.x_max:
            shade = shade_of_lead(self._camera, *_in_view(chain, pose, np.array([back]))[0])
        middle = _in_view(chain, pose, ROAD_AHEAD)
        picture = observation["camera"] if self._remap is None else self._remap(observation["camera"])
        self._evidence.remember(picture, middle, shade, self._map, pose)

    def _search(self, chain: ArcChain, first: bool) -> NDArray[np.float64] | None:
        """Another lane near the predicted one that fits the map better, if there is one."""
        doubt = chain.covariance[:3, :3] + MIN_START_COVARIANCE
        if first:
            starts = FIRST_STARTS
        elif chain.confidence < LOST:
            starts = LOST_STARTS
        elif self._evidence.pictures % AGAIN == 0:
            starts = np.concatenate([STARTS, _other_widths(chain.width)])
        else:
            starts = STARTS
        args = (self._map.grid, chain.anchor, chain.width, chain.margin, chain.curvature)
        variance = np.maximum(chain.covariance.diagonal()[fit.CURVES :], MIN_CURVATURE_VARIANCE)
        cost = 0.5 * np.einsum("ij,jk,ik->i", starts, np.linalg.inv(doubt), starts)
        costs = np.minimum(cost, MAX_START_COST)
        out = self._buffers.lane
        score = search_lane(*args, variance, chain.max_curvature, KNOWN, SEGMENTS, starts, costs, out)
        predicted = score_lane(*args, SEGMENTS)
        return out if first or score > predicted + SEARCH_GAIN else None

    def _with_ends(self, chain: ArcChain) -> ArcChain:
        """Find where the road ends, to a side on which nothing is known of it."""
        doubt = np.sqrt(chain.covariance.diagonal()[3:5])
        if doubt.max() < DOUBTFUL_MARGIN:
            return chain
        begin, end = int((chain.foot + 1.0) / fit.STATION), int((chain.foot + 13.0) / fit.STATION)
        fit.scan_ends(self._map.grid, chain.line[begin:end], chain.width, self._buffers.ends)
        for side in range(2):
            ends = self._buffers.ends[side]
            if doubt[side] < DOUBTFUL_MARGIN or ends.max() < END_SEEN:
                continue
            best = np.flatnonzero(ends >= 0.9 * ends.max())  # a plateau: the ground is compared across metres
            if best[-1] < len(ends) - 1:
                chain = chain.with_margin(side, float(best.mean()) * fit.END_STEP, NEW_MARGIN)
        return chain

    def _measured(self, chain: ArcChain) -> ArcChain:
        """The chain corrected by the offsets of both borders from it."""
        out = self._buffers
        gate = np.minimum(np.maximum(2.5 * chain.deviation() + 0.2, 0.25), 0.8)
        doubt = np.sqrt(chain.covariance.diagonal()[3:5])
        edge_gate = np.minimum(np.maximum(2.0 * doubt, 0.05), 0.9)
        fit.measure_borders(
            self._map.grid, chain.line, chain.width, chain.margin, gate, edge_gate,
            out.information, out.gradient, out.found,
        )  # fmt: skip
        painted = out.found[GUTTER, :2, 1] > fit.PAINT_SEEN
        right, left = np.count_nonzero(painted[:, 0]), np.count_nonzero(painted[:, 1])
        chain = chain.with_gutter((right / GUTTER.stop, left / GUTTER.stop))
        scale = 1.0 / MEASUREMENT**2
        confidence = float(np.maximum(out.found[NEAR, 0, 1], out.found[NEAR, 1, 1]).mean())
        return chain.corrected(out.information * scale, out.gradient * scale)._replace(
            confidence=chain.confidence + CONFIDENCE_RATE * (confidence - chain.confidence)
        )


def _in_view(chain: ArcChain, pose: NDArray[np.float64], s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) x, y in the vehicle frame of the middle's stations nearest before s ahead of the car [m]."""
    i = ((chain.foot + s) / fit.STATION).astype(np.int64)
    d = chain.line[np.minimum(np.maximum(i, 0), len(chain.line) - 1), :2] - pose[:2]
    c, si = np.cos(pose[2]), np.sin(pose[2])
    seen = np.empty_like(d)
    seen[:, 0], seen[:, 1] = c * d[:, 0] + si * d[:, 1], -si * d[:, 0] + c * d[:, 1]
    return seen
