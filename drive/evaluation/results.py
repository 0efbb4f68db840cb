"""An evaluation's folder: what is in it, written whole or not at all, and read again.

While a run drives, everything of it stands in the folder `unfinished` inside. Once it is whole, that becomes
`complete` and takes the place of earlier results; who finds a `complete` goes on with that. A lock file keeps
other runs out.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.core.files import PART, disk_errors, refuse_other_things, replace_file, replace_files, try_lock
from drive.core.json_data import loads
from drive.evaluation.episodes import EPISODES, FILMS, LOGS

CONFIG = "config.json"
ROWS = "episodes.jsonl"
SUMMARY = "summary.json"
TIMING = "timing.json"
REPORT = "report.html"
UNFINISHED = "unfinished"
COMPLETE = "complete"  # a whole run that is being put in place
LOCK = "evaluate.lock"
_EARLIER_STEPS = "steps.parquet"  # steering of results that have no stored episodes
_FILES = (CONFIG, ROWS, TIMING, SUMMARY, REPORT)
OWN = frozenset({*_FILES, EPISODES, LOGS, FILMS, UNFINISHED, COMPLETE, LOCK, _EARLIER_STEPS})


def check_folder(out: Path) -> None:
    """Check that results may go to this folder, and write nothing.

    Raises:
        UserError: the path is a file, or the folder holds anything that is not an evaluation's.
    """
    refuse_other_things(out, "name an empty or new folder with --out", OWN)


@contextmanager
def locked(out: Path) -> Iterator[bool]:
    """Keep other runs out of a results' folder; false: one is driving there already.

    Raises:
        UserError: nothing can be written there.
    """
    with _disk(out):
        lock = try_lock(out / LOCK)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Keep other runs out of a results' folder while this one drives.

    Raises:
        UserError: as for `check_folder` and `locked`, or another run drives there.
    """
    check_folder(out)
    with locked(out) as alone:
        if not alone:
            raise UserError(
                f"{out}: another drive evaluate is running there; wait for it, or name another --out."
            )
        yield


def prepare_folder(out: Path, config: Mapping[str, Any]) -> Path:
    """Make the folder of a run; earlier results are replaced once the new ones are complete.

    What an earlier run left unfinished goes, under another name first: a kill leaves no half of it.

    Args:
        out: where the results are to be.
        config: contents of `config.json`.

    Returns:
        Where the run stands until then.

    Raises:
        UserError: as for `check_folder`, or nothing can be written there.
    """
    check_folder(out)
    settle(out)
    run, old = out / UNFINISHED, out / f"{UNFINISHED}{PART}"
    with _disk(out):
        shutil.rmtree(old, ignore_errors=True)
        if run.is_dir():
            run.rename(old)
            shutil.rmtree(old, ignore_errors=True)
        (run / EPISODES).mkdir(parents=True)
        replace_file(run / CONFIG, _json(config))
    return run


def _disk(out: Path) -> Any:
    return disk_errors(out, "free some and run again", "name another folder with --out")


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def write_results(
    folder: Path,
    rows: Iterable[Mapping[str, Any]],
    summary: Mapping[str, Any],
    timing: Mapping[str, Any],
) -> None:
    """Write what was made of a complete run's drives beside them: `episodes.jsonl`, `summary.json` and
    `timing.json`.

    Raises:
        UserError: the disk is full or takes no files.
    """
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    with _disk(folder):
        replace_files(
            {
                folder / ROWS: lines.encode(),
                folder / TIMING: _json(timing),
                folder / SUMMARY: _json(summary),
            }
        )


def write_report(folder: Path, page: str) -> None:
    """Put `report.html` beside the results."""
    with _disk(folder):
        replace_file(folder / REPORT, page.encode())


def put_in_place(out: Path) -> None:
    """Let a whole run in `unfinished` take the place of earlier results; the summary goes last."""
    with _disk(out):
        (out / UNFINISHED).rename(out / COMPLETE)
    settle(out)


def settle(out: Path) -> None:
    """Go on with putting a whole run in place, wherever it was killed; call it with the folder locked.

    The drives are moved first: while they are in `complete`, what else lies in the folder is of earlier runs.
    """
    run = out / COMPLETE
    if not run.is_dir():
        return
    with _disk(out):
        if (run / EPISODES).is_dir():
            for name in (SUMMARY, REPORT, TIMING, ROWS, CONFIG, _EARLIER_STEPS):
                (out / name).unlink(missing_ok=True)
            for name in (EPISODES, LOGS, FILMS):
                shutil.rmtree(out / name, ignore_errors=True)
        for name in (EPISODES, LOGS, FILMS, ROWS, TIMING, REPORT, CONFIG, SUMMARY):
            if (run / name).exists():
                (run / name).rename(out / name)
        shutil.rmtree(run, ignore_errors=True)


def holds_run(out: Path) -> bool:
    """Whether a folder holds a run in any state."""
    return any((out / folder / CONFIG).is_file() for folder in ("", COMPLETE, UNFINISHED))


def run_folder(out: Path) -> Path:
    """Where the newest run stands: in a folder inside, or in place in the results' folder itself."""
    for run in (out / COMPLETE, out / UNFINISHED):
        if (run / EPISODES).is_dir() and (run / CONFIG).is_file():
            return run
    return out


def read_rows(out: Path) -> list[dict[str, Any]]:
    """Lines of `episodes.jsonl`.

    Raises:
        UserError: the folder holds no complete results, or the file is damaged.
    """
    path = out / ROWS
    if not path.is_file() or not (out / SUMMARY).is_file():
        raise UserError(f"{out} holds no complete results; run drive evaluate --out {out} first.")
    try:
        return [loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); run the evaluation again.") from error


def read_json(out: Path, name: str) -> dict[str, Any]:
    """Contents of `config.json`, `summary.json` or `timing.json`.

    Raises:
        UserError: it is missing or damaged.
    """
    path = out / name
    try:
        found: dict[str, Any] = loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged ({error}); run the evaluation again.") from error
    return found


def read_earlier_steering(out: Path) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Steering (T,) by (agent, scenario) of results that an earlier version wrote, without episodes.

    Raises:
        UserError: `steps.parquet` is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    path = out / _EARLIER_STEPS
    try:
        table = parquet.read_table(path, columns=["agent", "scenario", "step", "steering"])
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} is missing or damaged ({error}); run the evaluation again.") from error
    agents = table["agent"].combine_chunks().dictionary_decode().to_pylist()
    scenarios = table["scenario"].combine_chunks().dictionary_decode().to_pylist()
    steps, steering = table["step"].to_numpy(), table["steering"].to_numpy().astype(np.float64)
    starts = np.flatnonzero(steps == 0)
    ends = np.append(starts[1:], len(steps))
    return {
        (agents[start], scenarios[start]): steering[start:end]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    }
