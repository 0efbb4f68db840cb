"""The server's side of a learner: what it is shown, what it answers, when it asks for help."""

import threading
from collections import deque
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from drive.agent import DT, Context, Control, Observation
from drive.core.errors import UserError
from drive.models.policy import OnnxPolicy
from drive.models.training.online_trainer import (
    Broken,
    OnlineTrainerSettings,
    Progress,
    Sample,
    Taught,
    teach,
)
from drive.models.training.uncertainty import Autonomy, UncertaintyMonitor
from drive.web.serve.protocol import DELETE_S
from drive.web.serve.simulation import Done, Simulation

LEARNER = "learner"  # the name of the agent that is being taught
PATIENCE_S = 1.0  # how long it drives on unsure before the simulation waits for the person
GRACE_S = 5.0  # how long it drives on when it is told to go on
ERROR_S = 30.0  # of the person's driving that the error is a mean over
SLOW = 0.3  # below this speed nothing is learned: standing pictures are all alike [m/s]
UNSENT = 2400  # frames that wait while the learner starts; of more, the oldest are dropped
END_S = 10.0  # how long the last policy may take

Say = Callable[[str, str], None]  # (level, text): one line for the page


class Learner:
    """The agent: the newest policy of the process that learns. Until there is one, it is not ready."""

    def __init__(self) -> None:
        self._newest: tuple[OnnxPolicy, float] | None = None
        self.spread: float | None = None  # of the heads, on the frame seen last

    @property
    def ready(self) -> bool:
        """Whether it can drive."""
        return self._newest is not None

    @property
    def threshold(self) -> float:
        """What the spread rarely exceeds on frames like those it learned from."""
        return self._newest[1] if self._newest is not None else float("inf")

    def replace(self, policy: OnnxPolicy, threshold: float) -> None:
        """Drive by a newer policy from the next step on."""
        self._newest = (policy, threshold)

    def reset(self, context: Context) -> None:
        """Nothing to forget: each picture is answered by itself."""
        self.spread = None

    def act(self, observation: Observation) -> Control:
        """Steering of the newest policy.

        Raises:
            AgentFailure: it is not a number.
        """
        if self._newest is None:
            raise RuntimeError("The learner has learned nothing yet.")
        values = self._newest[0].run(observation)
        self.spread = values.get("spread")
        return self._newest[0].control(values)


class Teaching:
    """Shows a process of its own what the person does, and drives by what it makes of it.

    Frames are shown when they are 5 s old: those that the person deletes meanwhile, and those that led into
    a crash or off the road, never are. With the learner at the wheel and unsure for more than 1 s, `waits`
    holds the simulation until the person takes the wheel or lets it go on.
    """

    def __init__(
        self,
        lessons: OnlineTrainerSettings,
        target: Callable[[Connection, OnlineTrainerSettings], None] | None = None,
    ) -> None:
        """Set it up; nothing runs before `start`.

        Args:
            lessons: how it learns, and the folder for its policy.
            target: the process's main function; None: `teach`.

        Raises:
            UserError: the folder holds other things, or training is not installed.
        """
        from drive.models.training.device import require_training

        require_training()
        out = lessons.out
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"--teach {out} holds other things: give a new or empty folder")
        out.mkdir(parents=True, exist_ok=True)
        self.lessons, self.learner = lessons, Learner()
        self.waits = False
        self._target = target or teach
        self._say: Say = lambda level, text: None
        self._doubt, self._autonomy = UncertaintyMonitor(), Autonomy()
        self._errors: deque[float] = deque(maxlen=round(ERROR_S / DT))
        self._grace_s = 0.0
        self._pending: deque[tuple[int, Sample]] = deque()  # younger than 5 s
        self._unsent: deque[Sample] = deque(maxlen=UNSENT)
        self._progress = Progress(0, 0, None)
        self._broken = False
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: Any = None

    # --- the process

    def start(self, say: Say) -> None:
        """Let the process begin; `say` tells the pages one line and may be called by another thread."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        self._say = say
        self._process = context.Process(
            target=self._target, args=(theirs, self.lessons), name="learner", daemon=True
        )
        self._process.start()
        theirs.close()
        self._thread = threading.Thread(target=self._talk, args=(ours,), name="teaching", daemon=True)
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
        if self._progress.updates >= self.lessons.first_updates:
            self._thread.join(END_S)
        self._process.kill()
        self._process.join()
        self._thread.join()
        self._process.close()
        self._process = None

    def _talk(self, connection: Connection) -> None:
        """Send what is to be learned, hear how it goes, until the pipe breaks."""
        told = False
        with connection:
            try:
                while True:
                    if connection.poll(0.2):
                        self._hear(connection.recv())
                    samples = [self._unsent.popleft() for _ in range(len(self._unsent))]
                    if samples and not told:
                        connection.send(samples)
                    if self._ending.is_set() and not told:
                        connection.send(None)
                        told = True
            except UserError as problem:  # the policy file does not load
                self._fail(str(problem))
            except (EOFError, OSError):
                if not self._ending.is_set() and not self._broken:
                    self._fail("its process ended")

    def _hear(self, message: Progress | Taught | Broken) -> None:
        match message:
            case Progress():
                self._progress = message
            case Taught(threshold=threshold):
                first = not self.learner.ready
                self.learner.replace(OnnxPolicy(self.lessons.out / "policy.onnx"), threshold)
                if first:
                    self._say("info", "The learner can drive now: let go of the wheel to see (T).")
            case Broken(why=why):
                self._fail(why)

    def _fail(self, why: str) -> None:
        self._broken = True
        self._say("warning", f"The learner learns no more: {why}.")

    # --- the drive, step by step

    def began(self, simulation: Simulation) -> None:
        """A drive stands at its start; what is left of the one before may be learned."""
        self._unsent.extend(sample for _, sample in self._pending)
        self._pending.clear()
        self._calm()

    def stepped(self, simulation: Simulation, done: Done, jpeg: Callable[[], bytes]) -> None:
        """One step was driven.

        Args:
            simulation: after it.
            done: what was seen and done.
            jpeg: gives the picture that was seen.
        """
        pupil, person = simulation.pupil, bool(done.row["intervention"])
        answer = pupil.control if pupil is not None else None
        self._doubt.update(self.learner.spread if answer is not None else None, self.learner.threshold)
        drives = not person and pupil is not None and pupil is simulation.agent
        if person and answer is not None:
            self._errors.append(abs(answer.steering - done.steering))
        if drives:
            self._driven(simulation, done)
        self._keep(simulation, done, person, jpeg)
        if done.end in ("collision", "off_road"):
            self._pending.clear()

    def _driven(self, simulation: Simulation, done: Done) -> None:
        """The learner drove: count it, and ask for help if it must."""
        self._autonomy.drove(simulation.in_lane)
        self._grace_s = max(self._grace_s - DT, 0.0)
        if done.end in ("collision", "off_road"):
            self._autonomy.taken_over()
        elif done.end is None and self._doubt.unsure_s > PATIENCE_S and self._grace_s == 0.0:
            self.waits = True
            self._autonomy.taken_over()

    def _keep(self, simulation: Simulation, done: Done, person: bool, jpeg: Callable[[], bytes]) -> None:
        expert = self.lessons.labels == "expert"
        speed = float(done.row["observation.state"][0])
        while self._pending and self._pending[0][0] <= done.step - round(DELETE_S / DT):
            self._unsent.append(self._pending.popleft()[1])
        if (person or expert) and speed > SLOW and not self._broken:
            label = done.expert if expert else done.steering
            self._pending.append((done.step, Sample(jpeg(), speed, label, simulation.choice.seed)))

    def deleted(self, first: int) -> None:
        """The person deleted the steps from `first` on."""
        while self._pending and self._pending[-1][0] >= first:
            self._pending.pop()
        self._calm()

    def took_wheel(self) -> None:
        """The person took the wheel from the learner."""
        if not self.waits:  # asking for help was counted already
            self._autonomy.taken_over()
        self._calm()

    def gave_wheel(self) -> None:
        """The learner got the wheel: what it doubted before does not count."""
        self._calm()

    def go_on(self) -> None:
        """Let the learner drive on although it is unsure."""
        self.waits, self._grace_s = False, GRACE_S

    def _calm(self) -> None:
        self.waits, self._grace_s = False, 0.0
        self._doubt = UncertaintyMonitor()

    # --- what is told

    @property
    def phase(self) -> str:
        """`waiting` for frames, `learning`, `ready` to drive, or `stopped` for good."""
        if self._broken:
            return "stopped"
        if self.learner.ready:
            return "ready"
        return "learning" if self._progress.updates else "waiting"

    def state(self, simulation: Simulation) -> dict[str, Any]:
        """The field `teach` of the state."""
        progress, pupil = self._progress, simulation.pupil
        errors = self._errors
        return {
            "name": LEARNER,
            "phase": self.phase,
            "samples": progress.samples,
            "updates": progress.updates,
            "loss": _short(progress.loss),
            "steering": _short(pupil.control.steering if pupil is not None and pupil.control else None),
            "spread": _short(self._doubt.std),
            "doubt": _short(self._doubt.share),
            "unsure": self._doubt.unsure,
            "waits": self.waits,
            "autonomy": _short(self._autonomy.share),
            "error": _short(sum(errors) / len(errors) if len(errors) >= round(1.0 / DT) else None),
        }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
