"""A number that knows whether it means anything."""

from dataclasses import dataclass
from math import isfinite, nan


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured value; `valid` is False when the drive gave nothing to measure it on."""

    value: float
    valid: bool = True

    def __post_init__(self) -> None:
        if self.valid and not isfinite(self.value):
            raise ValueError(f"A valid Metric is finite, got {self.value}; pass valid=False.")

    @property
    def json(self) -> float | None:
        """The value, None where it is not valid."""
        return self.value if self.valid else None


INVALID = Metric(nan, valid=False)
