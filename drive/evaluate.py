"""Evaluate agents in closed loop: the same scenarios for all, every score with its interval."""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from drive.camera import front_camera
from drive.core.errors import UserError, plural
from drive.core.machine import cores

if TYPE_CHECKING:
    from drive.evaluation.episodes import EpisodeRow
    from drive.evaluation.figures import Results
    from drive.evaluation.plan import Plan
    from drive.evaluation.runner import Runner
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
    longitudinal: Literal["cruise", "agent"] = "cruise"
    """Who keeps speed and distance: the car by itself (cruise), or each agent; one that only steers is then
    driven by the speed law."""
    camera: Path | None = None
    """TOML file with a table [camera] of the camera that all agents see through (its keys: `drive record
    --help`); by default the one that the policies were trained with. Behind another one a policy is shown its
    own camera's picture, as far as this one sees it."""
    adapt: bool = True
    """--no-adapt: show policies the camera's pictures as they are, brought to their size."""
    workers: int | None = None
    """Processes; by default all cores."""
    memory_gb: float | None = None
    """Memory that one process may take; an agent that takes more fails. By default an equal share of 80 % of
    this machine's, at least 2."""
    reference: bool = True
    """Also drive `expert` (the ceiling) and `straight` (the floor)."""
    films: int = 2
    """Films of the worst drives of each agent in the report."""
    verify: bool = False
    """Drive the stored actions of the results in --out again and compare the hashes of states and frames (of
    those drives in which anybody looked: nothing is drawn for `expert` and `straight`)."""

    def __post_init__(self) -> None:
        for name, least in (("episodes", 1), ("workers", 1), ("films", 0), ("junction_episodes", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name.replace('_', '-')} is {value}; take {least} or more.")
        if self.memory_gb is not None and not self.memory_gb >= 0.5:
            raise UserError(f"--memory-gb is {self.memory_gb:g}; take 0.5 or more.")


def main(config: EvaluateConfig) -> None:
    """Drive, score, write the results and print the table; or verify earlier results.

    Raises:
        UserError: bad input.
        SystemExit: status 1: an error of the program left the run incomplete, a tested agent failed by itself
            in every drive, or a hash differs.
    """
    if config.verify:
        from drive.evaluation.verify import verify

        verify(config.out, config.workers or cores())
        return
    import platform
    from contextlib import ExitStack

    from rich.console import Console

    from drive.core.tasks import Limits
    from drive.evaluation.figures import read_results
    from drive.evaluation.identity import holds_results_of, identity
    from drive.evaluation.printing import print_results
    from drive.evaluation.report import page_of
    from drive.evaluation.results import (
        SUMMARY,
        check_folder,
        only_run,
        prepare_folder,
        put_in_place,
        write_report,
        write_results,
    )
    from drive.evaluation.runner import Runner
    from drive.evaluation.words import always_failed

    console = Console()
    started = perf_counter()
    plan = _plan(config)
    if not config.agent:
        raise UserError(
            "Name who is tested with --agent: a policy file (--agent runs/train/policy.onnx), your own code "
            "(--agent my_module:make_agent) or modular; --agent expert drives the references alone. "
            "`drive list` says what else can be named."
        )
    check_folder(config.out)
    workers = min(config.workers or cores(), len(plan.scenarios) * len(plan.agents))
    machine = {"platform": platform.platform(), "python": platform.python_version(), "cores": cores()}
    with ExitStack() as held:
        with Runner(plan, workers, Limits(memory_gb=config.memory_gb)) as runner:
            privileged = _check(runner, console)
            asked = identity(_settings(config), plan, privileged)
            held.enter_context(only_run(config.out))
            if (config.out / SUMMARY).is_file() and not holds_results_of(config.out, _settings(config), plan):
                console.print(
                    f"{config.out} holds other results: these replace them at the end.", soft_wrap=True
                )
            run = prepare_folder(config.out, asked | {"run": {"workers": workers, "machine": machine}})
            driving = perf_counter()
            drives = _drive_all(runner, plan, run, config.out, console)
            results = read_results(run, perf_counter() - driving, drives)
            notes = _film(runner, run, results, console)
        write_results(run, results.rows, results.summary, results.timing)
        write_report(run, page_of(run, results, notes))
        put_in_place(config.out)
    print_results(console, config.out, results.summary, results.timing, results.rows, results.config, notes)
    console.print(f"{plural(len(results.drives), 'drive')} in {perf_counter() - started:.0f} s.")
    if failed := always_failed(results.summary):
        print(f"error: {', '.join(failed)} failed by itself in every drive.", file=sys.stderr)
        sys.exit(1)


def finished(config: EvaluateConfig) -> bool:
    """Whether --out holds complete results of just this: agents, policies, settings and sources.

    Raises:
        UserError: bad input, as for `main`.
    """
    from drive.evaluation.identity import holds_results_of

    return holds_results_of(config.out, _settings(config), _plan(config))


def _settings(config: EvaluateConfig) -> dict[str, Any]:
    """The configuration as plain values."""
    return {
        **asdict(config),
        "map": str(config.map.resolve()) if config.map else None,
        "out": str(config.out),
    }


def _plan(config: EvaluateConfig) -> "Plan":
    from drive.evaluation.plan import make_plan

    return make_plan(
        config.agent,
        config.shadow,
        suite_name=config.suite,
        episodes=config.episodes,
        map_file=config.map,
        junction_episodes=config.junction_episodes,
        reference=config.reference,
        longitudinal=config.longitudinal,
        camera=None if config.camera is None else front_camera(config.camera),
        adapt=config.adapt,
    )


def _check(runner: "Runner", console: Any) -> dict[str, bool]:
    """Compile what is compiled at first use, once, before workers would all do it; then build all agents."""
    from drive.core.machine import kernels_compiled
    from drive.driving.warmup import COMPILING, warm_up

    if not kernels_compiled():
        with console.status(COMPILING.capitalize()):
            warm_up()
    with console.status("Preparing"):
        return runner.check()


def _drive_all(
    runner: "Runner", plan: "Plan", run: Path, out: Path, console: Any
) -> "dict[tuple[str, ScenarioRef], EpisodeRow]":
    """Every agent on every scenario, exactly once."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from drive.evaluation.episodes import read_row

    found: dict[tuple[str, ScenarioRef], EpisodeRow] = {}
    columns = (TextColumn("Driving"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    broken: list[str] = []
    total = len(plan.scenarios) * len(plan.agents)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)
        try:
            for ended in runner.drive(run):
                if ended.error is None:
                    found[ended.agent, ended.ref] = read_row(run, ended.agent, ended.ref)
                else:
                    broken.append(f"{ended.agent} on {ended.ref.label}: {ended.error}")
                progress.advance(bar)
        except KeyboardInterrupt:
            text = f"Stopped. {plural(len(found), 'finished drive')}: drive report {out}"
            console.print(text, markup=False, soft_wrap=True)
            raise
    if broken or len(found) < total:
        _fail_incomplete(broken, total - len(found), out)
    return found


def _fail_incomplete(broken: list[str], missing: int, out: Path) -> None:
    for line in broken[:5]:
        print(f"error: {line}", file=sys.stderr)
    print(
        f"error: the run is incomplete ({plural(len(broken), 'program error')}, "
        f"{plural(missing, 'drive')} missing): no rates. The finished drives: drive report {out}",
        file=sys.stderr,
    )
    raise SystemExit(1)


def _film(runner: "Runner", run: Path, results: "Results", console: Any) -> list[str]:
    """Film the worst drives of each agent; why films are missing."""
    from drive.evaluation.films import choose

    chosen = choose(results.drives, list(results.summary["agents"]), results.config["films"])
    with console.status(f"Filming {plural(len(chosen), 'drive')}"):
        answers = runner.film(run, [(drive.ref, order) for drive, order in chosen])
    return [
        f"No film of {drive.row['agent']} on {drive.row['scenario']}: {why}."
        for (drive, _), why in zip(chosen, answers, strict=True)
        if why is not None
    ]
