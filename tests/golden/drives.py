"""Golden drives: which there are, how each is made, and the file that holds their hashes.

What is asked of the program is kept narrow on purpose: suites, agents by name, the two environments, and
`drive record`. Only `truth_of` reaches further.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import radians
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pyarrow.parquet as pq

import drive  # noqa: F401 - registers the environments
from drive.camera import MAX_DEPTH, Camera, CameraFlags
from drive.core.portable_math import sincos
from drive.driving.agents import make_agent
from drive.record import RecordConfig
from drive.record import main as record
from drive.scoring.suites import suite
from drive.sim.scenario import load_map
from drive.sim.sensors.labels import SKY
from drive.sim.sensors.records import Pictures

FILE = Path(__file__).with_name("drives.json")
TOWN02 = Path("maps", "carla-2020", "Town02.xodr")  # in the folder of third-party maps
REMEDY = "intended? raise SIMULATOR_VERSION in drive/sim/version.py and run python -m tests.golden"

STEPS = 120  # a drive is stopped after so many
TRUTH_EVERY = 40  # steps between two pictures of labels and depth
# What the file calls the ends, whatever the program calls them.
END_NAMES = {
    "collision": "collision",
    "off_road": "off_road",
    "lane_departure": "lane_departure",
    "goal": "goal",
    "timeout": "timeout",
}


@dataclass(frozen=True)
class Golden:
    """One drive that is pinned."""

    scenario: str  # "lane/3", "lane/Town02/3", "lane/Town02/junction/3"
    driver: str  # "straight", "expert", "wave" or "brake"
    size: tuple[int, int] = (320, 160)
    longitudinal: str = "cruise"
    steps: int = STEPS
    goal_m: float | None = None  # move the goal to so far after the start

    @property
    def name(self) -> str:
        """What the file calls it."""
        words = [self.scenario, self.driver]
        if self.size != (320, 160):
            words.append(f"{self.size[0]}x{self.size[1]}")
        if self.longitudinal != "cruise":
            words.append(self.longitudinal)
        if self.goal_m is not None:
            words.append(f"{self.goal_m:g}m")
        return " ".join(words)


def _generated() -> Iterator[Golden]:
    square: dict[str, Any] = {"size": (96, 96)}
    for name in ("lane", "corners"):
        for index in range(16):
            scenario = f"{name}/{index}"
            for driver in ("straight", "expert", "wave"):
                yield Golden(scenario, driver)
            if index % 5 == 0:
                yield Golden(scenario, "expert", **square)
                yield Golden(scenario, "wave", longitudinal="agent", **square)
                yield Golden(scenario, "expert", goal_m=40.0, **square)
            if index == 1:
                yield Golden(scenario, "brake", (16, 8), "agent", steps=600, goal_m=10.0)


def _on_maps() -> Iterator[Golden]:
    for scenario in [
        *(f"lane/Town02/{i}" for i in range(8)),
        *(f"lane/Town02/junction/{i}" for i in range(4)),
    ]:
        for driver in ("straight", "expert", "wave"):
            yield Golden(scenario, driver)


def _by_name(goldens: Iterator[Golden]) -> dict[str, Golden]:
    return {golden.name: golden for golden in goldens}


GENERATED, ON_MAPS = _by_name(_generated()), _by_name(_on_maps())
# Drives that must come out the same as worlds of one batch.
BATCHES = {
    "lane": [Golden(f"lane/{i}", ("wave", "expert")[i % 2]) for i in range(8)],
    "corners": [Golden(f"corners/{i}", ("expert", "wave")[i % 2]) for i in range(12)],
    "square": [golden for golden in GENERATED.values() if golden.name.endswith("expert 96x96")],
}


# -- driving ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=12)
def scenario_of(name: str, maps: Path | None) -> Any:
    """The scenario that a suite calls so."""
    parts = name.split("/")
    road_map = None
    if "Town02" in parts:
        assert maps is not None
        road_map = load_map(str(maps / TOWN02))
    return suite(parts[0]).scenario(int(parts[-1]), road_map, through_junction="junction" in parts)


def wave(step: int, index: int) -> tuple[float, float]:
    """Steering and acceleration of two triangle waves: sums and quotients of small whole numbers."""
    swing = abs(step % 40 - 20) - 10
    push = abs(step % 60 - 30) - 10
    return swing * (1 + index % 4) / 1024.0, push / 32.0


def driver_of(golden: Golden, context: Any) -> Callable[[int, Any], list[float]]:
    """What gives the action of a step."""
    if golden.driver in ("wave", "brake"):
        index = int(golden.scenario.rpartition("/")[2])
        axes = 1 if golden.longitudinal == "cruise" else 2
        return lambda step, _: list((0.0, -1.0) if golden.driver == "brake" else wave(step, index))[:axes]
    _, agent = make_agent(golden.driver)
    agent.reset(context)
    return lambda _, observation: [agent.act(observation).steering]


def truth_of(world: Any, w: int) -> tuple[bytes, bytes]:
    """Labels and depth of what the front camera of a world sees."""
    camera = world.cameras["front"]
    seen = Pictures.empty(("depth", "labels"), world.batch, camera.height_px, camera.width_px)
    world.pictures({"front": seen})
    labels, depth = seen.labels[w], seen.depth[w]
    # the file has the ground's own depth where it is out of the camera's range
    pitch_sine, pitch_cosine = sincos(radians(camera.pitch_deg))
    half_sine, half_cosine = sincos(radians(camera.fov_deg) / 2.0)
    focal = camera.width_px * half_cosine / (2.0 * half_sine)
    for row in np.flatnonzero(((depth == MAX_DEPTH) & (labels != SKY)).any(axis=1)):
        slope = (row + 0.5 - 0.5 * camera.height_px) / focal
        ground = camera.z / (pitch_sine + pitch_cosine * slope)
        depth[row][(depth[row] == MAX_DEPTH) & (labels[row] != SKY)] = ground
    return labels.tobytes(), depth.tobytes()


class _Log:
    """Hashes of one drive: states and frames from the start to the last step, as rollouts have them."""

    def __init__(self, golden: Golden, weather: str) -> None:
        self.limit, self.weather, self.end = golden.steps, weather, ""
        self.steps = -1
        self._hashes = {key: hashlib.sha256() for key in ("states", "frames", "labels", "depth")}

    def note(self, world: Any, w: int, frame: Any) -> None:
        """Take in the state after a step, or at the start."""
        self.steps += 1
        self._hashes["states"].update(world.state_bytes(w))
        self._hashes["frames"].update(frame.tobytes())
        if self.steps % TRUTH_EVERY == 0:
            for key, data in zip(("labels", "depth"), truth_of(world, w), strict=True):
                self._hashes[key].update(data)

    def close(self, ends: Any) -> bool:
        """Note why the drive is over, if it is."""
        if ends:
            self.end = "+".join(sorted(END_NAMES[end] for end in ends))
        elif self.steps == self.limit:
            self.end = "running"
        return bool(self.end)

    def entry(self) -> dict[str, Any]:
        hashes = {key: one.hexdigest() for key, one in self._hashes.items()}
        return {**hashes, "steps": self.steps, "end": self.end, "weather": self.weather}


def _loaded(golden: Golden, maps: Path | None) -> Any:
    scenario = scenario_of(golden.scenario, maps)
    if golden.goal_m is None:
        return scenario
    return replace(scenario, goal_s=scenario.start_s + golden.goal_m)


@lru_cache(maxsize=4)
def _environment(size: tuple[int, int], longitudinal: str) -> Any:
    camera = Camera(width_px=size[0], height_px=size[1])
    return gymnasium.make("drive/Lane-v0", camera=camera, longitudinal=longitudinal, disable_env_checker=True)


def drive_alone(golden: Golden, maps: Path | None = None) -> dict[str, Any]:
    """What the file holds of a drive."""
    env, scenario = _environment(golden.size, golden.longitudinal), _loaded(golden, maps)
    observation, _ = env.reset(options={"scenario": scenario})
    world, log = env.unwrapped.world, _Log(golden, scenario.weather)
    log.note(world, 0, observation["camera"])
    driver = driver_of(golden, world.context(0, privileged=True))
    over = False
    while not over:
        action = np.array(driver(log.steps, observation), np.float32)
        observation, _, terminated, truncated, info = env.step(action)
        log.note(world, 0, observation["camera"])
        over = log.close(info["end"])
        assert over or not (terminated or truncated)
    return log.entry()


def drive_together(goldens: list[Golden], maps: Path | None = None) -> list[dict[str, Any]]:
    """The same drives as worlds of one batch on two threads; all with the same camera."""
    width, height = goldens[0].size
    env = gymnasium.make_vec(
        "drive/Lane-v0",
        num_envs=len(goldens),
        vectorization_mode="vector_entry_point",
        camera=Camera(width_px=width, height_px=height),
        threads=2,
    )
    scenarios = [_loaded(golden, maps) for golden in goldens]
    observation, _ = env.reset(seed=0, options={"scenarios": scenarios})
    world: Any = env.unwrapped.world
    logs = [_Log(golden, scenario.weather) for golden, scenario in zip(goldens, scenarios, strict=True)]
    drivers = [driver_of(golden, world.context(w, privileged=True)) for w, golden in enumerate(goldens)]
    for w, log in enumerate(logs):
        log.note(world, w, observation["camera"][w])
    while not all(log.end for log in logs):
        step = max(log.steps for log in logs)
        actions = np.array([driver(step, None) for driver in drivers], np.float32)
        observation, *_, info = env.step(actions)
        for w, log in enumerate(logs):
            if not log.end:  # an ended world goes on with a scenario of its own, which is not looked at
                log.note(world, w, observation["camera"][w])
                log.close(info["end"][w])
    env.close()
    return [log.entry() for log in logs]


def recording(folder: Path) -> dict[str, str]:
    """A hash of each data column of a short recording with noise, made into a new folder."""
    record(
        RecordConfig(
            out=folder,
            episodes=3,
            max_duration_s=3.0,
            every=2,
            workers=1,
            camera_flags=CameraFlags(width_px=96, height_px=48),
        )
    )
    tables = [pq.read_table(folder / part) for part in ("data", "views")]
    return {
        name: hashlib.sha256(repr(table.column(name).to_pylist()).encode()).hexdigest()
        for table in tables
        for name in table.column_names
    }


# -- the file ---------------------------------------------------------------------------------------------


def read() -> dict[str, Any]:
    """What is stored."""
    content: dict[str, Any] = json.loads(FILE.read_text())
    return content


def changed(stored: dict[str, Any], made: dict[str, Any]) -> list[str]:
    """Stored entries of a section that were made otherwise, or not at all; new ones do not count.

    Returns:
        One line for each, with what of it differs.
    """
    lines = []
    for name, entry in stored.items():
        other = made.get(name)
        if isinstance(entry, dict) and isinstance(other, dict):
            if parts := [key for key in entry if other.get(key) != entry[key]]:
                lines.append(f"{name}: {', '.join(parts)}")
        elif other != entry:
            lines.append(name)
    return lines
