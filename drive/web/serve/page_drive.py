"""The drive as the pages see it: what they ask for is done, what becomes of it is recorded and sent."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from drive.agent import DT
from drive.web.serve import messages, protocol
from drive.web.serve.catalog import Choice
from drive.web.serve.commands import Command, DriverCame, DriverLeft, Update, Watchers
from drive.web.serve.pace import Pace
from drive.web.serve.pictures import DisplayGate, Frame, encode_jpeg
from drive.web.serve.protocol import ProtocolError, encode
from drive.web.serve.readiness import Readiness
from drive.web.serve.recorder import HandRecorder
from drive.web.serve.recording_buffer import RecordingFacts
from drive.web.serve.report import describe_drive, describe_map
from drive.web.serve.simulation import Simulation
from drive.web.serve.step_log import Done
from drive.web.serve.teaching import LEARNER, Teaching

DELETE_STEPS = round(protocol.DELETE_S / DT)
ENDINGS = {  # level and text of the event
    "goal": ("info", "You have arrived."),
    "collision": ("warning", "A collision ended the drive."),
    "off_road": ("warning", "The car left the road, which ended the drive."),
    "timeout": ("warning", "The time for this drive is over."),
}
BREATH_S = 1.0  # after the car was taken back, the next step waits for so long


class PageDrive:
    """Joins the simulation with what is recorded, taught and sent to all pages.

    Args:
        simulation: what is driven.
        recorder: where frames go; None: there is no dataset.
        publish: sends to all pages.
        pace: the clock of the steps.
        teaching: the learner beside the drive, if there is one.
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
        self._teaching, self._publish = teaching, publish
        self.readiness = Readiness(simulation, teaching)
        self.reason = ""  # why the simulation waits, as last sent
        self._used: messages.Controls | None = None
        self._steps = 0
        self._failures: set[str] = set()  # of agents, as last sent
        self._last: Done | None = None
        self.map_text, self.state_text = "", ""  # what a page that is opened now is sent; empty: wait
        self.frame: Frame | None = None
        self.display_wanted = False  # whether a page takes the picture for people; other threads set it
        self._display_gate = DisplayGate()

    def notify(self, level: str, text: str) -> None:
        """Send one line to all pages."""
        if level == "error":
            self._publish(Update((encode("error", text=text),)))
        else:
            self._publish(Update((encode("event", level=level, text=text),)))

    def drive_step(self) -> None:
        """Drive one control step; record, teach and send what came of it."""
        simulation, newest = self._simulation, self.readiness.newest
        self._pace.stepped()
        controls = newest[0] if newest is not None and simulation.person_drives else None
        wheel = simulation.at_wheel
        done = simulation.step(
            controls.steering if controls is not None else 0.0,
            controls.pedals if controls is not None else 0.0,
        )
        self._steps += 1
        echo = None
        if controls is not None and controls is not self._used:
            echo, self._used = controls.t, controls
        recorded = self.frame
        self._last, self.frame = done, self._picture(echo)
        picture = (
            recorded if recorded is not None and recorded.rgb is done.camera else Frame(0, None, done.camera)
        )
        self._record(done, picture)
        if self._teaching is not None:
            self._teaching.stepped(simulation, done, picture.jpeg)
        self.send_state(picture=True)
        self._notify_failures()
        if simulation.at_wheel != wheel:
            self.notify("warning", f"{wheel} let go of the wheel: you drive.")
        if done.end is not None:
            self._ended(done.end, done.step)

    def _picture(self, echo: float | None = None) -> Frame:
        """What is seen now, sharper for people where a page takes it and the drive is not late for it."""
        simulation = self._simulation
        wanted = simulation.has_display and self.display_wanted and self._pace.factor != "max"
        sharper = wanted and self._display_gate.open(self._pace.late, monotonic())
        display = simulation.look() if sharper else None
        return Frame(self._steps, echo, simulation.observation["camera"], display)

    def _notify_failures(self) -> None:
        """Name the agents that have failed since the last time."""
        failures = {agent.failure for agent in self._simulation.agents() if agent.failure is not None}
        for failure in sorted(failures - self._failures):
            self.notify("warning", failure + ".")
        self._failures = failures

    def _record(self, done: Done, frame: Frame) -> None:
        """Keep the frame that the step was driven on."""
        if self._recorder is None or self._recorder.mode != "on":
            return
        pictures = {"observation.images.front": frame.jpeg()}
        if done.view is not None:
            pictures["view.image"] = encode_jpeg(done.view)
        self._recorder.add(done.step, done.row, pictures)

    def _ended(self, end: str, step: int) -> None:
        if self._recorder is not None:
            self._recorder.end_drive(end, step)
        self.notify(*ENDINGS[end])
        self.send_state()

    # --- what is asked for

    def do(self, command: Command) -> None:
        """Do what a page asked for.

        Raises:
            UserError: a drive cannot be loaded.
            ProtocolError: it cannot be done now.
        """
        simulation, recorder = self._simulation, self._recorder
        match command:
            case messages.Start() | messages.Restart():
                self._load(simulation.catalog.chosen(simulation.choice, command))
            case messages.Takeover(on=on):
                self._take_wheel(on)
            case messages.Pace(factor=factor):
                self._pace.factor = factor
            case messages.Hold(on=on):
                self.readiness.held = on
                if self._teaching is not None and self._teaching.waits and not on:
                    self._teaching.go_on()
            case messages.Record():
                if recorder is None:
                    raise ProtocolError("There is no dataset: start the server with --data DIR to record.")
                self._record_action(recorder, command)
            case DriverCame():
                self.readiness.driver = True
            case DriverLeft(lost=lost):
                self.readiness.driver, self.readiness.newest = False, None
                if recorder is not None:
                    recorder.lost() if lost else recorder.stop()
            case Watchers(count=count):
                self.readiness.watchers = count

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
        if not (fresh and choice == self._simulation.choice and not self.readiness.started):
            self.notify("info", "Loading the drive ...")
            self._simulation.load(choice)
            self.begin()
        self.readiness.started, self.readiness.held = True, False
        self._pace.delay(DT)

    def begin(self) -> None:
        """A drive stands at its start: send its map and its first picture."""
        simulation = self._simulation
        self._last = None
        if self._teaching is not None:
            self._teaching.began(simulation)
        if self._recorder is not None:
            scenario = simulation.scenario
            self._recorder.begin_drive(
                RecordingFacts(
                    seed=scenario.seed,
                    scenario=scenario.name,
                    weather=scenario.weather,
                    map=simulation.map_name,
                    driver=simulation.choice.agent,
                )
            )
        self.frame = self._picture()
        self.map_text = encode("map", **describe_map(simulation))
        self._publish(Update((self.map_text,)))
        self._failures.clear()
        self._notify_failures()
        self.send_state(picture=True)

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
        if self._teaching is not None:
            self._teaching.deleted(first)
        simulation = self._simulation
        back = simulation.rewind(first)
        if back:
            self._last = None
            self.frame = self._picture()
            self._pace.delay(BREATH_S)
        where = "the car is back where they began" if back else "the car stays where it is"
        self.notify("info", f"Deleted the last {deleted * DT:.1f} s ({deleted} frames); {where}.")
        self.send_state(picture=True)

    # --- what is sent

    def send_changed_reason(self) -> None:
        """Send the state if the reason why the simulation waits has changed."""
        if self.readiness.reason() != self.reason:
            self.send_state()

    def send_state(self, *, picture: bool = False) -> None:
        """Send the state, and the newest picture where it is new."""
        self.reason = self.readiness.reason()
        self.state_text = encode("state", **self._state(self.reason, picture))
        self._publish(Update(state=self.state_text, frame=self.frame if picture else None))

    def _state(self, reason: str, fresh: bool) -> dict[str, Any]:
        last, frame = self._last, self.frame
        return {
            "step": self._steps,
            "mode": self.readiness.mode(reason),
            "why": reason,
            "held": self.readiness.held,
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
