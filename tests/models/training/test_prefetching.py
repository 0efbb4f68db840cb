import threading
from collections.abc import Iterator

import pytest

from drive.models.training.prefetching import AHEAD, from_thread
from tests.children import HANG_S


def test_batches_come_in_order_and_ahead_of_time() -> None:
    made: list[int] = []
    ahead = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(10**6):
            made.append(number)
            if number == AHEAD:
                ahead.set()
            yield number

    with from_thread(numbers) as batches:
        assert ahead.wait(HANG_S), "made before any was asked for"
        assert [next(batches) for _ in range(50)] == list(range(50))
    assert len(made) <= 50 + AHEAD + 2
    assert not [thread for thread in threading.enumerate() if thread.name == "batches"]


def test_what_fails_is_raised_where_it_is_asked_for() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("torn")

    with from_thread(numbers) as batches:
        assert next(batches) == 1
        with pytest.raises(ValueError, match="torn"):
            next(batches)
