"""Drive stored actions again: the same states and the same frames, or it is not the same simulator.

Where nobody looked while it was driven (`sha256_frames` is null), nothing is drawn now, and states decide.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from drive.camera import Camera
from drive.core.errors import UserError, plural
from drive.core.machine import simulator_key
from drive.evaluation.episodes import EPISODES, file_of, read_episode
from drive.evaluation.plan import Plan
from drive.evaluation.results import CONFIG, read_earlier_steering, read_json, read_rows
from drive.evaluation.runner import Runner
from drive.evaluation.worker import Replay
from drive.scoring.suites import ScenarioRef


def verify(out: Path, workers: int) -> None:
    """Drive the stored steering and acceleration again; compare `sha256_states` and `sha256_frames`.

    Raises:
        UserError: --out holds no complete results.
        SystemExit: status 1: a hash differs.
    """
    console = Console()
    rows, stored = read_rows(out), read_json(out, CONFIG)
    try:
        plan = Plan(
            stored["suite"],
            stored["map"],
            {},
            {},
            camera=Camera(**stored["camera"]),
            longitudinal=stored.get("longitudinal", "cruise"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{out / CONFIG} is damaged ({error!r}); run the evaluation again.") from error
    tasks = _tasks(out, rows)
    differing = []
    with (
        Progress(console=console, transient=True) as progress,
        Runner(plan, min(workers, len(tasks))) as runner,
    ):
        bar = progress.add_task("Driving again", total=len(tasks))

        def compare(index: int, hashes: tuple[str, str | None]) -> None:
            row = rows[index]
            progress.advance(bar)
            for key, got in zip(("sha256_states", "sha256_frames"), hashes, strict=True):
                if got != row[key]:
                    differing.append(
                        f"{row['agent']} on {row['scenario']}: {key} is {got}, stored {row[key]}"
                    )

        runner.replay(tasks, compare)
    for line in sorted(differing)[:10]:
        console.print(escape(line), soft_wrap=True)
    if differing:
        if stored.get("simulator") != simulator_key():
            console.print("The results were made by other sources of the simulator than these.")
        console.print(f"Hashes that differ in {plural(len(rows), 'drive')}: {len(differing)}.")
        raise SystemExit(1)
    drawn = sum(task.frames for task in tasks)
    of = "" if drawn == len(rows) else f" in the {plural(drawn, 'drive')} where anybody looked"
    console.print(f"All of {plural(len(rows), 'drive')}: the same states, and the same frames{of}.")


def _tasks(out: Path, rows: list[dict[str, Any]]) -> list[Replay]:
    whole = (out / EPISODES).is_dir()
    steering = {} if whole else read_earlier_steering(out)
    tasks = []
    pedals: NDArray[np.float64] | None
    for row in rows:
        ref = ScenarioRef(int(row["scenario"].rpartition("/")[2]), bool(row.get("through_junction")))
        if whole:
            episode, _ = read_episode(file_of(out, EPISODES, row["agent"], ref))
            wheel, pedals = episode.steering, episode.acceleration_action
        else:
            wheel, pedals = steering.get((row["agent"], row["scenario"]), np.zeros(0)), None
        tasks.append(Replay(ref, wheel, pedals, frames=row["sha256_frames"] is not None))
    return tasks
