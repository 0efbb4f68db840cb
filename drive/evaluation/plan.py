"""What an evaluation will do, checked before the first drive."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drive.camera import Camera
from drive.core.errors import UserError
from drive.driving.agents import check_source, is_built_in, is_policy_file, split_spec, unique_names
from drive.scoring.roles import CEILING, FLOOR, role
from drive.scoring.suites import FIRST_SEED, ScenarioRef, Suite, schedule, suite


@dataclass(frozen=True)
class Plan:
    """Which agents drive which scenarios, and what a worker needs to know for that."""

    suite: str
    map_file: str | None
    agents: dict[str, str]  # name in results -> what `make_agent` takes
    shadows: dict[str, str]
    shadowed: frozenset[str] = frozenset()  # the drivers that shadows ride with
    camera: Camera = field(default_factory=Camera)  # of every agent
    scenarios: tuple[ScenarioRef, ...] = ()
    longitudinal: str = "cruise"  # the car keeps its speed; "agent": agents have the pedals
    adapt: bool = True  # map pictures to the camera that a policy was trained with
    # Another simulator, for tests: gives an environment, and what makes a scenario of a place.
    make_simulator: Callable[[], tuple[Any, Callable[[ScenarioRef], Any]]] | None = None

    def riding(self, name: str, silenced: Mapping[str, str] | None = None) -> dict[str, str]:
        """The shadows, name -> spec, that ride with a driver; without those silenced."""
        if name not in self.shadowed:
            return {}
        left_out = {name, *(silenced or {})}
        return {shadow: spec for shadow, spec in self.shadows.items() if shadow not in left_out}

    def kind(self, name: str, silenced: Mapping[str, str] | None = None) -> str:
        """Which worker processes a driver and its shadows take: foreign ones share none with another."""
        specs = {self.agents[name], *self.riding(name, silenced).values()}
        return "\n".join(sorted(spec for spec in specs if not is_built_in(spec)))

    def spec(self, name: str) -> str:
        """What `make_agent` takes for an agent or a shadow."""
        return (self.shadows | self.agents)[name]


def make_plan(
    agents: Sequence[str],
    shadows: Sequence[str] = (),
    *,
    suite_name: str = "lane",
    episodes: int = 100,
    map_file: Path | None = None,
    junction_episodes: int | None = None,
    reference: bool = True,
    longitudinal: str = "cruise",
    camera: Camera | None = None,
    adapt: bool = True,
) -> Plan:
    """Check what was asked for, as far as that needs no agent of others to be built.

    Args:
        agents: who is tested, as `NAME=SOURCE` or `SOURCE`.
        shadows: who rides along.
        suite_name: of the scenarios.
        episodes: how many of them.
        map_file: an OpenDRIVE file to drive on.
        junction_episodes: scenarios through its junctions besides; None: a quarter of `episodes`.
        reference: let the ceiling and the floor drive too.
        longitudinal: who keeps speed and distance, "cruise" or "agent".
        camera: of every agent; None: the one that the policies were trained with.
        adapt: map its pictures to the one that a policy was trained with.

    Raises:
        UserError: an unknown suite, agent or map, two agents of one name, a shadow that rides with nobody,
            policies of different cameras and no camera given, or one trained on these seeds.
    """
    task = suite(suite_name)
    tested, riding = unique_names(agents), unique_names(shadows)
    drivers = dict(tested)
    _refuse_borrowed_names(tested, riding)
    if reference:
        sources = {split_spec(spec)[1] for spec in drivers.values()}
        drivers = ({} if CEILING in sources else {CEILING: CEILING}) | drivers
        drivers |= {} if FLOOR in sources else {FLOOR: FLOOR}
    for spec in (drivers | riding).values():
        check_source(spec)
    scenarios = schedule(episodes, _junctions(task, episodes, map_file, junction_episodes))
    for name, spec in (drivers | riding).items():
        _refuse_trained_seeds(name, split_spec(spec)[1], task, scenarios)
    return Plan(
        suite=suite_name,
        map_file=str(map_file) if map_file else None,
        agents=drivers,
        shadows=riding,
        shadowed=_shadowed(tested, drivers, riding),
        camera=_camera(drivers | riding) if camera is None else camera,
        scenarios=scenarios,
        longitudinal=longitudinal,
        adapt=adapt,
    )


def _junctions(task: Suite, episodes: int, map_file: Path | None, asked: int | None) -> int:
    """How many scenarios lead through junctions."""
    if map_file is None:
        if asked:
            raise UserError("--junction-episodes needs --map: generated roads have no junction.")
        return 0
    from drive.sim.scenario import load_map

    if not task.on_maps:
        raise UserError(f"The suite {task.name} is of generated roads; with --map take --suite lane.")
    passes = task.passes_junctions(load_map(str(map_file)))
    if asked is None:
        return (episodes + 3) // 4 if passes else 0
    if asked and not passes:
        raise UserError(f"No chain of lanes of {map_file} passes a junction; take --junction-episodes 0.")
    return asked


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
        elif differing := camera.differences(first[1]):
            raise UserError(
                f"{source} and {first[0]} were trained on different cameras ({differing}); "
                "evaluate them one at a time, or name one for both by --camera."
            )
    return first[1] if first else Camera()


def _refuse_trained_seeds(name: str, source: str, task: Suite, slots: tuple[ScenarioRef, ...]) -> None:
    if not is_policy_file(source):
        return
    from drive.models.policy import training_seeds

    if not Path(source).is_file():
        raise UserError(
            f"{source} does not exist: name a policy file (.onnx), or train one with `drive train`."
        )
    seen = training_seeds(Path(source))
    if shared := seen & {task.seed(slot) for slot in slots}:
        raise UserError(
            f"Agent {name!r}: {source} was trained on seeds of this evaluation ({len(shared)}, such as "
            f"{min(shared)}); train it on a dataset recorded below seed {FIRST_SEED:,}."
        )
