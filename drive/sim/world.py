"""The world: B drives as flat arrays, one step, one picture.

Nothing here knows of rewards, agents or files. `advance` moves everything by one control step, `render`
draws what each ego's cameras see, `snapshot` and `restore` copy the whole moving state of one world.
"""

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import DT, NO_LEAD_GAP, Context
from drive.camera import Camera
from drive.control.speed import cruise
from drive.core.kernels import entry
from drive.core.machine import cores
from drive.core.portable_math import sincos, wrap_angle
from drive.sim.actors.dynamics import VehicleParams, delay_steps_of, substeps_of
from drive.sim.arrays import ACTOR, EGO, PATH
from drive.sim.maps.drivable import drivable_area
from drive.sim.maps.path import sample
from drive.sim.maps.road_map import RoadMap
from drive.sim.ragged_arrays import RaggedArrays
from drive.sim.scenario import MAX_PATHS, Scenario
from drive.sim.sensors.ground import Ground
from drive.sim.sensors.look import Look
from drive.sim.sensors.records import NO_TRUTH, Actors, Pictures, Shots
from drive.sim.sensors.store import SceneStore
from drive.sim.sensors.weather import weather
from drive.sim.step import advance_worlds, locate, read_poses
from drive.sim.thread_team import ThreadTeam
from drive.sim.viewing import CameraRig

# All arguments come from here, always of the same types.
_advance, _locate, _read_poses = entry(advance_worlds), entry(locate), entry(read_poses)
_cruise = entry(cruise)

_THREADED_FROM = 8  # worlds; below that a thread costs more than it brings

_MAX_GROUNDS = 4  # of one map, each of another seed, that are kept

_grounds: "weakref.WeakKeyDictionary[RoadMap, dict[int, Ground]]" = weakref.WeakKeyDictionary()


def _ground(road_map: RoadMap, seed: int) -> Ground:
    """The map's ground of that seed, kept for as long as the map and few others of its grounds are used."""
    grounds = _grounds.setdefault(road_map, {})
    ground = grounds.pop(seed, None) or Ground.of(road_map, seed)
    grounds[seed] = ground  # the newest stands last
    while len(grounds) > _MAX_GROUNDS:
        del grounds[next(iter(grounds))]
    return ground


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The moving state of one world."""

    ego: np.void
    actors: np.ndarray
    recent: np.ndarray  # steering commands still on their way


class World:
    """A batch of B independent drives.

    Attributes:
        egos: (B,) EGO records; the truth about each ego after the last step.
        actors: pool of ACTOR records, one slot a world.
        scenarios: what each world was loaded with.
    """

    def __init__(
        self,
        batch: int = 1,
        cameras: Mapping[str, Camera] | None = None,
        params: VehicleParams | None = None,
        threads: int | None = None,
    ) -> None:
        if batch < 1:
            raise ValueError(f"World.batch is {batch}; take 1 or more.")
        self.batch = batch
        self.cameras = dict(cameras) if cameras is not None else {"front": Camera()}
        self.params = params or VehicleParams()
        self._substeps = substeps_of(DT)
        self._recent = np.zeros((batch, delay_steps_of(self.params, DT)))
        self.egos = np.zeros(batch, EGO)
        self.actors = RaggedArrays(ACTOR, batch)
        self.paths = RaggedArrays(PATH, batch * MAX_PATHS)
        self.scenarios: list[Scenario | None] = [None] * batch
        self._tables, self._blocks = RaggedArrays(np.int32, batch), RaggedArrays(np.uint8, batch)
        self._areas = np.zeros((batch, 5), np.int64)  # see `locate`
        self._cells = np.zeros((batch, 3), np.float64)
        self._live = np.ones(batch, np.bool_)
        self._state: tuple[Any, ...] = ()  # what kernels are handed since the last load
        self._held: list[RoadMap | None] = [None] * batch
        self._store = SceneStore(batch)
        count = threads if threads is not None else cores()
        self._crew = ThreadTeam(batch, min(count, batch) if batch >= _THREADED_FROM else 1)
        self._rig = CameraRig(self.cameras, self._store, batch)
        self._view = Shots(np.zeros(1, np.int64), np.zeros((1, 4)), np.zeros(1, np.int64))
        self._shots = Shots(np.arange(batch), np.zeros((batch, 4)), np.zeros(batch, np.int64))
        self._actors = Actors(self.actors.data, self.actors.begin, self.actors.end)  # since the last load

    def close(self) -> None:
        """End the threads; what is asked of the world afterwards runs on the caller's own."""
        self._crew.close()

    # -- loading ------------------------------------------------------------------------------------------

    def load(self, w: int, scenario: Scenario, pose: tuple[float, float, float, float] | None = None) -> None:
        """Put world w at the start of a scenario.

        Args:
            w: which world.
            scenario: what to load.
            pose: instead of the scenario's own start: footprint centre's s [m], lateral offset [m],
                heading error [rad], speed [m/s].
        """
        params = self.params
        begin = w * MAX_PATHS
        for k in range(MAX_PATHS):
            route = scenario.paths[k].points if k < len(scenario.paths) else np.zeros(0, PATH)
            self.paths.put(begin + k, route)
        actors = scenario.actors.copy()
        actors["path"] = np.where(actors["path"] >= 0, actors["path"] + begin, -1)
        self.actors.put(w, actors)
        self._load_scene(w, scenario)
        self.scenarios[w] = scenario
        self._recent[w] = 0.0
        self._bind()

        s, lateral, heading, speed = pose or (
            scenario.start_s,
            scenario.start_lateral,
            scenario.start_yaw,
            np.nan,
        )
        data, first, last = self.paths.data, self.paths.begin[begin], self.paths.end[begin]
        x, y, z, path_yaw, _, limit, *_ = sample(data, first, last, s)
        yaw = path_yaw + heading
        ego = self.egos[w : w + 1]
        ego[:] = np.zeros(1, EGO)
        path_sine, path_cosine = sincos(path_yaw)
        sine, cosine = sincos(yaw)
        ego["x"] = x - lateral * path_sine - params.center_x * cosine
        ego["y"] = y + lateral * path_cosine - params.center_x * sine
        ego["z"], ego["yaw"], ego["path"] = z, wrap_angle(yaw), begin
        ego["center_s"], ego["path_s"], ego["progress"] = s, s - params.center_x, s
        ego["speed_limit"], ego["lead_gap"], ego["collision_actor"] = limit, NO_LEAD_GAP, -1
        self._locate(w)
        if scenario.start_speed is not None and pose is None:
            speed = scenario.start_speed
        if np.isnan(speed):
            speed = self.settled_speed(w)
        ego["speed"] = speed
        self._locate(w)

    def settled_speed(self, w: int) -> float:
        """The speed at which the speed law neither speeds up nor slows down here."""
        low, high = 0.0, float(self.egos[w]["speed_limit"])
        ego = self.egos[w]
        begin, end = self.paths.begin[ego["path"]], self.paths.end[ego["path"]]
        for _ in range(24):
            middle = 0.5 * (low + high)
            relative = ego["lead_speed"] - middle  # measured while we stood
            wanted = _cruise(
                self.paths.data, begin, end, ego["center_s"], middle, 0.0, ego["speed_limit"],
                ego["lead_gap"], relative,
            )  # fmt: skip
            low, high = (middle, high) if wanted > 0.0 else (low, middle)
        return low

    def cruise_acceleration(self, w: int) -> float:
        """What the speed law asks for where ego w is: curves, limit and lead considered [m/s^2]."""
        ego = self.egos[w]
        begin, end = self.paths.begin[ego["path"]], self.paths.end[ego["path"]]
        wanted: float = _cruise(
            self.paths.data, begin, end, ego["center_s"], ego["speed"], ego["acceleration"],
            ego["speed_limit"], ego["lead_gap"], ego["lead_speed"],
        )  # fmt: skip
        return wanted

    def _load_scene(self, w: int, scenario: Scenario) -> None:
        road_map = scenario.road_map
        if self._held[w] is not road_map:
            area = drivable_area(road_map)
            self._tables.put(w, area.table.reshape(-1))
            self._blocks.put(w, area.blocks.reshape(-1))
            self._cells[w] = area.x0, area.y0, area.cell
            # What does not fit its old place may move the others too.
            self._areas[:, 0], self._areas[:, 3] = self._tables.begin, self._blocks.begin
            self._areas[w, 1:3], self._areas[w, 4] = area.table.shape, len(area.blocks)
            self._held[w] = road_map
        ground = _ground(road_map, scenario.ground_seed)
        look = Look.sample(weather(scenario.weather), scenario.look_rng)
        self._store.set(w, ground, scenario.props, look)

    # -- moving -------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        """Hold what kernels are handed, which only a load changes."""
        self._actors = Actors(self.actors.data, self.actors.begin, self.actors.end)
        paths = self.paths
        self._state = (
            self._recent, self.egos, self.params, *self._actors, paths.data, paths.begin, paths.end,
            self._tables.data, self._blocks.data, self._areas, self._cells,
        )  # fmt: skip

    def _locate(self, w: int) -> None:
        _, egos, params, *rest = self._state
        _locate(egos, w, params, *rest)

    def advance(
        self,
        steering: NDArray[np.float64],
        acceleration: NDArray[np.float64],
        live: NDArray[np.bool_] | None = None,
    ) -> None:
        """Move every world by one control step of 0.05 s.

        Args:
            steering: (B,) in [-1, 1], left positive.
            acceleration: (B,) in [-1, 1]; NaN leaves it to the speed law.
            live: (B,) worlds to move; the others stay as they are.
        """
        wanted = (
            np.ascontiguousarray(steering, np.float64),
            np.ascontiguousarray(acceleration, np.float64),
            self._live if live is None else np.ascontiguousarray(live, np.bool_),
        )
        substeps, state = self._substeps, self._state

        def task(lo: int, hi: int) -> None:
            _advance(lo, hi, DT, substeps, *wanted, *state)

        self._crew.run(task)

    # -- looking ------------------------------------------------------------------------------------------

    def set_camera(self, w: int, name: str, camera: Camera) -> None:
        """Give world w a camera of its own mount and lens; size and outputs stay those of the batch.

        Raises:
            ValueError: there is no camera of that name, or its size or outputs differ.
        """
        self._rig.set(w, name, camera)

    def camera(self, w: int, name: str = "front") -> Camera:
        """The camera of that name in world w."""
        return self._rig.camera(w, name)

    def render(self, name: str = "front", out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """What one camera of every world sees now: (B, H, W, 3) RGB, whatever its outputs are."""
        camera = self.cameras[name]
        if out is None:
            out = np.empty((self.batch, camera.height_px, camera.width_px, 3), np.uint8)
        self.begin_pictures({name: Pictures(out, *NO_TRUTH)})()
        return out

    def empty_pictures(self) -> dict[str, Pictures]:
        """Memory for all outputs of all cameras, by camera."""
        return {
            name: Pictures.empty(camera.outputs, self.batch, camera.height_px, camera.width_px)
            for name, camera in self.cameras.items()
        }

    def pictures(self, out: dict[str, Pictures] | None = None) -> dict[str, Pictures]:
        """What the cameras of every world see now: all their outputs, drawn in one pass.

        Args:
            out: C-contiguous memory to write to, as from `empty_pictures`, of some or all cameras; nothing is
                allocated then. By default fresh memory of all cameras.
        """
        return self.begin_pictures(out)()

    def begin_pictures(self, out: dict[str, Pictures] | None = None) -> Callable[[], dict[str, Pictures]]:
        """Let the other threads begin what `pictures` does; the function returned ends it.

        Nothing may move or be loaded in between.
        """
        wanted = self.empty_pictures() if out is None else out
        shots, actors = self._shots, self._actors
        _read_poses(self.egos, shots.poses, shots.frames)

        def task(lo: int, hi: int) -> None:
            whole = hi - lo == self.batch
            part = shots if whole else shots.part(lo, hi)
            for name, pictures in wanted.items():
                self._rig.draw(name, part, actors, pictures if whole else pictures.part(lo, hi))

        wait = self._crew.start(task)

        def finish() -> dict[str, Pictures]:
            wait()
            return wanted

        return finish

    def add_viewer(self, name: str, camera: Camera) -> None:
        """Hang a camera for people, which no observation holds: for `render_view`."""
        self._rig.add(name, camera, self.batch)

    def render_view(self, w: int, lateral: float, yaw: float, name: str = "front") -> NDArray[np.uint8]:
        """What a camera of world w would see if the car stood `lateral` m further left, turned by `yaw`."""
        camera = self.camera(w, name)
        out = Pictures.empty(("rgb",), 1, camera.height_px, camera.width_px)
        self._draw_one(w, name, self.shifted_pose(w, lateral, yaw), out)
        return out.rgb[0]

    def in_view(self, w: int, name: str = "front") -> tuple[int, int]:
        """How many faces and vehicles one camera of world w draws now."""
        camera = self.cameras[name]
        out = Pictures.empty(("rgb",), 1, camera.height_px, camera.width_px)
        return self._draw_one(w, name, self.shifted_pose(w, 0.0, 0.0), out)

    def _draw_one(
        self, w: int, name: str, pose: tuple[float, float, float, float], out: Pictures
    ) -> tuple[int, int]:
        """Draw one picture of world w from a pose of its car."""
        shots = self._view
        shots.worlds[0], shots.poses[0], shots.frames[0] = w, pose, self.egos[w]["step"]
        return self._rig.draw(name, shots, self._actors, out)

    def shifted_pose(self, w: int, lateral: float, yaw: float) -> tuple[float, float, float, float]:
        """(x, y, z, yaw) of ego w's rear axle, moved sideways and turned."""
        ego = self.egos[w]
        angle = float(ego["yaw"])
        sine, cosine = sincos(angle)
        x, y = float(ego["x"]) - lateral * sine, float(ego["y"]) + lateral * cosine
        return x, y, float(ego["z"]), angle + yaw

    # -- state --------------------------------------------------------------------------------------------

    def snapshot(self, w: int) -> Snapshot:
        """Copy the moving state of world w; it fits in any world with the same scenario."""
        ego, actors = self._own_paths(w)
        return Snapshot(ego[0], actors, self._recent[w].copy())

    def restore(self, w: int, snapshot: Snapshot) -> None:
        """Bring world w back to a snapshot taken under the same scenario."""
        if len(snapshot.actors) != len(self.actors[w]):
            raise ValueError(
                f"The snapshot has {len(snapshot.actors)} actors, world {w} has {len(self.actors[w])}; "
                "load the scenario it was taken in first."
            )
        first, actors = w * MAX_PATHS, self.actors[w]
        self.egos[w] = snapshot.ego
        self.egos[w]["path"] += first
        actors[:] = snapshot.actors
        actors["path"][actors["path"] >= 0] += first
        self._recent[w] = snapshot.recent

    def state_bytes(self, w: int) -> bytes:
        """Every bit of the moving state of world w, the same alone and in a batch."""
        ego, actors = self._own_paths(w)
        return ego.tobytes() + actors.tobytes() + self._recent[w].tobytes()

    def _own_paths(self, w: int) -> tuple[np.ndarray, np.ndarray]:
        """Copies of ego w and its actors, with paths counted from the world's own first one."""
        ego, actors, first = self.egos[w : w + 1].copy(), self.actors[w].copy(), w * MAX_PATHS
        ego["path"] -= first
        actors["path"][actors["path"] >= 0] -= first
        return ego, actors

    def context(self, w: int = 0, *, privileged: bool = False) -> Context:
        """What the agent of world w may know before it drives."""
        params = self.params
        return Context(
            cameras=self._rig.cameras(w),
            wheelbase=params.wheelbase,
            max_steering_angle=params.max_steering_angle,
            world=self if privileged else None,
            world_index=w,
        )
