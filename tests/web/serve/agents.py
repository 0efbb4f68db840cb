"""Agents for tests: named by `tests.web.serve.agents:NAME`."""

import os

from drive.agent import Context, Control, Observation
from drive.core.errors import UserError


class Quarter:
    """Steers a quarter to the left."""

    def reset(self, context: Context) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> Control:
        """A quarter."""
        return Control(0.25)


class Breaks(Quarter):
    """Fails at its fifth step."""

    def reset(self, context: Context) -> None:
        """Count anew."""
        self._steps = 0

    def act(self, observation: Observation) -> Control:
        """Steers straight until it fails."""
        self._steps += 1
        if self._steps == 5:
            raise ValueError("no lane")
        return Control(0.0)


class Counts(Quarter):
    """Steers a hundredth more at each step since it was reset."""

    def reset(self, context: Context) -> None:
        """Count anew."""
        self._steps = 0

    def act(self, observation: Observation) -> Control:
        """As far as it has counted."""
        self._steps += 1
        return Control(0.01 * self._steps)


class Refuses(Quarter):
    """Cannot drive here."""

    def reset(self, context: Context) -> None:
        """Say so."""
        raise UserError("not with this camera")


class StartsTwice(Quarter):
    """Refuses its third reset and those after."""

    resets = 0

    def reset(self, context: Context) -> None:
        """Count."""
        self.resets += 1
        if self.resets > 2:
            raise UserError("no third start")


class Hangs(Breaks):
    """Never returns from its fifth step, whatever is raised in it."""

    def act(self, observation: Observation) -> Control:
        """Steers straight until it hangs."""
        self._steps += 1
        while self._steps == 5:
            try:
                pass
            except BaseException:
                pass
        return Control(0.0)


class Exits(Breaks):
    """Ends its process at its fifth step."""

    def act(self, observation: Observation) -> Control:
        """Steers straight until then."""
        self._steps += 1
        if self._steps == 5:
            os._exit(3)
        return Control(0.0)


class NeverStarts(Quarter):
    """Does not return from its reset."""

    def reset(self, context: Context) -> None:
        """Wait for ever."""
        while True:
            pass


class SteersByBrightness(Quarter):
    """What it does follows from every bit of the picture, and from the speed."""

    def act(self, observation: Observation) -> Control:
        """Steering and acceleration."""
        brightness = float(observation["camera"].mean()) / 255.0
        return Control(0.2 * brightness, 0.01 * float(observation["speed"][0]))


class Privileged(Quarter):
    """Is given the truth."""

    privileged = True

    def reset(self, context: Context) -> None:
        """Take hold of the world."""
        assert context.world is not None
