"""The table of networks: what `--model` can name. A new network is one file and one line here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from drive.agent import OBSERVATION
from drive.core.errors import UserError
from drive.models.networks.declaration import Network
from drive.models.networks.pilotnet import PILOTNET, PILOTNET_PIXELS
from drive.models.networks.pilotnet_pedals import PILOTNET_PEDALS

NETWORKS: dict[str, Network] = {
    network.name: network for network in (PILOTNET, PILOTNET_PIXELS, PILOTNET_PEDALS)
}

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

    NetworkName = str
else:
    NetworkName = Literal[tuple(NETWORKS)]  # the choices on the command line


def network_for(name: str, datasets: "Sequence[DatasetInfo]") -> tuple[Network, str]:
    """The network of that name, or one of the same outputs that does without what a dataset did not measure.

    Returns:
        The network, and a line that says why it is another one.

    Raises:
        UserError: there is none.
    """
    network = NETWORKS[name]
    missing: dict[str, str] = {}  # where, by key of the observation
    for info in datasets:
        measured = set(info.features["observation.state"]["names"])
        for key, quantity in OBSERVATION.items():
            if not measured.issuperset(quantity.columns):
                missing.setdefault(key, str(info.root))
    lacking = sorted(missing.keys() & {*network.inputs})
    if not lacking:
        return network, ""
    lacks = f"{missing[lacking[0]]} has no {', '.join(lacking)}"
    for other in NETWORKS.values():
        if other.outputs == network.outputs and not missing.keys() & {*other.inputs}:
            return other, f"{lacks}: {other.name} learns, which leaves that input out"
    raise UserError(f"{lacks}, which {name} sees: train another --model on it")
