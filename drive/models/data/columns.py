"""Where a dataset keeps what a network sees and learns, and how both look in a mirror."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drive.agent import OBSERVATION
from drive.core.errors import UserError
from drive.dataset.layout import ACTION_NAMES
from drive.models.networks.declaration import Network

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

_MIRRORED_COMMAND = np.array([0, 2, 1, 3], np.float32)  # follow lane, right, left, straight


def label_place(info: "DatasetInfo", columns: Sequence[str], label: str) -> tuple[str, int]:
    """The column and the place in it where a dataset keeps a label.

    Raises:
        UserError: it has none of that name.
    """
    known: list[str] = []
    for column in columns:
        names = list(info.features[column]["names"] or ACTION_NAMES[: info.features[column]["shape"][0]])
        if label in names:
            return column, names.index(label)
        known += names
    raise UserError(
        f"{info.root} has no label {label} (it has {', '.join(known)}): train another --model on it"
    )


def pick_inputs(
    network: Network, state: NDArray[Any], names: Sequence[str], command: Any
) -> dict[str, NDArray[np.float32]]:
    """What a network sees besides the picture, by key of the observation.

    Args:
        network: whose inputs.
        state: (T, S) recorded `observation.state`.
        names: of its S numbers.
        command: (T,) recorded `observation.command`.

    Returns:
        (T, k) each.
    """
    found = {}
    for key in network.inputs:
        columns = [names.index(name) for name in OBSERVATION[key].columns]
        values = state[:, columns] if columns else np.asarray(command).reshape(-1, 1)
        found[key] = np.asarray(values, np.float32)
    return found


def mirror_inputs(inputs: Mapping[str, NDArray[np.float32]], rows: NDArray[np.bool_]) -> None:
    """Change (B, k) inputs in place to what is measured in a mirror, in the given rows."""
    for key, values in inputs.items():
        if key == "command":
            values[rows] = _MIRRORED_COMMAND[values[rows].astype(np.int64)]
        elif OBSERVATION[key].mirrored:
            values[rows] *= -1.0


def mirror_labels(network: Network, labels: NDArray[np.float32], rows: NDArray[np.bool_]) -> None:
    """Change (B, K) labels in place to what is right in a mirror, in the given rows."""
    for output, columns in network.columns():
        if output.mirrored:
            labels[rows, columns] *= -1.0
