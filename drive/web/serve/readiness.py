"""Whether a step of the page's drive can be driven now, and if not, why."""

from time import monotonic

from drive.web.serve import messages
from drive.web.serve.protocol import CONTROLS_WITHIN_S
from drive.web.serve.simulation import Simulation
from drive.web.serve.teaching import Teaching


class Readiness:
    """What was started or held, who is there, and whether controls arrive."""

    def __init__(self, simulation: Simulation, teaching: Teaching | None) -> None:
        self._simulation, self._teaching = simulation, teaching
        self.started = self.held = False
        self.driver = False  # whether a page has the driver's place
        self.watchers = 0  # pages that are open
        self.newest: tuple[messages.Controls, float] | None = None  # controls, and when they came [s]

    def reason(self) -> str:
        """Why no step is driven now, in one line; empty: one is."""
        simulation = self._simulation
        if simulation.end is not None:
            return "The drive is over: start it again, or take the next one."
        if not self.started:
            return "Ready: start the drive."
        if self.held:
            return "Held: go on when you like."
        if not simulation.person_drives:
            if self._teaching is not None and self._teaching.waits:
                return "The learner is unsure: take the wheel (steer, or T), or let it go on (H)."
            return "" if self.watchers else "Nobody watches."
        if not self.driver:
            return "Nobody is at the wheel: claim it."
        if self.newest is None or monotonic() - self.newest[1] > CONTROLS_WITHIN_S:
            return "No controls arrive: the simulation waits for the page."
        return ""

    def mode(self, reason: str) -> str:
        """`state.mode` of the protocol.

        Args:
            reason: what `reason` gave.
        """
        if self._simulation.end is not None:
            return "ended"
        if not self.started or (self._simulation.person_drives and not self.driver):
            return "waiting"
        return "held" if reason else "driving"
