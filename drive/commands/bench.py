"""`drive bench`: how fast this machine simulates, looks, serves and learns."""

import time
from dataclasses import dataclass
from typing import Any

from drive.core.errors import UserError
from drive.models.networks.table import NETWORKS, NetworkName

SIZES = ((96, 96), (320, 160))
SAMPLED_WORLDS = 8  # of a batch, when what is in view is counted


@dataclass(frozen=True)
class BenchConfig:
    """Measure throughput, as JSON lines: resets, environment steps alone and in a batch, all outputs of a
    camera against rgb alone, serving, training.

    KERAS_BACKEND=jax or torch measures training without TensorFlow.

    Figures of environments are the median of `repeats` runs over the first scenarios of the suite `lane`, in
    all weathers; loading scenarios is left out of the clock of the steps.
    """

    scenarios: int = 20
    """How many scenarios of the suite."""
    steps: int = 100
    """Control steps timed in each scenario and run."""
    repeats: int = 3
    """Runs; the median is printed."""
    batch: int = 64
    """Worlds in the batched measurement."""
    threads: int = 2
    """Threads of the batched measurement."""
    serve: bool = True
    """Also measure `drive serve` with one driver and four viewers: steps and pictures a second, and the time
    from the hand to the picture (needs the extra `serve`)."""
    environment: bool = True
    """Measure resets and steps of the environment."""
    training: bool = True
    """Also measure training (needs the extra `train`)."""
    model: NetworkName = "pilotnet"
    """The network that training is measured with."""
    training_batch: int = 32
    """Pictures a training step."""
    pictures: int = 3072
    """Pictures a run of training takes: more for a GPU, of which a run should keep some seconds."""

    def __post_init__(self) -> None:
        for name in ("scenarios", "steps", "repeats", "batch", "threads", "training_batch", "pictures"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}; take 1 or more.")


def _steps(
    what: str,
    size: tuple[int, int],
    batch: int,
    threads: int,
    rates: list[float],
    views: list[tuple[int, int]],
) -> dict[str, Any]:
    """Figures of steps; `views`: faces and vehicles that were in view."""
    import numpy as np

    faces, vehicles = np.mean(views, axis=0).tolist()
    return {
        "what": what,
        "camera": f"{size[0]}x{size[1]}",
        "environments": batch,
        "threads": threads,
        "steps_per_second": round(float(np.median(rates)), 1),
        "mean_faces_in_view": round(faces, 1),
        "mean_vehicles_in_view": round(vehicles, 2),
    }


def _single(config: BenchConfig, size: tuple[int, int], scenarios: list[Any]) -> dict[str, Any]:
    import numpy as np

    from drive.camera import Camera
    from drive.sim.env import LaneEnv
    from drive.sim.expert import Expert

    env = LaneEnv(camera=Camera(width_px=size[0], height_px=size[1]))
    expert = Expert()
    action = np.zeros(1, np.float32)
    rates, views = [], []
    for _ in range(config.repeats):
        spent, driven = 0.0, 0
        for scenario in scenarios:
            env.reset(options={"scenario": scenario})
            expert.reset(env.context(privileged=True))
            for step in range(config.steps):
                action[0] = expert.steering_at(env.world, 0, 0.0, 0.0)
                start = time.perf_counter()
                _, _, terminated, truncated, _ = env.step(action)
                spent += time.perf_counter() - start
                driven += 1
                if step % 20 == 0:
                    views.append(env.world.in_view(0))
                if terminated or truncated:
                    break
        rates.append(driven / spent)
    env.close()
    return _steps("env.step", size, 1, 1, rates, views)


def _reset(config: BenchConfig) -> dict[str, Any]:
    import numpy as np

    from drive.camera import Camera
    from drive.scoring.suites import suite
    from drive.sim.env import LaneEnv

    env = LaneEnv(camera=Camera(width_px=SIZES[0][0], height_px=SIZES[0][1]))
    times = []
    for i in range(config.scenarios):
        start = time.perf_counter()
        env.reset(options={"scenario": suite("lane").scenario(i)})
        times.append(time.perf_counter() - start)
    env.close()
    median, slowest = 1000.0 * np.median(times), 1000.0 * max(times)
    return {"what": "reset", "ms_median": round(float(median), 1), "ms_slowest": round(slowest, 1)}


def _batch(config: BenchConfig, size: tuple[int, int], scenarios: list[Any]) -> dict[str, Any]:
    import numpy as np

    from drive.camera import Camera
    from drive.sim.expert import Expert
    from drive.sim.vector import LaneVectorEnv

    camera = Camera(width_px=size[0], height_px=size[1])
    env = LaneVectorEnv(config.batch, camera=camera, threads=config.threads)
    chosen = [scenarios[i % len(scenarios)] for i in range(config.batch)]
    actions = np.zeros((config.batch, 1), np.float32)
    rates, views = [], []
    for _ in range(config.repeats):
        env.reset(seed=0, options={"scenarios": chosen})
        spent = driven = 0.0
        for step in range(config.steps):
            if step % 20 == 0:
                for w in range(0, config.batch, max(config.batch // SAMPLED_WORLDS, 1)):
                    views.append(env.world.in_view(w))
            for w in range(config.batch):
                actions[w, 0] = Expert.steering_at(env.world, w, 0.0, 0.0)
            start = time.perf_counter()
            _, _, terminated, truncated, _ = env.step(actions)
            spent += time.perf_counter() - start
            driven += config.batch
            if (terminated | truncated).any():
                break
        rates.append(driven / spent)
    env.close()
    return _steps("vector_env.step", size, config.batch, config.threads, rates, views)


def _outputs(config: BenchConfig, scenarios: list[Any]) -> dict[str, Any]:
    """All outputs of a camera against rgb alone, of the same moments, one drawn right after the other."""
    import numpy as np

    from drive.camera import OUTPUTS, Camera
    from drive.sim.expert import Expert
    from drive.sim.sensors.records import Pictures
    from drive.sim.world import World

    width, height = SIZES[-1]
    world = World(1, {"front": Camera(width_px=width, height_px=height, outputs=OUTPUTS)})
    memory = [{"front": Pictures.empty(outputs, 1, height, width)} for outputs in (("rgb",), OUTPUTS)]
    steering, cruise = np.zeros(1), np.full(1, np.nan)
    spent = np.zeros((config.repeats, 2))
    for times in spent:
        for scenario in scenarios:
            world.load(0, scenario)
            for step in range(config.steps):
                steering[0] = Expert.steering_at(world, 0, 0.0, 0.0)
                world.advance(steering, cruise)
                for k in (0, 1) if step % 2 == 0 else (1, 0):  # the second finds its data in the caches
                    start = time.perf_counter()
                    world.pictures(memory[k])
                    times[k] += time.perf_counter() - start
    frame_us = 1e6 * np.median(spent, axis=0) / (len(scenarios) * config.steps)
    return {
        "what": "outputs",
        "camera": f"{width}x{height}",
        "rgb_us": round(float(frame_us[0]), 1),
        "rgb_depth_labels_instances_us": round(float(frame_us[1]), 1),
        "ratio": round(float(np.median(spent[:, 1] / spent[:, 0])), 3),
    }


def main(config: BenchConfig) -> None:
    """Print one JSON object a line."""
    import json

    measurements = [(_single, size) for size in SIZES] + [(_batch, size) for size in SIZES]
    if config.environment:
        from drive.driving.warmup import warm_up_with_message
        from drive.scoring.suites import suite

        warm_up_with_message()
        scenarios = [suite("lane").scenario(i) for i in range(config.scenarios)]
        for measure, size in measurements:
            print(json.dumps(measure(config, size, scenarios)), flush=True)
        print(json.dumps(_reset(config)), flush=True)
        print(json.dumps(_outputs(config, scenarios)), flush=True)
    if config.serve:
        from drive.commands.bench_serve import measure as measure_serving

        print(json.dumps({"what": "serve", **measure_serving()}), flush=True)
    if config.training:
        from drive.models.training.throughput import measure as measure_training

        network = NETWORKS[config.model]
        found = measure_training(
            network=network,
            repeats=config.repeats,
            batch_size=config.training_batch,
            pictures=config.pictures,
        )
        print(json.dumps(found), flush=True)
