from typing import Any

import msgspec
import pytest

from drive.core.json_data import MAX_DEPTH, Positive, Whole, convert, decode, loads


class Form(msgspec.Struct):
    fps: Positive
    seeds: list[Whole] = []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "input data was truncated"),
        ("[]", "expected object, got array"),
        ("{}", "object missing required field fps"),
        ('{"fps": 0}', "fps: expected int >= 1"),
        ('{"fps": true}', "fps: expected int, got bool"),
        ('{"fps": 20, "seeds": [1, "a"]}', r"seeds\[1\]: expected int, got str"),
        ('{"fps": NaN}', "JSON is malformed"),
        ('{"fps": 20, "other": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        decode(text, Form)


def test_what_stands_beside_is_passed_over() -> None:
    assert decode(b'{"fps": 20, "robot_type": "car", "seeds": [1]}', Form) == Form(20, [1])
    values = decode('{"fps": 20, "robot_type": "car"}', dict[str, Any])
    assert values["robot_type"] == "car" and convert(values, Form) == Form(20)
    with pytest.raises(ValueError, match=r"^fps: expected int, got str"):
        convert({"fps": "20"}, Form)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 900, 100_000])
def test_what_is_nested_deeply_is_refused_at_any_depth(depth: int) -> None:
    deep = '{"format": ' + "[" * depth + "]" * depth + "}"
    for read in (loads, lambda text: decode(text, dict[str, Any])):
        with pytest.raises(ValueError, match=r"^nested too deeply$"):
            read(deep)
    assert loads('{"seen": [[NaN]]}')["seen"][0][0] != 0.0
