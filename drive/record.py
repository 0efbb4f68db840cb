"""`drive record`: demonstrations of the expert as a LeRobot dataset, ready to learn from."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from drive.agent import DT
from drive.camera import CameraFlags
from drive.core.errors import UserError, plural
from drive.core.machine import cores
from drive.core.seeds import RESERVED_SEEDS
from drive.episode import End
from drive.sim.density import TRAFFIC
from drive.sim.maps.styles import STYLES, generated_map

if TYPE_CHECKING:
    from drive.camera import Camera
    from drive.core.tasks import Result
    from drive.dataset import DatasetWriter
    from drive.driving.demonstrations import Demonstration, DriveSettings

STEPS_PER_SECOND = round(1.0 / DT)  # control steps of the simulator


@dataclass(frozen=True)
class RecordConfig:
    """Let the expert drive and keep camera frames with its steering, as a LeRobot dataset (v3).

    The steering is disturbed now and then while the clean label is kept, and each frame has a second picture
    from a shifted and turned car with the label for that pose: a learner sees how to come back. Recording
    into an existing dataset appends. Next: `drive train DIR`.
    """

    out: tyro.conf.Positional[Path]
    """Directory of the dataset; a new one, or one recorded before with the same camera."""
    episodes: int = 24
    """How many drives to keep. Drives that crash or leave the road are not kept and do not count."""
    driver: str = "expert"
    """Who drives: expert, or an agent as `drive evaluate` takes it (policy file, modular, module:factory). An
    agent drives undisturbed until it strays; then the expert brings the car back. Labels are the expert's in
    both cases, so that a policy learns where its own driving leads it (DAgger)."""
    seed: int = 0
    """First seed of the scenarios; those already in the dataset are passed over. Below 1,000,000: later ones
    are for evaluation."""
    map: Path | None = None
    """OpenDRIVE file to drive on, lane chains of at least 80 m; by default roads are generated."""
    roads: Literal["any", "town", "country", "highway", "corners"] = "any"
    """Generated roads of one style; any draws town, country and highway. Corners, never drawn by any: town
    streets from corner to corner, to learn what is rare on the others."""
    weather: str | None = None
    """One weather for all drives; by default one of the training weathers is drawn for each."""
    traffic: Literal["none", "light", "regular", "dense"] = "regular"
    """How many other cars there are."""
    longitudinal: Literal["cruise", "agent"] = "cruise"
    """Who keeps speed and distance: the car by itself (cruise), or whoever drives, who then has the pedals
    (agent); a driver that only steers is driven by the speed law there."""
    every: int = 1
    """Keep each n-th control step of 0.05 s: 1 gives 20 frames a second, 2 gives 10."""
    max_duration_s: float | None = None
    """Stop each drive after this many seconds; by default it ends at its goal."""
    jpeg_quality: int = 90
    """Quality of the pictures, 1 to 100."""
    noise: float = 1.0
    """Strength of the steering disturbances; 0: none."""
    noise_share: float = 0.4
    """Share of the time that the steering is pushed."""
    view_lateral_m: float = 1.0
    """Largest shift of the second picture of each frame; with --view-yaw-deg 0 too there is none."""
    view_yaw_deg: float = 12.0
    """Largest turn of the second picture of each frame."""
    adapt: bool = True
    """--no-adapt: show a policy at the wheel another camera than its own as it is, and not mapped to its
    own."""
    workers: int | None = None
    """Processes; by default one for each core. The result does not depend on it."""
    camera_flags: Annotated[CameraFlags, tyro.conf.arg(name="")] = field(default_factory=CameraFlags)
    """The camera."""

    def __post_init__(self) -> None:
        def expect(good: bool, field: str, remedy: str) -> None:
            if not good:
                raise UserError(f"--{field.replace('_', '-')} is {getattr(self, field)}; {remedy}.")

        expect(self.episodes >= 1, "episodes", "take 1 or more")
        expect(
            0 <= self.seed < RESERVED_SEEDS,
            "seed",
            "take 0 to 999,999: seeds from 1,000,000 on are reserved for evaluation",
        )
        expect(self.traffic in TRAFFIC, "traffic", f"take one of {', '.join(TRAFFIC)}")
        expect(bool(self.driver), "driver", "take expert, a policy file or module:factory")
        expect(
            1 <= self.every <= STEPS_PER_SECOND and STEPS_PER_SECOND % self.every == 0,
            "every",
            "take 1, 2, 4, 5, 10 or 20, so that the frame rate is whole",
        )
        expect(
            self.max_duration_s is None or self.max_duration_s >= 1.0, "max_duration_s", "take 1 s or more"
        )
        expect(self.roads in ("any", *STYLES), "roads", f"take any, {', '.join(STYLES)}")
        expect(self.map is None or self.roads == "any", "roads", "leave it out with --map")
        expect(1 <= self.jpeg_quality <= 100, "jpeg_quality", "take 1 to 100")
        expect(0.0 <= self.noise <= 3.0, "noise", "take 0 (none) to 3")
        expect(0.0 <= self.noise_share <= 1.0, "noise_share", "take 0 to 1")
        expect(0.0 <= self.view_lateral_m <= 3.0, "view_lateral_m", "take 0 to 3 m")
        expect(0.0 <= self.view_yaw_deg <= 30.0, "view_yaw_deg", "take 0 to 30 degrees")
        expect(self.workers is None or self.workers >= 1, "workers", "take 1 or more")

    @property
    def camera(self) -> "Camera":
        """The front camera."""
        return self.camera_flags.front

    @property
    def fps(self) -> int:
        """Frames a second."""
        return STEPS_PER_SECOND // self.every

    def drive_settings(self) -> "DriveSettings":
        """What each drive is to keep."""
        from drive.driving.demonstrations import DriveSettings
        from drive.driving.steering_noise import NoiseSettings

        steps = None if self.max_duration_s is None else round(self.max_duration_s * STEPS_PER_SECOND)
        return DriveSettings(
            every=self.every,
            max_steps=steps,
            jpeg_quality=self.jpeg_quality,
            view_lateral_m=self.view_lateral_m,
            view_yaw_deg=self.view_yaw_deg,
            noise=NoiseSettings(strength=self.noise, share=self.noise_share),
        )

    def to_json(self) -> dict[str, Any]:
        """The settings that made the frames, as plain values."""
        values = asdict(self)
        for name in ("camera_flags", "out", "workers", "episodes"):
            del values[name]
        return values | {"map": None if self.map is None else self.map.name, "camera": self.camera.to_json()}


def main(config: RecordConfig) -> None:
    """Record, and say what was made and what to do with it.

    Raises:
        UserError: the directory, the map or the weather will not do, the disk is full, or hardly any drive
            can be kept.
        KeyboardInterrupt: stopped by Ctrl-C; the whole episodes are kept.
    """
    from functools import partial

    from rich.console import Console

    from drive.dataset import DatasetWriter, lane_features
    from drive.driving.agents import camera_remarks, check_source, split_spec
    from drive.driving.demonstrations import Recorder
    from drive.driving.warmup import compile_with_message
    from drive.sim.scenario import load_map
    from drive.sim.sensors.weather import HELD_OUT_WEATHERS, weather

    console = Console()
    if config.weather is not None:
        weather(config.weather)
        if config.weather in HELD_OUT_WEATHERS:
            console.print(
                f"Note: {config.weather} is a held-out weather of the evaluation; "
                "a policy that learns from it has seen what the tables call unseen."
            )
    check_source(config.driver)
    driver = split_spec(config.driver)[0]
    for remark in camera_remarks({driver: config.driver}, config.camera, config.adapt):
        console.print(remark, markup=False, highlight=False, soft_wrap=True)
    style = None if config.roads == "any" else config.roads
    map_name = generated_map(style) if config.map is None else load_map(str(config.map)).name
    settings = config.drive_settings()
    with DatasetWriter(
        config.out,
        fps=config.fps,
        camera=config.camera,
        driver=driver,
        map_name=map_name,
        config=config.to_json(),
        features=lane_features(config.camera, views=settings.views),
    ) as writer:
        compile_with_message()
        make = partial(
            Recorder,
            config.camera,
            settings,
            config.weather,
            config.traffic,
            None if config.map is None else str(config.map),
            config.driver,
            style,
            config.longitudinal,
            config.adapt,
        )
        count = min(config.workers or cores(), config.episodes)
        record(config, writer, make, count, console)


def record(
    config: RecordConfig,
    writer: "DatasetWriter",
    make: Callable[[], Callable[[int, Any], Any]],
    workers: int,
    console: Any,
) -> None:
    """Drive seed after seed until enough episodes are kept.

    The episodes kept are the first that can be, in the order of their seeds, whatever the number of workers.

    Args:
        config: the command's settings.
        writer: the open dataset.
        make: builds what records a seed, once in each worker.
        workers: processes.
        console: a rich console to talk to.
    """
    from collections import deque
    from functools import partial
    from time import perf_counter

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from drive.core.pool import WorkerPool

    print_line = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    began, frames_before, started = writer.total_episodes, writer.total_frames, perf_counter()
    used, seed = writer.used_seeds, config.seed
    dropped: dict[str, int] = {}
    asked: deque[int] = deque()  # tickets, in the order of their seeds
    progress = Progress(
        TextColumn("recording"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("episodes, {task.fields[frames]:,} frames, {task.fields[rate]:,.0f} frames/s"),
        TimeElapsedColumn(),
        console=console,
    )
    bar = progress.add_task("", total=config.episodes, frames=0, rate=0.0)
    frames = 0

    def report(count: int) -> None:
        nonlocal frames
        frames += count
        progress.update(bar, frames=frames, rate=frames / (perf_counter() - started))

    try:
        with progress, WorkerPool(make, workers, report=report) as pool:
            while writer.total_episodes - began < config.episodes:
                while len(asked) < config.episodes - (writer.total_episodes - began):
                    while seed in used:
                        seed += 1
                    if seed >= RESERVED_SEEDS:
                        raise UserError(
                            f"{config.out}: no seed below 1,000,000 is left from {config.seed} on: "
                            "take a smaller --seed."
                        )
                    asked.append(pool.submit(seed))
                    seed += 1
                found = _recorded(pool.take(asked.popleft()), config.driver)
                if found.failure is not None:
                    writer.drop(found.seed)
                    dropped[found.failure] = dropped.get(found.failure, 0) + 1
                    if found.error and dropped[found.failure] <= 3:
                        print_line(f"{config.driver} failed on seed {found.seed}: {found.error}")
                    if sum(dropped.values()) > 10 + config.episodes:
                        raise UserError(
                            f"{sum(dropped.values())} drives ended in {_by_end(dropped)} and only "
                            f"{writer.total_episodes - began} could be kept: "
                            + ("take less --noise." if config.driver == "expert" else "try another --driver.")
                        )
                    continue
                writer.add_episode(
                    found.columns,
                    seed=found.seed,
                    scenario=found.scenario,
                    weather=found.weather,
                    ended=found.ends[0] if found.ends else "stopped",
                    image_stats=found.image_stats,
                )
                progress.update(bar, completed=writer.total_episodes - began)
    except KeyboardInterrupt:
        kept = writer.total_episodes - began
        print_line(
            f"Stopped: {kept} whole episodes of this run are in {config.out}; "
            f"the same command with --episodes {config.episodes - kept} goes on."
        )
        raise
    seconds = perf_counter() - started
    new, pictures = writer.total_frames - frames_before, 2 if config.drive_settings().views else 1
    print_line(
        f"Recorded {plural(config.episodes, 'episode')}, {new:,} frames ({new * pictures:,} pictures), "
        f"in {seconds:.0f} s: {new * pictures / seconds:,.0f} pictures/s."
    )
    if dropped:
        print_line(f"Not kept: {plural(sum(dropped.values()), 'drive')} that ended in {_by_end(dropped)}.")
    total = f"{plural(writer.total_episodes, 'episode')}, {writer.total_frames:,} frames"
    print_line(f"The dataset in {config.out} now holds {total}.\nNext: drive train {config.out}")


def _recorded(result: "Result", driver: str) -> "Demonstration":
    """A finished drive; one in which somebody else's agent took the process down ended in its failure.

    Raises:
        UserError: the agent cannot be built, or a process of the program ended.
        RuntimeError: the program raised; what an agent raises has ended its drive already.
    """
    from drive.driving.agents import is_built_in
    from drive.driving.demonstrations import Demonstration

    failure = result.failure
    beat = failure.beat.partition(" ")[0] if failure else ""
    others = failure is not None and failure.cause != "user error" and not is_built_in(driver)
    if failure is not None and others and beat == "building":
        raise UserError(f"Agent {driver!r}: building it {failure.what}.")
    if failure is None or not others or beat not in ("act", "reset") or failure.cause == "raised":
        found: Demonstration = result.unwrap()
        return found
    ends = (End.AGENT_FAILURE,)
    return Demonstration(result.task, f"seed/{result.task}", "", ends, 0, error=str(failure))


def _by_end(dropped: dict[str, int]) -> str:
    """Reasons and how often."""
    return ", ".join(f"{name.replace('_', ' ')} ({count})" for name, count in sorted(dropped.items()))
