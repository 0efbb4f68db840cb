"""The process that learns while a person drives: frames come in, now and then a better policy goes out.

It has a low priority and one thread, so that the steps of the drive keep their pace, and it ends when its
pipe breaks, as it does however the server dies. Only this process imports Keras.
"""

import os
import queue
import signal
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset.layout import ACTION_NAMES, STATE_NAMES
from drive.models.data.columns import pick_inputs
from drive.models.networks.ensemble import ENSEMBLE, MEMBERS
from drive.models.training.ensemble_trainer import EnsembleTrainer
from drive.models.training.replay_buffer import ReplayBuffer

PERCENTILE = 95.0  # of the standard deviation on frames held back: above it, a frame is out of the ordinary
HELD_SAMPLE = 400  # of those frames, drawn for each policy
AT_ONCE = 64  # frames that are taken in between two updates
PROGRESS_S = 1.0  # how often progress is sent
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Sample:
    """A frame and what was to be done there."""

    jpeg: bytes
    state: tuple[float, ...]  # `observation.state` of a dataset, in the order of STATE_NAMES
    command: int  # of the navigation
    action: tuple[float, ...]  # the label, in the order of ACTION_NAMES
    seed: int  # of the scenario


@dataclass(frozen=True)
class OnlineTrainerSettings:
    """How it learns."""

    out: Path  # folder of policy.onnx
    camera: Camera
    labels: str = "action"
    capacity: int = 20_000  # pictures remembered, 40 kB each
    batch_size: int = 32
    balance: float = 0.25  # how much more often rare steering is drawn
    augmented: bool = True
    first_samples: int = 400  # before the first update
    first_updates: int = 200  # before the first policy
    policy_every_s: float = 20.0
    passes: float = 40.0  # over all that was seen; then it waits for more
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the learner stands."""

    samples: int
    updates: int
    loss: float | None  # mean of the last updates


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """A new policy file is there."""

    threshold: float  # of the standard deviation of the heads


@dataclass(frozen=True, slots=True)
class Failed:
    """Why it learns no more."""

    why: str


class _Inbox:
    """Takes samples off the pipe, so that the server never waits, and ends the process when it breaks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._samples: queue.SimpleQueue[Sample] = queue.SimpleQueue()
        self.ended = threading.Event()  # the server wants the last policy
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def _read(self) -> None:
        try:
            while (samples := self._connection.recv()) is not None:
                for sample in samples:
                    self._samples.put(sample)
            self.ended.set()
            self._connection.recv()  # nothing comes any more but the end of the pipe
        except (EOFError, OSError):
            os._exit(0)

    def take(self) -> list[Sample]:
        """What has come, at most AT_ONCE."""
        found: list[Sample] = []
        with suppress(queue.Empty):
            while len(found) < AT_ONCE:
                found.append(self._samples.get_nowait())
        return found


def train_online(connection: Connection, settings: OnlineTrainerSettings) -> None:
    """Learn until the server ends; the process's main function.

    Args:
        connection: lists of `Sample` come in, None for the end; `Progress`, `NewPolicy` and `Failed` go out.
        settings: how it learns.
    """
    with suppress(ValueError):  # not the main thread, in tests
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's; it asks for the last policy
    inbox = _Inbox(connection)
    try:
        _yield_to_others()
        _OnlineTraining(connection, settings, inbox).run()
    except Exception as problem:  # the server reports it and drives on
        why = str(problem) if isinstance(problem, UserError) else f"{type(problem).__name__}: {problem}"
        with suppress(OSError):
            connection.send(Failed(" ".join(why.split())[:300]))


def _yield_to_others() -> None:
    import cv2

    if hasattr(os, "nice"):
        os.nice(10)
    for name in _THREADS:
        os.environ[name] = "1"
    cv2.setNumThreads(1)


class _OnlineTraining:
    """Frames into the replay buffer, batches out of it, and a policy every so often."""

    def __init__(self, connection: Connection, settings: OnlineTrainerSettings, inbox: _Inbox) -> None:
        from drive.models.training.device import choose_device

        self._connection, self._settings, self._inbox = connection, settings, inbox
        choose_device("auto")
        self._trainer = EnsembleTrainer(settings.camera, augmented=settings.augmented, seed=settings.seed)
        buffer_rng = np.random.default_rng((settings.seed, 4))
        self._buffer = ReplayBuffer(self._trainer.network, settings.capacity, MEMBERS, buffer_rng)
        self._seeds: set[int] = set()
        self._frames: NDArray[np.uint8] | None = None  # to compare the file with Keras on
        self._losses: list[float] = []
        self._exported = 0  # updates in the newest policy

    def run(self) -> None:
        """Learn until the server asks for the last policy."""
        settings, trainer, buffer = self._settings, self._trainer, self._buffer
        sent = exported = -float("inf")
        while not self._inbox.ended.is_set():
            self._take_in(self._inbox.take())
            hungry = buffer.seen >= settings.first_samples
            if hungry and trainer.updates * settings.batch_size < settings.passes * buffer.seen:
                self._losses.append(trainer.update(buffer.draw(settings.batch_size, settings.balance)))
            else:
                time.sleep(0.05)
            now = time.monotonic()
            if now - exported > settings.policy_every_s and trainer.updates >= settings.first_updates:
                self._send_policy()
                exported = time.monotonic()
            if now - sent > PROGRESS_S:
                sent = now
                self._send_progress()
        if trainer.updates >= settings.first_updates:
            self._send_policy()
        self._send_progress()

    def _send_progress(self) -> None:
        del self._losses[:-100]
        loss = float(np.mean(self._losses)) if self._losses else None
        self._connection.send(Progress(self._buffer.seen, self._trainer.updates, loss))

    def _take_in(self, samples: list[Sample]) -> None:
        import cv2

        if not samples:
            return
        decoded: list[Any] = [
            cv2.imdecode(np.frombuffer(sample.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB) for sample in samples
        ]
        frames, network = np.stack(decoded), self._trainer.network
        columns = [ACTION_NAMES.index(label) for label in network.labels]
        self._frames = frames[:8]
        self._seeds.update(sample.seed for sample in samples)
        self._buffer.add(
            self._trainer.shrink(frames),
            pick_inputs(
                network,
                np.array([sample.state for sample in samples]),
                STATE_NAMES,
                [sample.command for sample in samples],
            ),
            np.array([sample.action for sample in samples], np.float32)[:, columns],
        )

    def _send_policy(self) -> None:
        """Write the policy file, unless it is as it was, and send which standard deviation is ordinary."""
        trainer, settings = self._trainer, self._settings
        if trainer.updates == self._exported:
            return
        trainer.export(settings.out / "policy.onnx", self._facts(), self._frames)
        self._exported = trainer.updates
        held = self._buffer.draw_held(HELD_SAMPLE)
        threshold = 0.0
        if len(held.pictures):
            threshold = float(np.percentile(trainer.answer(held.pictures, held.inputs)[1], PERCENTILE))
        self._connection.send(NewPolicy(threshold))

    def _facts(self) -> dict[str, Any]:
        settings = asdict(self._settings)
        for name in ("out", "camera"):
            del settings[name]
        return {
            "model": ENSEMBLE.name,
            "members": MEMBERS,
            "taught_by": "drive serve --teach",
            "pictures": self._buffer.seen,
            "updates": self._trainer.updates,
            "training_seeds": sorted(self._seeds),
            "settings": settings,
        }
