"""An open page and what it hears from its server."""

import json
from typing import Any

from tests.children import HANG_S


class Opened:
    """A page with everything in its console, and every state that came over its WebSocket."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.states: list[dict[str, Any]] = []
        self.map: dict[str, Any] = {}  # of the newest drive
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(f"{request.url}: {request.failure}"))
        page.on("websocket", lambda socket: socket.on("framereceived", self._frame))
        page.goto(address)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _frame(self, content: str | bytes) -> None:
        if isinstance(content, str):
            message = json.loads(content)
            if message["type"] == "state":
                self.states.append(message)
            elif message["type"] == "map":
                self.map = message

    @property
    def state(self) -> dict[str, Any]:
        """The newest."""
        return self.states[-1]

    def wait(self, seconds: float) -> None:
        """Let the page go on, and take in what it hears."""
        self.page.wait_for_timeout(1000.0 * seconds)

    def wait_until(self, holds: Any, seconds: float = HANG_S) -> None:
        """Wait until `holds(state)`.

        Raises:
            AssertionError: it did not in time.
        """
        for _ in range(round(seconds / 0.02)):
            if self.states and holds(self.state):
                return
            self.wait(0.02)
        raise AssertionError(f"it never came; the last state was {self.states[-1:]}")

    def wait_for(self, expression: str, seconds: float = HANG_S) -> None:
        """Wait until a JavaScript expression is true (the page's own policy forbids Playwright's way).

        Raises:
            AssertionError: it did not become so in time.
        """
        for _ in range(round(seconds / 0.02)):
            if self.page.evaluate(expression):
                return
            self.wait(0.02)
        raise AssertionError(f"it never became true: {expression}")

    def text(self, name: str) -> str:
        """What an element says."""
        return str(self.page.text_content(f"#{name}"))
