"""What an evaluation will do, checked before the first drive."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from drive.camera import Camera
from drive.core.errors import UserError
from drive.driving.agents import is_policy_file, make_agent, split_spec, unique_names
from drive.evaluation.runner import Plan
from drive.scoring.roles import CEILING, FLOOR, role
from drive.scoring.suites import FIRST_SEED, ScenarioRef, Suite, schedule, suite

if TYPE_CHECKING:
    from drive.evaluate import EvaluateConfig


def make_plan(config: "EvaluateConfig") -> tuple[Plan, tuple[ScenarioRef, ...], dict[str, bool]]:
    """Check everything that was asked for before the first drive.

    Returns:
        The plan, the schedule, and which agents are privileged.

    Raises:
        UserError: an unknown suite, agent or map, two agents of one name, a shadow that rides with nobody,
            policies of different cameras, or one trained on these seeds.
    """
    task = suite(config.suite)
    tested = unique_names(config.agent)
    shadows = unique_names(config.shadow)
    agents = dict(tested)
    _refuse_borrowed_names(tested, shadows)
    if config.reference:
        sources = {split_spec(spec)[1] for spec in agents.values()}
        agents = ({} if CEILING in sources else {CEILING: CEILING}) | agents
        agents |= {} if FLOOR in sources else {FLOOR: FLOOR}
    junctions = 0
    if config.map is not None:
        from drive.sim.scenario import load_map

        if not task.on_maps:
            raise UserError(f"The suite {task.name} is of generated roads; with --map take --suite lane.")
        road_map = load_map(str(config.map))
        if config.junction_episodes is None:
            junctions = (config.episodes + 3) // 4 if task.passes_junctions(road_map) else 0
        else:
            junctions = config.junction_episodes
            if junctions and not task.passes_junctions(road_map):
                raise UserError(
                    f"No chain of lanes of {config.map} passes a junction; take --junction-episodes 0."
                )
    elif config.junction_episodes:
        raise UserError("--junction-episodes needs --map: generated roads have no junction.")
    slots = schedule(config.episodes, junctions)
    privileged = {}
    for name, spec in (agents | shadows).items():
        _refuse_trained_seeds(name, split_spec(spec)[1], task, slots)
        privileged[name] = bool(getattr(make_agent(spec)[1], "privileged", False))
    plan = Plan(
        suite=config.suite,
        map_file=str(config.map) if config.map else None,
        agents=agents,
        shadows=shadows,
        shadowed=_shadowed(tested, agents, shadows),
        camera=_camera(agents | shadows),
    )
    return plan, slots, privileged


def _refuse_borrowed_names(tested: Mapping[str, str], shadows: Mapping[str, str]) -> None:
    """A name stands for one agent in all results, and the references' names for the references."""
    for name, spec in [*tested.items(), *shadows.items()]:
        source = split_spec(spec)[1]
        if name in (CEILING, FLOOR) and source != name:
            raise UserError(
                f"{spec!r}: {name} is the name of a reference; take another, as in mine={source}."
            )
    for name in shadows.keys() & tested.keys():
        source, driver = split_spec(shadows[name])[1], split_spec(tested[name])[1]
        if source != driver:
            raise UserError(
                f"Shadow {shadows[name]!r} has the name of the agent {tested[name]!r}; "
                f"take another, as in {name}-shadow={source}."
            )


def _shadowed(
    tested: Mapping[str, str], agents: Mapping[str, str], shadows: Mapping[str, str]
) -> frozenset[str]:
    """Who shadows ride with: the agents under test, or the references too where a shadow has no other."""
    stars = {name for name, spec in tested.items() if role(split_spec(spec)[1]) == "tested"}
    drivers = stars or set(tested)
    if drivers and any(not drivers - {shadow} for shadow in shadows):
        drivers = set(agents)
    for shadow, spec in shadows.items():
        if not drivers - {shadow}:
            raise UserError(f"Shadow {spec!r} rides with nobody; name a driver for it with --agent.")
    return frozenset(drivers)


def _camera(agents: Mapping[str, str]) -> Camera:
    """The camera that the policies were trained on; the default one without any."""
    from drive.models.policy import read_description

    first: tuple[str, Camera] | None = None
    for spec in agents.values():
        source = split_spec(spec)[1]
        description = read_description(source) if is_policy_file(source) else None
        camera = description.camera if description else None
        if camera is None:
            continue
        if first is None:
            first = source, camera
        elif camera != first[1]:
            ours, others = asdict(camera), asdict(first[1])
            differing = ", ".join(
                f"{key} {ours[key]}, not {others[key]}" for key in ours if ours[key] != others[key]
            )
            raise UserError(
                f"{source} and {first[0]} were trained on different cameras ({differing}); "
                "evaluate them one at a time."
            )
    return first[1] if first else Camera()


def _refuse_trained_seeds(name: str, source: str, task: Suite, slots: tuple[ScenarioRef, ...]) -> None:
    if not is_policy_file(source):
        return
    from drive.models.policy import training_seeds

    seen = training_seeds(Path(source))
    if shared := seen & {task.seed(slot) for slot in slots}:
        raise UserError(
            f"Agent {name!r}: {source} was trained on seeds of this evaluation ({len(shared)}, such as "
            f"{min(shared)}); train it on a dataset recorded below seed {FIRST_SEED:,}."
        )
