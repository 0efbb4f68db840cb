"""One drive as arrays: what metrics, reports and datasets read."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class End(StrEnum):
    """Why a drive ended: in the simulator, in datasets, in scores and on pages."""

    GOAL = "goal"
    COLLISION = "collision"
    OFF_ROAD = "off_road"
    LANE_DEPARTURE = "lane_departure"
    TIMEOUT = "timeout"
    AGENT_FAILURE = "agent_failure"
    STOPPED = "stopped"  # before any of these, on purpose
    LOST = "lost"  # the connection to the person who drove
    KILLED = "killed"  # the program that recorded

    @classmethod
    def read(cls, text: str) -> "End":
        """The end that a file names, in today's words or in earlier ones.

        Raises:
            ValueError: it is none.
        """
        return cls(_EARLIER.get(text, text))

    @property
    def failed(self) -> bool:
        """Whether nobody should learn from how the drive ended."""
        return self in FAILED_ENDS

    @property
    def label(self) -> str:
        """In words."""
        return self.value.replace("_", " ")


FAILED_ENDS = (End.COLLISION, End.OFF_ROAD, End.LANE_DEPARTURE, End.AGENT_FAILURE)
_EARLIER = {
    "crash": "collision",
    "off road": "off_road",
    "lane_left": "lane_departure",
    "lane left": "lane_departure",
    "time-out": "timeout",
    "agent_failed": "agent_failure",
    "agent failure": "agent_failure",
    "not completed": "stopped",
    "success": "goal",
}


@dataclass(frozen=True, eq=False)
class Episode:
    """One recorded drive: T control steps, T + 1 states.

    State arrays have the length T + 1 (index 0 is the start), action arrays the length T. All are of the
    footprint's centre or the rear axle as named; left positive; metres, seconds, radians.
    """

    agent: str
    scenario: str  # "lane/17"
    weather: str
    held_out: bool  # weather never used in training
    dt: float  # [s]
    route_length: float  # along the reference path, start to goal [m]
    time_limit: float  # [s]
    start_s: float  # center_s at the start [m]
    goal_s: float  # [m]
    # states, (T + 1,)
    x: NDArray[np.float64]  # rear axle [m]
    y: NDArray[np.float64]
    yaw: NDArray[np.float64]
    speed: NDArray[np.float64]
    yaw_rate: NDArray[np.float64]
    steering_angle: NDArray[np.float64]
    acceleration: NDArray[np.float64]
    center_s: NDArray[np.float64]  # footprint centre along the path [m]
    lateral_offset: NDArray[np.float64]  # footprint centre from the path [m]
    heading_error: NDArray[np.float64]
    left_border: NDArray[np.float64]  # path to the lane's left border [m]
    right_border: NDArray[np.float64]  # path to the lane's right border, positive [m]
    progress: NDArray[np.float64]  # largest center_s reached within 5 m of the path [m]
    off_road: NDArray[np.float64]  # worst footprint corner outside the drivable area [m]
    lead_gap: NDArray[np.float64]
    collision_actor: NDArray[np.int64]  # -1 when none
    closing_speed: NDArray[np.float64]
    contact_x: NDArray[np.float64]  # of the contact, vehicle frame [m]
    contact_y: NDArray[np.float64]
    other_speed: NDArray[np.float64]  # of the other party at the contact [m/s]
    path_blocked: NDArray[np.bool_]  # a standing obstacle blocks the path: offset not valid
    # actions, (T,)
    steering: NDArray[np.float64]  # [-1, 1], what the agent asked for
    acceleration_action: NDArray[np.float64]  # [-1, 1], NaN: left to the speed law
    act_seconds: NDArray[np.float64]  # observation to action, wall clock [s]
    shadow_steering: dict[str, NDArray[np.float64]] = field(default_factory=dict)  # (T,) by agent name
    failure: str | None = None  # the agent's own: "steering is NaN at step 12", an exception, a time-out
    error: str | None = None  # the program's own: makes the run incomplete
    vehicle_length: float = 4.508  # of the ego's footprint [m]
    vehicle_width: float = 1.610  # [m]
    vehicle_center_x: float = 1.422  # footprint centre ahead of the rear axle [m]
    sha256_states: str = ""
    sha256_frames: str | None = ""  # None: nobody looked, so that none was drawn
    extra: dict[str, Any] = field(default_factory=dict)  # scenario facts for the report (seed, map, ...)

    @property
    def steps(self) -> int:
        """T, the number of control steps driven."""
        return len(self.steering)

    @property
    def duration(self) -> float:
        """Time driven [s]."""
        return self.steps * self.dt
