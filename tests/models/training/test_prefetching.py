import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from drive.models.training.device import load_tensorflow
from drive.models.training.prefetching import AHEAD, from_thread, prefetched
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


def test_tensorflow_reads_the_same_batches_in_order_and_begins_anew_with_each_iterator() -> None:
    pytest.importorskip("tensorflow")
    load_tensorflow()

    def batches() -> Iterator[Any]:
        for number in range(10**6):
            yield (
                {"pictures": np.full((2, 3), number, np.uint8), "speed": np.ones((2, 1), np.float32)},
                (np.full((2, 1), -number, np.float32)),
            )

    with prefetched(batches) as data:
        for _ in range(2):
            found = [(inputs, labels) for inputs, labels in data.take(5)]
            assert [int(inputs["pictures"][1, 2]) for inputs, _ in found] == [0, 1, 2, 3, 4]
            assert [float(labels[0, 0]) for _, labels in found] == [0, -1, -2, -3, -4]
    inputs, labels = data.element_spec
    assert inputs["pictures"].shape == (2, 3) and inputs["speed"].shape == labels.shape == (2, 1)
