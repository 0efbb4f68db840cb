"""Drives through one scenario, under the expert's eyes, and keeps what a learner needs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isnan, radians
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.agent import Agent, acceleration_fraction, state_of
from drive.core.worker import Progress
from drive.dataset.layout import FRONT_IMAGE, REWARD, VIEW_IMAGE
from drive.dataset.stats import IMAGE_SAMPLES, ImageStats, Stats
from drive.driving.drive import Drive, Observer, Seat
from drive.driving.gates import NoiseGate, RecoveryGate
from drive.driving.parts import Heartbeat, Step
from drive.driving.rollout import task_of
from drive.driving.session import Session
from drive.driving.steering_noise import NoiseSettings
from drive.episode import FAILED_ENDS, End
from drive.sim.expert import Expert

STATS_EVERY = 600 // IMAGE_SAMPLES  # frames between two that enter the statistics
REPORT_EVERY = 20  # frames between two reports of progress
VIEW_MARGIN = 0.3  # a shifted view's middle stays this far inside its lane [m]


Report = Callable[[int], None]


@dataclass(frozen=True)
class DriveSettings:
    """What is recorded of a drive."""

    every: int = 1  # keep each n-th step
    max_steps: int | None = None  # stop a drive after so many steps; None: at its end
    jpeg_quality: int = 90
    view_lateral_m: float = 1.0  # largest shift of the second picture
    view_yaw_deg: float = 12.0  # largest turn of the second picture
    noise: NoiseSettings = field(default_factory=NoiseSettings)

    @property
    def views(self) -> bool:
        """Whether each frame has a second picture."""
        return self.view_lateral_m > 0.0 or self.view_yaw_deg > 0.0


@dataclass(frozen=True)
class Demonstration:
    """A finished drive. `columns` is empty when it ended in one of FAILURES."""

    seed: int
    scenario: str
    weather: str
    ends: tuple[End, ...]
    steps: int
    columns: dict[str, Any] = field(default_factory=dict)
    image_stats: dict[str, Stats] = field(default_factory=dict)
    error: str = ""  # how the agent at the wheel failed

    @property
    def failure(self) -> End | None:
        """Why nobody should learn from it; None: it is good."""
        return next((end for end in self.ends if end in FAILED_ENDS), None)


class Pictures:
    """Encoded pictures of one column, with statistics over some of them."""

    def __init__(self, camera_shape: tuple[int, ...], quality: int) -> None:
        self.encoded: list[bytes] = []
        self._stats = ImageStats()
        self._bgr = np.empty(camera_shape, np.uint8)
        self._options = [cv2.IMWRITE_JPEG_QUALITY, quality]

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Take in one (H, W, 3) RGB picture."""
        if len(self.encoded) % STATS_EVERY == 0:
            self._stats.add(rgb)
        cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR, dst=self._bgr)
        _, jpeg = cv2.imencode(".jpg", self._bgr, self._options)
        self.encoded.append(jpeg.tobytes())

    def stats(self) -> Stats:
        """Statistics so far."""
        return self._stats.result()


class DemonstrationLog(Observer):
    """Keeps what a learner needs of each n-th step.

    A kept frame pairs what the camera shows before the step with the expert's own answer there (`action`),
    with what was driven (`executed.action`), and with a second picture of the same instant from a car
    shifted and turned, labelled by the expert's steering at that pose.

    Args:
        expert: whose answers are the labels.
        settings: what to keep.
        rng: draws the second pictures' poses.
        report: called with the number of new frames every now and then.
    """

    def __init__(
        self, expert: Expert, settings: DriveSettings, rng: np.random.Generator, report: Report | None = None
    ) -> None:
        self._expert, self._settings, self._rng = expert, settings, rng
        self._report, self._reported = report, 0
        self._row: dict[str, Any] | None = None
        self.rows: dict[str, list[Any]] = {}

    def looks(self, drive: Drive) -> bool:
        """Each n-th picture is kept."""
        return drive.step % self._settings.every == 0

    def begin(self, drive: Drive) -> None:
        """Make room for pictures."""
        shape = drive.observation["camera"].shape
        self.front, self.view = (Pictures(shape, self._settings.jpeg_quality) for _ in range(2))

    def decided(self, drive: Drive, step: Step) -> None:
        """Keep what is seen, where the car is and what the expert would do."""
        self._row = None
        if step.index % self._settings.every:
            return
        world, w, ego, expert = drive.world, drive.w, drive.ego, self._expert
        self._label = expert.steering_at(world, w, 0.0, 0.0)
        self._label_acceleration = acceleration_fraction(world.cruise_acceleration(w))
        row = {
            "observation.state": state_of(step.observation),
            "observation.command": int(step.observation["command"]),
            "privileged.lateral_offset_m": float(ego["lateral_offset"]),
            "privileged.heading_error_rad": float(ego["heading_error"]),
        }
        self.front.add(step.observation["camera"])
        if self._settings.views:
            lateral, yaw = draw_view(self._rng, ego, self._settings)
            self.view.add(world.render_view(w, lateral, yaw))
            row["view.lateral_m"], row["view.yaw_rad"] = lateral, yaw
            row["view.action"] = expert.steering_at(world, w, lateral, yaw)
        self._row = row

    def moved(self, drive: Drive, step: Step) -> None:
        """Add the labels, and what was driven."""
        row = self._row
        if row is None:
            if self.rows:
                self.rows[REWARD][-1] += step.reward
            return
        row[REWARD] = step.reward
        driven, label = step.acceleration, self._label_acceleration
        if isnan(driven):  # the speed law's, which is the expert's too
            driven = label = acceleration_fraction(float(drive.ego["acceleration_command"]))
        row["action"] = (self._label, label)
        row["executed.action"] = (step.steering, driven)
        for name, value in row.items():
            self.rows.setdefault(name, []).append(value)
        frames = len(self.front.encoded)
        if self._report is not None and frames - self._reported >= REPORT_EVERY:
            self._report(frames - self._reported)
            self._reported = frames

    def columns(self) -> tuple[dict[str, Any], dict[str, Stats]]:
        """The dataset's columns, and statistics of the pictures."""
        columns: dict[str, Any] = {name: np.array(values) for name, values in self.rows.items()}
        columns[FRONT_IMAGE], stats = self.front.encoded, {FRONT_IMAGE: self.front.stats()}
        if self._settings.views:
            columns[VIEW_IMAGE] = self.view.encoded
        return columns, stats


def record_drive(
    env: Any,
    expert: Expert,
    scenario: Any,
    settings: DriveSettings,
    report: Report | None = None,
    driver: Agent | None = None,
    heartbeat: Heartbeat | None = None,
) -> Demonstration:
    """Let the expert drive a scenario while its steering is disturbed, or another agent while it watches.

    Everything random follows from the scenario's seed.

    Args:
        env: a LaneEnv; with longitudinal="agent" whoever drives has the pedals too.
        expert: an Expert.
        scenario: where to drive.
        settings: what to keep.
        report: called with the number of new frames every now and then.
        driver: an agent that drives undisturbed until it strays, when the expert takes the wheel and brings
            the car back; None: the expert drives. The labels are the expert's in both cases (DAgger with a
            gate: Ross et al. 2011, Zhang and Cho 2017).
        heartbeat: told before every call of the driver.
    """
    noise_rng, view_rng = np.random.default_rng([scenario.seed, 4099]).spawn(2)
    log = DemonstrationLog(expert, settings, view_rng, report)
    gate = NoiseGate(expert, noise_rng, settings.noise) if driver is None else RecoveryGate(expert)
    task, disturbances = task_of(env)
    seat = Seat(driver or expert, gates=[gate], disturbances=disturbances, observers=[log])
    session = Session(task, seat, heartbeat=heartbeat)
    session.reset(scenario)
    session.run(settings.max_steps)
    drive = session.drive
    recorded = Demonstration(
        scenario.seed, scenario.name, scenario.weather, drive.ends, drive.step, error=drive.failure or ""
    )
    if recorded.failure is not None:
        return recorded
    columns, stats = log.columns()
    return replace(recorded, columns=columns, image_stats=stats)


def draw_view(rng: np.random.Generator, ego: np.void, settings: DriveSettings) -> tuple[float, float]:
    """A shift [m] that stays inside the lane, and a turn [rad], both exact in float32."""
    offset, reach = float(ego["lateral_offset"]), settings.view_lateral_m
    left = min(reach, float(ego["left_border"]) - VIEW_MARGIN - offset)
    right = max(-reach, -float(ego["right_border"]) + VIEW_MARGIN - offset)
    draw, turn = rng.uniform(), rng.uniform(-1.0, 1.0)
    lateral = right + draw * (left - right) if left > right else 0.0
    return float(np.float32(lateral)), float(np.float32(radians(settings.view_yaw_deg) * turn))


class Recorder:
    """One environment, expert and driver for seed after seed; what a worker holds."""

    def __init__(
        self,
        camera: Any,
        settings: DriveSettings,
        weather: str | None,
        traffic: str,
        map_file: str | None,
        driver: str = "expert",
        style: str | None = None,
        longitudinal: str = "cruise",
        adapt: bool = True,
    ):
        from drive.sim.env import LaneEnv
        from drive.sim.expert import Expert
        from drive.sim.scenario import load_map

        cv2.setNumThreads(1)
        self._settings, self._weather, self._traffic, self._style = settings, weather, traffic, style
        self._road_map = load_map(map_file) if map_file else None
        self._env = LaneEnv(camera=camera, longitudinal=longitudinal)
        self._expert = Expert()
        self._spec, self._adapt = None if driver == "expert" else driver, adapt
        self._driver: Agent | None = None

    def __call__(self, seed: int, progress: Progress) -> Demonstration:
        """Record the scenario of a seed."""
        from drive.driving.agents import make_agent
        from drive.sim.scenario import lane_scenario

        if self._spec is not None and self._driver is None:
            progress.beat("building of agent at step 0")
            self._driver = make_agent(self._spec, adapt=self._adapt)[1]
            progress.unlimited("loading a scenario")

        scenario = lane_scenario(
            seed,
            weather_name=self._weather,
            traffic=self._traffic,
            road_map=self._road_map,
            style=self._style,
        )
        return record_drive(
            self._env, self._expert, scenario, self._settings, progress, self._driver, progress.beat
        )
