"""Drives of a dataset driven again from their stored actions, pictured in other light and on other roads."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drive.agent import DT, OBSERVATION
from drive.dataset import FRONT_IMAGE, VIEW_IMAGE, DatasetInfo, read_episode, read_info
from drive.dataset.layout import REWARD
from drive.dataset.stats import Stats
from drive.driving.demonstrations import DriveSettings, Pictures, draw_view
from drive.driving.drive import Drive, Observer, Seat
from drive.driving.rollout import ReplayAgent
from drive.driving.session import Session
from drive.sim.actors.traffic import CORRIDOR_MARGIN, obstacle_ahead
from drive.sim.arrays import PATH_STEP
from drive.sim.density import TRAFFIC
from drive.sim.expert import Expert
from drive.sim.maps.styles import GENERATED_MAPS
from drive.sim.scenario import Scenario, lane_scenario, load_map
from drive.sim.sensors.weather import TRAINING_WEATHERS
from drive.sim.task import LaneTask
from drive.sim.variants import layout_variant, look_variant

OFFSET_TOLERANCE = 0.05  # between the lateral offsets recorded and driven again [m]
SPEED_TOLERANCE = 0.1  # [m/s]
GAP_TOLERANCE = 0.5  # to the vehicle ahead [m]
KEPT_LAYOUT = 4  # the first of so many variants keeps the recorded lanes; of the rest, odd ones are mirrored
CLEARINGS = 12  # how often vehicles and obstacles in the way are taken off another road
_SOURCE_COLUMNS = (
    "observation.state",
    "observation.command",
    "action",
    "executed.action",
    "privileged.lateral_offset_m",
)
_STEERING = np.array([-1, 1], np.float32)
_SIDES: dict[str, Any] = {  # what changes its sign in a mirror
    "observation.state": np.array(
        [-1 if quantity.mirrored else 1 for quantity in OBSERVATION.values() for _ in quantity.columns],
        np.float32,
    ),
    "action": _STEERING,
    "executed.action": _STEERING,
    "expert.action": _STEERING,
    "privileged.lateral_offset_m": np.float32(-1),
}
_KEPT = ("action", "executed.action", REWARD, "intervention", "mark")  # what the driver did stays as recorded


@dataclass(frozen=True)
class RerenderSettings:
    """What is pictured of each drive."""

    pictures: DriveSettings
    seed: int = 0
    maps: tuple[tuple[str, str], ...] = ()  # names of maps and their files
    layouts: bool = True  # put other lanes beside the driven one, and mirror, where roads were generated


@dataclass(frozen=True)
class Piece:
    """Frames [start, stop) of one episode, to be pictured as variant number `variant`."""

    episode: int
    start: int
    stop: int
    variant: int


@dataclass(frozen=True)
class Rerendered:
    """A piece pictured once more; `columns` is empty where not even its first frame could be driven again."""

    piece: Piece
    weather: str
    mirrored: bool  # left and right were exchanged
    lost: int  # frames at its end where the car was elsewhere than when it was recorded
    kept_lanes: bool  # other lanes were asked for, and none would do
    columns: dict[str, Any] = field(default_factory=dict)
    image_stats: dict[str, Stats] = field(default_factory=dict)


class Rerenderer:
    """One simulator for piece after piece of a dataset; what a worker holds.

    The drive is driven again open loop, by the stored actions alone, and stops where the car is no longer
    where it was recorded. The simulator is exact, so that this happens only where something else differs:
    another version of the program, or a recording that began in the middle of a drive.
    """

    def __init__(self, root: Path, settings: RerenderSettings) -> None:
        cv2.setNumThreads(1)
        self._info, self._settings = read_info(root), settings
        self._tasks: dict[str, LaneTask] = {}
        self._traffic: dict[int, tuple[str, int]] = {}  # by episode, and for how many frames it fits

    def __call__(self, piece: Piece, report: Callable[[int], None]) -> Rerendered:
        """Drive a piece again and picture it."""
        source = _Source.read(self._info, piece.episode, dict(self._settings.maps))
        if piece.episode not in self._traffic:
            self._traffic[piece.episode] = self._find_traffic(source)
        seed, episode, (traffic, agreed) = self._settings.seed, piece.episode, self._traffic[piece.episode]
        rng = np.random.default_rng([seed, episode, piece.variant, 6173])
        weathers = np.random.default_rng([seed, episode, 6197]).permutation(TRAINING_WEATHERS)
        weather = str(weathers[piece.variant % len(weathers)])
        recorded = source.scenario(traffic)
        wanted = (
            self._settings.layouts and recorded.generated is not None and piece.variant % KEPT_LAYOUT != 0
        )
        if wanted:
            mirrored = piece.variant % 2 == 1
            other = layout_variant(recorded, rng, weather, traffic, mirrored=mirrored)
            ours = source.mirrored() if mirrored else source
            stop = min(piece.stop, agreed)
            if other is not None and (cleared := self._clear(ours, other, stop)) is not None:
                return self._picture(ours, cleared, piece, rng, report, mirrored=mirrored)
        return self._picture(
            source, look_variant(recorded, rng, weather), piece, rng, report, kept_lanes=wanted
        )

    def _clear(self, source: "_Source", scenario: Scenario, stop: int) -> Scenario | None:
        """Without the new vehicles and obstacles that the recorded drive would meet before frame `stop`.

        None where the drive does not go as recorded all the same.
        """
        kept = np.ones(len(scenario.actors), np.bool_)
        free = scenario.actors["path"] != 0  # those of the own lane were there when it was recorded
        for _ in range(CLEARINGS):
            cleared = replace(scenario, actors=scenario.actors[kept])
            met = self._first_met(source, cleared, stop)
            if met is None:
                return cleared
            near = free & kept
            near[kept] &= met
            if not near.any():
                return None
            kept &= ~near
        return None

    def _first_met(self, source: "_Source", scenario: Scenario, stop: int) -> NDArray[np.bool_] | None:
        """(actors,) who is to blame where the drive first meets one or goes otherwise; None: nowhere."""
        session = self._session(source, scenario)
        world = session.drive.world
        for _ in range(stop):
            ego, actors = session.drive.ego, world.actors[0]
            touched = int(ego["collision_actor"])
            if touched >= 0 and scenario.actors["path"][touched] != 0:
                return np.arange(len(actors)) == touched
            if not source.agrees(session.drive):
                return _in_lane(scenario.route.points, float(ego["center_s"]), actors, world.params.width)
            session.step()
        return None

    def _find_traffic(self, source: "_Source") -> tuple[str, int]:
        """The traffic with which the drive goes as recorded for longest, and for how many frames it does.

        Recordings need not name it.
        """
        best, longest = source.likely_traffic[0], -1
        for traffic in source.likely_traffic:
            agreed = self._rehearse(source, traffic)
            if agreed > longest:
                best, longest = traffic, agreed
            if agreed == source.length:
                break
        return best, longest

    def _rehearse(self, source: "_Source", traffic: str) -> int:
        """Frames that are driven again as recorded."""
        session = self._session(source, source.scenario(traffic))
        for t in range(source.length):
            if not source.agrees(session.drive):
                return t
            session.step()
        return source.length

    def _session(self, source: "_Source", scenario: Scenario, *observers: Observer) -> Session:
        """The recorded drive at the start of a scenario; only the record ends it."""
        longitudinal = "agent" if source.pedals else "cruise"
        if longitudinal not in self._tasks:
            self._tasks[longitudinal] = LaneTask(1, camera=self._info.camera, longitudinal=longitudinal)
        seat = Seat(source.replay(), observers=observers)
        session = Session(self._tasks[longitudinal], seat, ending=frozenset())
        session.reset(scenario)
        return session

    def _picture(
        self,
        source: "_Source",
        scenario: Scenario,
        piece: Piece,
        rng: np.random.Generator,
        report: Callable[[int], None],
        *,
        mirrored: bool = False,
        kept_lanes: bool = False,
    ) -> Rerendered:
        settings, camera = self._settings.pictures, self._info.camera
        shape = (camera.height_px, camera.width_px, 3)
        front, view = Pictures(shape, settings.jpeg_quality), Pictures(shape, settings.jpeg_quality)
        rows: dict[str, list[Any]] = {}
        lost, frames, reported = 0, 0, 0
        shutter = _Shutter(piece, settings.every)
        session = self._session(source, scenario, shutter)
        drive, world = session.drive, session.drive.world
        for t in range(piece.stop):
            if not source.agrees(drive):
                lost = piece.stop - max(t, piece.start)
                break
            if shutter.looks(drive):
                row = source.row(drive)
                front.add(drive.observation["camera"])
                if settings.views:
                    lateral, yaw = draw_view(rng, drive.ego, settings)
                    view.add(world.render_view(0, lateral, yaw))
                    row["view.lateral_m"], row["view.yaw_rad"] = lateral, yaw
                    row["view.action"] = Expert.steering_at(world, 0, lateral, yaw)
                for name, value in row.items():
                    rows.setdefault(name, []).append(value)
                frames += 1
                if frames - reported >= 20:
                    report(frames - reported)
                    reported = frames
            session.step()
        if not frames:
            return Rerendered(piece, scenario.weather, mirrored, lost, kept_lanes)
        columns: dict[str, Any] = {name: np.array(values) for name, values in rows.items()}
        columns[FRONT_IMAGE], stats = front.encoded, {FRONT_IMAGE: front.stats()}
        if settings.views:
            columns[VIEW_IMAGE] = view.encoded
        return Rerendered(piece, scenario.weather, mirrored, lost, kept_lanes, columns, stats)


class _Shutter(Observer):
    """Looks at those frames of a piece that are pictured."""

    def __init__(self, piece: Piece, every: int) -> None:
        self._piece, self._every = piece, every

    def looks(self, drive: Drive) -> bool:
        """Whether the next frame is one of them."""
        start, stop = self._piece.start, self._piece.stop
        return start <= drive.step < stop and (drive.step - start) % self._every == 0


def _in_lane(points: NDArray[np.void], s: float, actors: NDArray[np.void], width: float) -> NDArray[np.bool_]:
    """(actors,) which reach, from s on, into the corridor that the ego or a vehicle on its path keeps free.

    Args:
        points: PATH records of the ego's path.
        s: the ego's place on it [m].
        actors: all that stand or move.
        width: of the ego [m].
    """
    same = actors[actors["path"] == 0]
    reaches = 0.5 * same["width"] + np.abs(same["lateral_offset"])
    corridor = CORRIDOR_MARGIN + float(reaches.max(initial=0.5 * width))
    names, end = ("x", "y", "yaw", "length", "width"), len(points) * PATH_STEP
    ahead = [
        obstacle_ahead(points, 0, len(points), s, end, 0.0, corridor, *(actor[name] for name in names))[0]
        for actor in actors
    ]
    return np.isfinite(ahead) & (actors["active"] != 0)


@dataclass(frozen=True, eq=False)
class _Source:
    """One recorded drive, and how to find its scenario again."""

    seed: int
    weather: str
    length: int
    columns: dict[str, Any]
    pedals: bool  # whether the driver had them; else the car kept its speed by itself
    likely_traffic: tuple[str, ...]
    map_file: str | None
    style: str | None  # of the generated road

    @classmethod
    def read(cls, info: DatasetInfo, episode: int, maps: dict[str, str]) -> "_Source":
        row, recording = info.episodes[episode], info.recording_of(episode) or {}
        config = recording.get("config", {})
        named, name = config.get("traffic"), info.map_of(episode)
        style = GENERATED_MAPS.get(name)
        others = [name for name in ("regular", *TRAFFIC) if name != named]
        likely = ([named] if named in TRAFFIC else []) + list(dict.fromkeys(others))
        wanted = [name for name in (*_SOURCE_COLUMNS, *_KEPT, "expert.action") if name in info.features]
        assert row.seed is not None
        return cls(
            seed=row.seed,
            weather=row.weather,
            length=row.length,
            columns=read_episode(info, episode, list(dict.fromkeys(wanted))),
            pedals=config.get("pedals") == "person" or config.get("longitudinal") == "agent",
            likely_traffic=tuple(likely),
            map_file=maps.get(name),
            style=style,
        )

    def replay(self) -> ReplayAgent:
        """The driver who does what was done."""
        executed = self.columns["executed.action"]
        return ReplayAgent(executed[:, 0], executed[:, 1] if self.pedals else None)

    def agrees(self, drive: Drive) -> bool:
        """Whether the car is where it was recorded, among the same traffic."""
        ego, seen = drive.ego, drive.observation
        speed, _, limit, gap, _ = self.columns["observation.state"][drive.step]
        offset = self.columns["privileged.lateral_offset_m"][drive.step]
        return bool(
            abs(float(ego["lateral_offset"]) - offset) <= OFFSET_TOLERANCE
            and abs(seen["speed"][0] - speed) <= SPEED_TOLERANCE
            and abs(seen["speed_limit"][0] - limit) <= SPEED_TOLERANCE
            and abs(seen["lead"][0] - gap) <= GAP_TOLERANCE
        )

    def row(self, drive: Drive) -> dict[str, Any]:
        """The numbers of a frame: the pose and the expert's steering anew, the others as recorded."""
        t, ego = drive.step, drive.ego
        row = {name: self.columns[name][t] for name in _KEPT if name in self.columns}
        row["observation.state"] = self.columns["observation.state"][t]
        row["observation.command"] = self.columns["observation.command"][t]
        row["privileged.lateral_offset_m"] = float(ego["lateral_offset"])
        row["privileged.heading_error_rad"] = float(ego["heading_error"])
        if "expert.action" in self.columns:
            acceleration = self.columns["expert.action"][t][1]
            row["expert.action"] = (Expert.steering_at(drive.world, drive.w, 0.0, 0.0), acceleration)
        return row

    def mirrored(self) -> "_Source":
        """The drive with left and right exchanged."""
        columns = dict(self.columns)
        for name, turns in _SIDES.items():
            if name in columns:
                columns[name] = columns[name] * turns
        return replace(self, columns=columns)

    def scenario(self, traffic: str) -> Scenario:
        road_map = load_map(self.map_file) if self.map_file else None
        return lane_scenario(
            self.seed, weather_name=self.weather or None, traffic=traffic, road_map=road_map, style=self.style
        )


def unfit(info: DatasetInfo) -> str | None:
    """Why the drives of a dataset cannot be driven again; None: they can."""
    missing = [name for name in _SOURCE_COLUMNS if name not in info.features]
    if missing:
        return f"it has no feature {missing[0]}; only drives in the simulator can be driven again"
    if not info.calibrated:
        return "its camera is not calibrated; only drives in the simulator can be driven again"
    if info.fps != round(1.0 / DT):
        return f"it has {info.fps} frames a second, and the actions between are gone; record with --every 1"
    if all(row.seed is None for row in info.episodes):
        return "its episodes have no seed; only drives in the simulator can be driven again"
    return None
