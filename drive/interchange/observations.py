"""A drive as steps of an environment: what Minari and RLDS share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import OBSERVATION
from drive.dataset import Features
from drive.interchange.drives import Drive

# Keys of this program's environments, and which of the recorded numbers each is made of.
PARTS = {key: quantity.columns for key, quantity in OBSERVATION.items() if quantity.columns}


def known_parts(features: Features) -> dict[str, tuple[str, ...]]:
    """Those of PARTS that a dataset has."""
    names = features["observation.state"]["names"]
    return {key: parts for key, parts in PARTS.items() if set(parts) <= set(names)}


def numbers(drive: Drive, features: Features) -> dict[str, NDArray[Any]]:
    """Observations but for the picture, by the environments' keys.

    Returns:
        float32 (T, n) each, and `command` int64 (T,).
    """
    found: dict[str, NDArray[Any]] = {}
    for key, parts in known_parts(features).items():
        columns = [values for part in parts if (values := drive.state(part)) is not None]
        found[key] = np.stack(columns, axis=1).astype(np.float32)
    found["command"] = np.asarray(drive.frames["observation.command"], np.int64)
    return found
