"""What `peers.py` measures: each contender drives through its own API, in a process of its own.

`python contenders.py NAME` builds one, then measures it once for each line that it reads. This file imports
nothing but the standard library before a contender is built: it also runs in environments without `drive`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

DT = 0.05  # [s] a step of ours; highway-env is told to take the same
ZOOM = 60  # steps after its start by which CarRacing has zoomed in


class Driver:
    """One environment, or a batch that moves as one."""

    env: Any

    def reset(self, episode: int) -> None:
        """Begin an episode, the same for the same number; not timed."""
        raise NotImplementedError

    def decide(self) -> None:
        """Choose the next action; not timed."""

    def step(self) -> bool:
        """Move one step and take the observation, which is timed; whether the episode has ended."""
        raise NotImplementedError

    def close(self) -> None:
        """End what was started."""
        self.env.close()


@dataclass(frozen=True)
class Contender:
    """Who is measured, and how much of it makes one round."""

    name: str
    package: str  # that has to be installed
    make: Callable[[], Driver]
    episodes: int
    steps: int  # an episode, unless it ends before
    environments: int = 1


class Doom(Driver):
    """ViZDoom: runs ahead for a second, turns for half a second, and so on; one tic a step, RGB alone."""

    def __init__(self, scenario: str, resolution: str) -> None:
        import vizdoom

        self.env = game = vizdoom.DoomGame()
        game.load_config(os.path.join(vizdoom.scenarios_path, f"{scenario}.cfg"))
        game.set_screen_resolution(getattr(vizdoom.ScreenResolution, f"RES_{resolution.upper()}"))
        game.set_screen_format(vizdoom.ScreenFormat.RGB24)
        game.set_mode(vizdoom.Mode.PLAYER)
        game.set_window_visible(False)
        game.set_render_hud(False)
        for buffer in ("depth", "labels", "automap", "audio", "notifications"):
            getattr(game, f"set_{buffer}_buffer_enabled")(False)
        game.set_objects_info_enabled(False)
        game.set_sectors_info_enabled(False)
        game.init()
        names = [button.name for button in game.get_available_buttons()]
        ahead = "MOVE_FORWARD" if "MOVE_FORWARD" in names else "MOVE_LEFT"
        aside = "TURN_LEFT" if "TURN_LEFT" in names else "MOVE_RIGHT"
        held = [[float(name == button) for name in names] for button in (ahead, aside)]
        self._cycle = 35 * [held[0]] + 18 * [held[1]]
        self._tic = 0

    def reset(self, episode: int) -> None:
        self.env.set_seed(episode)
        self.env.new_episode()
        self._tic = 0

    def decide(self) -> None:
        self._tic += 1

    def step(self) -> bool:
        self.env.make_action(self._cycle[self._tic % len(self._cycle)], 1)
        if self.env.is_episode_finished():
            return True
        return self.env.get_state().screen_buffer is None


class EnvPoolCarRacing(Driver):
    """EnvPool's CarRacing-v3, 96x96 from above: every car drives in a circle, slowly.

    An episode goes on where the last one ended, as long as there is room for it.
    """

    def __init__(self, environments: int, threads: int) -> None:
        import envpool
        import numpy as np

        self.env = envpool.make(
            "CarRacing-v3", env_type="gymnasium", num_envs=environments, num_threads=threads, seed=1
        )
        self._actions = np.tile(np.array([[0.3, 0.1, 0.0]], np.float32), (environments, 1))
        self._left = 0

    def reset(self, episode: int) -> None:
        if self._left < 500:
            self.env.reset()
            self._left = 1000
            for _ in range(ZOOM):
                self.step()

    def step(self) -> bool:
        self._left -= 1
        _, _, terminated, truncated, _ = self.env.step(self._actions)
        ended = bool((terminated | truncated).any())
        self._left = 0 if ended else self._left
        return ended


class Gymnasium(Driver):
    """An environment of Gymnasium's interface under one action, without Gymnasium's wrappers."""

    def __init__(self, name: str, action: Any, untimed: int = 0, registers: str = "", **options: Any) -> None:
        import gymnasium

        self._untimed = untimed  # steps after a reset
        if registers:
            gymnasium.register_envs(__import__(registers))
        try:
            self.env, self._action = gymnasium.make(name, **options).unwrapped, action
        except gymnasium.error.DependencyNotInstalled as problem:
            raise ImportError(str(problem)) from problem

    def reset(self, episode: int) -> None:
        self.env.reset(seed=episode)
        for _ in range(self._untimed):
            self.step()

    def step(self) -> bool:
        _, _, terminated, truncated, _ = self.env.step(self._action)
        return bool(terminated or truncated)


def car_racing() -> Driver:
    """Gymnasium's CarRacing-v3; 96x96 from above, the same circle."""
    import numpy as np

    return Gymnasium("CarRacing-v3", np.array([0.3, 0.1, 0.0], np.float32), untimed=ZOOM)


def highway(picture: bool) -> Driver:
    """highway-env, 50 vehicles, one simulation step of 0.05 s a step: states, or 96x96 grey from above."""
    observation: dict[str, Any] = {"type": "Kinematics"}
    if picture:
        weights = [0.2989, 0.5870, 0.1140]
        shape = {"observation_shape": (96, 96), "stack_size": 1, "weights": weights}
        observation = {"type": "GrayscaleObservation", **shape}
    rates = {"simulation_frequency": round(1 / DT), "policy_frequency": round(1 / DT)}
    config = {"observation": observation, **rates, "duration": 1000}
    return Gymnasium("highway-v0", 1, registers="highway_env", config=config)


class Lane(Driver):
    """`drive/Lane-v0`, one car with one camera: the expert drives, so that it stays on the road."""

    def __init__(self, width: int, height: int, scenarios: Callable[[], list[Any]]) -> None:
        import gymnasium
        import numpy as np

        import drive  # noqa: F401 - registers the environment
        from drive.driving.warmup import warm_up
        from drive.sim.expert import Expert

        warm_up()
        self._expert = Expert()
        camera = {"width_px": width, "height_px": height}
        self.env = gymnasium.make("drive/Lane-v0", camera=camera).unwrapped
        self._scenarios, self._action = scenarios(), np.zeros(1, np.float32)

    def reset(self, episode: int) -> None:
        self.env.reset(options={"scenario": self._scenarios[episode]})

    def decide(self) -> None:
        self._action[0] = self._expert.steering_at(self.env.world, 0, 0.0, 0.0)

    def step(self) -> bool:
        _, _, terminated, truncated, _ = self.env.step(self._action)
        return bool(terminated or truncated)


class LaneBatch(Driver):
    """`drive/Lane-v0` as a batch, each car on a road of its own.

    An episode goes on where the last one ended, until a car has reached its goal.
    """

    def __init__(self, width: int, height: int, environments: int, threads: int) -> None:
        import gymnasium
        import numpy as np

        import drive  # noqa: F401 - registers the environment
        from drive.driving.warmup import warm_up
        from drive.sim.expert import Expert

        warm_up()
        self._expert = Expert()
        self.env = gymnasium.make_vec(
            "drive/Lane-v0",
            num_envs=environments,
            vectorization_mode="vector_entry_point",
            camera={"width_px": width, "height_px": height},
            threads=threads,
        )
        self._scenarios = suite_scenarios(environments)
        self._actions = np.zeros((environments, 1), np.float32)
        self._left = 0

    def reset(self, episode: int) -> None:
        if self._left < 30:
            self.env.reset(seed=episode, options={"scenarios": self._scenarios})
            self._left = 400

    def decide(self) -> None:
        for w in range(len(self._actions)):
            self._actions[w, 0] = self._expert.steering_at(self.env.world, w, 0.0, 0.0)

    def step(self) -> bool:
        self._left -= 1
        _, _, terminated, truncated, _ = self.env.step(self._actions)
        ended = bool((terminated | truncated).any())
        self._left = 0 if ended else self._left
        return ended


def suite_scenarios(count: int, weather: str | None = None) -> list[Any]:
    """The first scenarios of the suite `lane`: regular traffic, in all weathers or in one."""
    from drive.scoring.suites import suite
    from drive.sim.sensors.weather import WEATHERS

    WEATHERS["rain-night"] = replace(WEATHERS["night"], name="rain-night", rain=1.0, wetness=1.0)
    found = [suite("lane").scenario(i) for i in range(count)]
    return found if weather is None else [replace(one, weather=weather) for one in found]


def crowded_scenarios(count: int, vehicles: int) -> list[Any]:
    """Highways of 1 km at noon with so many vehicles, those nearest to the car."""
    import numpy as np

    from drive.sim.arrays import PATH_STEP
    from drive.sim.maps.procedural import RoadConfig, generate_road
    from drive.sim.scenario import lane_scenario, moving

    found = []
    for seed in range(count):
        road = generate_road(np.random.default_rng(seed), RoadConfig(length=1000.0, style="highway"))
        empty = lane_scenario(seed, weather_name="clear-noon", traffic="none", road_map=road)
        there = moving(np.random.default_rng(seed), empty, mean_gap=15.0)
        start = empty.route.points[int(empty.start_s / PATH_STEP)]
        near = np.argsort(np.hypot(there["x"] - start["x"], there["y"] - start["y"]), kind="stable")
        if len(there) < vehicles:
            raise RuntimeError(f"road {seed} takes {len(there)} vehicles, not {vehicles}")
        found.append(replace(empty, actors=there[np.sort(near[:vehicles])]))
    return found


SIZES = ((96, 96), (160, 120), (320, 240), (320, 160))
BATCH, THREADS = 64, 2


def _contenders() -> Iterator[Contender]:
    """Those that are compared stand side by side: they are measured one right after the other."""

    def lane(name: str, width: int, height: int, scenarios: Callable[[], list[Any]], episodes: int = 20):
        return Contender(f"drive {name}", "drive", partial(Lane, width, height, scenarios), episodes, 100)

    for width, height in SIZES:
        size = f"{width}x{height}"
        yield lane(size, width, height, partial(suite_scenarios, 20))
        if size in ("160x120", "320x240"):
            for scenario in ("deathmatch", "basic", "my_way_home"):
                make = partial(Doom, scenario, size)
                yield Contender(f"vizdoom {scenario} {size}", "vizdoom", make, 4, 400)
        if size == "96x96":
            yield Contender("envpool CarRacing", "envpool", partial(EnvPoolCarRacing, 1, 1), 2, 500)
            yield Contender("gymnasium CarRacing", "gymnasium", car_racing, 1, 100)
            yield Contender("highway-env picture", "highway-env", partial(highway, True), 1, 12)
            yield Contender("highway-env states", "highway-env", partial(highway, False), 1, 12)
    batch = f"{BATCH} on {THREADS} threads"
    ours, theirs = partial(LaneBatch, 96, 96, BATCH, THREADS), partial(EnvPoolCarRacing, BATCH, THREADS)
    yield Contender(f"drive 96x96, {batch}", "drive", ours, 2, 30, BATCH)
    yield Contender(f"envpool CarRacing, {batch}", "envpool", theirs, 1, 40, BATCH)
    for weather, told in (("clear-noon", "clear noon"), ("rain-night", "rain at night")):
        yield lane(f"320x160, {told}", 320, 160, partial(suite_scenarios, 10, weather), 10)
    for vehicles in (0, 200):
        yield lane(f"320x160, {vehicles} vehicles", 320, 160, partial(crowded_scenarios, 5, vehicles), 5)


CONTENDERS = {one.name: one for one in _contenders()}


def children_cpu() -> float:
    """CPU time of the processes that this one started and that still run [s]; Linux alone, elsewhere 0."""
    spent = 0.0
    for listed in Path("/proc/self/task").glob("*/children"):
        for child in listed.read_text().split():
            threads = Path(f"/proc/{child}/task").glob("*/schedstat")
            spent += 1e-9 * sum(int(one.read_text().split()[0]) for one in threads)
    return spent


def measure(contender: Contender, driver: Driver) -> dict[str, float]:
    """One round: steps a second, and microseconds of CPU time a step, all threads and processes together.

    Resets and the choice of actions are left out of both clocks.
    """
    spent = busy = 0.0
    driven = 0
    for episode in range(contender.episodes):
        driver.reset(episode)
        busy -= children_cpu()
        for _ in range(contender.steps):
            driver.decide()
            start, start_busy = time.perf_counter(), time.process_time()
            ended = driver.step()
            busy += time.process_time() - start_busy
            spent += time.perf_counter() - start
            driven += 1
            if ended:
                break
        busy += children_cpu()
    driven *= contender.environments
    return {"steps_per_second": driven / spent, "cpu_us": 1e6 * busy / driven}


def serve(contender: Contender) -> None:
    """Build a contender, say so, and measure it for every line on stdin; one JSON object a line.

    What libraries print goes to stderr.
    """
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.environ.update(SDL_VIDEODRIVER="dummy", PYGAME_HIDE_SUPPORT_PROMPT="1")
    try:
        driver = contender.make()
    except ImportError as problem:
        print(json.dumps({"missing": str(problem)}), file=replies)
        return
    try:
        measure(replace(contender, episodes=1, steps=min(contender.steps, 20)), driver)
        here = contender.package == "drive"
        print(json.dumps({"version": None if here else version(contender.package)}), file=replies)
        for _ in sys.stdin:
            print(json.dumps(measure(contender, driver)), file=replies)
    finally:
        driver.close()


if __name__ == "__main__":
    serve(CONTENDERS[sys.argv[1]])
