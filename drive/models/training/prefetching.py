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
    import tensorflow as tf

    def spec(values: Any) -> Any:
        return tf.TensorSpec(values.shape, np.asarray(values).dtype)

    inputs, labels = next(batches())
    signature = ({name: spec(values) for name, values in inputs.items()}, spec(labels))
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(AHEAD)


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
