"""`drive bench`: how fast this machine simulates, looks, serves and learns."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from drive.core.errors import UserError
from drive.models.networks.table import NETWORKS, NetworkName

SIZES = ((96, 96), (320, 160))
SAMPLED_WORLDS = 8  # of a batch, when what is in view is counted


@dataclass(frozen=True)
class BenchConfig:
    """Measure throughput, as JSON lines: environment steps alone, with what each part of them takes, and in a
    batch, resets, all outputs of a camera against rgb alone, serving, training.

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
    agent: str = "modular"
    """Whose inference is timed beside the steps: `modular`, a policy (`.onnx`) or `module:factory`."""
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


class _Clock(defaultdict[str, float]):
    """Seconds spent by what they were spent on."""

    def __init__(self) -> None:
        super().__init__(float)

    def __call__(self, what: str, call: Callable[..., Any], *args: Any) -> Any:
        start = time.perf_counter()
        result = call(*args)
        self[what] += time.perf_counter() - start
        return result


class _Single:
    """One environment whose car the expert drives, taken apart.

    The step is timed as a whole, then what it consists of on the same drive. The parts of a picture are
    differences between pictures of the same moments: all of it, without bodies, at noon as well, and that of
    the sky alone or of few pixels.
    """

    def __init__(self, size: tuple[int, int], agent: str) -> None:
        from drive.camera import Camera
        from drive.driving.agents import make_agent
        from drive.sim.env import LaneEnv
        from drive.sim.world import World

        camera = Camera(width_px=size[0], height_px=size[1])
        half = math.tan(math.radians(0.5 * camera.fov_deg)) * size[1] / size[0]  # of the picture's height
        up = replace(camera, pitch_deg=-math.degrees(math.atan(half)))  # the horizon is its lower edge
        self.sky = 0.5 - 0.5 * math.tan(math.radians(camera.pitch_deg)) / half  # share of the rows
        self.env = LaneEnv(camera=camera)
        self.bare = World(1, {"front": camera})
        few = replace(camera, width_px=16, height_px=8)
        self.noon = World(1, {"front": camera, "up": up, "few": few})
        self.name, self.agent = make_agent(agent)
        self.views: list[tuple[int, int]] = []

    def drive(self, scenario: Any, steps: int, clock: _Clock, inference: bool) -> int:
        """Time whole steps, or an agent's inference beside them; how many it were."""
        import numpy as np

        from drive.sim.expert import Expert

        env, action = self.env, np.zeros(1, np.float32)
        env.reset(options={"scenario": scenario})
        if inference:
            self.agent.reset(env.context(privileged=getattr(self.agent, "privileged", False)))
        for step in range(steps):
            action[0] = Expert.steering_at(env.world, 0, 0.0, 0.0)
            observation, _, terminated, truncated, _ = clock(
                "step of two" if inference else "step", env.step, action
            )
            if inference:
                clock("inference", self.agent.act, observation)
            elif step % 20 == 0:
                self.views.append(env.world.in_view(0))
            if terminated or truncated:
                break
        return step + 1

    def take_apart(self, scenario: Any, steps: int, clock: _Clock) -> None:
        """Time moving and looking on the drive that `drive` timed as a whole."""
        world = self.env.world
        for steering in self._moments(scenario, steps):
            clock("advance", world.advance, *steering)
            clock("picture", world.pictures)

    def draw_apart(self, scenario: Any, steps: int, clock: _Clock) -> None:
        """Time the kinds of picture at every tenth moment; of three times each the shortest counts."""
        world = self.env.world
        bare = replace(scenario, actors=scenario.actors[:0], props=scenario.props[:0])
        self.bare.load(0, bare)
        self.noon.load(0, replace(bare, weather="clear-noon"))
        for step, steering in enumerate(self._moments(scenario, steps)):
            world.advance(*steering)
            if step % 10:
                continue
            self.bare.egos[0] = self.noon.egos[0] = world.egos[0]
            times = [_Clock() for _ in range(3)]
            for one in times:
                one("all", world.render)
                one("bare", self.bare.render)
                for name in self.noon.cameras:
                    one(name, self.noon.render, name)
            for kind in times[0]:
                clock[kind] += min(one[kind] for one in times)

    def _moments(self, scenario: Any, steps: int) -> Iterator[tuple[Any, Any]]:
        """What `World.advance` is given at each step: the expert's steering, and speed left to the car."""
        import numpy as np

        from drive.sim.expert import Expert

        world, steering, cruise = self.env.world, np.zeros(1), np.full(1, np.nan)
        self.env.reset(options={"scenario": scenario})
        for _ in range(steps):
            steering[0] = Expert.steering_at(world, 0, 0.0, 0.0)
            yield steering, cruise

    def microseconds(self, scenarios: list[Any], steps: int) -> dict[str, float]:
        """One run over all scenarios."""
        clock = _Clock()
        driven = 0
        for scenario in scenarios:
            count = self.drive(scenario, steps, clock, inference=False)
            self.drive(scenario, count, clock, inference=True)
            self.take_apart(scenario, count, clock)
            self.draw_apart(scenario, count, clock)
            driven += count
        whole, picture = 1e6 * clock["step"] / driven, 1e6 * clock["picture"] / driven
        advance, scale = 1e6 * clock["advance"] / driven, picture / clock["all"]
        sky = self.sky * (clock["up"] - clock["few"])
        return {
            "picture": picture,
            "step": whole,
            "step with inference": 1e6 * (clock["step of two"] + clock["inference"]) / driven,
            "advance": advance,
            "observation and books": whole - advance - picture,
            "before the first pixel": scale * clock["few"],
            "bodies": scale * (clock["all"] - clock["bare"]),
            "ground": scale * (clock["front"] - clock["few"] - sky),
            "sky": scale * sky,
            "effects": scale * (clock["bare"] - clock["front"]),
        }


def _single(config: BenchConfig, size: tuple[int, int], scenarios: list[Any]) -> dict[str, Any]:
    """Rates of one environment, and where the time of a step goes."""
    import numpy as np

    one = _Single(size, config.agent)
    one.drive(scenarios[0], 2, _Clock(), inference=True)  # what the agent compiles or loads
    runs = [one.microseconds(scenarios, config.steps) for _ in range(config.repeats)]
    one.env.close()
    found = {part: round(float(np.median([run[part] for run in runs])), 1) for part in runs[0]}
    whole = {f"{part.replace(' ', '_')}_us": found.pop(part) for part in list(found)[:3]}
    rates = _steps("env.step", size, 1, 1, [1e6 / run["step"] for run in runs], one.views)
    frames = 1e6 / whole["picture_us"]
    return {
        **rates,
        "frames_per_second": round(frames, 1),
        "megapixels_per_second": round(1e-6 * frames * size[0] * size[1], 1),
        **whole,
        "agent": one.name,
        "parts_us": {part.replace(" ", "_"): spent for part, spent in found.items()},
    }


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
