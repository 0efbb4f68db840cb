"""The driving session: the only loop that steps a world, and everybody who takes part in a drive.

    session = Session(task, Seat(agent, observers=[EpisodeLog()]))
    session.reset(scenario)
    session.run()

Below it stands a task: B worlds, what is observed, rewards, reasons to end. Above it: who drives (an agent, a
person, the expert, stored actions), gates between what the driver wants and what the car does, disturbances
between what the camera shows and what the driver sees, shadows that act on every frame and are not heard, and
observers that keep or show something. `Session.step` moves everything once; `snapshot`, `restore` and
`branch` copy everything that moves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from drive.agent import Observation
from drive.driving.drive import Drive, Seat
from drive.driving.parts import Copyable, Heartbeat, Step, Task
from drive.episode import End


@dataclass(frozen=True, eq=False)
class SessionSnapshot:
    """Everything that moves in the drive of one world."""

    step: int
    task: Any
    agents: dict[str, Any]  # of those that offer `snapshot`, by name; the driver's is ""
    gates: tuple[Any, ...]
    disturbances: tuple[Any, ...]
    seen: Observation | None  # by driver and shadows; None: what is observed


class Session:
    """Drives in the worlds of a task, one seat a world, all a step at a time.

    Args:
        task: where to drive.
        seats: who takes part, one for each of the task's worlds.
        ending: which of the task's reasons end a drive; the others are for observers alone.
        heartbeat: told what is about to happen, such as "act of net at step 12", before every call of an
            agent: whoever limits the time from outside the process listens.
    """

    def __init__(
        self,
        task: Task,
        *seats: Seat,
        ending: frozenset[End] = frozenset(End),
        heartbeat: Heartbeat | None = None,
    ) -> None:
        if len(seats) != task.batch:
            raise ValueError(f"Session has {len(seats)} seats for {task.batch} worlds; give one for each.")
        self.task, self.ending = task, ending
        self.drives = [Drive(task, w, seat, heartbeat) for w, seat in enumerate(seats)]
        self._steering, self._acceleration = np.zeros(task.batch), np.full(task.batch, np.nan)
        self._live = np.zeros(task.batch, np.bool_)

    @property
    def drive(self) -> Drive:
        """The drive of a session of one world."""
        return self.drives[0]

    @property
    def ended(self) -> bool:
        """Whether all drives have ended."""
        return all(drive.ends for drive in self.drives)

    def reset(self, *scenarios: Any, pose: Any = None) -> None:
        """Begin the drives.

        Args:
            scenarios: one for each world.
            pose: where to start instead (see `World.load`).

        Raises:
            UserError: an agent cannot drive here at all.
        """
        for drive, scenario in zip(self.drives, scenarios, strict=True):
            self.task.load(drive.w, scenario, pose)
            drive.scenario, drive.pose, drive.step, drive.ends = scenario, pose, 0, ()
            drive.controls.clear()
            for disturbance in drive.seat.disturbances:
                disturbance.reset(int(getattr(drive.scenario, "seed", 0)))
        self._look(self.drives)
        for drive in self.drives:
            for observer in drive.seat.observers:
                observer.begin(drive)
            drive.reset_agents()

    def _look(self, drives: Sequence[Drive]) -> None:
        """Observe what is there now; with pictures where anybody looks."""
        seen = self.task.observe(any(drive.looks() for drive in drives))
        for drive in drives:
            drive.see(seen)

    def step(self) -> list[Step | None]:
        """Move everything once; what was done in each world, None where nothing moved."""
        steps: list[Step | None] = [None if drive.ends else drive.decide() for drive in self.drives]
        for w, step in enumerate(steps):
            self._live[w] = step is not None
            if step is not None:
                self._steering[w], self._acceleration[w] = step.steering, step.acceleration
        if not self._live.any():
            return steps
        self.task.advance_worlds(self._steering, self._acceleration, self._live)
        rewards, ends = self.task.outcome()
        moved = [(drive, step) for drive, step in zip(self.drives, steps, strict=True) if step is not None]
        for drive, step in moved:
            step.reward = float(rewards[drive.w])
            drive.controls.append((step.steering, step.acceleration))
            drive.step += 1
        self._look([drive for drive, _ in moved])
        for drive, step in moved:
            drive.ends = (*drive.ends, *(end for end in ends[drive.w] if end in self.ending))
            for observer in drive.seat.observers:
                observer.moved(drive, step)
        return steps

    def run(self, max_steps: int | None = None) -> None:
        """Step until all drives have ended, or at most so many steps."""
        taken = 0
        while not self.ended and taken != max_steps:
            self.step()
            taken += 1

    # -- copies -------------------------------------------------------------------------------------------

    def snapshot(self, w: int = 0) -> SessionSnapshot:
        """Everything that moves in the drive of world w; agents that offer `snapshot` included."""
        drive = self.drives[w]
        return SessionSnapshot(
            drive.step,
            self.task.snapshot(w),
            {name: a.snapshot() for name, a in drive.agents().items() if isinstance(a, Copyable)},
            tuple(gate.snapshot() for gate in drive.seat.gates),
            tuple(disturbance.snapshot() for disturbance in drive.seat.disturbances),
            drive.seen if drive.seat.disturbances else None,
        )

    def restore(self, snapshot: SessionSnapshot, w: int = 0) -> None:
        """Bring the drive of world w back to a snapshot of this session; agents without one start afresh.

        Observers are not told: one that has to forget the steps since then is told by whoever goes back.
        """
        drive = self.drives[w]
        self.task.restore(w, snapshot.task)
        drive.step, drive.ends = snapshot.step, ()
        del drive.controls[snapshot.step :]
        drive.reset_agents()
        self._look([drive])
        _take_over(drive, snapshot, snapshot.agents)

    def branch(self, seat: Seat, w: int = 0) -> "Session":
        """A session of its own that goes on where the drive of world w is now.

        Its agents know all that happened so far: one of the same name and class that offers `snapshot` and
        `restore` is handed the other's state, any other is shown all frames since the start, drawn again.

        Args:
            seat: who takes part; agents that are not those of this session. Gates and disturbances begin in
                the state of those in the same place here, where there are as many; else disturbances have
                seen all frames too, and gates start afresh.
            w: which world to branch from.
        """
        here, now = self.drives[w], self.snapshot(w)
        branch = Session(self.task.fork(w), seat, ending=self.ending)
        there = branch.drive
        theirs, ours = here.agents(), there.agents()
        told = {name for name in now.agents.keys() & ours.keys() if type(ours[name]) is type(theirs[name])}
        branch._begin_as(here)
        known = len(seat.disturbances) == len(here.seat.disturbances)
        untold = [name for name in ours if name not in told and getattr(ours[name], "looks", True)]
        if untold or not known:
            branch._show_past(here, untold)
        branch.task.restore(0, now.task)
        there.step, there.controls = here.step, list(here.controls)
        branch._look([there])
        _take_over(there, now, told)
        for observer in seat.observers:
            observer.begin(there)
        return branch

    def _begin_as(self, other: Drive) -> None:
        """Stand at the start of another drive."""
        drive = self.drive
        self.task.load(0, other.scenario, other.pose)
        drive.scenario, drive.pose = other.scenario, other.pose
        drive.reset_agents()
        for disturbance in drive.seat.disturbances:
            disturbance.reset(int(getattr(drive.scenario, "seed", 0)))

    def _show_past(self, other: Drive, names: Collection[str]) -> None:
        """Drive again what another drive has driven, and show its frames to these agents."""
        drive, live = self.drive, np.ones(1, np.bool_)
        for steering, acceleration in other.controls:
            drive.see(self.task.observe())
            for name in names:
                drive.show(name)
            self.task.advance_worlds(np.array([steering]), np.array([acceleration]), live)
            self.task.outcome()
            drive.step += 1


def _take_over(drive: Drive, snapshot: SessionSnapshot, names: Collection[str]) -> None:
    """Bring these agents, the gates and disturbances into the state of a snapshot."""
    for name in names:
        cast(Copyable, drive.agents()[name]).restore(snapshot.agents[name])
    seat = drive.seat
    if len(seat.gates) == len(snapshot.gates):
        for gate, state in zip(seat.gates, snapshot.gates, strict=True):
            gate.restore(state)
    if len(seat.disturbances) == len(snapshot.disturbances):
        for disturbance, state in zip(seat.disturbances, snapshot.disturbances, strict=True):
            disturbance.restore(state)
    if snapshot.seen is not None and len(seat.disturbances) == len(snapshot.disturbances):
        drive.seen = snapshot.seen
