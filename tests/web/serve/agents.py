"""Agents for tests: named by `tests.web.serve.agents:NAME`."""

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
