"""The drive of the page as a session, a step at a time; nothing here knows of time, threads, the network."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drive.agent import DT, Agent, Observation
from drive.camera import Camera
from drive.core.errors import UserError
from drive.driving.drive import Seat
from drive.driving.session import Session, SessionSnapshot
from drive.episode import End
from drive.sim.expert import Expert
from drive.sim.maps.styles import GENERATED_MAPS
from drive.sim.scenario import Scenario, lane_scenario, load_map
from drive.sim.task import LaneTask
from drive.web.serve.agent_process import AgentProcess
from drive.web.serve.catalog import ANY_WEATHER, Catalog, Choice
from drive.web.serve.guarded_agent import GuardedAgent
from drive.web.serve.pictures import DISPLAY_PX
from drive.web.serve.protocol import PERSON
from drive.web.serve.step_log import ENDS, Done, StepLog
from drive.web.serve.wheel import PedalGate, Wheel

REWIND_STEPS = round(20.0 / DT)  # how far the drive can be taken back


class _Past(NamedTuple):
    """What a step began with."""

    session: SessionSnapshot
    off_road_steps: int


class Simulation:
    """A driving session with a person or an agent at the wheel and shadows beside.

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
        self.catalog, self.camera, self.views, self.taught = catalog, camera, views, taught
        self.choice = Choice()
        self.end: str | None = None
        self.agent: GuardedAgent | None = None
        self.pupil: GuardedAgent | None = None
        self.shadows: list[GuardedAgent] = []
        self._built: dict[tuple[str, str], Agent] = {}
        self._expert = Expert()
        self._task = LaneTask(1, camera=camera, longitudinal="agent" if pedals == "person" else "cruise")
        larger = min(DISPLAY_PX[0] / camera.width_px, DISPLAY_PX[1] / camera.height_px)
        self.has_display = larger > 1.0
        if self.has_display:
            width, height = round(camera.width_px * larger), round(camera.height_px * larger)
            display = replace(camera, width_px=width, height_px=height, outputs=("rgb",))
            self._task.world.add_viewer("display", display)
        self._past: deque[_Past] = deque(maxlen=REWIND_STEPS)
        self._wheel = Wheel(None)
        self._seat(0)

    def look(self) -> NDArray[np.uint8]:
        """(H, W, 3) what the camera sees now, as large as `DISPLAY_PX`: for people, no agent sees it."""
        return self._task.world.render_view(0, 0.0, 0.0, "display")

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
        agent = None if choice.agent == PERSON else self._fitting(choice.agent, "driver")
        shadows = [self._fitting(name, "shadow") for name in choice.shadows]
        seated = [*([agent] if agent else []), *shadows]
        pupil = next((one for one in seated if one.name == self.taught), None)
        if self.taught is not None and pupil is None:
            pupil = self._fitting(self.taught, "pupil")
        self.agent, self.shadows, self.pupil, self.choice = agent, shadows, pupil, choice
        self._wheel = Wheel(agent)
        self._past.clear()
        self._seat(choice.seed)
        self.end = None
        self._session.reset(scenario)
        self._stop_idle()

    def _seat(self, seed: int) -> None:
        """Put everybody who takes part into a session of their own."""
        agents = self.agents()
        self._log = StepLog(self._expert, self._wheel, agents, seed if self.views else None)
        seat = Seat(
            self._wheel,
            PERSON if self.agent is None else self.agent.name,
            shadows={one.name: one for one in agents if one is not self.agent},
            gates=[PedalGate()],
            observers=[self._log],
        )
        self._session = Session(self._task, seat, ending=frozenset(ENDS) - {End.OFF_ROAD})

    def refuse_unfit(self, names: Iterable[str]) -> None:
        """Build agents once, so that what cannot drive with this camera is refused before anybody drives.

        Raises:
            UserError: an agent cannot be built, or does not take this camera's frames.
        """
        for name in names:
            self._fitting(name, "driver")
        self._stop_idle()

    def _fitting(self, name: str, role: str) -> GuardedAgent:
        """An agent that is known to drive with this camera; one that may be driving now is left as it is."""
        key = (name, role)
        known = self._built.get(key)
        agent = self.catalog.build(name) if known is None else known
        idle = isinstance(agent, AgentProcess) and not agent.running
        if idle or all(agent is not one for one in self._built.values()):
            guarded = GuardedAgent(name, agent)
            try:
                guarded.reset(self._task.context(0, privileged=guarded.privileged))
            except UserError:  # it cannot drive with this camera
                if isinstance(agent, AgentProcess):
                    agent.stop()
                raise
        self._built[key] = agent
        return GuardedAgent(name, agent)

    def agents(self) -> list[GuardedAgent]:
        """The agent that may drive, the shadows, and the one that is taught where it is none of them."""
        seated = [*([self.agent] if self.agent is not None else []), *self.shadows]
        if self.pupil is not None and all(one is not self.pupil for one in seated):
            seated.append(self.pupil)
        return seated

    def _stop_idle(self) -> None:
        """End the processes of agents that take no part; they start again when they are chosen."""
        seated = [one.agent for one in self.agents()]
        for agent in self._built.values():
            if isinstance(agent, AgentProcess) and all(agent is not one for one in seated):
                agent.stop()

    # --- driving

    def take_wheel(self, person: bool) -> bool:
        """Put the person or the agent at the wheel; False where there is no agent that can drive."""
        if person or self.agent is None or not self.agent.ready:
            self._wheel.person_drives = True
            return person
        self._wheel.person_drives = False
        return True

    @property
    def person_drives(self) -> bool:
        """Whether the person has the wheel."""
        return self._wheel.person_drives

    @property
    def at_wheel(self) -> str:
        """The name of the agent that has the wheel, or of the person."""
        return PERSON if self.agent is None or self.person_drives else self.agent.name

    def step(self, steering: float, pedals: float) -> Done:
        """Drive 0.05 s.

        Args:
            steering: of the person, in [-1, 1], left positive; counts where the person drives.
            pedals: likewise, +1 full throttle, -1 full brake.

        Returns:
            What was seen and done. An agent that fails leaves the wheel to the person.

        Raises:
            RuntimeError: nothing is loaded, or the drive has ended.
        """
        self._wheel.steering, self._wheel.pedals = steering, pedals
        past = _Past(self._session.snapshot(), self._log.off_road_steps)
        if self._session.step()[0] is None or self._log.done is None:
            raise RuntimeError(self._session.drive.failure or "The drive has ended; load one.")
        self._past.append(past)
        self.end = self._log.done.end
        return self._log.done

    def rewind(self, step: int) -> bool:
        """Take the drive back to where it had made so many steps; False where that is too long ago.

        Agents start afresh there; one that refuses to has failed.
        """
        while self._past and self._past[-1].session.step > step:
            self._past.pop()
        if not self._past or self._past[-1].session.step != step:
            return False
        past = self._past.pop()
        for agent in self.agents():
            agent.under_way = True
        self._session.restore(past.session)
        self._log.off_road_steps, self.end = past.off_road_steps, None
        return True

    # --- seeing

    @property
    def scenario(self) -> Scenario:
        """What was loaded last."""
        scenario: Scenario | None = self._session.drive.scenario
        if scenario is None:
            raise RuntimeError("Simulation has no scenario yet; call load() first.")
        return scenario

    @property
    def observation(self) -> Observation:
        """What is seen now."""
        return self._session.drive.observation

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
        """What an environment's `info` holds."""
        return self._task.truth(0)

    def interrupt(self) -> None:
        """End the processes of all agents at once, for good; may be called by any thread."""
        for agent in list(self._built.values()):
            if isinstance(agent, AgentProcess):
                agent.interrupt()

    def close(self) -> None:
        """End the world's threads and the agents' processes."""
        for agent in self._built.values():
            if isinstance(agent, AgentProcess):
                agent.stop()
        self._task.close()
