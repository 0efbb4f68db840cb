"""Writes what the Udacity simulator records; `udacity_reader.py` says what that is."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from drive.interchange.conversion import SIDE_IMAGE
from drive.interchange.drives import Clock, Selection, held
from drive.interchange.import_settings import GAP_S
from drive.interchange.pictures import suffix
from drive.interchange.sidecar import write_sidecar
from drive.interchange.udacity_reader import COLUMNS, LOG_NAME
from drive.interchange.units import MPH, pedals_from_acceleration, steering_to_right


def write_udacity(selection: Selection, folder: Path, full_lock_deg: float) -> list[str]:
    """Write a log with relative paths and a header, as Udacity's own sample has.

    Drives are told apart by pauses in the pictures' times.

    Returns:
        What the format could not hold.
    """
    clock, beyond = Clock(GAP_S), 0
    (folder / "IMG").mkdir()
    with (folder / LOG_NAME).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for drive in selection:
            action = np.asarray(drive.frames["action"], np.float64)
            steering, more = held(steering_to_right(action[:, 0], full_lock_deg))
            beyond += more
            throttle, brake = drive.state("throttle"), drive.state("brake")
            if throttle is None or brake is None:
                throttle, brake = pedals_from_acceleration(action[:, 1])
            speed = drive.state("speed_mps")
            speed = np.zeros(drive.length) if speed is None else speed / MPH
            for t, at in enumerate(clock(drive)):
                moment = datetime.fromtimestamp(at // 1000, UTC).strftime("%Y_%m_%d_%H_%M_%S")
                paths = {"center": "", "left": "", "right": ""}
                pictures = {"center": drive.pictures[t]} | {
                    side: drive.frames[SIDE_IMAGE.format(side=side)][t] for side in selection.sides
                }
                for side, data in pictures.items():
                    paths[side] = f"IMG/{side}_{moment}_{at % 1000:03d}{suffix(data)}"
                    (folder / paths[side]).write_bytes(data)
                numbers = (steering[t], throttle[t], brake[t], speed[t])
                rows.writerow([*paths.values(), *(repr(float(value)) for value in numbers)])
    write_sidecar(selection.info, folder, full_lock_deg)
    return [f"{beyond} frames steer beyond {full_lock_deg:g} degrees and are held there"] if beyond else []
