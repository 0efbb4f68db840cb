"""Reads a Donkey Car tub, version 2.

    manifest.json            five lines of JSON: inputs, types, metadata, sessions, and the catalogs with
                             their `deleted_indexes`
    catalog_0.catalog        one JSON record a line: `cam/image_array` (a file in `images/`), `user/angle`,
                             `user/throttle`, `user/mode`, `_timestamp_ms`, `_session_id`, `_index`
    images/0_cam_image_array_.jpg

`user/angle` is a fraction of the car's full lock, positive to the right; which angle that is the tub does not
say. A tub written on a full disk has empty catalogs, pictures or an empty manifest: the rest is kept.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from drive.core.errors import UserError
from drive.core.json_data import decode, loads
from drive.interchange.foreign import ForeignLog, Skipped, number, read_sidecar, refuse_wide_steering

MANIFEST = "manifest.json"
SPEED_KEYS = ("enc/speed", "car/speed")  # a car's encoder, the Donkey simulator; both [m/s]


class _Catalogs(msgspec.Struct):
    """The manifest's last line."""

    paths: list[str]
    deleted_indexes: list[int] = []


def read_donkey(folder: Path) -> ForeignLog:
    """Read a tub; the pictures themselves are not opened yet.

    Args:
        folder: that holds `manifest.json`.

    Raises:
        UserError: it is no tub of version 2, its steering is no fraction, or nothing in it can be used.
    """
    skipped = Skipped()
    image_key, catalogs, deleted = _manifest(folder, skipped)
    records: list[dict[str, Any]] = []
    places: list[str] = []
    for position, (record, place) in enumerate(_records(folder, catalogs, skipped)):
        index = record.get("_index")
        if (index if isinstance(index, int) else position) in deleted:
            continue
        angle = number(record.get("user/angle"))
        throttle = number(record.get("user/throttle", 0.0))
        if angle is None or throttle is None:
            skipped.add("record whose angle or throttle is no number", place)
        elif record.get("user/mode", "user") != "user":
            skipped.add(f"record in which the car drove itself (mode {record['user/mode']})", place)
        elif not isinstance(record.get(image_key), str):
            skipped.add("record without a picture", place)
        else:
            record["picture"] = folder / "images" / re.split(r"[\\/]", record[image_key])[-1]
            if record["picture"].is_file():
                records.append(record | {"angle": angle, "throttle": throttle})
                places.append(place)
            else:
                skipped.add("picture that is not there", f"{place}, {record['picture'].name}")
    if not records:
        raise UserError(
            f"{folder}: no record can be used: "
            f"{'; '.join(skipped.lines()) or f'the catalogs hold none ({len(deleted)} are deleted)'}."
        )
    refuse_wide_steering([record["angle"] for record in records], places, "is it a tub of another program?")
    key = next(
        (key for key in SPEED_KEYS if all(number(record.get(key)) is not None for record in records)), ""
    )
    times = [number(record.get("_timestamp_ms")) for record in records]
    return ForeignLog(
        program="donkey",
        folder=folder,
        pictures=[record["picture"] for record in records],
        steering=np.array([record["angle"] for record in records]),
        throttle=np.array([record["throttle"] for record in records]),
        brake=None,
        speed=np.array([float(record[key]) for record in records]) if key else None,
        time=None if None in times else np.array(times, np.float64) / 1000.0,
        sessions=[str(record.get("_session_id", "")) for record in records],
        skipped=skipped,
        sidecar=read_sidecar(folder),
    )


def _manifest(folder: Path, skipped: Skipped) -> tuple[str, list[str], frozenset[int]]:
    """The picture's key, the catalogs in order, and the numbers of the deleted records."""
    path = folder / MANIFEST
    on_disk = sorted((p.name for p in folder.glob("*.catalog")), key=_natural)
    try:
        inputs, types, _, _, last = [line for line in path.read_bytes().splitlines() if line.strip()][:5]
        catalogs = decode(last, _Catalogs)
        paths = [re.split(r"[\\/]", name)[-1] for name in catalogs.paths]
        deleted = frozenset(catalogs.deleted_indexes)
        kinds = zip(decode(inputs, list[str]), decode(types, list[str]), strict=False)
        pictures = [key for key, kind in kinds if kind == "image_array"]
    except (OSError, ValueError):
        if not on_disk:
            raise UserError(
                f"{path} is no manifest of a Donkey Car tub (five lines of JSON), and there is no catalog "
                "beside it: name the folder that Donkey Car recorded into, `data` as a rule."
            ) from None
        skipped.add(
            "damaged or missing manifest.json: all catalogs are read, deleted records cannot be told",
            str(path),
        )
        return "cam/image_array", on_disk, frozenset()
    key = "cam/image_array" if not pictures or "cam/image_array" in pictures else pictures[0]
    return key, paths, deleted


def _natural(name: str) -> tuple[int, str]:
    found = re.search(r"\d+", name)
    return (int(found.group()) if found else -1, name)


def _records(folder: Path, catalogs: list[str], skipped: Skipped) -> Iterator[tuple[dict[str, Any], str]]:
    for name in catalogs:
        path = folder / name
        try:
            data = path.read_bytes()
        except OSError as error:
            skipped.add(f"catalog that cannot be read ({error.strerror})", name)
            continue
        if not data.strip(b"\0 \r\n"):
            skipped.add("empty catalog (a full disk?): its records are lost", name)
            continue
        for i, line in enumerate(data.splitlines(), start=1):
            if not line.strip(b"\0 "):
                continue
            try:
                record = loads(line)  # Python wrote it: NaN may stand in it
            except ValueError:
                record = None
            if isinstance(record, dict):
                yield record, f"{path}, line {i}"
            else:
                skipped.add("damaged line", f"{name}, line {i}")
