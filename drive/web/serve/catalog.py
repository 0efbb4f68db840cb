"""What the page may choose from. Only names travel; what they stand for comes from the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from drive.agent import Agent
from drive.core.errors import UserError
from drive.driving.agents import BUILT_IN, is_policy_file, make_agent, split_spec, unique_names
from drive.sim.density import TRAFFIC
from drive.sim.maps.styles import GENERATED, GENERATED_MAPS
from drive.web.serve.agent_process import AgentProcess
from drive.web.serve.messages import Restart, Start
from drive.web.serve.protocol import PERSON, ProtocolError

ANY_WEATHER = "any"  # one of the training weathers, drawn by the seed


@dataclass(frozen=True)
class Choice:
    """One drive before it starts, by names."""

    map: str = GENERATED
    seed: int = 0
    weather: str = ANY_WEATHER
    traffic: str = "regular"
    agent: str = PERSON
    shadows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalog:
    """The lists of the page, and what each name stands for."""

    maps: Mapping[str, Path | None] = field(default_factory=lambda: dict.fromkeys(GENERATED_MAPS))
    weathers: tuple[str, ...] = (ANY_WEATHER,)
    traffics: tuple[str, ...] = tuple(TRAFFIC)
    agents: Mapping[str, str] = field(default_factory=lambda: {name: name for name in BUILT_IN})
    made: Mapping[str, Agent] = field(default_factory=dict)  # those of them that exist already
    adapt: bool = True  # map pictures to the camera that a policy was trained with

    @classmethod
    def of(
        cls,
        maps: Sequence[Path],
        agents: Sequence[str],
        made: Mapping[str, Agent] | None = None,
        adapt: bool = True,
    ) -> "Catalog":
        """What the command line offers beside what is built in.

        Args:
            maps: OpenDRIVE files.
            agents: as `--agent` and `--shadow` take them.
            made: agents that exist already, by name.
            adapt: map pictures to the camera that a policy was trained with.

        Raises:
            UserError: two maps or agents would share a name, or a name is taken.
        """
        from drive.sim.sensors.weather import WEATHERS

        files: dict[str, Path | None] = dict.fromkeys(GENERATED_MAPS)
        for path in maps:
            if path.stem in files and files[path.stem] != path:
                raise UserError(
                    f"--map {path}: there is a map called {path.stem!r} already; rename the file."
                )
            files[path.stem] = path
        made = made or {}
        named = {name: name for name in BUILT_IN} | unique_names([*BUILT_IN, *agents])
        for name in (PERSON, *made):
            if name in named:
                raise UserError(f"An agent cannot be called {name!r}; write NAME={named[name]}.")
        named |= {name: name for name in made}
        return cls(maps=files, weathers=(ANY_WEATHER, *WEATHERS), agents=named, made=made, adapt=adapt)

    @property
    def drivers(self) -> tuple[str, ...]:
        """Who may drive: the person alone, or an agent that the person may take over from."""
        return (PERSON, *self.agents)

    def build(self, name: str) -> Agent:
        """A fresh agent by its name in the lists; one that is not ours in a process of its own.

        Raises:
            UserError: it cannot be built, or is one of the user's that asks for the simulator's truth.
        """
        if name in self.made:
            return self.made[name]
        spec = self.agents[name]
        source = split_spec(spec)[1]
        if is_policy_file(source) or ":" in source:
            agent = AgentProcess(spec, self.adapt)
            if not agent.privileged:
                return agent
            agent.stop()
            raise UserError(
                f"Agent {spec!r} is privileged: drive serve cannot hand the simulator's truth to the process "
                "that an agent of yours runs in; choose one without, or drive this one with `drive evaluate`."
            )
        return make_agent(spec)[1]

    def chosen(self, before: Choice, message: Start | Restart) -> Choice:
        """What a message asks for, on top of what was chosen before.

        Raises:
            ProtocolError: a name is in no list.
        """
        if isinstance(message, Restart):
            from drive.core.seeds import RESERVED_SEEDS

            following = (before.seed + 1) % RESERVED_SEEDS
            return replace(before, seed=following) if message.scenario == "next" else before
        given = {
            name: value
            for name in ("map", "seed", "weather", "traffic", "agent", "shadows")
            if (value := getattr(message, name)) is not None
        }
        choice = replace(before, **given)
        for what, name, known in (
            ("map", choice.map, self.maps),
            ("weather", choice.weather, self.weathers),
            ("traffic", choice.traffic, self.traffics),
            ("agent", choice.agent, self.drivers),
            *(("shadow", name, self.agents) for name in choice.shadows),
        ):
            if name not in known:
                raise ProtocolError(f"No {what} is called {name[:60]!r}; choose from {', '.join(known)}.")
        return replace(choice, shadows=tuple(dict.fromkeys(choice.shadows)))
