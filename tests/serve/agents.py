"""Agents for tests: named by `tests.serve.agents:NAME`."""

from drive.agent import Context, Control, Observation


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
