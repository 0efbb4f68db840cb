"""A learner in the drive: which frames it is given, how sure it is, when the drive waits for the person."""

from collections import deque
from collections.abc import Callable
from typing import Any

from drive.agent import DT
from drive.models.training.online_learner import LearnerProcess
from drive.models.training.online_trainer import Sample
from drive.models.training.uncertainty import Autonomy, UncertaintyMonitor
from drive.web.serve.protocol import DELETE_S
from drive.web.serve.simulation import Simulation
from drive.web.serve.step_log import Done

LEARNER = "learner"  # the name of the agent that is being taught
PATIENCE_S = 1.0  # how long it drives on unsure before the simulation waits for the person
GRACE_S = 5.0  # how long it drives on after the person lets it
ERROR_S = 30.0  # of the person's driving that the error is a mean over
SLOW = 0.3  # below this speed nothing is learned: standing pictures are all alike [m/s]


class Teaching:
    """Gives a process that learns the frames of the drive, and measures the agent that it makes.

    Frames are given when they are 5 s old: those that the person deletes meanwhile, and those that led into
    a crash or off the road, never are. With the learner at the wheel and unsure for more than 1 s, `waits`
    holds the simulation until the person takes the wheel or lets it go on.
    """

    def __init__(self, process: LearnerProcess) -> None:
        """Take the process that learns; nothing runs before its `start`."""
        self.process, self.learner = process, process.learner
        self.waits = False
        self._uncertainty, self._autonomy = UncertaintyMonitor(), Autonomy()
        self._errors: deque[float] = deque(maxlen=round(ERROR_S / DT))
        self._grace_s = 0.0
        self._pending: deque[tuple[int, Sample]] = deque()  # younger than 5 s

    # --- the drive, step by step

    def began(self, simulation: Simulation) -> None:
        """A drive stands at its start; what is left of the one before may be learned."""
        self.process.unsent.extend(sample for _, sample in self._pending)
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
        self._uncertainty.update(self.learner.std if answer is not None else None, self.learner.threshold)
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
        elif done.end is None and self._uncertainty.unsure_s > PATIENCE_S and self._grace_s == 0.0:
            self.waits = True
            self._autonomy.taken_over()

    def _keep(self, simulation: Simulation, done: Done, person: bool, jpeg: Callable[[], bytes]) -> None:
        expert = self.process.settings.labels == "expert"
        speed = float(done.row["observation.state"][0])
        while self._pending and self._pending[0][0] <= done.step - round(DELETE_S / DT):
            self.process.unsent.append(self._pending.popleft()[1])
        if (person or expert) and speed > SLOW and not self.process.failed:
            state = tuple(map(float, done.row["observation.state"]))
            action = (done.expert if expert else done.steering, float(done.row["action"][1]))
            command = int(done.row["observation.command"])
            sample = Sample(jpeg(), state, command, action, simulation.choice.seed)
            self._pending.append((done.step, sample))

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
        """The learner got the wheel: what it was unsure of before does not count."""
        self._calm()

    def go_on(self) -> None:
        """Let the learner drive on although it is unsure."""
        self.waits, self._grace_s = False, GRACE_S

    def _calm(self) -> None:
        self.waits, self._grace_s = False, 0.0
        self._uncertainty = UncertaintyMonitor()

    # --- what is sent

    def state(self, simulation: Simulation) -> dict[str, Any]:
        """The field `teach` of the state."""
        progress, pupil = self.process.progress, simulation.pupil
        errors = self._errors
        return {
            "name": LEARNER,
            "phase": self.process.phase,
            "samples": progress.samples,
            "updates": progress.updates,
            "loss": _short(progress.loss),
            "steering": _short(pupil.control.steering if pupil is not None and pupil.control else None),
            "std": _short(self._uncertainty.std),
            "uncertainty": _short(self._uncertainty.share),
            "unsure": self._uncertainty.unsure,
            "waits": self.waits,
            "autonomy": _short(self._autonomy.share),
            "error": _short(sum(errors) / len(errors) if len(errors) >= round(1.0 / DT) else None),
        }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
