"""Drives through one scenario, under the expert's eyes, and keeps what a learner needs."""

from dataclasses import dataclass, field
from math import radians
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.agent import acceleration_fraction
from drive.core.errors import UserError
from drive.dataset.layout import FRONT_IMAGE, VIEW_IMAGE
from drive.dataset.stats import IMAGE_SAMPLES, ImageStats, Stats
from drive.driving.session import checked_numbers
from drive.driving.steering_noise import NoiseSettings, SteeringNoise
from drive.episode import FAILED_ENDS, End

STATS_EVERY = 600 // IMAGE_SAMPLES  # frames between two that enter the statistics
VIEW_MARGIN = 0.3  # a shifted view's middle stays this far inside its lane [m]


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
    ends: tuple[str, ...]
    steps: int
    columns: dict[str, Any] = field(default_factory=dict)
    image_stats: dict[str, Stats] = field(default_factory=dict)
    error: str = ""  # how the agent at the wheel failed

    @property
    def failure(self) -> str | None:
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


def record_drive(
    env: Any,
    expert: Any,
    scenario: Any,
    settings: DriveSettings,
    report: Any = None,
    driver: Any = None,
) -> Demonstration:
    """Let the expert drive a scenario while its steering is disturbed, or another agent while it watches.

    Each kept frame pairs what the camera shows before a step with the expert's own steering there (`action`),
    with what was driven (`action.executed`), and with a second picture of the same instant from a car shifted
    and turned, labelled by the expert's steering at that pose. Everything random follows from the scenario's
    seed.

    Args:
        env: a LaneEnv with longitudinal="cruise".
        expert: an Expert.
        scenario: where to drive.
        settings: what to keep.
        report: called with the number of new frames every now and then.
        driver: an agent that drives undisturbed until it strays, when the expert takes the wheel and brings
            the car back; None: the expert drives. The labels are the expert's in both cases (DAgger with a
            gate: Ross et al. 2011, Zhang and Cho 2017).
    """
    rng = np.random.default_rng([scenario.seed, 4099])
    noise_rng, view_rng = rng.spawn(2)
    observation, _ = env.reset(options={"scenario": scenario})
    context = env.context(privileged=True)
    expert.reset(context)
    world = context.world
    noise = SteeringNoise(
        noise_rng, settings.noise, wheelbase=context.wheelbase, car_width=world.params.width
    )
    if driver is not None:
        driver.reset(env.context(privileged=getattr(driver, "privileged", False)))
    rescue = RecoveryGate(world.params.width)
    shape = observation["camera"].shape
    front, view = Pictures(shape, settings.jpeg_quality), Pictures(shape, settings.jpeg_quality)
    rows: dict[str, list[Any]] = {}
    ends: list[str] = []
    step, reported, error = 0, 0, ""
    while not ends and step != settings.max_steps:
        label = expert.act(observation).steering
        ego = world.egos[context.world_index]
        if driver is None:
            aimed = expert.steering_at(world, context.world_index, -noise.aim(ego, label), 0.0)
            steering = min(max(aimed + noise(ego, label), -1.0), 1.0)
        else:
            try:
                chosen, _ = checked_numbers(driver.act(observation))
            except UserError:
                raise
            except Exception as problem:
                error = f"{type(problem).__name__}: {problem} (step {step})"
                ends = [End.AGENT_FAILURE]
                break
            steering = label if rescue(ego) else chosen
        keep = step % settings.every == 0
        if keep:
            row = {
                "observation.state": state_of(observation),
                "observation.command": int(observation["command"]),
                "privileged.lateral_offset_m": float(ego["lateral_offset"]),
                "privileged.heading_error_rad": float(ego["heading_error"]),
            }
            front.add(observation["camera"])
            if settings.views:
                lateral, yaw = draw_view(view_rng, ego, settings)
                view.add(env.render_view(lateral, yaw))
                row["view.lateral_m"], row["view.yaw_rad"] = lateral, yaw
                row["action.view"] = expert.steering_at(world, context.world_index, lateral, yaw)
        action = np.array([steering], np.float32)
        step += 1
        if driver is not None or step % settings.every == 0:
            observation, _, terminated, truncated, info = env.step(action)
        else:
            _, terminated, truncated, info = env.step_unseen(action)
        if keep:
            acceleration = acceleration_fraction(
                float(world.egos[context.world_index]["acceleration_command"])
            )
            row["action"] = (label, acceleration)
            row["action.executed"] = (steering, acceleration)
            for name, value in row.items():
                rows.setdefault(name, []).append(value)
        if terminated or truncated:
            ends = list(info["end"])
        if report is not None and len(front.encoded) - reported >= 20:
            report(len(front.encoded) - reported)
            reported = len(front.encoded)
    recorded = Demonstration(scenario.seed, scenario.name, scenario.weather, tuple(ends), step, error=error)
    if recorded.failure is not None:
        return recorded
    columns: dict[str, Any] = {name: np.array(values) for name, values in rows.items()}
    columns[FRONT_IMAGE] = front.encoded
    stats = {FRONT_IMAGE: front.stats()}
    if settings.views:
        columns[VIEW_IMAGE] = view.encoded
        stats[VIEW_IMAGE] = view.stats()
    return Demonstration(scenario.seed, scenario.name, scenario.weather, tuple(ends), step, columns, stats)


class RecoveryGate:
    """Says when the expert must have the wheel: from straying until the car is back in its lane's middle."""

    departure_margin = 0.15  # the car's side is over its lane's border by this [m] within the next FORESIGHT
    foresight_s = 0.4
    release_offset = 0.25  # offset within which the wheel is given back [m]

    def __init__(self, car_width: float) -> None:
        self._half_width = 0.5 * car_width
        self._helping = False

    def __call__(self, ego: np.void) -> bool:
        """Whether the expert steers in this step.

        Args:
            ego: the car's EGO record.
        """
        offset = float(ego["lateral_offset"])
        drift = float(ego["speed"]) * float(ego["heading_error"]) * self.foresight_s
        soon = offset + drift
        border = float(ego["left_border"] if soon > 0.0 else ego["right_border"])
        if abs(soon) > border - self._half_width + self.departure_margin:
            self._helping = True
        elif abs(offset) < self.release_offset and abs(drift) < self.release_offset:
            self._helping = False
        return self._helping


def state_of(observation: Any) -> tuple[float, ...]:
    """The observation's numbers in the order of STATE_NAMES."""
    return (
        float(observation["speed"][0]),
        float(observation["yaw_rate"][0]),
        float(observation["speed_limit"][0]),
        float(observation["lead"][0]),
        float(observation["lead"][1]),
    )


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
    ):
        from drive.driving.agents import make_agent
        from drive.sim.env import LaneEnv
        from drive.sim.expert import Expert
        from drive.sim.scenario import load_map

        cv2.setNumThreads(1)
        self._settings, self._weather, self._traffic, self._style = settings, weather, traffic, style
        self._road_map = load_map(map_file) if map_file else None
        self._env = LaneEnv(camera=camera)
        self._expert = Expert()
        self._driver = None if driver == "expert" else make_agent(driver)[1]

    def __call__(self, seed: int, report: Any) -> Demonstration:
        """Record the scenario of a seed."""
        from drive.sim.scenario import lane_scenario

        scenario = lane_scenario(
            seed,
            weather_name=self._weather,
            traffic=self._traffic,
            road_map=self._road_map,
            style=self._style,
        )
        return record_drive(self._env, self._expert, scenario, self._settings, report, self._driver)
