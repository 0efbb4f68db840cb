"""A driver model as clumsy as people at a keyboard: late, with keys, with noise; and recordings by it."""

import math
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from drive.agent import DT
from drive.camera import Camera
from drive.control.pursuit import pure_pursuit
from drive.dataset import FRONT_IMAGE, VIEW_IMAGE
from drive.sim.arrays import PATH_STEP
from drive.sim.maps.styles import GENERATED
from drive.web.serve.catalog import Catalog, Choice
from drive.web.serve.page_drive import DELETE_STEPS
from drive.web.serve.pictures import encode_jpeg
from drive.web.serve.recorder import HandRecorder
from drive.web.serve.recording_buffer import RecordingFacts
from drive.web.serve.simulation import Simulation

DELAY_STEPS = round(0.25 / DT)
WHEELBASE, FULL_LOCK, LATERAL_ACCELERATION = 2.7, 0.6, 5.0  # [m], [rad], [m/s^2]
RISE_S, RETURN_S, COUNTER = 0.7, 0.18, 2.2  # the ramp of the page's keys
LOOK_S = 0.8  # how far ahead the driver looks [s]
REACTION = 0.1  # of what a held key can do: a smaller error is let be


class ClumsyDriver:
    """Sees what the wheel should do a quarter of a second late, and has two keys to do it with."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._seen: deque[float] = deque(maxlen=DELAY_STEPS + 1)
        self._steering = 0.0
        self._wander = 0.0
        self._key, self._held = 0, 0

    def __call__(self, wanted: float, speed: float) -> float:
        """The steering of the next step.

        Args:
            wanted: what would bring the car to where the driver looks, in [-1, 1].
            speed: [m/s].
        """
        rng = self._rng
        self._seen.append(wanted)
        limit = min(
            max(math.atan(LATERAL_ACCELERATION * WHEELBASE / max(speed, 1.0) ** 2) / FULL_LOCK, 0.03), 1
        )
        self._wander = 0.95 * self._wander + 0.03 * limit * rng.normal()
        error = self._seen[0] + self._wander - self._steering
        if self._held > 0:  # nobody taps for less than a tenth of a second
            self._held -= 1
        else:
            key = 0 if abs(error) < REACTION * limit * rng.uniform(0.3, 1.0) else (1 if error > 0.0 else -1)
            if key != self._key:
                self._held = 1
            self._key = key
        if self._key == 0:
            self._steering *= math.exp(-DT / RETURN_S)  # a released wheel centres itself
        else:
            rate = limit / RISE_S * (COUNTER if self._steering * self._key < 0.0 else 1.0)
            change = self._key * limit - self._steering
            self._steering += math.copysign(min(abs(change), rate * DT), change)
        return min(max(self._steering, -1.0), 1.0)


def glance(simulation: Simulation) -> float:
    """The steering towards the middle of the lane, LOOK_S ahead, in [-1, 1]."""
    ego, points = simulation.ego, simulation.scenario.route.points
    s = float(ego["center_s"]) + max(LOOK_S * float(ego["speed"]), 6.0)
    at = points[min(int(s / PATH_STEP), len(points) - 1)]
    x, y, yaw = float(at["x"] - ego["x"]), float(at["y"] - ego["y"]), float(ego["yaw"])
    ahead, aside = x * math.cos(yaw) + y * math.sin(yaw), y * math.cos(yaw) - x * math.sin(yaw)
    return float(pure_pursuit(ahead, aside, simulation.params.wheelbase)) / FULL_LOCK


def record_clumsily(
    root: Path,
    *,
    seconds: float,
    seed: int,
    camera: Camera | None = None,
    traffic: str = "regular",
    road_s: float = math.inf,
    views: bool = False,
    maps: Sequence[str] = (GENERATED,),
) -> tuple[int, int]:
    """Record so much driving on one road after the other, by the recorder that people use.

    Like a person, the driver deletes the last 5 s after a crash and goes on from there, up to three times.

    Args:
        root: of the dataset.
        seconds: how much is driven.
        seed: of the first road.
        camera: the front camera.
        traffic: how dense it is.
        road_s: how long the driver stays on one road before asking for another [s].
        views: whether frames have a second picture, from a shifted and turned car.
        maps: what the driver chooses on the page, road after road, again and again.

    Returns:
        How many episodes were kept, and how many ended in a crash or off the road.
    """
    camera = camera or Camera()
    simulation = Simulation(Catalog.of([], []), camera, views=views)
    recorder = HandRecorder(root, camera, views=views, notify=lambda level, text: None)
    recorder.describe(keep=False, person="clumsy driver")
    frames, number = 0, seed
    while frames * DT < seconds - 1e-9:
        simulation.load(Choice(map=maps[(number - seed) % len(maps)], seed=number, traffic=traffic))
        scenario = simulation.scenario
        recorder.begin_drive(
            RecordingFacts(number, scenario.name, scenario.weather, simulation.map_name, driver="person")
        )
        recorder.start()
        driver, deletions = ClumsyDriver(number), 0
        until = min(seconds, frames * DT + road_s)
        while simulation.end is None and frames * DT < until - 1e-9:
            done = simulation.step(driver(glance(simulation), float(simulation.ego["speed"])), 0.0)
            pictures = {FRONT_IMAGE: encode_jpeg(done.camera)}
            if done.view is not None:
                pictures[VIEW_IMAGE] = encode_jpeg(done.view)
            recorder.add(done.step, done.row, pictures)
            frames += 1
            if simulation.end in ("collision", "off_road") and deletions < 3:
                deleted, first = recorder.cut(DELETE_STEPS)
                if first is not None and simulation.rewind(first):
                    frames, deletions = frames - deleted, deletions + 1
                    driver = ClumsyDriver(1000 * deletions + number)
        if simulation.end is not None:
            ended = simulation.end
            recorder.end_drive(ended, simulation.drive_step - 1)
        number += 1
    recorder.stop()
    recorder.close()
    return recorder.kept, recorder.crashed


# Fifteen roads of 20 s, every third a street from corner to corner: as one drives who asks for the next road
# whenever this one has shown what it has.
ROADS = (GENERATED, GENERATED, f"{GENERATED} corners")

if __name__ == "__main__":  # python -m tests.web.serve.clumsy DIR: five minutes, for `drive data rerender`
    print(record_clumsily(Path(sys.argv[1]), seconds=300.0, seed=100, road_s=20.0, maps=ROADS))
