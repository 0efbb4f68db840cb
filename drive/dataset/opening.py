"""Opening a dataset's files, with one clear line for each way in which one can be spoiled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from drive.core.errors import UserError
from drive.core.json_data import Positive, Whole, convert, decode


def read_json(path: Path) -> dict[str, Any]:
    """Read one of the dataset's JSON files.

    Raises:
        UserError: it is missing or not a JSON object.
    """
    try:
        return decode(path.read_bytes(), dict[str, Any])
    except FileNotFoundError:
        raise UserError(f"{path} is missing: restore it, or record the dataset anew.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}): restore it, or record the dataset anew.") from error


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


class InfoForm(msgspec.Struct):
    """What `info.json` must say; other keys of other programs may stand beside."""

    fps: Positive
    total_episodes: Whole
    total_frames: Whole
    features: dict[str, dict[str, Any]]


class _Feature(msgspec.Struct):
    dtype: str
    shape: list[int]


class _Recording(msgspec.Struct):
    map: str
    seeds: list[Whole]
    dropped_seeds: list[Whole]
    episodes: list[Whole] = []


class DriveForm(msgspec.Struct):
    """What `drive.json` must say."""

    camera: dict[str, Any]
    recordings: list[dict[str, Any]]
    views: dict[str, dict[str, Any]] = {}
    calibrated: bool = True


def check_forms(
    info: Mapping[str, Any], info_path: Path, ours: Mapping[str, Any], ours_path: Path
) -> tuple[InfoForm, DriveForm]:
    """Both descriptions as typed values.

    Raises:
        UserError: values are missing or of another form than this program writes; names the file and the
            first such value.
    """
    path = info_path
    try:
        described = convert(info, InfoForm)
        convert({"features": described.features}, _Features)
        path = ours_path
        found = convert(ours, DriveForm)
        convert({"features": found.views}, _Features)
        convert({"recordings": found.recordings}, _Recordings)
    except ValueError as error:
        raise UserError(f"{path}: {error}: restore it, or record the dataset anew.") from error
    return described, found


class _Features(msgspec.Struct):
    features: dict[str, _Feature]


class _Recordings(msgspec.Struct):
    recordings: list[_Recording]
