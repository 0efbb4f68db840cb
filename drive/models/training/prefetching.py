"""Batches made ahead of time while the network computes."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

AHEAD = 4  # batches that wait

Batches = Callable[[], Iterator[Any]]  # begins them anew


@contextmanager
def prefetched(batches: Batches) -> Iterator[Any]:
    """What `fit` reads batches from: made ahead of time, in the same order, until the block ends.

    On TensorFlow a `tf.data.Dataset`, whose tensors have fixed sizes, which is what trains fastest there; on
    the other backends an iterator fed by a thread.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        yield _dataset(batches)
    else:
        with from_thread(batches) as found:
            yield found


def _dataset(batches: Batches) -> Any:
    """Batches as a `tf.data.Dataset`; each of its iterators begins them anew.

    Not `Dataset.from_generator`: in TensorFlow 2.21 it has the process give freed memory back to the system
    at once (M_TRIM_THRESHOLD = 128 kB), and each step pays for getting it again: 14.6 ms of processor time a
    picture against 7.6 without, PilotNet in batches of 64 on a busy AMD EPYC.
    """
    import tensorflow as tf

    inputs, labels = next(batches())
    first = [np.asarray(values) for values in (*inputs.values(), labels)]
    begun: list[Iterator[Any]] = []  # by the number of their iterator

    def begin() -> Any:
        begun.append(batches())
        return np.int64(len(begun) - 1)

    def take(number: Any) -> list[Any]:
        found, answers = next(begun[number])
        return [*found.values(), answers]

    def batch(number: Any) -> Any:
        tensors = tf.numpy_function(take, [number], [values.dtype for values in first])
        for tensor, values in zip(tensors, first, strict=True):
            tensor.set_shape(values.shape)
        return dict(zip(inputs, tensors, strict=False)), tensors[-1]

    def stream(_: Any) -> Any:
        number = tf.numpy_function(begin, [], tf.int64)
        return tf.data.Dataset.range(tf.int64.max).map(lambda _: batch(number))

    return tf.data.Dataset.range(1).flat_map(stream).prefetch(AHEAD)


@contextmanager
def from_thread(batches: Batches) -> Iterator[Iterator[Any]]:
    """The batches, made by a thread that ends with the block.

    An exception of `batches` is raised where its batch is asked for.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(AHEAD)
    ending = threading.Event()

    def put(batch: Any, problem: BaseException | None) -> None:
        while not ending.is_set():
            try:
                return ready.put((batch, problem), timeout=0.1)
            except queue.Full:
                continue

    def make() -> None:
        try:
            for batch in batches():
                put(batch, None)
                if ending.is_set():
                    return
        except BaseException as problem:
            put(None, problem)

    def take() -> Iterator[Any]:
        while not ending.is_set():  # a reader that runs ahead must not wait for ever
            try:
                batch, problem = ready.get(timeout=0.1)
            except queue.Empty:
                continue
            if problem is not None:
                raise problem
            yield batch

    thread = threading.Thread(target=make, name="batches", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        ending.set()
        thread.join()
