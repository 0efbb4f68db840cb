"""The thread that drives: does what the page asks for, one control step at a time, and tells of it."""

import queue
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from drive.agent import DT
from drive.core.errors import UserError
from drive.web.serve import messages, protocol
from drive.web.serve.catalog import Choice
from drive.web.serve.commands import Command, DriverCame, DriverLeft, Update, Wake, Watchers
from drive.web.serve.pace import Pace
from drive.web.serve.pictures import Frame, encode_jpeg
from drive.web.serve.protocol import ProtocolError, encode
from drive.web.serve.recorder import HandRecorder
from drive.web.serve.recording_buffer import TakeFacts
from drive.web.serve.report import describe_drive, describe_map
from drive.web.serve.simulation import Done, Simulation
from drive.web.serve.teaching import LEARNER, Teaching

WAITING = 200  # commands of the pages that may wait; more are not heard
DELETE_STEPS = round(protocol.DELETE_S / DT)
BREATH_S = 1.0  # the car stands still in time so long after it was taken back


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
        self._publish = publish
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._hands: tuple[messages.Controls, float] | None = None  # the newest, and when it came
        self._used: messages.Controls | None = None
        self._steps = 0
        self._started = self._held = self._driver = False
        self._watchers = 0
        self._said = ""  # why the simulation waits, as last told
        self._last: Done | None = None
        self._thread = threading.Thread(target=self._run, name="drive", daemon=True)
        self.failure: BaseException | None = None
        self.map_text, self.state_text = "", ""  # what a page that is opened now is told; empty: wait
        self.frame: Frame | None = None

    # --- for other threads

    def start(self) -> None:
        """Let the thread run."""
        self._thread.start()

    def stop(self) -> None:
        """End it; a recording is kept or dropped as was chosen."""
        self._commands.put(None)
        self._thread.join()

    def wait(self) -> BaseException | None:
        """Wait until it ends; what broke it, if something did."""
        self._thread.join()
        return self.failure

    def ask(self, command: Command) -> bool:
        """Do something before one of the next steps; False: too much waits, a page is not heard."""
        if self._commands.qsize() >= WAITING and not isinstance(command, DriverCame | DriverLeft | Watchers):
            return False
        self._commands.put(command)
        return True

    def hands(self, controls: messages.Controls) -> None:
        """What the person's hands do from now on."""
        self._hands = (controls, monotonic())
        if self._said and self._commands.qsize() < WAITING:
            self._commands.put(Wake())

    def say(self, level: str, text: str) -> None:
        """Tell all clients one line."""
        if level == "error":
            self._publish(Update((encode("error", text=text),)))
        else:
            self._publish(Update((encode("event", level=level, text=text),)))

    def recorded(self, level: str, text: str) -> None:
        """Tell what became of a recording, and the state that shows it."""
        self.say(level, text)
        self._commands.put(Wake(tell=True))

    # --- the thread

    def _run(self) -> None:
        try:
            if self._teaching is not None:
                self._teaching.process.start(self.recorded)
            self._loaded()
            while self._take_commands():
                if not self._idle() and self._pace.wait == 0.0:
                    self._step()
        except BaseException as problem:
            self._broke(problem)
        endings = [self._recorder.close] if self._recorder is not None else []
        endings += [self._teaching.process.stop] if self._teaching is not None else []
        for end in endings:
            try:
                end()
            except BaseException as problem:
                self._broke(problem)

    def _broke(self, problem: BaseException) -> None:
        """The thread ends: whoever runs the server ends it too, and says why (`failure`)."""
        self.failure = self.failure or problem
        self.say("error", f"The simulation broke: {type(problem).__name__}: {problem}; start it again.")

    def _take_commands(self) -> bool:
        """Do what was asked until the next step is due; False at the end."""
        idle = self._idle()
        while True:
            try:
                timeout = 0.1 if idle else self._pace.wait
                command = self._commands.get(timeout > 0.0, timeout or None)
            except queue.Empty:
                self._tell_idle()
                return True
            if command is None:
                return False
            try:
                self._do(command)
            except (UserError, ProtocolError) as error:
                self.say("error", str(error))
            if isinstance(command, Wake) and not command.tell:
                self._tell_idle()
            else:
                self._tell()
            idle = self._idle()
            if not idle and self._pace.wait == 0.0:
                return True  # those that wait do not keep a step from being driven

    def _idle(self) -> bool:
        return bool(self._why())

    def _why(self) -> str:
        """Why no step is driven now; empty: one is."""
        simulation = self._simulation
        if simulation.end is not None:
            return "The drive is over: start it again, or take the next one."
        if not self._started:
            return "Ready: start the drive."
        if self._held:
            return "Held: go on when you like."
        if not simulation.person_drives:
            if self._teaching is not None and self._teaching.waits:
                return "The learner is unsure: take the wheel (steer, or T), or let it go on (H)."
            return "" if self._watchers else "Nobody watches."
        if not self._driver:
            return "Nobody is at the wheel: claim it."
        if self._hands is None or monotonic() - self._hands[1] > protocol.CONTROLS_WITHIN_S:
            return "No controls arrive: the simulation waits for the page."
        return ""

    def _mode(self, why: str) -> str:
        if self._simulation.end is not None:
            return "ended"
        if not self._started or (self._simulation.person_drives and not self._driver):
            return "waiting"
        return "held" if why else "driving"

    def _step(self) -> None:
        simulation, hands = self._simulation, self._hands
        self._pace.stepped()
        controls = hands[0] if hands is not None and simulation.person_drives else None
        wheel = simulation.at_wheel
        failures = {passenger.failure for passenger in simulation.passengers()}
        done = simulation.step(
            controls.steering if controls is not None else 0.0,
            controls.pedals if controls is not None else 0.0,
        )
        self._steps += 1
        echo = None
        if controls is not None and controls is not self._used:
            echo, self._used = controls.t, controls
        recorded = self.frame
        self._last, self.frame = done, Frame(self._steps, echo, simulation.observation["camera"])
        picture = (
            recorded if recorded is not None and recorded.rgb is done.camera else Frame(0, None, done.camera)
        )
        self._record(done, picture)
        if self._teaching is not None:
            self._teaching.stepped(simulation, done, picture.jpeg)
        self._tell(picture=True)
        for passenger in simulation.passengers():
            if passenger.failure is not None and passenger.failure not in failures:
                self.say("warning", passenger.failure + ".")
        if simulation.at_wheel != wheel:
            self.say("warning", f"{wheel} let go of the wheel: you drive.")
        if done.end is not None:
            self._ended(done.end, done.step)

    def _record(self, done: Done, frame: Frame) -> None:
        """Keep the frame that the step was driven on."""
        if self._recorder is None or self._recorder.mode != "on":
            return
        pictures = {"observation.images.front": frame.jpeg()}
        if done.view is not None:
            pictures["observation.images.view"] = encode_jpeg(done.view)
        self._recorder.add(done.step, done.row, pictures)

    def _ended(self, end: str, step: int) -> None:
        if self._recorder is not None:
            self._recorder.end_drive(end, step)
        said = {
            "goal": ("info", "You have arrived."),
            "collision": ("warning", "A collision ended the drive."),
            "off_road": ("warning", "The car left the road, which ended the drive."),
            "timeout": ("warning", "The time for this drive is over."),
        }
        self.say(*said[end])
        self._tell()

    # --- what is asked for

    def _do(self, command: Command) -> None:
        simulation, recorder = self._simulation, self._recorder
        match command:
            case messages.Start() | messages.Restart():
                self._load(simulation.catalog.chosen(simulation.choice, command))
            case messages.Takeover(on=on):
                self._take_wheel(on)
            case messages.Pace(factor=factor):
                self._pace.factor = factor
            case messages.Hold(on=on):
                self._held = on
                if self._teaching is not None and self._teaching.waits and not on:
                    self._teaching.go_on()
            case messages.Record():
                if recorder is None:
                    raise ProtocolError("There is no dataset: start the server with --data DIR to record.")
                self._record_action(recorder, command)
            case DriverCame():
                self._driver = True
            case DriverLeft(lost=lost):
                self._driver, self._hands = False, None
                if recorder is not None:
                    recorder.lost() if lost else recorder.stop()
            case Watchers(count=count):
                self._watchers = count

    def _take_wheel(self, person: bool) -> None:
        simulation, teaching = self._simulation, self._teaching
        before = simulation.at_wheel
        if not simulation.take_wheel(person):
            if simulation.agent is not None and not simulation.agent.ready:
                raise ProtocolError("The learner has seen too little to drive: go on driving.")
            raise ProtocolError("No agent is chosen: start a drive with one, then let go of the wheel.")
        if teaching is None or simulation.at_wheel == before:
            return
        if before == LEARNER:
            if teaching.waits:
                self._pace.delay(BREATH_S)
            teaching.took_wheel()
        elif simulation.at_wheel == LEARNER:
            teaching.gave_wheel()

    def _load(self, choice: Choice) -> None:
        fresh = self._simulation.drive_step == 0 and self._simulation.end is None
        if not (fresh and choice == self._simulation.choice and not self._started):
            self.say("info", "Loading the drive ...")
            self._simulation.load(choice)
            self._loaded()
        self._started, self._held = True, False
        self._pace.delay(DT)

    def _loaded(self) -> None:
        """A drive stands at its start: tell its map and its first picture."""
        simulation = self._simulation
        self._last = None
        if self._teaching is not None:
            self._teaching.began(simulation)
        if self._recorder is not None:
            scenario = simulation.scenario
            self._recorder.begin_drive(
                TakeFacts(
                    seed=scenario.seed,
                    scenario=scenario.name,
                    weather=scenario.weather,
                    map=simulation.map_name,
                    driver=simulation.choice.agent,
                )
            )
        self.frame = Frame(self._steps, None, simulation.observation["camera"])
        self.map_text = encode("map", **describe_map(simulation))
        self._publish(Update((self.map_text,)))
        self._tell(picture=True)

    def _record_action(self, recorder: HandRecorder, message: messages.Record) -> None:
        recorder.describe(keep=message.keep_on_disconnect, person=message.person, note=message.note)
        match message.action:
            case "start":
                recorder.start()
            case "pause":
                recorder.pause()
            case "resume":
                recorder.resume()
            case "stop":
                recorder.stop()
            case "discard":
                recorder.discard()
            case "mark_begin" | "mark_end":
                recorder.marked = message.action == "mark_begin"
            case "delete_last_5s":
                self._delete(recorder)

    def _delete(self, recorder: HandRecorder) -> None:
        deleted, first = recorder.cut(DELETE_STEPS)
        if first is None:
            raise ProtocolError("Nothing is being recorded: there is nothing to delete.")
        simulation = self._simulation
        back = simulation.rewind(first)
        if self._teaching is not None:
            self._teaching.deleted(first)
        if back:
            self._last = None
            self.frame = Frame(self._steps, None, simulation.observation["camera"])
            self._pace.delay(BREATH_S)
        where = "the car is back where they began" if back else "the car stays where it is"
        self.say("info", f"Deleted the last {deleted * DT:.1f} s ({deleted} frames); {where}.")
        self._tell(picture=True)

    # --- what is told

    def _tell_idle(self) -> None:
        """Say why the simulation waits, once it has changed."""
        if self._why() != self._said:
            self._tell()

    def _tell(self, *, picture: bool = False) -> None:
        self._said = self._why()
        self.state_text = encode("state", **self._state(self._said, picture))
        self._publish(Update(state=self.state_text, frame=self.frame if picture else None))

    def _state(self, why: str, fresh: bool) -> dict[str, Any]:
        last, frame = self._last, self.frame
        return {
            "step": self._steps,
            "mode": self._mode(why),
            "why": why,
            "held": self._held,
            "steering": round(last.steering, 4) if last else 0.0,
            "acceleration": round(last.acceleration, 4) if last else 0.0,
            "expert_steering": round(last.expert, 4) if last else None,
            "recording": self._recorder.status() if self._recorder is not None else None,
            "teach": self._teaching.state(self._simulation) if self._teaching is not None else None,
            "echo": frame.echo if frame is not None and fresh else None,
            "rate_hz": round(self._pace.rate, 2),
            "pace": self._pace.factor,
            **describe_drive(self._simulation),
        }
