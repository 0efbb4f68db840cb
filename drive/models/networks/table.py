"""The table of networks: what `--model` can name. A new network is one file and one line here."""

from typing import TYPE_CHECKING, Literal

from drive.models.networks.declaration import Network
from drive.models.networks.pilotnet import PILOTNET
from drive.models.networks.pilotnet_pedals import PILOTNET_PEDALS

NETWORKS: dict[str, Network] = {network.name: network for network in (PILOTNET, PILOTNET_PEDALS)}

if TYPE_CHECKING:
    NetworkName = str
else:
    NetworkName = Literal[tuple(NETWORKS)]  # the choices on the command line
