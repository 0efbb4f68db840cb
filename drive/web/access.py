"""Who may talk to the server: its own page, on this machine, or with the token; and how much."""

import hmac
import ipaddress
from collections.abc import Mapping
from time import monotonic
from urllib.parse import urlsplit

from drive.web.limits import MAX_MESSAGES_PER_S

FLOOD_S = 5.0  # a client that sends too much for so long is cut off


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class AccessCheck:
    """Refuses requests of other sites, under foreign host names, or without the token.

    A page of another site must not reach the server through the browser of somebody who may: its requests
    name another origin, or, where its name was made to point here, another host.
    """

    def __init__(self, token: str | None) -> None:
        """Remember the token.

        Args:
            token: must be in the URL; None: none is asked for, and only names of this machine are answered.
        """
        self._token = token

    def refusal(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """Why a request is refused; None: it may pass.

        Args:
            headers: of the request, by lower-case name.
            query: of its URL.
        """
        host = headers.get("host", "")
        if self._token is None:
            if not is_loopback(_name(host)):
                return f"This server answers to names of this machine alone, not to {host[:80]!r}."
        elif not hmac.compare_digest(query.get("token", "").encode(), self._token.encode()):
            return "The token is missing or wrong: open the page with the URL that the server printed."
        origin = headers.get("origin")
        if origin is not None and _address(origin) != host.lower():
            return "Pages of another origin may not connect."
        return None


def _address(origin: str) -> str | None:
    """The host and port in an Origin header; None: it is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class Rate:
    """Lets a number of messages a second through, and after a rest a burst of as many, or of `burst`."""

    def __init__(self, per_second: float = MAX_MESSAGES_PER_S, burst: float | None = None) -> None:
        self._per_second = per_second
        self._budget = self._burst = per_second if burst is None else burst
        self._last = monotonic()
        self._notified = float("-inf")
        self._since: float | None = None  # when it began to be too much

    def take(self) -> bool:
        """Whether one more message is accepted."""
        now = monotonic()
        self._budget = min(self._budget + (now - self._last) * self._per_second, self._burst)
        self._last = now
        if self._budget >= self._burst * 0.5:
            self._since = None
        if self._budget < 1.0:
            self._since = now if self._since is None else self._since
            return False
        self._budget -= 1.0
        return True

    @property
    def flooded(self) -> bool:
        """Whether it has been too much for long."""
        return self._since is not None and monotonic() - self._since > FLOOD_S

    def should_notify(self) -> bool:
        """Whether to send a warning again: at most once a second."""
        now = monotonic()
        if now - self._notified < 1.0:
            return False
        self._notified = now
        return True
