"""Drive stored actions again: the same states and the same frames, or it is not the same simulator."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from drive.camera import Camera
from drive.core.errors import UserError
from drive.core.machine import simulator_key
from drive.evaluation.results import CONFIG, read_json, read_rows, read_steering
from drive.evaluation.runner import Crew, Plan
from drive.scoring.suites import ScenarioRef


def verify(out: Path, workers: int) -> None:
    """Drive the stored actions again and compare `sha256_states` and `sha256_frames`.

    Raises:
        UserError: --out holds no complete results.
        SystemExit: status 1: a hash differs.
    """
    console = Console()
    rows, stored = read_rows(out), read_json(out, CONFIG)
    steering = read_steering(out)
    try:
        plan = Plan(stored["suite"], stored["map"], {}, {}, camera=Camera(**stored["camera"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{out / CONFIG} is damaged ({error!r}); run the evaluation again.") from error
    jobs = []
    for row in rows:
        slot = ScenarioRef(int(row["scenario"].rpartition("/")[2]), bool(row.get("through_junction")))
        jobs.append((slot, steering.get((row["agent"], row["scenario"]), np.zeros(0))))
    differing = []
    with Crew(plan, min(workers, len(jobs))) as crew:
        answers = crew.run("replay", jobs)
        for index, hashes in track(answers, "Driving again", len(jobs), console=console, transient=True):
            row = rows[index]
            for key, got in zip(("sha256_states", "sha256_frames"), hashes, strict=True):
                if got != row[key]:
                    differing.append(
                        f"{row['agent']} on {row['scenario']}: {key} is {got}, stored {row[key]}"
                    )
    for line in differing[:10]:
        console.print(escape(line), soft_wrap=True)
    if differing:
        if stored.get("simulator") != simulator_key():
            console.print("The results were made by other sources of the simulator than these.")
        console.print(f"{len(differing)} hashes differ in {len(rows)} drives.")
        raise SystemExit(1)
    console.print(f"All {len(rows)} drives give the same states and the same frames.")
