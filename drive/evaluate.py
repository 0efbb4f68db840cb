"""Evaluate agents in closed loop: the same scenarios for all, every score with its interval."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from drive.core.errors import UserError
from drive.core.machine import cores

if TYPE_CHECKING:
    from drive.evaluation.runner import Crew, EpisodeRow, Plan
    from drive.scoring.suites import ScenarioRef


@dataclass(frozen=True)
class EvaluateConfig:
    """Drive agents through a suite of scenarios and score them.

    Agents are `expert`, `modular`, `straight`, a policy file (.onnx), or module:factory; NAME=AGENT gives one
    another name. Example:
    drive evaluate --agent net=runs/train/policy.onnx --agent modular --shadow modular --episodes 30
    """

    agent: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Who is tested; repeat the flag for several."""
    shadow: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Acts on every frame beside each tested agent, unheard: logged, compared, filmed."""
    suite: str = "lane"
    """Which list of scenarios: lane (roads of town, country and highway) or corners (the same on town streets
    from corner to corner, which lane never draws)."""
    episodes: int = 100
    """How many scenarios: the first N of the suite."""
    map: Path | None = None
    """An OpenDRIVE file: the suite's task on this map instead of generated roads."""
    junction_episodes: int | None = None
    """On a map: scenarios through junctions besides, reported apart. By default a quarter of --episodes."""
    out: Path = Path("runs/evaluate")
    """Folder for the results; earlier results in it are replaced."""
    workers: int | None = None
    """Processes; by default all cores."""
    reference: bool = True
    """Also drive `expert` (the ceiling) and `straight` (the floor)."""
    films: int = 2
    """Films of the worst drives of each agent in the report."""
    verify: bool = False
    """Drive the stored actions of the results in --out again and compare the hashes of states and frames."""

    def __post_init__(self) -> None:
        for name, least in (("episodes", 1), ("workers", 1), ("films", 0), ("junction_episodes", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name.replace('_', '-')} is {value}; take {least} or more.")
        if not self.reference and not self.agent and not self.verify:
            raise UserError("--no-reference leaves nobody to drive; name an --agent.")


def main(config: EvaluateConfig) -> None:
    """Drive, score, write the results and print the table; or verify earlier results.

    Raises:
        UserError: bad input.
        SystemExit: status 1: an error of the program left the run incomplete, or a hash differs.
    """
    if config.verify:
        from drive.evaluation.verify import verify

        verify(config.out, config.workers or cores())
        return
    from rich.console import Console

    from drive.evaluation.evaluated import identity, tell
    from drive.evaluation.plan import make_plan
    from drive.evaluation.report import make_report
    from drive.evaluation.results import (
        check_folder,
        prepare_folder,
        steps_table,
        write_report,
        write_results,
    )
    from drive.evaluation.runner import Crew

    console = Console()
    started = perf_counter()
    plan, slots, privileged = make_plan(config)
    check_folder(config.out)
    _warm_up(plan, slots, console)
    prepare_folder(config.out)  # only now: whatever cannot work was refused by then
    workers = min(config.workers or cores(), len(slots) * len(plan.agents))
    with Crew(plan, workers) as crew:
        driving = perf_counter()
        drives = _drive_all(crew, plan, slots, workers, config.out, console)
        seconds = perf_counter() - driving
        summary, timing = _figures(config, plan, privileged, drives, seconds, workers)
        write_results(
            config.out,
            config=identity(config, plan),
            rows=[drive.row for drive in drives],
            summary=summary,
            timing=timing,
            steps=steps_table(drives),
        )
        films, notes = _films(crew, config, plan, drives, console)
    write_report(config.out, make_report(summary, timing, drives, films, _lanes(config.map), notes))
    for note in notes:
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    tell(console, config.out, summary, timing)
    console.print(f"{len(drives)} drives in {perf_counter() - started:.0f} s.")


def _warm_up(plan: "Plan", slots: "tuple[ScenarioRef, ...]", console: Any) -> None:
    """Compile what is compiled at first use, once, before workers would all do it at the same time."""
    from drive.core.machine import kernels_compiled
    from drive.driving.warmup import COMPILING, warm_up
    from drive.evaluation.runner import Worker

    with console.status("Preparing" if kernels_compiled() else COMPILING.capitalize()):
        if not kernels_compiled():
            warm_up()  # on two cores; building a worker would begin on one
        worker = Worker(plan)
        specs = (plan.agents | plan.shadows).values()
        warm_up(worker.env, worker.scenario(slots[0]), [worker.agent(spec, "driver") for spec in specs])


def _drive_all(
    crew: "Crew", plan: "Plan", slots: "tuple[ScenarioRef, ...]", workers: int, out: Path, console: Any
) -> "list[EpisodeRow]":
    """Every agent on every scenario, exactly once, in the order scenario by scenario."""
    from concurrent.futures.process import BrokenProcessPool

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from drive.evaluation.results import EpisodeLog

    names = list(plan.agents)
    groups = [names] if len(slots) >= 2 * workers else [[name] for name in names]
    jobs = [(slot, group) for slot in slots for group in groups]
    found: dict[tuple[ScenarioRef, str], EpisodeRow] = {}
    columns = (TextColumn("Driving"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    broken: list[str] = []
    with Progress(*columns, console=console, transient=True) as progress, EpisodeLog(out) as log:
        task = progress.add_task("", total=len(slots) * len(names))
        try:
            for _, drives in crew.run("drive", jobs):
                for drive in drives:
                    log.add(drive.row)
                    found[drive.slot, drive.row["agent"]] = drive
                    if drive.error is not None:
                        broken.append(f"{drive.row['agent']} on {drive.row['scenario']}: {drive.error}")
                progress.advance(task, len(drives))
        except BrokenProcessPool:
            broken.append("a worker process was killed (out of memory, or a crash in native code)")
        except KeyboardInterrupt:
            console.print(
                f"Stopped. {len(found)} finished drives stand in {out}/episodes.jsonl.part.",
                markup=False,
                soft_wrap=True,
            )
            raise
    missing = len(slots) * len(names) - len(found)
    if broken or missing:
        _fail_incomplete(broken, missing, out)
    return [found[slot, name] for slot in slots for name in names]


def _fail_incomplete(broken: list[str], missing: int, out: Path) -> None:
    import sys

    for line in broken[:5]:
        print(f"error: {line}", file=sys.stderr)
    print(
        f"error: the run is incomplete ({len(broken)} program errors, {missing} drives missing): no rates. "
        f"The finished drives stand in {out}/episodes.jsonl.part.",
        file=sys.stderr,
    )
    raise SystemExit(1)


def _figures(
    config: EvaluateConfig,
    plan: "Plan",
    privileged: dict[str, bool],
    drives: "list[EpisodeRow]",
    seconds: float,
    workers: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    import platform

    import numpy as np

    from drive.driving.agents import split_spec
    from drive.evaluation.summary import summarize, timing_figures

    sources = {name: split_spec(spec)[1] for name, spec in plan.agents.items()}
    facts = {
        "suite": config.suite,
        "map": config.map.name if config.map else None,
        "episodes": config.episodes,
        "junction_episodes": sum(d.slot.through_junction for d in drives) // len(plan.agents),
        "longitudinal": "cruise: agents steer; the car keeps speed and distance by itself",
        "shadows": {name: split_spec(spec)[1] for name, spec in plan.shadows.items()},
    }
    summary = summarize([drive.row for drive in drives], sources, privileged, facts)
    for name, source in sources.items():
        if (pictures := _training_pictures(source)) is not None:
            summary["agents"][name]["training_pictures"] = pictures
    acts: dict[str, list[Any]] = {name: [] for name in plan.agents}
    spent = dict.fromkeys(plan.agents, 0.0)
    for drive in drives:
        acts[drive.row["agent"]].append(drive.act_seconds)
        spent[drive.row["agent"]] += drive.drive_seconds
    steps = sum(len(drive.steering) for drive in drives)
    timing = {
        "workers": workers,
        "wall_s": round(seconds, 3),
        "steps": steps,
        "steps_per_s": round(steps / seconds, 1),
        "machine": {"platform": platform.platform(), "python": platform.python_version(), "cores": cores()},
        "agents": timing_figures({name: np.concatenate(parts) for name, parts in acts.items()}, spent),
    }
    return summary, timing


def _lanes(map_file: Path | None) -> list[Any]:
    """(n, 2) centre lines of a map's driving lanes, thinned out for a picture [m]."""
    if map_file is None:
        return []
    import numpy as np

    from drive.sim.scenario import load_map

    lanes = [lane.center[:, :2] for lane in load_map(str(map_file)).lanes if lane.type == "driving"]
    return [points[np.linspace(0, len(points) - 1, min(len(points), 24)).astype(int)] for points in lanes]


def _training_pictures(source: str) -> int | None:
    """How many labelled pictures a policy was trained on, where the JSON beside it says."""
    from drive.driving.agents import is_policy_file

    if not is_policy_file(source):
        return None
    from drive.models.policy import read_description

    description = read_description(source)
    pictures = description.values.get("pictures") if description else None
    return int(pictures) if isinstance(pictures, int) else None


def _films(
    crew: "Crew", config: EvaluateConfig, plan: "Plan", drives: "list[EpisodeRow]", console: Any
) -> tuple[list[Any], list[str]]:
    """Films of the worst drives of each agent, in the table's order, and why others are missing."""
    from concurrent.futures.process import BrokenProcessPool

    from drive.evaluation.films import Film, choose

    notes = []
    chosen = [(drive, order) for name in plan.agents for drive, order in choose(drives, name, config.films)]
    films: list[Any] = [None] * len(chosen)
    with console.status(f"Filming {len(chosen)} drives"):
        try:
            for index, data in crew.run("film", [(drive.slot, order) for drive, order in chosen]):
                row, order = chosen[index][0].row, chosen[index][1]
                if isinstance(data, str):
                    notes.append(f"No film of {row['agent']} on {row['scenario']}: {data}.")
                else:
                    films[index] = Film(row, order, data)
        except BrokenProcessPool:
            notes.append("Films are missing: a worker process was killed (out of memory, or a native crash).")
    return [film for film in films if film is not None], notes
