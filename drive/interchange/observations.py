"""A drive as steps of an environment: what Minari and RLDS share."""

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import OBSERVATION
from drive.dataset import DatasetInfo, Features
from drive.dataset.layout import REWARD
from drive.interchange.drives import Drive
from drive.sim.maps.styles import GENERATED_MAPS

if TYPE_CHECKING:
    from gymnasium.envs.registration import EnvSpec

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


def rewards(drive: Drive) -> NDArray[np.float64]:
    """(T,) the lane task's reward from each frame up to the next; 0 where none was recorded."""
    return np.asarray(drive.frames.get(REWARD, np.zeros(drive.length)), np.float64)


def environment_spec(info: DatasetInfo) -> "EnvSpec | None":
    """How to make the environment that a dataset was recorded in.

    None: it is of another program, or was recorded on a map, of which only the name is known. Camera and
    pedals are those of the dataset; traffic too, where all its recordings agree.
    """
    import gymnasium

    if not info.calibrated or known_parts(info.features).keys() != PARTS.keys():
        return None
    if any(name not in GENERATED_MAPS for name in info.maps):
        return None
    spec = copy.deepcopy(gymnasium.spec("drive/Lane-v0"))
    spec.kwargs = {"camera": info.camera.to_json(), "longitudinal": "agent"}
    traffic = {str(one.get("config", {}).get("traffic") or "") for one in info.recordings}
    if len(traffic) == 1 and (value := traffic.pop()):
        spec.kwargs["traffic"] = value
    return spec
