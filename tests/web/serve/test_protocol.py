"""Messages: what is taken, what is refused, and the picture's header byte by byte."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drive.web.serve import messages
from drive.web.serve.messages import Controls, Record, Start, parse
from drive.web.serve.protocol import Picture, ProtocolError, unpack_picture

_FIELDS = sorted({name for made in messages.TYPES.values() for name in made.__struct_fields__})


def message(**values: object) -> str:
    return json.dumps(values)


def test_each_message_is_understood() -> None:
    assert parse(message(type="controls", t=12.5, steering=-1, source="gamepad")) == Controls(
        12.5, -1.0, source="gamepad"
    )
    assert parse(message(type="start", map="generated", seed=4, shadows=["modular"])) == Start(
        map="generated", seed=4, shadows=("modular",)
    )
    assert parse(message(type="restart", scenario="next")) == messages.Restart("next")
    assert parse(message(type="takeover", on=True)) == messages.Takeover(True)
    assert parse(message(type="record", action="start", person="Ada", keep_on_disconnect=False)) == Record(
        "start", False, "Ada"
    )
    assert parse(message(type="pace", factor="max")) == messages.Pace("max")
    assert parse(message(type="pace", factor=0.5)) == messages.Pace(0.5)
    assert parse(message(type="hold", on=False)) == messages.Hold(False)
    assert parse(message(type="claim")) == messages.Claim()
    assert parse(message(type="release")) == messages.Release()
    assert parse(message(type="viewer_ack", step=7)) == messages.ViewerAck(7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[" * 4000, "not JSON"),
        ("[]", "Unknown type"),
        ('{"type": ["start"]}', "Unknown type"),
        ('{"type": "delete"}', "Unknown type"),
        ('{"type": "controls", "t": 1}', "needs"),
        ('{"type": "controls", "t": NaN, "steering": 0}', "not JSON"),
        ('{"type": "controls", "t": 1e400, "steering": 0}', "controls.t"),
        ('{"type": "controls", "t": 1, "steering": 1.01}', r"steering must be a number in \[-1, 1\]"),
        ('{"type": "controls", "t": 1, "steering": true}', "steering"),
        ('{"type": "controls", "t": 1, "steering": "left"}', "steering"),
        ('{"type": "controls", "t": 1, "steering": 0, "brake": -0.1}', "brake"),
        ('{"type": "controls", "t": 1, "steering": 0, "file": "x"}', "no field 'file'"),
        ('{"type": "start", "seed": 1000000}', "seed"),
        ('{"type": "start", "seed": 1.5}', "seed"),
        ('{"type": "start", "shadows": "modular"}', "shadows"),
        ('{"type": "start", "shadows": ["modular", 3]}', "shadows must be a list of at most 8 names"),
        ('{"type": "hold", "on": 1}', "hold.on must be true or false"),
        ('{"type": "hold"}', "hold needs on"),
        ('{"type": "claim"} {}', "not JSON"),
        ('{"type": "claim", "pad": "\ud800"}', "not JSON"),
        ('{"type": "pace", "factor": 2}', r'factor must be a number in \[0.01, 1\], or "max"'),
        ('{"type": "record", "action": "erase"}', "action"),
        ('{"type": "record", "action": "start", "person": "' + "x" * 101 + '"}', "person"),
        ('{"type": "viewer_ack", "step": -1}', "step"),
        ('{"type": "claim", "pad": "' + "x" * 5000 + '"}', "longer"),
        ('{"type": "claim", "pad": "' + "\u00e9" * 2100 + '"}', "longer"),
    ],
)
def test_what_is_no_message_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ProtocolError, match=said) as problem:
        parse(text)
    assert "\n" not in str(problem.value) and len(str(problem.value)) < 400


def test_binary_messages_are_refused() -> None:
    with pytest.raises(ProtocolError, match="text"):
        parse(b'{"type": "claim"}')


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_subnormal=False)
        | st.integers()
        | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(sorted(messages.TYPES)),
    st.sampled_from(_FIELDS),
)
def test_no_value_breaks_the_parser(value: object, kind: str, field: str) -> None:
    try:
        found = parse(json.dumps({"type": kind, field: value}))
    except ProtocolError as error:
        assert str(error) and "\n" not in str(error)  # one clear line for the page
    else:
        assert isinstance(found, messages.TYPES[kind])


def test_words_lose_control_characters() -> None:
    found = parse(message(type="record", action="start", person="  Ada\n\u202e\x00 L. "))
    assert isinstance(found, Record) and found.person == "Ada L."


def test_pedals() -> None:
    assert Controls(0.0, 0.0, throttle=0.4).pedals == 0.4
    assert Controls(0.0, 0.0, throttle=0.4, brake=0.2).pedals == -0.2
    assert Controls(0.0, 0.0, throttle=0.4, acceleration=-0.7).pedals == -0.7


def test_the_picture_header_stands_where_the_specification_says() -> None:
    packed = Picture(step=70_000, echo=1234.5, level=2, width_px=320, height_px=160, data=b"jpeg").pack()
    assert packed[:4] == b"DRV1"
    assert struct.unpack("<I", packed[4:8]) == (70_000,)
    assert struct.unpack("<d", packed[8:16]) == (1234.5,)
    assert (packed[16], packed[17]) == (1, 2)
    assert struct.unpack("<HHH", packed[18:24]) == (320, 160, 0)
    assert packed[24:] == b"jpeg"
    assert unpack_picture(packed) == Picture(70_000, 1234.5, 2, 320, 160, b"jpeg")
    assert unpack_picture(Picture(1, None, 0, 8, 8, b"").pack()).echo is None
    with pytest.raises(ProtocolError):
        unpack_picture(b"DRV2" + packed[4:])
