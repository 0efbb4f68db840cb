"""An evaluation's figures, made from its stored drives: by the run that drove them, and at any time later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drive.core.errors import UserError, one_line, plural
from drive.evaluation.episodes import LOGS, EpisodeRow, file_of, is_stored, read_row
from drive.evaluation.results import CONFIG, TIMING, read_json
from drive.evaluation.summary import summarize, timing_figures
from drive.evaluation.table import LONGITUDINAL
from drive.scoring.suites import ScenarioRef, schedule


@dataclass(frozen=True, eq=False)
class Results:
    """A run's drives and the figures made from them."""

    config: dict[str, Any]
    drives: list[EpisodeRow]  # in the schedule's order
    missing: dict[str, list[ScenarioRef]]  # what an agent did not drive yet, by its name
    summary: dict[str, Any]  # of the agents that drove anything
    timing: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The drives' lines of `episodes.jsonl`."""
        return [drive.row for drive in self.drives]


def read_results(
    folder: Path,
    wall_s: float | None = None,
    known: Mapping[tuple[str, ScenarioRef], EpisodeRow] | None = None,
) -> Results:
    """Make a run's figures from its stored drives, finished or not.

    Args:
        folder: of the run.
        wall_s: how long the drives took [s]; None takes it from `timing.json`, if that is there.
        known: drives that were read already.

    Raises:
        UserError: the folder is no run's, or a file is missing or damaged.
    """
    config, known = read_json(folder, CONFIG), known or {}
    try:
        plan, _ = config["plan"], config["run"]
        refs = schedule(plan["episodes"], plan["junction_episodes"])
        agents: dict[str, Any] = plan["agents"]
        facts = {
            "suite": config["suite"],
            "map": Path(config["map"]).name if config["map"] else None,
            "episodes": plan["episodes"],
            "junction_episodes": plan["junction_episodes"],
            "longitudinal": LONGITUDINAL[config["longitudinal"]],
            "shadows": plan["shadows"],
        }
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{folder / CONFIG} was written by another version of drive ({error!r} is missing); "
            "run the evaluation again."
        ) from error
    stored = {(name, ref): is_stored(folder, name, ref) for ref in refs for name in agents}
    drives = [known.get(key) or read_row(folder, *key) for key, there in stored.items() if there]
    missing = {name: [ref for ref in refs if not stored[name, ref]] for name in agents}
    driven = {drive.row["agent"] for drive in drives if not drive.ref.through_junction}
    summary = summarize(
        [drive.row for drive in drives if drive.row["agent"] in driven],
        {name: agent["source"] for name, agent in agents.items() if name in driven},
        {name: agent["privileged"] for name, agent in agents.items()},
        facts,
    )
    for name, agent in agents.items():
        if name in driven and agent.get("training_pictures") is not None:
            summary["agents"][name]["training_pictures"] = agent["training_pictures"]
    return Results(config, drives, missing, summary, _timing(folder, config, drives, wall_s))


def _timing(
    folder: Path, config: Mapping[str, Any], drives: list[EpisodeRow], wall_s: float | None
) -> dict[str, Any]:
    if wall_s is None and (folder / TIMING).is_file():
        wall_s = read_json(folder, TIMING)["wall_s"]
    if wall_s is not None:  # the rate from what is stored, so that a report made again prints the same
        wall_s = round(wall_s, 3)
    own: dict[str, list[EpisodeRow]] = {}
    for drive in drives:
        own.setdefault(drive.row["agent"], []).append(drive)
    steps = sum(len(drive.steering) for drive in drives)
    return {
        "workers": config["run"]["workers"],
        "wall_s": wall_s,
        "steps": steps,
        "steps_per_s": round(steps / wall_s, 1) if wall_s else None,
        "machine": config["run"]["machine"],
        "agents": timing_figures(
            {name: np.concatenate([drive.act_seconds for drive in parts]) for name, parts in own.items()},
            {name: sum(drive.drive_seconds for drive in parts) for name, parts in own.items()},
        ),
    }


def missing_drives(folder: Path, results: Results) -> list[str]:
    """Which drives a run lacks, a line an agent, and the errors of the program that cost some of them."""
    lines = []
    for name, refs in results.missing.items():
        if refs:
            total = results.summary["episodes"] + results.summary["junction_episodes"]
            apart = ", ".join(_ranges(ref.index for ref in refs if ref.through_junction))
            plain = ", ".join(_ranges(ref.index for ref in refs if not ref.through_junction))
            which = "; through junctions ".join(part for part in (plain, apart) if part)
            which = which if plain else f"through junctions {apart}"
            lines.append(f"Missing: {len(refs)} of {plural(total, 'drive')} of {name}: {which}.")
        for ref in refs:
            log = file_of(folder, LOGS, name, ref, ".txt")
            if log.is_file():
                error = log.read_text(encoding="utf-8").partition("\n")[0]
                lines.append(f"{name} on {ref.label}: an error of the program: {one_line(error)}.")
    return lines


def _ranges(numbers: Iterator[int]) -> list[str]:
    """Ascending numbers as "0", "3-7", ..."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in runs]
