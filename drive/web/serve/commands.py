"""What passes between the pages and the thread that drives."""

from dataclasses import dataclass

from drive.web.serve.messages import Message
from drive.web.serve.pictures import Frame


@dataclass(frozen=True, slots=True)
class Update:
    """What is sent to all pages after a step or another change: text, and a picture where it is new."""

    texts: tuple[str, ...] = ()  # each is to arrive
    state: str | None = None
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class DriverCame:
    """A page has got the driver's place."""


@dataclass(frozen=True, slots=True)
class DriverLeft:
    """No page has the driver's place any more."""

    lost: bool = True  # the page or its connection; False: the place was given back


@dataclass(frozen=True, slots=True)
class Watchers:
    """How many pages are open."""

    count: int


@dataclass(frozen=True, slots=True)
class Wake:
    """Look again whether a step can be driven."""

    send_state: bool = False  # the state as well, whether it can or not


Command = Message | DriverCame | DriverLeft | Watchers | Wake
