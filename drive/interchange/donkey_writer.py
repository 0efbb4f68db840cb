"""Writes a Donkey Car tub, version 2; `donkey_reader.py` says what that is."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from drive.interchange.donkey_reader import MANIFEST
from drive.interchange.drives import Clock, Selection, held
from drive.interchange.pictures import suffix
from drive.interchange.sidecar import write_sidecar
from drive.interchange.units import steering_to_right

CATALOG_LENGTH = 1000  # records in a catalog, as Donkey Car writes them
INPUTS = {
    "cam/image_array": "image_array",
    "user/angle": "float",
    "user/throttle": "float",
    "user/mode": "str",
    "enc/speed": "float",
}


def write_donkey(selection: Selection, folder: Path, full_lock_deg: float) -> list[str]:
    """Write a tub in which each drive is a session.

    Returns:
        What the format could not hold.
    """
    clock, beyond = Clock(), 0
    (folder / "images").mkdir()
    lines: list[str] = []
    sessions: list[str] = []
    created = 0.0
    for drive in selection:
        action = np.asarray(drive.frames["action"], np.float64)
        angle, more = held(steering_to_right(action[:, 0], full_lock_deg))
        beyond += more
        throttle = drive.state("throttle")
        if throttle is None or drive.state("brake") is not None:
            throttle = action[:, 1]
        speed = drive.state("speed_mps")
        times = clock(drive)
        created = created or times[0] / 1000.0
        day = datetime.fromtimestamp(times[0] / 1000.0, UTC).strftime("%y-%m-%d")
        sessions.append(f"{day}_{len(sessions)}")
        for t, at in enumerate(times):
            name = f"{len(lines)}_cam_image_array_{suffix(drive.pictures[t])}"
            (folder / "images" / name).write_bytes(drive.pictures[t])
            record: dict[str, Any] = {
                "_index": len(lines),
                "_session_id": sessions[-1],
                "_timestamp_ms": at,
                "cam/image_array": name,
                "user/angle": float(angle[t]),
                "user/mode": "user",
                "user/throttle": float(throttle[t]),
            }
            if speed is not None:
                record["enc/speed"] = float(speed[t])
            lines.append(json.dumps(record, allow_nan=False, sort_keys=True) + "\n")
    catalogs = []
    for number, start in enumerate(range(0, len(lines), CATALOG_LENGTH)):
        part = lines[start : start + CATALOG_LENGTH]
        catalogs.append(f"catalog_{number}.catalog")
        _write(folder / catalogs[-1], part)
        about_name = f"catalog_{number}.catalog_manifest"
        about = {
            "created_at": created,
            "line_lengths": [len(line) for line in part],
            "path": about_name,
            "start_index": start,
        }
        _write(folder / about_name, [json.dumps(about, sort_keys=True) + "\n"])
    last = {"all_full_ids": sessions, "last_id": len(sessions) - 1, "last_full_id": sessions[-1]}
    manifest = [
        list(INPUTS),
        list(INPUTS.values()),
        {},
        {"created_at": created, "sessions": last},
        {"paths": catalogs, "current_index": len(lines), "max_len": CATALOG_LENGTH, "deleted_indexes": []},
    ]
    _write(folder / MANIFEST, [json.dumps(line) + "\n" for line in manifest])
    write_sidecar(selection.info, folder, full_lock_deg)
    return [f"{beyond} frames steer beyond {full_lock_deg:g} degrees and are held there"] if beyond else []


def _write(path: Path, lines: list[str]) -> None:
    path.write_bytes("".join(lines).encode())
