"""Opening a dataset's files, with one clear line for each way in which one can be spoiled."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from drive.core.errors import UserError


def read_json(path: Path) -> dict[str, Any]:
    """Read one of the dataset's JSON files.

    Raises:
        UserError: it is missing or not a JSON object.
    """
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} is missing: restore it, or record the dataset anew.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): restore it, or record the dataset anew.") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} is damaged (not a JSON object): restore it, or record the dataset anew.")
    return values


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a whole parquet file, checking its page checksums.

    Raises:
        UserError: it is missing, truncated or damaged.
    """
    with open_parquet(path) as file:
        try:
            return file.read(columns=None if columns is None else list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, error) from error


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a parquet file of the dataset.

    Raises:
        UserError: it is missing or its footer cannot be read.
    """
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: restore it, or record the dataset anew.") from None
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> UserError:
    """The error for a parquet file that cannot be read."""
    size = path.stat().st_size if path.exists() else 0
    reason = str(error).splitlines()[0].rstrip(".")[:120]
    return UserError(
        f"{path} is damaged or truncated ({size} bytes; {reason}): restore it, or record the dataset anew."
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _seeds(value: Any) -> bool:
    return isinstance(value, list) and all(map(_whole, value))


def check_forms(info: Mapping[str, Any], info_path: Path, ours: Mapping[str, Any], ours_path: Path) -> None:
    """Refuse descriptions whose values are missing or of another form than this program writes.

    Raises:
        UserError: names the file and the first such value.
    """

    def expect(path: Path, values: Mapping[str, Any], name: str, good: bool, form: str, of: str = "") -> None:
        if not good:
            shown = f"is {str(values[name])[:60]!r}, not {form}" if name in values else "is missing"
            raise UserError(f"{path}: {of}{name} {shown}: restore it, or record the dataset anew.")

    expect(info_path, info, "fps", _whole(info.get("fps")) and info["fps"] > 0, "a whole number above 0")
    for name in ("total_episodes", "total_frames"):
        expect(info_path, info, name, _whole(info.get(name)), "a whole number")
    features = info.get("features")
    good = isinstance(features, dict) and all(
        isinstance(one, dict) and {"dtype", "shape"} <= set(one) for one in features.values()
    )
    expect(info_path, info, "features", good, "an object of features with dtype and shape")
    expect(ours_path, ours, "camera", isinstance(ours.get("camera"), dict), "an object")
    recordings = ours.get("recordings")
    good = isinstance(recordings, list) and all(isinstance(one, dict) for one in recordings)
    expect(ours_path, ours, "recordings", good, "a list of objects")
    for i, one in enumerate(ours["recordings"]):
        of = f"recordings[{i}]."
        expect(ours_path, one, "map", isinstance(one.get("map"), str), "a name", of)
        for name in ("seeds", "dropped_seeds", *(["episodes"] if "episodes" in one else [])):
            expect(ours_path, one, name, _seeds(one.get(name)), "a list of whole numbers", of)
