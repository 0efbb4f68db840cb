"""Road networks as sampled lanes: what every reader and generator makes, and everything else reads."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drive.core.portable_math_arrays import atan2_array, sincos_array

DRIVABLE_TYPES = frozenset(
    {
        "driving",
        "bidirectional",
        "parking",
        "entry",
        "exit",
        "onRamp",
        "offRamp",
        "connectingRamp",
    }
)
MIN_DRIVING_WIDTH = 2.2  # narrower lanes carry no route and no spawn [m]


@dataclass(frozen=True, slots=True)
class Mark:
    """A road mark on one border of a lane, for a stretch of that lane.

    `type` and `color` use OpenDRIVE's words: "none", "solid", "broken", "solid solid", "solid broken",
    "broken solid", "broken broken", "botts dots", "grass", "curb", "edge", "custom"; "white" ("standard"
    in files), "yellow", "blue", "green", "red", "orange".
    """

    s_start: float  # along the lane's centre, in driving direction [m]
    s_end: float  # [m]
    type: str
    color: str = "white"
    width: float = 0.12  # [m]


@dataclass(frozen=True, eq=False)
class Lane:
    """One lane between two section borders, sampled along its driving direction.

    `left` and `right` are relative to the driving direction. Arrays share the length n >= 2.
    """

    index: int  # place in RoadMap.lanes
    road_id: str
    section: int
    lane_id: int  # OpenDRIVE's id: negative right of the reference line
    type: str
    center: NDArray[np.float64]  # (n, 3) [m], relative to RoadMap.origin
    s: NDArray[np.float64]  # (n,) arc length in the plane along `center`, s[0] = 0 [m]
    width: NDArray[np.float64]  # (n,) [m]
    speed_limit: float  # [m/s]
    junction: str | None = None  # id of the junction whose connecting lane this is
    successors: tuple[int, ...] = ()  # lane indices ahead
    predecessors: tuple[int, ...] = ()
    left_neighbour: int | None = None  # adjacent lane, whatever its direction and type
    right_neighbour: int | None = None
    left_marks: tuple[Mark, ...] = ()
    right_marks: tuple[Mark, ...] = ()
    painted: float = 1.0  # in junctions: of its better border, the share along which paint is drawn
    layer: int = 0  # for bridges: surfaces of different layers do not touch
    forward: bool = True  # driven along the road's reference line
    curvature: NDArray[np.float64] | None = None  # (n,) where known exactly, left positive [1/m]

    @property
    def length(self) -> float:
        """Arc length of the centre line [m]."""
        return float(self.s[-1])

    @property
    def drivable(self) -> bool:
        """Whether cars may stand on it."""
        return self.type in DRIVABLE_TYPES

    @property
    def headings(self) -> NDArray[np.float64]:
        """(n,) yaw of the centre line [rad], continuous along the lane."""
        d = np.gradient(self.center[:, :2], self.s, axis=0, edge_order=2 if len(self.s) > 2 else 1)
        return np.unwrap(atan2_array(d[:, 1], d[:, 0]))

    def border(self, side: int) -> NDArray[np.float64]:
        """(n, 3) the left (side = +1) or right (side = -1) border."""
        sine, cosine = sincos_array(self.headings)
        normal = np.stack([-sine, cosine, np.zeros_like(sine)], axis=1)
        return self.center + side * 0.5 * self.width[:, None] * normal

    def heading_at(self, s: ArrayLike) -> NDArray[np.float64]:
        """Yaw of the centre line at arc length s [rad], continuous along the lane."""
        return np.interp(np.asarray(s, np.float64), self.s, self.headings)

    def position(self, s: ArrayLike, d: ArrayLike = 0.0) -> NDArray[np.float64]:
        """(..., 3) the point at arc length s, moved d to the left [m]."""
        s, d = np.asarray(s, np.float64), np.asarray(d, np.float64)
        sine, cosine = sincos_array(self.heading_at(s))
        x, y, z = (np.interp(s, self.s, self.center[:, axis]) for axis in range(3))
        return np.stack(np.broadcast_arrays(x - d * sine, y + d * cosine, z), axis=-1)


@dataclass(frozen=True, eq=False)
class Stroke:
    """Paint (or a kerb) along a polyline: one mark drawn once, whichever lanes share the border."""

    points: NDArray[np.float64]  # (n, 2) [m], relative to RoadMap.origin
    type: str  # a Mark type with one line: "solid", "broken", "botts dots", "curb", "grass", "edge"
    color: str = "white"
    width: float = 0.12  # [m]
    dash: float = 3.0  # length of a dash of a broken line [m]
    gap: float = 6.0  # gap between dashes [m]
    wear: float = 0.0  # share of the paint that is gone, 0 .. 1
    layer: int = 0


@dataclass(frozen=True, eq=False)
class Surface:
    """A closed polygon of one material. Later surfaces cover earlier ones."""

    polygon: NDArray[np.float64]  # (n, 2) [m], relative to RoadMap.origin
    material: str  # "asphalt", "concrete", "shoulder", "sidewalk", "median", "crosswalk", "paint white"
    layer: int = 0


@dataclass(frozen=True, eq=False)
class Signal:
    """A traffic light or sign: where it stands and what it governs."""

    id: str
    type: str  # "light", "stop", "yield", "speed", or the file's own type
    x: float  # [m]
    y: float
    z: float
    yaw: float  # where its face looks [rad]
    height: float  # [m]
    value: float = 0.0  # speed signs: [m/s]
    lanes: tuple[int, ...] = ()  # lanes that must obey: their start is the stop line


@dataclass(frozen=True, eq=False)
class MapObject:
    """Something beside the road in the map's file: a building, a pole, a tree, a barrier."""

    type: str
    x: float
    y: float
    z: float
    yaw: float
    length: float
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class Junction:
    """Where roads meet: its connecting lanes."""

    id: str
    lanes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RoadMap:
    """A road network: a graph of sampled lanes, and what is painted and stands beside them."""

    name: str
    lanes: tuple[Lane, ...]
    strokes: tuple[Stroke, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    signals: tuple[Signal, ...] = ()
    objects: tuple[MapObject, ...] = ()
    junctions: tuple[Junction, ...] = ()
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)  # file coordinates of our (0, 0, 0) [m]
    left_hand: bool = False
    warnings: tuple[str, ...] = field(default=())  # what the reader had to assume
    style: str = ""  # what the road runs through: "town", "country", "highway"; "" when not known
