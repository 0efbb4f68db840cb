"""Checks of single fields of a message: each returns the value in its type, or says what it must be."""

from collections.abc import Callable
from typing import Any

Check = Callable[[str, Any], Any]  # (the field's name, what came) -> the value


class ProtocolError(ValueError):
    """A message that is not one of ours; its text is one line for the page."""


def no_constant(word: str) -> float:
    """Refuse NaN and Infinity, which Python's JSON knows and JSON does not."""
    raise ValueError(word)


def number(low: float, high: float) -> Check:
    """A number from `low` to `high`."""

    def check(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ProtocolError(f"{name} must be a number in [{low:g}, {high:g}].")
        return float(value)

    return check


def whole(low: int, high: int) -> Check:
    """A whole number from `low` to `high`."""

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ProtocolError(f"{name} must be a whole number from {low} to {high}.")
        return value

    return check


def flag(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ProtocolError(f"{name} must be true or false.")
    return value


def words(characters: int) -> Check:
    """Text of at most so many characters; those that do not print become spaces."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > characters:
            raise ProtocolError(f"{name} must be text of at most {characters} characters.")
        return " ".join("".join(c if c.isprintable() else " " for c in value).split())

    return check


def one_of(*known: str) -> Check:
    """One of some words."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise ProtocolError(f"{name} must be one of {', '.join(known)}.")
        return value

    return check


def names(name: str, value: Any) -> tuple[str, ...]:
    """A list of names."""
    if not isinstance(value, list) or len(value) > 8:
        raise ProtocolError(f"{name} must be a list of at most 8 names.")
    return tuple(words(100)(name, one) for one in value)


def factor(name: str, value: Any) -> float | str:
    """A share of real time, or "max"."""
    if value == "max":
        return "max"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.01 <= value <= 1.0:
        raise ProtocolError(f'{name} must be a number in [0.01, 1], or "max".')
    return float(value)


def optional(check: Check) -> Check:
    """What a check takes, or null."""
    return lambda name, value: None if value is None else check(name, value)
