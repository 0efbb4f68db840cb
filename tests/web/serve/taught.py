"""A driver who teaches: drives, lets the learner drive once it can, and takes over where it errs or asks."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drive.agent import DT
from drive.camera import Camera
from drive.models.training.online_learner import LearnerProcess
from drive.models.training.online_trainer import OnlineTrainerSettings
from drive.web.serve.catalog import Catalog, Choice
from drive.web.serve.pictures import encode_jpeg
from drive.web.serve.simulation import Simulation
from drive.web.serve.teaching import LEARNER, Teaching
from tests.web.serve.clumsy import ClumsyDriver, glance

ERRS_M = 1.0  # off the middle of the lane: the driver takes the wheel
GOOD_M, GOOD_S = 0.4, 3.0  # within this for so long: the driver gives it back


def teach_by_driving(
    teaching: Teaching,
    seconds: float,
    *,
    clumsy: bool,
    camera: Camera,
    alone_s: float = 60.0,
    seed: int = 100,
    traffic: str = "none",
    report: Callable[[dict[str, Any]], None] = print,
    every_s: float = 30.0,
) -> None:
    """Drive so long, in real time, and report what the page would show.

    Args:
        teaching: not yet started.
        seconds: to drive.
        clumsy: by keys and late, or by pure pursuit.
        camera: the front camera.
        alone_s: how long the driver drives at least before the learner may.
        seed: of the first road.
        traffic: how dense it is.
        report: is given the figures.
        every_s: so often.
    """
    simulation = Simulation(Catalog.of([], [], {LEARNER: teaching.learner}), camera, taught=LEARNER)
    teaching.process.start(lambda level, text: print(f"{level}: {text}", flush=True))
    counts = dict.fromkeys(("steps", "learner", "out", "asked", "taken", "ended", "late"), 0)
    good, end = 0, True
    begun = due = time.perf_counter()
    try:
        for step in range(1, round(seconds / DT) + 1):
            if end:
                seed, hands = seed + 1, ClumsyDriver(seed)
                simulation.load(Choice(seed=seed, agent=LEARNER, traffic=traffic))
                teaching.began(simulation)
                if step * DT < alone_s:
                    simulation.take_wheel(True)
            if not simulation.person_drives:
                errs = abs(float(simulation.ego["lateral_offset"])) > ERRS_M or not simulation.in_lane
                if teaching.waits or errs:
                    counts["asked" if teaching.waits else "taken"] += 1
                    simulation.take_wheel(True)
                    teaching.took_wheel()
                    good, hands = 0, ClumsyDriver(step)
            elif step * DT >= alone_s and good * DT >= GOOD_S and simulation.take_wheel(False):
                teaching.gave_wheel()
            wanted = glance(simulation)
            steering = hands(wanted, float(simulation.ego["speed"])) if clumsy else wanted
            learner = not simulation.person_drives
            done = simulation.step(min(max(steering, -1.0), 1.0), 0.0)
            teaching.stepped(simulation, done, lambda done=done: encode_jpeg(done.camera))  # type: ignore[misc]
            end = done.end is not None
            near = abs(float(simulation.ego["lateral_offset"])) < GOOD_M
            good = good + 1 if near else 0
            counts["steps"] += 1
            counts["learner"] += learner
            counts["out"] += learner and not simulation.in_lane
            counts["ended"] += learner and done.end in ("collision", "off_road")
            if step % round(every_s / DT) == 0:
                report(
                    {"s": round(step * DT), "wall": round(time.perf_counter() - begun)}
                    | counts
                    | told(teaching, simulation)
                )
                counts = dict.fromkeys(counts, 0)
            due += DT
            wait = due - time.perf_counter()
            counts["late"] += wait < 0.0
            time.sleep(max(wait, 0.0))
            due = max(due, time.perf_counter() - DT)
    finally:
        teaching.process.stop()
        simulation.close()


def told(teaching: Teaching, simulation: Simulation) -> dict[str, Any]:
    """What the page shows, in short."""
    names = ("samples", "updates", "loss", "error", "autonomy", "std", "uncertainty")
    state = teaching.state(simulation)
    return {name: state[name] for name in names} | {"threshold": round(teaching.learner.threshold, 4)}


def main() -> None:
    """Teach for five minutes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--clumsy", action="store_true")
    parser.add_argument("--labels", default="action")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--alone", type=float, default=60.0)
    chosen = parser.parse_args()
    camera = Camera()
    teaching = Teaching(LearnerProcess(OnlineTrainerSettings(chosen.out, camera, chosen.labels)))
    teach_by_driving(
        teaching,
        chosen.seconds,
        clumsy=chosen.clumsy,
        alone_s=chosen.alone,
        camera=camera,
        report=lambda line: print(*(f"{name} {value}" for name, value in line.items()), flush=True),
    )


if __name__ == "__main__":  # python -m tests.web.serve.taught OUT: the learner's error over five minutes
    main()
