"""Batches made by a thread of their own while the network computes."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

AHEAD = 4  # batches that wait


@contextmanager
def prefetched(batches: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """The same batches, in the same order, made ahead of time; the thread ends with the block.

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
            for batch in batches:
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
