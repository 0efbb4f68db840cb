"""An evaluation's folder: what is in it, written whole or not at all, and read again."""

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError

CONFIG = "config.json"
EPISODES = "episodes.jsonl"
SUMMARY = "summary.json"
TIMING = "timing.json"
STEPS = "steps.parquet"
REPORT = "report.html"
_PART = ".part"
OWN = frozenset({CONFIG, EPISODES, SUMMARY, TIMING, STEPS, REPORT})


def check_folder(out: Path) -> None:
    """Check that results may go to this folder, and write nothing.

    Raises:
        UserError: the path is a file, or the folder holds anything that is not an evaluation's.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out} is a file; name a folder for the results with --out.")
    strange = sorted(entry.name for entry in out.iterdir() if entry.name.removesuffix(_PART) not in OWN)
    if strange:
        raise UserError(
            f"{out} holds other things ({', '.join(strange[:3])}); name an empty or new folder with --out."
        )


def prepare_folder(out: Path) -> None:
    """Make the folder; earlier results in it will be replaced once the new ones are complete.

    Raises:
        UserError: as for `check_folder`, or nothing can be written there.
    """
    check_folder(out)
    with _disk(out):
        out.mkdir(parents=True, exist_ok=True)
        _remove_parts(out)


def _remove_parts(out: Path) -> None:
    for entry in out.glob(f"*{_PART}"):
        entry.unlink(missing_ok=True)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"{path}: no space left on the disk; free some and run again.") from error
        raise UserError(
            f"{path}: cannot write ({error.strerror}); name another folder with --out."
        ) from error


class EpisodeLog:
    """`episodes.jsonl` while drives come in: a `.part` file until `write_results` puts it in place."""

    def __init__(self, out: Path) -> None:
        self._path = out / (EPISODES + _PART)
        with _disk(self._path):
            self._file = self._path.open("w", encoding="utf-8")

    def add(self, row: dict[str, Any]) -> None:
        """Append one line and hand it to the system."""
        with _disk(self._path):
            self._file.write(json.dumps(row, allow_nan=False) + "\n")
            self._file.flush()

    def __enter__(self) -> "EpisodeLog":
        return self

    def __exit__(self, *problem: object) -> None:
        with _disk(self._path):
            self._file.close()


def write_results(
    out: Path,
    *,
    config: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    summary: dict[str, Any],
    timing: dict[str, Any],
    steps: Any,
) -> None:
    """Write every file beside its final name first, then put all in place, or leave earlier results alone.

    While files are put in place there is no `summary.json`: old and new ones are never taken for one run.

    Args:
        out: a prepared folder.
        config: what was asked for.
        rows: lines of `episodes.jsonl`, in the schedule's order.
        summary: contents of `summary.json`.
        timing: contents of `timing.json`.
        steps: a pyarrow table (see `steps_table`).

    Raises:
        UserError: the disk is full or takes no files.
    """
    import pyarrow.parquet as parquet

    texts = {
        EPISODES: "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows),
        TIMING: json.dumps(timing, indent=2, allow_nan=False) + "\n",
        CONFIG: json.dumps(config, indent=2, allow_nan=False) + "\n",
        SUMMARY: json.dumps(summary, indent=2, allow_nan=False) + "\n",
    }
    with _parts_removed_on_error(out), _disk(out):
        parquet.write_table(steps, out / (STEPS + _PART), compression="zstd")
        for name, text in texts.items():
            (out / (name + _PART)).write_text(text, encoding="utf-8")
        for name in (SUMMARY, REPORT):
            (out / name).unlink(missing_ok=True)
        for name in (STEPS, *texts):  # the summary last
            os.replace(out / (name + _PART), out / name)


def write_report(out: Path, page: str) -> None:
    """Put `report.html` beside the results."""
    with _parts_removed_on_error(out), _disk(out):
        (out / (REPORT + _PART)).write_text(page, encoding="utf-8")
        os.replace(out / (REPORT + _PART), out / REPORT)


@contextmanager
def _parts_removed_on_error(out: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _remove_parts(out)
        raise


def steps_table(drives: Sequence[Any]) -> Any:
    """One row a control step of every drive, so that each can be driven again: a pyarrow table.

    Columns `agent`, `scenario`, `step`, `steering` (exactly what the car was given), the state before the
    step (`x_m`, `y_m`, ...), and `shadow.NAME` (null where no shadow answered).
    """
    import pyarrow as pa

    lengths = [len(drive.steering) for drive in drives]

    def labels(key: str) -> Any:
        names = list(dict.fromkeys(drive.row[key] for drive in drives))
        codes = np.repeat([names.index(drive.row[key]) for drive in drives], lengths).astype(np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names, pa.string()))

    def joined(parts: list[NDArray[Any]], kind: type) -> Any:
        values: Any = np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)
        return pa.array(values, from_pandas=True)

    columns: dict[str, Any] = {
        "agent": labels("agent"),
        "scenario": labels("scenario"),
        "step": joined([np.arange(n) for n in lengths], np.int32),
        "steering": joined([drive.steering for drive in drives], np.float32),
    }
    units = {"x": "x_m", "y": "y_m", "yaw": "yaw_rad", "speed": "speed_mps"}
    units |= {"center_s": "s_m", "lateral_offset": "lateral_offset_m"}
    for key in drives[0].trace if drives else ():
        columns[units[key]] = joined([drive.trace[key] for drive in drives], np.float32)
    for shadow in sorted({name for drive in drives for name in drive.shadow_steering}):
        nothing = [np.full(n, np.nan, np.float32) for n in lengths]
        heard = [drive.shadow_steering.get(shadow, none) for drive, none in zip(drives, nothing, strict=True)]
        columns[f"shadow.{shadow}"] = joined(heard, np.float32)
    return pa.table(columns)


def read_rows(out: Path) -> list[dict[str, Any]]:
    """Lines of `episodes.jsonl`.

    Raises:
        UserError: the folder holds no complete results, or the file is damaged.
    """
    path = out / EPISODES
    if not path.is_file() or not (out / SUMMARY).is_file():
        raise UserError(f"{out} holds no complete results; run drive evaluate --out {out} first.")
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); run the evaluation again.") from error


def read_json(out: Path, name: str) -> dict[str, Any]:
    """Contents of `config.json`, `summary.json` or `timing.json`.

    Raises:
        UserError: it is missing or damaged.
    """
    path = out / name
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged ({error}); run the evaluation again.") from error
    return found


def read_steering(out: Path) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Stored steering of every drive: (agent, scenario) -> (T,).

    Raises:
        UserError: `steps.parquet` is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    path = out / STEPS
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
