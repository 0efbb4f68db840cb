"""The drive itself, one control step at a time; nothing here knows of time, threads or the network."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import (
    DT,
    MAX_DECELERATION,
    Agent,
    Context,
    Observation,
    acceleration_fraction,
)
from drive.camera import Camera
from drive.driving.demonstrations import DriveSettings, draw_view, state_of
from drive.episode import End
from drive.sim.expert import Expert
from drive.sim.maps.styles import GENERATED_MAPS
from drive.sim.reward import COLLISION, GOAL, TIMEOUT
from drive.sim.scenario import Scenario, lane_scenario, load_map
from drive.sim.task import LaneTask
from drive.sim.world import Snapshot
from drive.web.serve.catalog import ANY_WEATHER, Catalog, Choice
from drive.web.serve.guarded_agent import GuardedAgent
from drive.web.serve.protocol import PERSON

OFF_ROAD_STEPS = round(2.0 / DT)  # a car that is off the road for longer has left it
REWIND_STEPS = round(20.0 / DT)  # how far the drive can be taken back
VIEWS = DriveSettings()  # how far the second picture's car is shifted and turned, as `drive record` does


@dataclass(frozen=True)
class Done:
    """One step that was driven: what was seen before it, and what was done."""

    step: int  # of the drive, before it
    camera: NDArray[np.uint8]  # (H, W, 3) seen before it
    view: NDArray[np.uint8] | None  # the same instant from a shifted car
    row: dict[str, Any]  # the dataset's numbers, plain
    steering: float
    acceleration: float
    expert: float  # the expert's steering
    end: str | None


class Simulation:
    """A car on a road, with a person or an agent at its wheel and shadows beside.

    The person has both pedals with `pedals="person"`; else the car keeps speed and distance by itself. The
    agent named `taught` rides along in every drive, as its `pupil`.
    """

    def __init__(
        self,
        catalog: Catalog,
        camera: Camera,
        *,
        pedals: str = "cruise",
        views: bool = False,
        taught: str | None = None,
    ) -> None:
        self.catalog, self.camera, self.pedals, self.views = catalog, camera, pedals, views
        self.taught = taught
        self.choice = Choice()
        self.end: str | None = None
        self.agent: GuardedAgent | None = None
        self.pupil: GuardedAgent | None = None
        self.shadows: list[GuardedAgent] = []
        self.at_wheel = PERSON
        self._built: dict[tuple[str, str], Agent] = {}
        self._expert = Expert()
        self._task = LaneTask(1, camera=camera)
        self._steering, self._acceleration = np.zeros(1), np.full(1, np.nan)
        self._past: deque[tuple[Snapshot, int]] = deque(maxlen=REWIND_STEPS)
        self._off_road_steps = 0
        self._scenario: Scenario | None = None
        self._ends = np.zeros(5, np.bool_)
        self.observation: Observation = {}

    # --- loading

    def load(self, choice: Choice) -> None:
        """Put the car at the start of a drive.

        Raises:
            UserError: the map, the weather or an agent will not do; the drive before goes on.
        """
        path = self.catalog.maps[choice.map]
        scenario = lane_scenario(
            choice.seed,
            weather_name=None if choice.weather == ANY_WEATHER else choice.weather,
            traffic=choice.traffic,
            road_map=None if path is None else load_map(str(path)),
            style=GENERATED_MAPS.get(choice.map),
        )
        agent = None if choice.agent == PERSON else self._passenger(choice.agent, "driver")
        shadows = [self._passenger(name, "shadow") for name in choice.shadows]
        seated = [*([agent] if agent else []), *shadows]
        pupil = next((passenger for passenger in seated if passenger.name == self.taught), None)
        if self.taught is not None and pupil is None:
            pupil = self._passenger(self.taught, "pupil")
        self._task.reset(0, np.random.default_rng(0), {"scenario": scenario})
        self.agent, self.shadows, self.pupil = agent, shadows, pupil
        self._scenario, self.choice = scenario, choice
        self.at_wheel = choice.agent if agent is None or agent.ready else PERSON
        self._past.clear()
        self._begin_here()

    def refuse_unfit(self, names: Iterable[str]) -> None:
        """Build agents once, so that what cannot drive with this camera is refused before anybody drives.

        Raises:
            UserError: an agent cannot be built, or does not take this camera's frames.
        """
        for name in names:
            self._passenger(name, "driver")

    def _passenger(self, name: str, role: str) -> GuardedAgent:
        """An agent that is known to drive with this camera; one that may be driving now is left as it is."""
        key = (name, role)
        if key not in self._built:
            agent = self.catalog.build(name)
            if all(agent is not known for known in self._built.values()):
                GuardedAgent(name, agent).reset(self._context)  # refuses what cannot drive with this camera
            self._built[key] = agent
        return GuardedAgent(name, self._built[key])

    def _begin_here(self) -> None:
        """Look around and let everyone start afresh where the car stands."""
        self.end, self._off_road_steps = None, 0
        self._ends[:] = False
        self._expert.reset(self._context(True))
        for passenger in self.passengers():
            passenger.reset(self._context)
        self.observation = self._observe()

    def passengers(self) -> list[GuardedAgent]:
        """The agent that may drive, the shadows, and the one that is taught where it is none of them."""
        seated = [*([self.agent] if self.agent is not None else []), *self.shadows]
        if self.pupil is not None and all(passenger is not self.pupil for passenger in seated):
            seated.append(self.pupil)
        return seated

    def _context(self, privileged: bool) -> Context:
        return self._task.world.context(0, privileged=privileged)

    # --- driving

    def take_wheel(self, person: bool) -> bool:
        """Put the person or the agent at the wheel; False where there is no agent that can drive."""
        if person or self.agent is None or not self.agent.ready:
            self.at_wheel = PERSON
            return person
        self.at_wheel = self.agent.name
        return True

    @property
    def person_drives(self) -> bool:
        """Whether the person has the wheel."""
        return self.at_wheel == PERSON

    def step(self, steering: float, pedals: float) -> Done:
        """Drive 0.05 s.

        Args:
            steering: of the person, in [-1, 1], left positive; counts where the person drives.
            pedals: likewise, +1 full throttle, -1 full brake.

        Returns:
            What was seen and done. An agent that fails leaves the wheel to the person.
        """
        world = self._task.world
        for passenger in self.passengers():
            passenger.look(self.observation)
        label = self._expert.steering_at(world, 0, 0.0, 0.0)
        wanted = np.nan
        person = self.person_drives  # an agent that fails here leaves this step to nobody
        if not person and (self.agent is None or self.agent.control is None):
            self.at_wheel = PERSON
        if not person and self.agent is not None and self.agent.control is not None:
            steering = self.agent.control.steering
            if self.pedals == "person" and self.agent.control.acceleration is not None:
                wanted = self.agent.control.acceleration
        elif self.pedals == "person":
            wanted = pedals
        steering = float(np.float32(steering))
        ego = world.egos[0]
        if wanted < 0.0:  # there is no reverse gear
            wanted = max(wanted, -max(float(ego["speed"]), 0.0) / (DT * MAX_DECELERATION))
        expert = (label, acceleration_fraction(self._cruise()))
        row = self._row(person, expert)
        view = self._add_view(row) if self.views else None
        before, camera = int(ego["step"]), self.observation["camera"]
        self._past.append((world.snapshot(0), self._off_road_steps))

        self._steering[0], self._acceleration[0] = steering, wanted
        world.advance(self._steering, self._acceleration)
        executed = (steering, acceleration_fraction(float(ego["acceleration_command"])))
        row["action.executed"] = list(executed)
        row["action"] = list(executed if person else expert)
        for passenger in self.passengers():
            passenger.compare(steering)
        self._ends = self._task.score()[2][0]
        self._off_road_steps = self._off_road_steps + 1 if self.truth()["off_road"] else 0
        self.end = self._end()
        self.observation = self._observe()
        return Done(before, camera, view, row, *executed, label, self.end)

    def rewind(self, step: int) -> bool:
        """Take the drive back to where it had made so many steps; False where that is too long ago."""
        while self._past and int(self._past[-1][0].ego["step"]) > step:
            self._past.pop()
        if not self._past or int(self._past[-1][0].ego["step"]) != step:
            return False
        snapshot, off_road_steps = self._past.pop()
        self._task.world.restore(0, snapshot)
        self._begin_here()
        self._off_road_steps = off_road_steps
        return True

    def _end(self) -> str | None:
        for name, over in (
            (End.COLLISION, self._ends[COLLISION]),
            (End.OFF_ROAD, self._off_road_steps > OFF_ROAD_STEPS),
            (End.GOAL, self._ends[GOAL]),
            (End.TIMEOUT, self._ends[TIMEOUT]),
        ):
            if over:
                return name.value
        return None

    def _cruise(self) -> float:
        """The acceleration that the speed law asks for here [m/s^2]."""
        return self._task.world.cruise_acceleration(0)

    # --- seeing

    @property
    def scenario(self) -> Scenario:
        """What was loaded last."""
        if self._scenario is None:
            raise RuntimeError("Simulation has no scenario yet; call load() first.")
        return self._scenario

    @property
    def map_name(self) -> str:
        """The map as datasets name it; generated roads of one style have a name of their own."""
        return self.choice.map if self.choice.map in GENERATED_MAPS else self.scenario.road_map.name

    @property
    def drive_step(self) -> int:
        """Steps since the start of the drive."""
        return int(self.ego["step"])

    @property
    def ego(self) -> np.void:
        """The truth about the car, an EGO record."""
        record: np.void = self._task.world.egos[0]
        return record

    @property
    def actors(self) -> np.ndarray:
        """(n,) ACTOR records of everything else that moves or stands on the road."""
        records: np.ndarray = self._task.world.actors[0]
        return records

    @property
    def in_lane(self) -> bool:
        """Whether the car's centre is between the borders of its lane, and the car on the road."""
        ego = self.ego
        inside = -float(ego["right_border"]) <= float(ego["lateral_offset"]) <= float(ego["left_border"])
        return inside and not self.truth()["off_road"]

    @property
    def params(self) -> Any:
        """The car's figures."""
        return self._task.world.params

    def truth(self) -> dict[str, Any]:
        """What the environment's `info` would say."""
        return self._task.truth(0)

    def close(self) -> None:
        """End the world's threads."""
        self._task.close()

    def _observe(self) -> Observation:
        scalars = self._task.scalars()
        observation: Any = {name: value[0] for name, value in scalars.items()}
        observation["camera"] = self._task.world.render()[0]
        return observation  # type: ignore[no-any-return]

    def _row(self, person: bool, expert: tuple[float, float]) -> dict[str, Any]:
        seen, ego = self.observation, self.ego
        return {
            "observation.state": list(state_of(seen)),
            "observation.command": int(seen["command"]),
            "privileged.lateral_offset_m": float(ego["lateral_offset"]),
            "privileged.heading_error_rad": float(ego["heading_error"]),
            "action.expert": list(expert),
            "intervention": int(person),
        }

    def _add_view(self, row: dict[str, Any]) -> NDArray[np.uint8]:
        """A second picture from a shifted and turned car, with the expert's steering there."""
        rng = np.random.default_rng([self.choice.seed, self.drive_step, 4099])
        world = self._task.world
        lateral, yaw = draw_view(rng, world.egos[0], VIEWS)
        row["view.lateral_m"], row["view.yaw_rad"] = lateral, yaw
        row["action.view"] = self._expert.steering_at(world, 0, lateral, yaw)
        return world.render_view(0, lateral, yaw)
