"""A network that learns beside a drive: the process that trains it, the agent that drives by its policy."""

import threading
from collections import deque
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from drive.agent import Context, Control, Observation
from drive.core.errors import UserError
from drive.core.files import PART, refuse_other_things
from drive.models.policy import OnnxPolicy
from drive.models.training.online_trainer import (
    Failed,
    NewPolicy,
    OnlineTrainerSettings,
    Progress,
    Sample,
    train_online,
)

MAX_UNSENT = 2400  # frames that wait while the process starts; of more, the oldest are dropped
END_S = 20.0  # how long the last policy may take [s]

Notify = Callable[[str, str], None]  # (level, text): one line for the user


class OnlineLearner:
    """The agent: the newest policy of the process that learns. Until there is one, it is not ready."""

    def __init__(self) -> None:
        self._newest: tuple[OnnxPolicy, float] | None = None
        self.std: float | None = None  # of the heads' steering, on the frame seen last

    @property
    def ready(self) -> bool:
        """Whether it can drive."""
        return self._newest is not None

    @property
    def threshold(self) -> float:
        """What the standard deviation rarely exceeds on frames like those it learned from."""
        return self._newest[1] if self._newest is not None else float("inf")

    def replace(self, policy: OnnxPolicy, threshold: float) -> None:
        """Drive by a newer policy from the next step on."""
        self._newest = (policy, threshold)

    def reset(self, context: Context) -> None:
        """Nothing to forget: each picture is answered by itself."""
        self.std = None

    def act(self, observation: Observation) -> Control:
        """Steering of the newest policy.

        Raises:
            AgentFailure: it is not a number.
        """
        if self._newest is None:
            raise RuntimeError("The learner has learned nothing yet.")
        values = self._newest[0].run(observation)
        self.std = values.get("steering_std")
        return self._newest[0].control(values, observation)


class LearnerProcess:
    """Runs `train_online` in a process of its own: samples go to it, policies come back."""

    def __init__(self, settings: OnlineTrainerSettings) -> None:
        """Set it up; nothing runs before `start`.

        Args:
            settings: how it learns, and the folder for its policy.

        Raises:
            UserError: the folder holds other things, or training is not installed.
        """
        from drive.models.training.device import require_training

        require_training()
        out = settings.out
        refuse_other_things(out, "give --teach a new or empty folder")
        out.mkdir(parents=True, exist_ok=True)
        self.settings, self.learner = settings, OnlineLearner()
        self.unsent: deque[Sample] = deque(maxlen=MAX_UNSENT)
        self.progress = Progress(0, 0, None)
        self.failed = False
        self._target = train_online  # the process's main function
        self._notify: Notify = lambda level, text: None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: Any = None

    def start(self, notify: Notify) -> None:
        """Let the process begin; `notify` takes one line for the user and may be called by another thread."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self._notify = notify
        self._process = context.Process(
            target=self._target, args=(theirs, self.settings), name="learner", daemon=True
        )
        self._process.start()
        theirs.close()
        self._thread = threading.Thread(target=self._exchange, args=(ours,), name="learner", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the process that learns."""
        return self._process.pid if self._process is not None else None

    def stop(self) -> None:
        """End the process; what it has learned by then becomes the policy file."""
        if self._process is None or self._thread is None:
            return
        self._ending.set()
        if self.progress.updates >= self.settings.first_updates:
            self._thread.join(END_S)
        self._process.kill()
        self._process.join()
        self._thread.join()
        for unfinished in self.settings.out.glob(f"*{PART}"):  # what it was writing
            unfinished.unlink(missing_ok=True)
        self._process.close()
        self._process = None

    def _exchange(self, connection: Connection) -> None:
        """Send what is to be learned, hear how it goes, until the pipe breaks."""
        told = False
        with connection:
            try:
                while True:
                    if connection.poll(0.2):
                        self._receive(connection.recv())
                    samples = [self.unsent.popleft() for _ in range(len(self.unsent))]
                    if samples and not told:
                        connection.send(samples)
                    if self._ending.is_set() and not told:
                        connection.send(None)
                        told = True
            except UserError as problem:  # the policy file does not load
                self._fail(str(problem))
            except (EOFError, OSError):
                if not self._ending.is_set() and not self.failed:
                    self._fail("its process ended")

    def _receive(self, message: Progress | NewPolicy | Failed) -> None:
        match message:
            case Progress():
                self.progress = message
            case NewPolicy(threshold=threshold):
                first = not self.learner.ready
                self.learner.replace(OnnxPolicy(self.settings.out / "policy.onnx"), threshold)
                if first:
                    self._notify("info", "The learner can drive now: let go of the wheel to see (T).")
            case Failed(why=why):
                self._fail(why)

    def _fail(self, why: str) -> None:
        self.failed = True
        self._notify("warning", f"The learner learns no more: {why}.")

    @property
    def phase(self) -> str:
        """`waiting` for frames, `learning`, `ready` to drive, or `stopped` for good."""
        if self.failed:
            return "stopped"
        if self.learner.ready:
            return "ready"
        return "learning" if self.progress.updates else "waiting"
