"""Scenarios: everything that is fixed before a drive starts, as a pure function of a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError, nearest
from drive.core.kernels import kernel
from drive.sim.actors.traffic import place
from drive.sim.arrays import ACTOR, BARREL, BARRIER, CAR, CONE, PATH_STEP, TRUCK, VAN
from drive.sim.density import TRAFFIC
from drive.sim.maps.procedural import RoadConfig, generate_road
from drive.sim.maps.road_map import MIN_DRIVING_WIDTH, Lane, RoadMap
from drive.sim.maps.route import LaneChain, Route, lane_chains
from drive.sim.maps.route_clearance import KEPT_CLEAR, clear_of, near_route
from drive.sim.maps.styles import STYLES
from drive.sim.sensors.weather import HELD_OUT_WEATHERS, TRAINING_WEATHERS, weather

MAX_PATHS = 16  # the ego's and those of traffic, a world

# kind, length, width, height [m], how often
_VEHICLES = (
    (CAR, 4.4, 1.80, 1.45, 0.62),
    (CAR, 3.9, 1.70, 1.50, 0.16),
    (VAN, 5.2, 1.95, 2.20, 0.14),
    (TRUCK, 7.8, 2.35, 3.10, 0.08),
)
_OBSTACLES = ((CONE, 0.4, 0.4, 0.75), (BARREL, 0.6, 0.6, 1.0), (BARRIER, 2.0, 0.5, 0.9))
PAINTS = np.array(
    [0xE8E8E8, 0x20242A, 0x8A9097, 0xB9BEC4, 0x9E1B22, 0x1F3F77, 0x2F5D3A, 0xC7A33A, 0x5A3A2A, 0x3E7C9A]
)


@dataclass(frozen=True, eq=False)
class Scenario:
    """One drive before it starts: map, route, traffic, weather and where the ego begins.

    `paths[0]` is the ego's reference path; `actors[i].path` counts in `paths`.
    """

    name: str
    seed: int
    road_map: RoadMap
    paths: tuple[Route, ...]
    actors: np.ndarray  # (n,) ACTOR
    props: np.ndarray  # (m,) PROP
    weather: str
    held_out: bool
    start_s: float  # of the footprint's centre on the path [m]
    goal_s: float  # [m]
    start_lateral: float = 0.0  # [m]
    start_yaw: float = 0.0  # against the path [rad]
    start_speed: float | None = None  # None: what the speed law asks for [m/s]
    through_junction: bool = False
    ground_seed: int = 0  # of cracks and patches; one for all scenarios on a map, whose ground is built once
    generated: RoadConfig | None = None  # how the road was made from the seed; None: it is a map's
    look_seed: int | None = None  # of colours and textures; None: they follow from `seed`

    @property
    def route(self) -> Route:
        """The ego's reference path."""
        return self.paths[0]

    @property
    def time_limit(self) -> float:
        """The success rule's limit: the route at 5 km/h and 20 s [s]."""
        return (self.goal_s - self.start_s) / (5.0 / 3.6) + 20.0

    @property
    def look_rng(self) -> np.random.Generator:
        """A fresh generator for colours and textures, the same every time."""
        return np.random.default_rng([self.seed if self.look_seed is None else self.look_seed, 77])


@lru_cache(maxsize=4)
def load_map(path: str) -> RoadMap:
    """Read an OpenDRIVE file once a process."""
    from drive.sim.maps.opendrive import read_opendrive

    return read_opendrive(Path(path))


@lru_cache(maxsize=4)
def _map_props(road_map: RoadMap) -> np.ndarray:
    from drive.sim.scenery import scatter

    return scatter(road_map, np.random.default_rng(7))


@lru_cache(maxsize=8)
def map_chains(road_map: RoadMap, through_junctions: bool) -> tuple[LaneChain, ...]:
    """The lane chains of a map that one can be asked to follow."""
    return tuple(lane_chains(road_map, through_junctions=through_junctions))


def lane_scenario(
    seed: int,
    *,
    weather_name: str | None = None,
    traffic: str = "regular",
    road_map: RoadMap | None = None,
    through_junctions: bool = True,
    style: str | None = None,
    chain: int | None = None,
    name: str | None = None,
) -> Scenario:
    """The task of following one lane, on a generated road or on a chain of lanes of a map.

    Args:
        seed: everything random follows from it.
        weather_name: a preset; None draws one of the training presets.
        traffic: a key of TRAFFIC.
        road_map: None generates a road of 400 m.
        through_junctions: on a map, whether chains may pass junctions that go straight on.
        style: of a generated road, one of STYLES; None draws town, country or highway. Not with a map.
        chain: on a map, which of `map_chains`; None draws one.
        name: for results; by default the seed.

    Raises:
        UserError: unknown weather, traffic or style, a style on a map, or a map without a chain of 80 m.
    """
    if traffic not in TRAFFIC:
        raise UserError(f"Unknown traffic {traffic!r}: {nearest(traffic, list(TRAFFIC))}")
    if style is not None and style not in STYLES:
        raise UserError(f"Unknown style of road {style!r}: {nearest(style, list(STYLES))}")
    if style is not None and road_map is not None:
        raise UserError(f"A style of road ({style}) is of generated roads; leave it out on a map.")
    if weather_name is not None:
        weather(weather_name)
    rng, drawn = road_rng(seed)
    chosen = weather_name or drawn
    if road_map is None:
        scenario = _generated(seed, rng, RoadConfig(style=style))
    else:
        scenario = _on_map(seed, rng, road_map, through_junctions, chain)
    vehicles = moving(rng, scenario, TRAFFIC[traffic][0])
    still = standing(rng, scenario, TRAFFIC[traffic][1])
    if road_map is not None:  # the edge of another road may be in the way
        still = still[~near_route(scenario.route, still, 0.5 * still["width"] + KEPT_CLEAR)]
    actors = np.concatenate([vehicles, still])
    return replace(
        scenario,
        name=name or f"seed/{seed}",
        actors=actors,
        weather=chosen,
        held_out=chosen in HELD_OUT_WEATHERS,
        start_lateral=float(rng.uniform(-0.2, 0.2)),
        start_yaw=float(np.deg2rad(rng.uniform(-2.0, 2.0))),
    )


def road_rng(seed: int) -> tuple[np.random.Generator, str]:
    """What a scenario's road is drawn from, and the training weather drawn before it."""
    rng = np.random.default_rng([seed, 1])
    return rng, str(rng.choice(TRAINING_WEATHERS))


def _base(
    seed: int, road_map: RoadMap, paths: Sequence[Route], props: np.ndarray, start_s: float, goal_s: float
) -> Scenario:
    """A scenario that is still empty of traffic and weather."""
    kept = tuple(paths[:MAX_PATHS])
    return Scenario("", seed, road_map, kept, np.zeros(0, ACTOR), props, "", False, start_s, goal_s)


def _generated(seed: int, rng: np.random.Generator, config: RoadConfig) -> Scenario:
    from drive.sim.scenery import scatter

    road_map = generate_road(rng, config)
    lanes = [lane for lane in road_map.lanes if lane.type == "driving"]
    ours = [lane for lane in lanes if lane.forward]
    ego = ours[int(rng.integers(len(ours)))]
    ordered = [ego] + [lane for lane in lanes if lane is not ego]
    paths = [Route.from_lanes(road_map, [lane.index], 0.0, lane.length) for lane in ordered]
    # Scored along the lane itself, whose length differs from the road's in curves.
    start = config.run_in
    goal = min(start + config.length, paths[0].length - 20.0)
    scenario = _base(seed, road_map, paths, scatter(road_map, rng), start_s=start, goal_s=goal)
    return replace(scenario, ground_seed=seed, generated=config)


def _on_map(
    seed: int, rng: np.random.Generator, road_map: RoadMap, through_junctions: bool, which: int | None
) -> Scenario:
    chains = map_chains(road_map, through_junctions)
    if not chains:
        raise UserError(
            f"{road_map.name}: no chain of driving lanes of 80 m to follow; take a map with longer roads."
        )
    drawn = int(rng.integers(len(chains)))
    chain = chains[drawn if which is None else which]
    beside = {i for lane in chain.lanes for i in _neighbours(road_map, road_map.lanes[lane])}
    others = [
        c
        for c in map_chains(road_map, False)
        if beside & set(c.lanes) and not set(c.lanes) & set(chain.lanes)
    ]
    ego = Route.from_lanes(road_map, chain.lanes, 0.0, chain.length)
    clear = (clear_of(ego, road_map, c) for c in others[: MAX_PATHS - 1])
    paths = [ego, *(path for path in clear if path is not None)]
    scenario = _base(seed, road_map, paths, _map_props(road_map), start_s=5.0, goal_s=paths[0].length - 8.0)
    return replace(scenario, through_junction=chain.through_junction)


def _neighbours(road_map: RoadMap, lane: Lane) -> set[int]:
    """Driving lanes beside a lane, across narrow medians, in both directions."""
    found: set[int] = set()
    for side in ("left_neighbour", "right_neighbour"):
        at = getattr(lane, side)
        for _ in range(4):
            if at is None or at in found:
                break
            other = road_map.lanes[at]
            if other.type == "driving" and float(other.width.max()) >= MIN_DRIVING_WIDTH:
                found.add(at)
            same_way = other.forward == lane.forward
            at = getattr(
                other, side if same_way else ("right_neighbour" if side[0] == "l" else "left_neighbour")
            )
    return found


@kernel
def _place(actors: NDArray[np.void], points: NDArray[np.void]) -> None:
    """Set the poses of actors from their s and lateral offset on a path."""
    for i in range(len(actors)):
        place(actors[i], points, 0, len(points))


def _vehicles(rng: np.random.Generator, n: int, longest: float = np.inf) -> np.ndarray:
    """Draw n vehicles without a place, none of a kind longer than `longest` [m]."""
    actors = np.zeros(n, ACTOR)
    table = np.array([v for v in _VEHICLES if v[1] <= longest], np.float64)
    chosen = table[rng.choice(len(table), n, p=table[:, 4] / table[:, 4].sum())]
    scale = rng.uniform(0.96, 1.04, (n, 3))
    actors["kind"], actors["active"] = chosen[:, 0], 1
    for column, name in enumerate(("length", "width", "height")):
        actors[name] = chosen[:, column + 1] * scale[:, column]
    actors["color"] = rng.choice(PAINTS, n)
    actors["seed"] = rng.integers(1 << 31, size=n)
    return actors


def _bell(rng: np.random.Generator, deviation: float, n: int) -> NDArray[np.float64]:
    """N numbers around 0, almost normal, within three deviations; the same bits on every machine."""
    a, b, c = rng.uniform(-deviation, deviation, (3, n))
    return a + b + c


def moving(rng: np.random.Generator, scenario: Scenario, mean_gap: float, first: int = 0) -> np.ndarray:
    """Vehicles along every path from number `first` on, at least 25 m from the ego's start on its own."""
    groups = [np.zeros(0, ACTOR)]
    for index, route in enumerate(scenario.paths[first:], first):
        if not np.isfinite(mean_gap) or route.length < 40.0:
            continue
        # Many short gaps and a few up to four times the mean: almost exponential, without a logarithm.
        pairs = rng.uniform(size=(2, int(route.length / 14.0) + 1))
        draws = 14.0 + 4.0 * (mean_gap - 14.0) * pairs[0] * pairs[1]
        s = np.cumsum(draws) - draws[0] * rng.uniform(0.0, 1.0)
        s = s[(s > 6.0) & (s < route.length - 12.0)]
        if index == 0:
            s = s[np.abs(s - scenario.start_s) > 25.0]
        # A long vehicle swings out of its lane in a tight corner.
        tight = float(np.abs(route.points["curvature"]).max()) > 1.0 / 22.0
        actors = _vehicles(rng, len(s), longest=4.5 if tight else np.inf)
        limit = np.interp(s / PATH_STEP, np.arange(len(route.points)), route.points["speed_limit"])
        actors["path"], actors["s"] = index, s
        actors["lateral_offset"] = _bell(rng, 0.1, len(s)).clip(-0.25, 0.25)
        actors["desired_speed"] = limit * rng.uniform(0.75, 1.0, len(s))
        actors["speed"] = 0.5 * actors["desired_speed"]
        actors["time_headway"] = rng.uniform(1.2, 2.0, len(s))
        _place(actors, route.points)
        groups.append(actors)
    return np.concatenate(groups)


def standing(rng: np.random.Generator, scenario: Scenario, share: float) -> np.ndarray:
    """Parked cars in parking lanes, and cones, barrels and barriers beyond the road's right edge."""
    groups = [np.zeros(0, ACTOR)]
    lanes = scenario.road_map.lanes
    on_route = {i for path in scenario.paths for i in path.lanes}
    edges = [
        lane
        for lane in (lanes[i] for i in sorted(on_route))
        if lane.right_neighbour is None or lanes[lane.right_neighbour].type != "driving"
    ]
    for lane in edges:
        beside = None if lane.right_neighbour is None else lanes[lane.right_neighbour]
        if share <= 0.0 or lane.length < 20.0:
            continue
        parking = beside is not None and beside.type == "parking" and beside.length >= 20.0
        if beside is not None and parking and float(beside.width.min()) >= 2.0:
            s = np.arange(6.0, beside.length - 6.0, 6.6) + rng.uniform(-0.4, 0.4)
            actors = _vehicles(rng, len(s), longest=5.2)
            actors["width"] = np.minimum(actors["width"], np.interp(s, beside.s, beside.width) - 0.25)
            keep = rng.uniform(size=len(s)) < share
            base, offset = beside, _bell(rng, 0.05, len(s))
        else:
            s = np.arange(10.0, lane.length - 10.0, 12.0) + rng.uniform(-4.0, 4.0)
            kinds = np.array(_OBSTACLES)[rng.integers(len(_OBSTACLES), size=len(s))]
            actors = np.zeros(len(s), ACTOR)
            actors["active"], actors["kind"] = 1, kinds[:, 0]
            actors["length"], actors["width"], actors["height"] = kinds[:, 1:].T
            actors["color"], actors["seed"] = 0xE86A1C, rng.integers(1 << 31, size=len(s))
            keep = rng.uniform(size=len(s)) < 0.2 * share
            half = 0.5 * np.interp(s, lane.s, lane.width)
            base, offset = lane, -(half + 0.5 * actors["width"] + rng.uniform(0.35, 1.2, len(s)))
        lane_points = Route.from_lanes(scenario.road_map, [base.index], 0.0, base.length).points
        actors["s"], actors["lateral_offset"] = s, offset
        _place(actors, lane_points)
        actors["path"] = -1
        groups.append(actors[keep])
    return np.concatenate(groups)
