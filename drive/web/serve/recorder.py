"""Recording by hand: start, pause, delete the last seconds, mark, stop, and what a lost person leaves."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Any

from drive.agent import DT
from drive.camera import Camera
from drive.dataset.layout import JOURNAL_SUFFIX
from drive.episode import FAILED_ENDS
from drive.web.serve.coverage import Coverage, coverage_of, coverage_of_dataset
from drive.web.serve.recording_buffer import Frame, RecordingBuffer, RecordingFacts, Row, frame_entry
from drive.web.serve.store import Notify, Store
from drive.web.serve.write_ahead_log import WriteAheadLog


def _print(level: str, text: str) -> None:
    print(text)


class HandRecorder:
    """The frames that a person keeps of each drive, on their way into a dataset.

    A drive's frames stay open until the drive is left or the recording is stopped, so that the last seconds
    can still be deleted, after a crash too; then they are written by a thread of their own. While they are
    open, a log in the dataset's folder holds them too (where the person wants lost recordings kept):
    what a killed server leaves there is written when the dataset is next opened.

    Methods are to be called by one thread.
    """

    def __init__(
        self,
        root: Path,
        camera: Camera,
        *,
        views: bool = False,
        config: Mapping[str, Any] | None = None,
        notify: Notify = _print,
    ) -> None:
        """Open or make the dataset, and write what a killed server left.

        Args:
            root: its directory.
            camera: the front camera.
            views: whether frames have a second picture, from a shifted and turned car.
            config: settings, kept with the recording.
            notify: takes level and text of what was saved, and what was not.

        Raises:
            UserError: the directory holds something else, or cannot be written.
        """
        self.root, self._notify = root, notify
        self.mode = "off"  # or "on", "paused"
        self.keep, self.marked = True, False
        self.person = self.note = ""
        self._drive: RecordingFacts | None = None
        self._recording: RecordingBuffer | None = None
        self._log: WriteAheadLog | None = None
        self._covered, self._open_coverage = Coverage(), Coverage()  # of what was finished, of what is open
        self._number = 0
        self._store = Store(root, camera, views=views, config=config, notify=notify)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="dataset")
        self._saves: list[Future[None]] = []
        self._unsaved = 0  # recordings on their way to the disk
        self._counting = Lock()  # of the line above: two threads change it
        try:
            self._store.recover()
        except BaseException:
            self._store.close()
            raise
        self._earlier = self._pool.submit(coverage_of_dataset, root)  # it can be long: while the page opens

    # --- what the person does

    def start(self) -> None:
        """Record from the next frame on."""
        self.mode = "on"
        self._begin_recording()

    def pause(self) -> None:
        """Keep no frames until `resume`; those before and after become episodes of their own."""
        if self.mode == "on":
            self.mode = "paused"

    def resume(self) -> None:
        """Go on after `pause`."""
        if self.mode == "paused":
            self.mode = "on"

    def stop(self, ended: str = "stopped") -> None:
        """Write what is open and record no more."""
        self._finish(ended)
        self.mode, self.marked = "off", False

    def discard(self) -> None:
        """Drop what is open and record no more."""
        self._drop()
        self.mode, self.marked = "off", False

    def cut(self, frames: int) -> tuple[int, int | None]:
        """Delete the last frames that are open.

        Returns:
            How many there were, and the drive's step at the first of them.
        """
        if self._recording is None:
            return 0, None
        before = len(self._recording.frames)
        first = self._recording.cut(frames)
        self._open_coverage = self._cover(self._recording)
        self._note({"cut": frames})
        return before - len(self._recording.frames), first

    def describe(
        self, *, keep: bool | None = None, person: str | None = None, note: str | None = None
    ) -> None:
        """What becomes of the open frames if the person is lost, and who it is; None: as before."""
        self.person = self.person if person is None else person
        self.note = self.note if note is None else note
        if self._recording is not None and (person is not None or note is not None):
            self._recording.facts = replace(self._recording.facts, person=self.person, note=self.note)
            self._note({"facts": asdict(self._recording.facts)})
        if keep is not None and keep != self.keep:
            self.keep = keep
            if self._recording is not None and keep:
                self._open_log(self._recording)
            else:
                self._remove_log()

    def lost(self) -> None:
        """The person is gone: keep or drop what is open, as was chosen."""
        if self.keep:
            self.stop("lost")
        else:
            self.discard()

    # --- what the drive does

    def begin_drive(self, facts: RecordingFacts) -> None:
        """A drive starts from its beginning; the one before is written."""
        self._finish("stopped")
        self._drive, self.marked = facts, False
        if self.mode != "off":
            self._begin_recording()

    def add(self, step: int, row: Row, pictures: dict[str, bytes]) -> None:
        """Keep a frame, if the person records."""
        if self.mode != "on" or self._recording is None:
            return
        frame = Frame(step, row | {"mark": int(self.marked)}, pictures)
        self._recording.frames.append(frame)
        self._open_coverage.add(row, self._recording.facts.weather, self._recording.facts.road)
        if self._log is not None:
            self._note(*frame_entry(frame))

    def end_drive(self, ended: str, step: int) -> None:
        """The drive is over; its frames stay open until the next begins.

        Args:
            ended: how, in the words of the dataset. It is the end of the open frames only if they reach it:
                not if the recording paused before, or their last were deleted.
            step: the last that was driven.
        """
        if self._recording is not None and self._recording.frames and self._recording.frames[-1].step == step:
            self._recording.ended = ended
            self._note({"ended": ended})

    def close(self) -> None:
        """Keep or drop what is open, as was chosen, wait for the disk, and let others write."""
        try:
            self.lost()
            self.flush()
        finally:
            self._pool.shutdown()
            self._store.close()

    def flush(self) -> None:
        """Wait until everything that was finished is on the disk."""
        saves, self._saves = self._saves, []
        for save in saves:
            save.result()

    @property
    def kept(self) -> int:
        """Episodes that were written, but for the `crashed`."""
        return self._store.kept

    @property
    def crashed(self) -> int:
        """Episodes that were written and end so that no training learns from them."""
        return self._store.crashed

    @property
    def frames(self) -> int:
        """Frames that are open."""
        return len(self._recording.frames) if self._recording is not None else 0

    def status(self) -> dict[str, Any]:
        """`state.recording` of the protocol."""
        return {
            "mode": self.mode,
            "frames": self.frames,
            "seconds": round(self.frames * DT, 2),
            "marked": self.marked,
            "episodes": self._store.kept,
            "crashed": self._store.crashed,
            "saving": self._unsaved > 0,
            "keep_on_disconnect": self.keep,
            "person": self.person,
            "note": self.note,
            "coverage": self._coverage().status(),
        }

    def _coverage(self) -> Coverage:
        found = self._covered.added(self._open_coverage)
        known = self._earlier.done() and self._earlier.exception() is None
        return self._earlier.result().added(found) if known else found

    # --- recordings and their logs

    def _begin_recording(self) -> None:
        if self._drive is None or self._recording is not None:
            return
        self._recording = RecordingBuffer(replace(self._drive, person=self.person, note=self.note))
        if self.keep:
            self._open_log(self._recording)

    def _open_log(self, recording: RecordingBuffer) -> None:
        while (path := self.root / f"open-{self._number:06d}{JOURNAL_SUFFIX}").exists():
            self._number += 1
        try:
            self._log = WriteAheadLog(path)
        except OSError as error:
            self._lost_log(error)
            return
        self._note({"facts": asdict(recording.facts)})
        for frame in recording.frames:
            self._note(*frame_entry(frame))
        if recording.ended:
            self._note({"ended": recording.ended})

    def _note(self, head: dict[str, Any], data: bytes = b"") -> None:
        """Write into the log, where there is one."""
        if self._log is None:
            return
        try:
            self._log.write(head, data)
        except OSError as error:
            self._lost_log(error)

    def _lost_log(self, error: OSError) -> None:
        self._remove_log()
        self._notify(
            "error",
            f"{self.root}: {error.strerror or error}: recording goes on in memory, and a killed server would "
            "lose it: free some space.",
        )

    @staticmethod
    def _cover(recording: RecordingBuffer) -> Coverage:
        facts = recording.facts
        return coverage_of((frame.row for frame in recording.frames), facts.weather, facts.road)

    def _drop(self) -> None:
        self._recording = None
        self._open_coverage = Coverage()
        self._remove_log()

    def _remove_log(self) -> None:
        log, self._log = self._log, None
        if log is None:
            return
        try:
            log.remove()
        except OSError as error:
            text = f"{log.path}: {error.strerror or error}: delete it, or the next start adds it."
            self._notify("error", text)

    def _finish(self, ended: str) -> None:
        """Hand what is open to the thread that writes."""
        recording, log = self._recording, self._log
        if recording is None:
            return
        if not recording.frames:
            self._drop()
            return
        self._recording = self._log = None
        recording.ended = recording.ended or ended
        if recording.ended in FAILED_ENDS:  # what was driven before a pause is no failure
            recording_kept = [frame for run, final in recording.episodes() if not final for frame in run]
            self._open_coverage = self._cover(replace(recording, frames=recording_kept))
        self._covered, self._open_coverage = self._covered.added(self._open_coverage), Coverage()
        with self._counting:
            self._unsaved += 1
        self._saves = [save for save in self._saves if not save.done() or save.exception() is not None]
        self._saves.append(self._pool.submit(self._save_and_notify, recording, log))

    def _save_and_notify(self, recording: RecordingBuffer, log: WriteAheadLog | None) -> None:
        try:
            outcome = self._store.save(recording, log)
        finally:
            with self._counting:
                self._unsaved -= 1
        self._notify(*outcome)
