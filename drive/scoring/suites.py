"""Suites: named lists of scenarios, each a pure function of its place in the list."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from drive.core.errors import UserError, nearest
from drive.core.seeds import RESERVED_SEEDS

if TYPE_CHECKING:
    from drive.sim.maps.road_map import RoadMap
    from drive.sim.scenario import Scenario

FIRST_SEED = RESERVED_SEEDS
_JUNCTION_SEEDS = 500_000  # after FIRST_SEED; each junction scenario draws from a stretch of its own
_JUNCTION_DRAWS = 64


@dataclass(frozen=True, slots=True)
class ScenarioRef:
    """One place in a suite's schedule."""

    index: int
    through_junction: bool = False  # on maps: a chain of lanes that passes a junction straight on

    @property
    def label(self) -> str:
        """In words: "scenario 17", "junction scenario 3"."""
        return f"{'junction ' * self.through_junction}scenario {self.index}"


class Suite(Protocol):
    """A list of scenarios without end; evaluations take the first N."""

    @property
    def name(self) -> str:
        """What one asks for it by."""
        ...

    @property
    def on_maps(self) -> bool:
        """Whether the task can be set on a map."""
        ...

    def scenario(
        self, index: int, road_map: "RoadMap | None" = None, *, through_junction: bool = False
    ) -> "Scenario":
        """The scenario at a place of the list, always the same."""
        ...

    def seed(self, slot: ScenarioRef) -> int:
        """The first seed that the scenario of a slot may be drawn from."""
        ...

    def passes_junctions(self, road_map: "RoadMap") -> bool:
        """Whether the task can lead through a junction of this map."""
        ...


@dataclass(frozen=True)
class LaneSuite:
    """Follow one lane in regular traffic, on seeds from 1,000,000 on.

    Even places take training weather, odd ones held-out weather, each preset as often as the others. Without
    a map, on generated roads of 400 m; on a map, along chains of lanes of at least 80 m, by default such that
    pass no junction.

    Attributes:
        name: of the suite.
        style: of the generated roads; None draws town, country or highway. Of a style there is no suite on a
            map.
    """

    name: str
    style: str | None = None

    @property
    def on_maps(self) -> bool:
        """Whether the task can be set on a map."""
        return self.style is None

    def weather(self, index: int) -> str:
        """The preset at a place of the list."""
        from drive.sim.sensors.weather import HELD_OUT_WEATHERS, TRAINING_WEATHERS

        presets = HELD_OUT_WEATHERS if index % 2 else TRAINING_WEATHERS
        return presets[(index // 2) % len(presets)]

    def seed(self, slot: ScenarioRef) -> int:
        """The scenario's seed; through junctions the first of a stretch of 64."""
        if slot.through_junction:
            return FIRST_SEED + _JUNCTION_SEEDS + slot.index * _JUNCTION_DRAWS
        return FIRST_SEED + slot.index

    def scenario(
        self, index: int, road_map: "RoadMap | None" = None, *, through_junction: bool = False
    ) -> "Scenario":
        """Scenario i.

        Args:
            index: i.
            road_map: None generates a road.
            through_junction: on a map: a chain of lanes that passes a junction.

        Raises:
            UserError: the map has no such chain.
        """
        from drive.sim.scenario import lane_scenario

        place, junction = (f"{road_map.name}/" if road_map else ""), ("junction/" * through_junction)
        name, weather = f"{self.name}/{place}{junction}{index}", self.weather(index)
        first = self.seed(ScenarioRef(index, through_junction))
        for seed in range(first, first + (_JUNCTION_DRAWS if through_junction else 1)):
            found = lane_scenario(
                seed,
                weather_name=weather,
                road_map=road_map,
                through_junctions=through_junction,
                style=self.style,
                name=name,
            )
            if found.through_junction == through_junction:
                return found
        raise UserError(
            f"{name}: no chain through a junction in {_JUNCTION_DRAWS} draws; take --junction-episodes 0."
        )

    def passes_junctions(self, road_map: "RoadMap") -> bool:
        """Whether a chain of lanes of this map passes a junction straight on."""
        from drive.sim.scenario import map_chains

        return any(chain.through_junction for chain in map_chains(road_map, True))


SUITES: tuple[Suite, ...] = (LaneSuite("lane"), LaneSuite("corners", style="corners"))


def suite(name: str) -> Suite:
    """A suite by its name.

    Raises:
        UserError: there is none of that name.
    """
    for entry in SUITES:
        if entry.name == name:
            return entry
    raise UserError(f"Unknown suite {name!r}: {nearest(name, [entry.name for entry in SUITES])}")


def schedule(episodes: int, junction_episodes: int = 0) -> tuple[ScenarioRef, ...]:
    """The first places of a suite, and on maps the first of those through junctions."""
    return tuple(ScenarioRef(i) for i in range(episodes)) + tuple(
        ScenarioRef(i, True) for i in range(junction_episodes)
    )
