"""The page's messages, typed and checked; `docs/reference/serve.md` says what each field means."""

import re
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from drive.core.seeds import RESERVED_SEEDS
from drive.web.limits import MAX_MESSAGE_BYTES
from drive.web.serve.protocol import NOTE_CHARACTERS, PERSON_CHARACTERS, ProtocolError

_LARGEST_SEED = RESERVED_SEEDS - 1

Time = Annotated[float, Meta(ge=-1e15, le=1e15, description="a number in [-1e+15, 1e+15]")]
Signed = Annotated[float, Meta(ge=-1.0, le=1.0, description="a number in [-1, 1]")]
Unsigned = Annotated[float, Meta(ge=0.0, le=1.0, description="a number in [0, 1]")]
Seed = Annotated[int, Meta(ge=0, le=_LARGEST_SEED, description=f"a whole number from 0 to {_LARGEST_SEED}")]
StepNumber = Annotated[int, Meta(ge=0, le=2**32 - 1, description=f"a whole number from 0 to {2**32 - 1}")]
Name = Annotated[str, Meta(max_length=100, description="text of at most 100 characters")]
Names = Annotated[tuple[Name, ...], Meta(max_length=8, description="a list of at most 8 names")]
Person = Annotated[
    str, Meta(max_length=PERSON_CHARACTERS, description=f"text of at most {PERSON_CHARACTERS} characters")
]
Note = Annotated[
    str, Meta(max_length=NOTE_CHARACTERS, description=f"text of at most {NOTE_CHARACTERS} characters")
]
Factor = Annotated[
    Annotated[float, Meta(ge=0.01, le=1.0)] | Literal["max"],
    Meta(description='a number in [0.01, 1], or "max"'),
]


class _Tagged(Struct):
    type: str


class _Message(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Controls(_Message, frozen=True, tag="controls"):
    """Steering and pedals from keys, mouse, gamepad or touch."""

    t: Time  # the page's clock [ms]
    steering: Signed  # left positive
    throttle: Unsigned = 0.0
    brake: Unsigned = 0.0
    acceleration: Signed | None = None  # instead of throttle and brake
    source: Literal["keyboard", "mouse", "gamepad", "touch"] = "keyboard"

    @property
    def pedals(self) -> float:
        """Both pedals as one number in [-1, 1]."""
        if self.acceleration is not None:
            return self.acceleration
        return -self.brake if self.brake > 0.0 else self.throttle


class Start(_Message, frozen=True, tag="start"):
    """A new drive from its start; None: what was last chosen."""

    map: Name | None = None
    seed: Seed | None = None
    weather: Name | None = None
    traffic: Name | None = None
    agent: Name | None = None
    shadows: Names | None = None


class Restart(_Message, frozen=True, tag="restart"):
    """The same drive again, or the next seed's."""

    scenario: Literal["same", "next"] = "same"


class Takeover(_Message, frozen=True, tag="takeover"):
    """Who drives from now on. `on`: the person; otherwise the agent."""

    on: bool


class Record(_Message, frozen=True, tag="record"):
    """Starts, pauses, ends or edits a recording, or changes its settings; None: as before."""

    action: Literal[
        "start", "pause", "resume", "stop", "delete_last_5s", "mark_begin", "mark_end", "discard", "settings"
    ]
    keep_on_disconnect: bool | None = None
    person: Person | None = None
    note: Note | None = None

    def __post_init__(self) -> None:
        for name in ("person", "note"):
            if (text := getattr(self, name)) is not None:
                msgspec.structs.force_setattr(self, name, _printable(text))


class Pace(_Message, frozen=True, tag="pace"):
    """Speed of the simulation against real time; "max": every step at once."""

    factor: Factor


class Hold(_Message, frozen=True, tag="hold"):
    """Stops the simulation where it is (`on`), or lets it go on."""

    on: bool


class Claim(_Message, frozen=True, tag="claim"):
    """Become the driver, where nobody is."""


class Release(_Message, frozen=True, tag="release"):
    """Give the driver's place back."""


class ViewerAck(_Message, frozen=True, tag="viewer_ack"):
    """The page has drawn the picture of this step."""

    step: StepNumber
    held_ms: Annotated[float, Meta(ge=0.0, le=60_000.0)] = 0.0


Message = Controls | Start | Restart | Takeover | Record | Pace | Hold | Claim | Release | ViewerAck

TYPES: dict[str, type[Struct]] = {str(made.__struct_config__.tag): made for made in get_args(Message)}
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def parse(text: str | bytes) -> Message:
    """The message in a text frame, every field checked.

    Raises:
        ProtocolError: it is not one of the messages above.
    """
    if isinstance(text, bytes):
        raise ProtocolError("Messages to the server are text, not binary.")
    if len(text) > MAX_MESSAGE_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"The message is longer than {MAX_MESSAGE_BYTES} bytes.")
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ProtocolError(_refusal(text, str(error))) from None


def _refusal(text: str, problem: str) -> str:
    """One line for the page on a message that was not decoded."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "The message is not JSON."
    try:
        kind = msgspec.json.decode(text, type=_Tagged).type
    except msgspec.MsgspecError:
        kind = ""
    if kind not in TYPES:
        return f"Unknown type; a message is an object whose type is one of {', '.join(TYPES)}."
    made = TYPES[kind]
    if found := re.search(r"unknown field `(.*)`", problem, re.DOTALL):
        known = ", ".join(made.__struct_fields__) or "none"
        return f"{kind} has no field {found[1][:40]!r}; it has {known}."
    if "missing required field" in problem:
        return f"{kind} needs {', '.join(_required(made))}."
    field = re.search(r"`\$\.(\w+)", problem)
    if field is None:
        return f"{kind} is not as it must be: {problem[:200]}."
    return f"{kind}.{field[1]} must be {_expected(get_type_hints(made, include_extras=True)[field[1]])}."


def _required(made: type[Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(made) if field.required]


def _expected(hint: Any) -> str:
    """What a field's type asks for, in words."""
    if hint is bool:
        return "true or false"
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    descriptions = (meta.description for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, Meta))
    parts = (_expected(part) for part in get_args(hint) if part is not type(None))
    return next((text for text in (*descriptions, *parts) if text), "")


def _printable(text: str) -> str:
    """Text in one line; characters that do not print become spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
