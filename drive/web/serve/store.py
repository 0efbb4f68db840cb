"""Recordings on their way into the dataset: whatever happens, each is in it once, or in a log file."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from drive.agent import DT
from drive.camera import Camera
from drive.core.errors import UserError
from drive.dataset import DatasetWriter, hand_features
from drive.dataset.layout import JOURNAL_SUFFIX
from drive.episode import FAILED_ENDS
from drive.sim.maps.styles import GENERATED
from drive.web.serve.recording_buffer import (
    Frame,
    RecordingBuffer,
    RecordingFacts,
    Recovered,
    columns_of,
    recover,
)
from drive.web.serve.write_ahead_log import WriteAheadLog, set_aside

FPS = round(1.0 / DT)

Notify = Callable[[str, str], None]  # level ("info", "warning", "error"), one line


class Store:
    """The dataset that is recorded into. Its methods are to be called by one thread at a time."""

    def __init__(
        self, root: Path, camera: Camera, *, views: bool, config: Mapping[str, Any] | None, notify: Notify
    ) -> None:
        """Open or make the dataset; as `HandRecorder`.

        Raises:
            UserError: the directory holds something else, or cannot be written.
        """
        self.root, self._camera, self._views = root, camera, views
        self._config, self._notify = dict(config or {}), notify
        self.kept = self.crashed = 0  # episodes written
        self._writer: DatasetWriter | None = None
        self._writer_map: str | None = None
        self._open(GENERATED)

    def save(
        self, recording: RecordingBuffer, log: WriteAheadLog | None, recovered: Recovered | None = None
    ) -> tuple[str, str]:
        """Write a recording's episodes.

        Args:
            recording: what is written.
            log: deleted once all is written.
            recovered: what the log of an earlier process says of how far it came.

        Returns:
            Level and text of what to tell the person.
        """
        runs = list(recording.episodes())
        count, left, last = 0, len(recording.frames), ""
        try:
            writer = self._open(recording.facts.map)
            done = 0
            if recovered is not None:
                done = recovered.done(self.root, [frames for frames, _ in runs])
                left -= sum(len(frames) for frames, _ in runs[:done])
            elif log is not None:
                log.write({"ended": recording.ended})
            for number, (frames, final) in enumerate(runs[done:], done):
                last = recording.ended if final else "stopped"
                self._write(writer, recording.facts, frames, last, number, log)
                self.crashed += last in FAILED_ENDS
                self.kept += last not in FAILED_ENDS
                count, left = count + len(frames), left - len(frames)
            if log is not None:
                log.remove()
        except Exception as error:  # nobody else hears of it: this thread has no caller
            problem = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            where = "are lost"
            if log is not None:
                log.close()
                where = f"stand in {log.path.name} and are added when drive serve next starts"
            return "error", f"{problem} ({left} frames {where})"
        if count == 0:
            return "info", "All of it had been saved."
        apart = ", kept apart" if last in FAILED_ENDS else ""
        return "info", f"Saved {count} frames ({count * DT:.1f} s), {last}{apart}."

    def _write(
        self,
        writer: DatasetWriter,
        facts: RecordingFacts,
        frames: list[Frame],
        ended: str,
        number: int,
        log: WriteAheadLog | None,
    ) -> None:
        """Add an episode; the log says, whatever happens, whether it is in the dataset."""
        before, total = log.size if log is not None else 0, writer.total_episodes
        if log is not None:
            log.write({"written": number, "saving": total})
        try:
            writer.add_episode(
                columns_of(frames),
                seed=facts.seed,
                scenario=facts.scenario,
                weather=facts.weather,
                driver=facts.driver,
                person=facts.person,
                note=facts.note,
                ended=ended,
            )
        except Exception:
            if log is not None and writer.total_episodes == total:
                with suppress(OSError):  # then the frames themselves are compared
                    log.cut_to(before)
            raise

    def _open(self, map_name: str) -> DatasetWriter:
        if self._writer is None or self._writer_map != map_name:
            self.close()
            self._writer = DatasetWriter(
                self.root,
                fps=FPS,
                camera=self._camera,
                driver="person",
                map_name=map_name,
                config=self._config,
                features=hand_features(self._camera, views=self._views),
            )
            self._writer_map = map_name
        return self._writer

    def close(self) -> None:
        """Let others write."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def recover(self) -> None:
        """Write what the logs of a killed server hold."""
        for path in sorted(self.root.glob(f"*{JOURNAL_SUFFIX}")):
            try:
                found = recover(path)
                if found.recording is None and path.stat().st_size > 0:
                    raise ValueError("its first entry is damaged")
                log = WriteAheadLog(path, append=True)
            except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
                self._set_aside(path, error)
                continue
            if found.recording is None or not found.recording.frames:
                log.remove()
                continue
            found.recording.ended = found.recording.ended or "killed"
            self._notify(
                "info", f"A recording of {len(found.recording.frames)} frames was interrupted; it is kept."
            )
            self._notify(*self.save(found.recording, log, found))

    def _set_aside(self, path: Path, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        try:
            where = f"it is kept as {set_aside(path).name}"
        except OSError:
            where = "move it away"
        self._notify("error", f"{path}: an interrupted recording cannot be added ({why}): {where}.")
