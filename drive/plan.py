"""What an evaluation will do, checked before the first drive."""

from pathlib import Path
from typing import TYPE_CHECKING

from drive.agents import CEILING, FLOOR, is_policy_file, make_agent, role, split_spec, unique_names
from drive.campaign import Plan
from drive.errors import UserError
from drive.scoring.suites import FIRST_SEED, Slot, Suite, schedule, suite

if TYPE_CHECKING:
    from drive.evaluate import EvaluateConfig


def make_plan(config: "EvaluateConfig") -> tuple[Plan, tuple[Slot, ...], dict[str, bool]]:
    """Check everything that was asked for before the first drive.

    Returns:
        The plan, the schedule, and which agents are privileged.

    Raises:
        UserError: an unknown suite, agent or map, two agents of one name, or a policy trained on these seeds.
    """
    task = suite(config.suite)
    tested = unique_names(config.agent)
    shadows = unique_names(config.shadow)
    agents = dict(tested)
    if config.reference:
        sources = {split_spec(spec)[1] for spec in agents.values()}
        agents = ({} if CEILING in sources else {CEILING: CEILING}) | agents
        agents |= {} if FLOOR in sources else {FLOOR: FLOOR}
    junctions = 0
    if config.map is not None:
        from drive.sim.scenario import load_map

        road_map = load_map(str(config.map))
        if config.junction_episodes is None:
            junctions = (config.episodes + 3) // 4 if task.passes_junctions(road_map) else 0
        else:
            junctions = config.junction_episodes
    elif config.junction_episodes:
        raise UserError("--junction-episodes needs --map: generated roads have no junction.")
    slots = schedule(config.episodes, junctions)
    privileged = {}
    for name, spec in (agents | shadows).items():
        _refuse_trained_seeds(name, split_spec(spec)[1], task, slots)
        privileged[name] = bool(getattr(make_agent(spec)[1], "privileged", False))
    stars = {name for name, spec in tested.items() if role(split_spec(spec)[1]) == "tested"}
    plan = Plan(
        suite=config.suite,
        map_file=str(config.map) if config.map else None,
        agents=agents,
        shadows=shadows,
        shadowed=frozenset(stars or tested),
    )
    return plan, slots, privileged


def _refuse_trained_seeds(name: str, source: str, task: Suite, slots: tuple[Slot, ...]) -> None:
    if not is_policy_file(source):
        return
    from drive.models.policy import training_seeds

    seen = training_seeds(Path(source))
    if shared := seen & {task.seed(slot) for slot in slots}:
        raise UserError(
            f"Agent {name!r}: {source} was trained on seeds of this evaluation ({len(shared)}, such as "
            f"{min(shared)}); train it on a dataset recorded below seed {FIRST_SEED:,}."
        )
