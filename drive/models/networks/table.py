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
    for info in datasets:
        measured = set(info.features["observation.state"]["names"])
        missing = {key for key in network.inputs if not measured.issuperset(OBSERVATION[key].columns)}
        if not missing:
            continue
        others = [
            one for one in NETWORKS.values() if one.outputs == network.outputs and not missing & {*one.inputs}
        ]
        lacks = f"{info.root} has no {', '.join(sorted(missing))}"
        if not others:
            raise UserError(f"{lacks}, which {name} sees: train another --model on it")
        return others[0], f"{lacks}: {others[0].name} learns, which leaves that input out"
    return network, ""
