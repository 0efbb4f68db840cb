"""Small recordings as other programs write them, by the descriptions of their formats."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

WINDOWS = "C:\\Users\\Ada\\Desktop\\run 1\\IMG\\"
HEADER = ["center", "left", "right", "steering", "throttle", "brake", "speed"]


def jpeg(seed: int, width: int = 96, height: int = 64) -> bytes:
    """A picture that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", cv2.resize(pixels, (width, height)))[1])


def udacity(
    folder: Path,
    *,
    frames: int = 12,
    rate_hz: float = 10.0,
    header: bool = False,
    prefix: str = WINDOWS,
    sides: bool = True,
    pause_before: dict[int, float] | None = None,
) -> Path:
    """A log with its pictures; steering t / 20 - 0.2, throttle 0.3, brake 0.1, speed t mph.

    Returns:
        The CSV file.
    """
    (folder / "IMG").mkdir(parents=True)
    rows: list[list[object]] = [list(HEADER)] if header else []
    at = datetime(2018, 7, 30, 19, 54, 48, tzinfo=UTC).timestamp()
    for t in range(frames):
        at += (pause_before or {}).get(t, 1.0 / rate_hz)
        milliseconds = round(at * 1000.0)
        moment = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y_%m_%d_%H_%M_%S")
        row: list[object] = []
        for k, side in enumerate(("center", "left", "right")):
            name = f"{side}_{moment}_{milliseconds % 1000:03d}.jpg"
            if side == "center" or sides:
                (folder / "IMG" / name).write_bytes(jpeg(3 * t + k))
            row.append(("" if k == 0 else " ") + prefix + name)  # the published sample has such spaces
        rows.append([*row, t / 20 - 0.2, 0.3, 0.1, float(t)])
    log = folder / "driving_log.csv"
    with log.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return log


def donkey(
    folder: Path,
    *,
    frames: int = 12,
    catalog_length: int = 5,
    deleted: tuple[int, ...] = (),
    sessions: tuple[str, ...] = ("22-08-13_0",),
    modes: dict[int, str] | None = None,
    speed_key: str | None = None,
    size: tuple[int, int] = (160, 120),
) -> Path:
    """A tub at 20 Hz; angle t / 20 - 0.2, throttle 0.5, speed t / 4.

    Returns:
        Its folder.
    """
    (folder / "images").mkdir(parents=True)
    lines = []
    for t in range(frames):
        name = f"{t}_cam_image_array_.jpg"
        (folder / "images" / name).write_bytes(jpeg(t, *size))
        record = {
            "_index": t,
            "_session_id": sessions[t * len(sessions) // frames],
            "_timestamp_ms": 1660396688209 + 50 * t,
            "cam/image_array": name,
            "user/angle": t / 20 - 0.2,
            "user/mode": (modes or {}).get(t, "user"),
            "user/throttle": 0.5,
        }
        if speed_key:
            record[speed_key] = t / 4
        lines.append(json.dumps(record, sort_keys=True) + "\n")
    names = []
    for number, start in enumerate(range(0, frames, catalog_length)):
        names.append(f"catalog_{number}.catalog")
        part = lines[start : start + catalog_length]
        (folder / names[-1]).write_text("".join(part), newline="")
        about = {
            "created_at": 1660396688.2,
            "line_lengths": [len(line) for line in part],
            "path": f"catalog_{number}.catalog_manifest",
            "start_index": start,
        }
        (folder / f"catalog_{number}.catalog_manifest").write_text(json.dumps(about) + "\n")
    manifest = [
        ["cam/image_array", "user/angle", "user/throttle", "user/mode"],
        ["image_array", "float", "float", "str"],
        {},
        {"created_at": 1660396688.2, "sessions": {"all_full_ids": list(sessions), "last_id": 0}},
        {
            "paths": names,
            "current_index": frames,
            "max_len": catalog_length,
            "deleted_indexes": list(deleted),
        },
    ]
    (folder / "manifest.json").write_text("".join(json.dumps(line) + "\n" for line in manifest))
    return folder
