"""Suites: named lists of scenarios, each a pure function of its place in the list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drive.errors import UserError, nearest

if TYPE_CHECKING:
    from drive.sim.maps.road_map import RoadMap
    from drive.sim.scenario import Scenario

FIRST_SEED = 1_000_000
_JUNCTION_SEEDS = 500_000  # after FIRST_SEED; each junction scenario draws from a stretch of its own
_JUNCTION_DRAWS = 64


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a suite's schedule."""

    index: int
    through_junction: bool = False  # on maps: a chain of lanes that passes a junction straight on


@dataclass(frozen=True, slots=True)
class Suite:
    """A list of scenarios without end; evaluations take the first N."""

    name: str
    summary: str
    scenario: "Callable[[Slot, RoadMap | None], Scenario]"
    can_pass_junctions: "Callable[[RoadMap], bool]"


def lane_weather(index: int) -> str:
    """Even places take training weather, odd ones held-out weather, each preset as often as the others."""
    from drive.sim.sensors.weather import HELD_OUT_WEATHERS, TRAINING_WEATHERS

    presets = HELD_OUT_WEATHERS if index % 2 else TRAINING_WEATHERS
    return presets[(index // 2) % len(presets)]


def lane(slot: Slot, road_map: "RoadMap | None" = None) -> "Scenario":
    """Scenario i of `lane`: follow one lane in regular traffic, on seed 1,000,000 + i.

    Without a map, on a generated road of 400 m; on a map, along a chain of lanes of at least 80 m, by
    default one that passes no junction.
    """
    from drive.sim.scenario import lane_scenario

    place, junction = (f"{road_map.name}/" if road_map else ""), ("junction/" * slot.through_junction)
    name, weather = f"lane/{place}{junction}{slot.index}", lane_weather(slot.index)
    if not slot.through_junction:
        seed = FIRST_SEED + slot.index
        return lane_scenario(
            seed, weather_name=weather, road_map=road_map, through_junctions=False, name=name
        )
    first = FIRST_SEED + _JUNCTION_SEEDS + slot.index * _JUNCTION_DRAWS
    for seed in range(first, first + _JUNCTION_DRAWS):
        found = lane_scenario(
            seed, weather_name=weather, road_map=road_map, through_junctions=True, name=name
        )
        if found.through_junction:
            return found
    raise UserError(
        f"{name}: no chain through a junction in {_JUNCTION_DRAWS} draws; take --junction-episodes 0 on this map."
    )


def _lane_passes_junctions(road_map: "RoadMap") -> bool:
    from drive.sim.scenario import map_chains

    return any(chain.through_junction for chain in map_chains(road_map, True))


SUITES = (
    Suite(
        "lane", "follow one lane in traffic, in training and held-out weather", lane, _lane_passes_junctions
    ),
)


def suite(name: str) -> Suite:
    """A suite by its name.

    Raises:
        UserError: there is none of that name.
    """
    for entry in SUITES:
        if entry.name == name:
            return entry
    raise UserError(f"Unknown suite {name!r}: {nearest(name, [entry.name for entry in SUITES])}")


def schedule(episodes: int, junction_episodes: int = 0) -> tuple[Slot, ...]:
    """The first places of a suite, and on maps the first of those through junctions."""
    return tuple(Slot(i) for i in range(episodes)) + tuple(Slot(i, True) for i in range(junction_episodes))
