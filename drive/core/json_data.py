"""JSON from outside as typed values: a wrong one is told in one line, whatever is wrong with it."""

import json
from typing import Annotated, Any, TypeVar

import msgspec

Form = TypeVar("Form")
Whole = Annotated[int, msgspec.Meta(ge=0)]  # a whole number
Positive = Annotated[int, msgspec.Meta(gt=0)]
MAX_DEPTH = 60  # nothing of ours is nested half as deeply


def decode(data: bytes | str, form: type[Form]) -> Form:
    """Read JSON that must have a form: a `msgspec.Struct`, `dict[str, Any]`, `list[str]` and the like.

    Raises:
        ValueError: it is no JSON, has another form, or is nested too deeply; says what is wrong and where.
    """
    try:
        return _shallow(msgspec.json.decode(data, type=form))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _clear(error) from error


def loads(data: bytes | str) -> Any:
    """Read JSON of any form that this program wrote, NaN included.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return _shallow(json.loads(data))
    except RecursionError as error:
        raise _clear(error) from error


def convert(values: Any, form: type[Form]) -> Form:
    """Bring values that were read already into a form.

    Raises:
        ValueError: they have another form; says what is wrong and where.
    """
    try:
        return msgspec.convert(values, form)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _clear(error) from error


def _shallow(values: Form, depth: int = 0) -> Form:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(values, dict | list):
        for value in values.values() if isinstance(values, dict) else values:
            if isinstance(value, dict | list):
                _shallow(value, depth + 1)
    return values


def _clear(error: Exception) -> ValueError:
    if isinstance(error, RecursionError):
        return ValueError("nested too deeply")
    what, _, where = str(error).replace("`", "").partition(" - at ")
    what = what if what.startswith("JSON") else what[:1].lower() + what[1:]
    place = where.removeprefix("$").removeprefix(".")
    return ValueError(f"{place}: {what}" if place else what)
