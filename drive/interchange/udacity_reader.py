"""Reads what the Udacity simulator records: `driving_log.csv` and the folder `IMG`.

    center,left,right,steering,throttle,brake,speed        (a header in some versions only)

Steering is a fraction of 25 degrees, positive to the right; speed is in miles an hour; `brake` is called
`reverse` in some versions. The paths are those of the machine that recorded, often of Windows, sometimes
with a space in front: a picture is looked up by its name in `IMG` first. Its name holds the time:
center_2016_12_01_13_30_48_287.jpg.
"""

import csv
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from drive.core.errors import UserError
from drive.interchange.foreign import ForeignLog, Skipped, number, read_sidecar, refuse_wide_steering
from drive.interchange.units import MPH

LOG_NAME = "driving_log.csv"
COLUMNS = ("center", "left", "right", "steering", "throttle", "brake", "speed")
_TIME = re.compile(r"(\d{4})_(\d\d)_(\d\d)_(\d\d)_(\d\d)_(\d\d)_(\d{3})")


def read_udacity(log: Path) -> ForeignLog:
    """Read a log; the pictures themselves are not opened yet.

    Args:
        log: the CSV file.

    Raises:
        UserError: it is no such log, its steering is no fraction, or none of its pictures is there.
    """
    rows, places, where, width = _rows(log)
    folder, skipped = log.parent, Skipped()
    in_folder = _names(folder / "IMG")
    kept: list[tuple[float, float, float, float]] = []
    pictures: list[Path] = []
    sides: dict[str, list[Path | None]] = {"left": [], "right": []}
    kept_places: list[str] = []
    for row, place in zip(rows, places, strict=True):
        if len(row) != width:
            skipped.add(f"line without {width} columns", place)
            continue
        values = [number(row[where[name]]) if name in where else 0.0 for name in COLUMNS[3:]]
        if any(value is None for value in values):
            skipped.add("line with something that is no number", place)
            continue
        front = _find(row[where["center"]], folder, in_folder)
        if front is None:
            skipped.add("picture that is not there", f"{place}, {_base(row[where['center']])}")
            continue
        kept.append(tuple(float(value) for value in values if value is not None))  # type: ignore[arg-type]
        pictures.append(front)
        kept_places.append(place)
        for side, found in sides.items():
            found.append(_find(row[where[side]], folder, in_folder) if side in where else None)
    if not kept:
        raise UserError(f"{log}: no line can be used: {'; '.join(skipped.lines()) or 'it is empty'}.")
    steering, throttle, brake, speed = np.array(kept).T
    refuse_wide_steering(list(steering), kept_places, "divide the column by its full lock in degrees first.")
    whole = {side: [p for p in found if p is not None] for side, found in sides.items()}
    if any(whole.values()) and any(len(found) != len(kept) for found in whole.values()):
        skipped.add("left and right picture that is not there for each frame; all are left out", str(log))
    return ForeignLog(
        program="udacity",
        folder=folder,
        pictures=pictures,
        steering=steering,
        throttle=throttle,
        brake=brake,
        speed=speed * MPH if "speed" in where else None,
        time=_times(pictures),
        sessions=[""] * len(kept),
        sides=whole if all(len(found) == len(kept) for found in whole.values()) else {},
        skipped=skipped,
        sidecar=read_sidecar(folder),
    )


def _rows(log: Path) -> tuple[list[list[str]], list[str], dict[str, int], int]:
    """The rows, where each stands, the number of each column, and how many columns there are."""
    try:
        text = log.read_bytes().decode("utf-8-sig", errors="replace").replace("\0", "")
    except OSError as error:
        raise UserError(f"{log} cannot be read ({error.strerror or error}).") from error
    first = text.lstrip().split("\n", 1)[0]
    semicolons = first.count(";") >= len(COLUMNS) - 1
    rows, places = [], []
    reader = csv.reader(text.splitlines(), delimiter=";" if semicolons else ",", skipinitialspace=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                places.append(f"{log}, line {reader.line_num}")
    except csv.Error as error:
        raise UserError(f"{log}, line {reader.line_num}: {error}: is it a driving log?") from error
    if not rows:
        raise UserError(f"{log} is empty: record anew, or name another log.")
    width = len(rows[0])
    where = dict(zip(COLUMNS, range(len(COLUMNS)), strict=True))
    if len(rows[0]) > 3 and number(rows[0][min(3, len(rows[0]) - 1)].replace(",", ".")) is None:
        names = [{"reverse": "brake"}.get(name.lower(), name.lower()) for name in rows[0]]
        if not {"center", "steering"} <= set(names):
            raise UserError(
                f"{log}: its header is {','.join(rows[0])[:100]}; a driving log has {','.join(COLUMNS)}."
            )
        where = {name: names.index(name) for name in COLUMNS if name in names}
        rows, places = rows[1:], places[1:]
    elif len(rows[0]) == 11:
        raise UserError(
            f"{places[0]} has 11 columns, not 7: numbers with a decimal comma? "
            "Record with the system set to a decimal point, or write the log with points."
        )
    elif len(rows[0]) != len(COLUMNS):
        raise UserError(f"{places[0]} has {len(rows[0])} columns; a driving log has {','.join(COLUMNS)}.")
    if semicolons:  # such logs come with decimal commas
        rows = [[cell.replace(",", ".") if number(cell) is None else cell for cell in row] for row in rows]
    return rows, places, where, width


def _names(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}


def _base(text: str) -> str:
    """The file's name in a path of Windows or of Unix."""
    return re.split(r"[\\/]", text)[-1]


def _find(text: str, folder: Path, in_folder: dict[str, Path]) -> Path | None:
    if not _base(text):
        return None
    if _base(text) in in_folder:
        return in_folder[_base(text)]
    candidates = (folder / text.replace("\\", "/"), folder / _base(text))
    return next((path for path in candidates if path.is_file()), None)


def _times(pictures: Sequence[Path]) -> np.ndarray | None:
    """Seconds since 1970 from the pictures' names, taken as UTC; None where a name has none."""
    times = []
    for path in pictures:
        found = _TIME.search(path.name)
        if found is None:
            return None
        *whole, milliseconds = (int(part) for part in found.groups())
        try:
            at = datetime(*whole, tzinfo=UTC)  # type: ignore[misc, arg-type]
        except ValueError:
            return None
        times.append(at.timestamp() + milliseconds / 1000.0)
    return np.array(times)
