"""Fixtures of this folder; `tests/test_train.py` shares them."""

from tests.models.fixtures import lines, trained

__all__ = ["lines", "trained"]
