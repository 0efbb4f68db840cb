"""A recording of another program, whichever it is."""

from pathlib import Path

from drive.core.errors import UserError
from drive.interchange.donkey_reader import MANIFEST, read_donkey
from drive.interchange.foreign import ForeignLog
from drive.interchange.udacity_reader import LOG_NAME, read_udacity


def read_log(source: Path) -> ForeignLog:
    """Read a recording of another program, whichever it is.

    Raises:
        UserError: it is of none that this program knows, or cannot be used.
    """
    if not source.exists():
        raise UserError(
            f"{source} does not exist: name a Udacity driving_log.csv or the folder of a Donkey tub."
        )
    if source.is_file():
        if source.suffix.lower() == ".csv":
            return read_udacity(source)
        if source.name == MANIFEST:
            return read_donkey(source.parent)
        raise UserError(
            f"{source} is no .csv file: name a Udacity driving_log.csv or the folder of a Donkey tub."
        )
    if (source / LOG_NAME).is_file():
        return read_udacity(source / LOG_NAME)
    if (source / MANIFEST).is_file() or any(source.glob("catalog_*.catalog")):
        return read_donkey(source)
    if (source / "data" / MANIFEST).is_file():
        return read_donkey(source / "data")
    if any(source.glob("record_*.json")):
        raise UserError(
            f"{source} is a Donkey tub of version 1: convert it with Donkey Car's convert_to_tub_v2.py."
        )
    tables = sorted(source.glob("*.csv"))
    if len(tables) == 1:
        return read_udacity(tables[0])
    raise UserError(
        f"{source} holds neither {LOG_NAME} (Udacity) nor {MANIFEST} (Donkey Car, tub version 2): "
        "name the folder that does."
    )
