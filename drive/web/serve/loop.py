"""The thread that drives: does what the page asks for, one control step at a time, and sends the state."""

import queue
import threading
from collections.abc import Callable
from time import monotonic

from drive.core.errors import UserError
from drive.web.serve import messages
from drive.web.serve.agent_process import ACT_S
from drive.web.serve.commands import Command, DriverCame, DriverLeft, Update, Wake, Watchers
from drive.web.serve.pace import Pace
from drive.web.serve.page_drive import PageDrive
from drive.web.serve.protocol import ProtocolError
from drive.web.serve.recorder import HandRecorder
from drive.web.serve.simulation import Simulation
from drive.web.serve.teaching import Teaching

MAX_WAITING = 200  # commands of the pages that may wait; more are refused


class Loop:
    """Advances the simulation step by step in a thread of its own.

    A step is driven when it is due, somebody watches, and whoever has the wheel is there: a person whose
    controls are not older than two seconds, or an agent. Otherwise the simulation waits; it never skips.
    """

    def __init__(
        self,
        simulation: Simulation,
        recorder: HandRecorder | None,
        publish: Callable[[Update], None],
        pace: Pace,
        teaching: Teaching | None = None,
    ) -> None:
        self._simulation, self._recorder, self._pace = simulation, recorder, pace
        self._teaching = teaching
        self.drive = PageDrive(simulation, recorder, publish, pace, teaching)
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="drive", daemon=True)
        self.failure: BaseException | None = None

    # --- for other threads

    def start(self) -> None:
        """Let the thread run."""
        self._thread.start()

    def stop(self) -> None:
        """End it; a recording is kept or dropped as was chosen."""
        self._commands.put(None)
        self._thread.join(2.0 * ACT_S)
        if self._thread.is_alive():  # an agent that is loading or hangs does not keep the server from ending
            self._simulation.interrupt()
            self._thread.join()

    def wait(self) -> BaseException | None:
        """Wait until it ends; what broke it, if something did."""
        self._thread.join()
        return self.failure

    def ask(self, command: Command) -> bool:
        """Do something before one of the next steps; False: too much waits."""
        if self._commands.qsize() >= MAX_WAITING and not isinstance(
            command, DriverCame | DriverLeft | Watchers
        ):
            return False
        self._commands.put(command)
        return True

    def steer(self, controls: messages.Controls) -> None:
        """Use these controls of the person from now on."""
        self.drive.readiness.newest = (controls, monotonic())
        if self.drive.reason and self._commands.qsize() < MAX_WAITING:
            self._commands.put(Wake())

    def notify_and_refresh(self, level: str, text: str) -> None:
        """Send one line to all pages, and the state that goes with it."""
        self.drive.notify(level, text)
        self._commands.put(Wake(send_state=True))

    # --- the thread

    def _run(self) -> None:
        try:
            if self._teaching is not None:
                self._teaching.process.start(self.notify_and_refresh)
            self.drive.begin()
            while self._take_commands():
                if not self.drive.readiness.reason() and self._pace.wait == 0.0:
                    self.drive.drive_step()
        except BaseException as problem:
            self._broke(problem)
        endings = [self._simulation.close]
        endings += [self._recorder.close] if self._recorder is not None else []
        endings += [self._teaching.process.stop] if self._teaching is not None else []
        for end in endings:
            try:
                end()
            except BaseException as problem:
                self._broke(problem)

    def _broke(self, problem: BaseException) -> None:
        """The thread ends: whoever runs the server ends it too, and says why (`failure`)."""
        self.failure = self.failure or problem
        self.drive.notify(
            "error", f"The simulation broke: {type(problem).__name__}: {problem}; start it again."
        )

    def _take_commands(self) -> bool:
        """Do what was asked until the next step is due; False at the end."""
        idle = bool(self.drive.readiness.reason())
        while True:
            try:
                timeout = 0.1 if idle else self._pace.wait
                command = self._commands.get(timeout > 0.0, timeout or None)
            except queue.Empty:
                self.drive.send_changed_reason()
                return True
            if command is None:
                return False
            try:
                self.drive.do(command)
            except (UserError, ProtocolError) as error:
                self.drive.notify("error", str(error))
            if isinstance(command, Wake) and not command.send_state:
                self.drive.send_changed_reason()
            else:
                self.drive.send_state()
            idle = bool(self.drive.readiness.reason())
            if not idle and self._pace.wait == 0.0:
                return True  # those that wait do not keep a step from being driven
