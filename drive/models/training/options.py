"""How a network is trained: the settings of `drive train` but its data and folder."""

from dataclasses import dataclass
from typing import Literal

from drive.core.errors import UserError
from drive.models.networks.table import NETWORKS, NetworkName


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of a training run."""

    model: NetworkName = "pilotnet"
    """The network: `pilotnet` steers, `pilotnet_pixels` without seeing the speed; `pilotnet_pedals` steers,
    speeds up and brakes, for --longitudinal agent."""
    epochs: int = 3
    """Times to go through the data."""
    batch_size: int = 32
    """Pictures a step, over all GPUs together."""
    learning_rate: float = 1e-3
    """Highest learning rate; it rises over the first 3 % of the steps, then falls to 0 along a cosine."""
    weight_decay: float = 1e-4
    """Decoupled weight decay (AdamW)."""
    include_crashes: bool = False
    """Also learn from drives that ended in a crash or off the lane. What `drive data exclude` took out is
    never learned from."""
    only_person: bool = False
    """Of drives in which a person could take over from an agent, learn only from what the person drove."""
    labels: Literal["action", "expert"] = "action"
    """What to imitate: the recorded `action`, a person's own in drives by hand; or the expert's answer to the
    same frame, where it was recorded beside it."""
    validation_share: float = 0.1
    """Share of the pictures kept for choosing the best weights; drives of one road (map and seed) stay
    together."""
    balance: float = 0.25
    """How much more often rare steering is drawn: 0 as recorded, 1 each strength of steering alike."""
    augment: bool = True
    """Change light, colour and weather of the pictures at random."""
    flip_share: float = 0.0
    """Share of the pictures that augmentation mirrors, label and all. A mirrored road is driven on its left:
    good for roads with a mark on each side, misleading where only the side of the road tells the lane."""
    seed: int = 0
    """Of everything random; the same seed and data give the same network on the same CPU."""
    device: Literal["auto", "cpu", "gpu"] = "auto"
    """`auto` takes all GPUs, or else the CPU; `gpu` fails with the reason where there is none."""
    mixed_precision: Literal["auto", "on", "off"] = "auto"
    """Multiply in 16 bits where that is exact enough; `auto`: float16 on GPUs, bfloat16 on processors that
    have instructions for it. Weights stay float32, and so does the policy file."""
    keep_cache: bool = False
    """Keep the decoded pictures (40 kB each) in OUT/cache after training."""

    def __post_init__(self) -> None:
        if self.model not in NETWORKS:
            raise UserError(f"--model is {self.model}; take {' or '.join(NETWORKS)}.")
        for name, low, high in (
            ("epochs", 1, 100_000),
            ("batch_size", 1, 65_536),
            ("learning_rate", 1e-8, 10.0),
            ("weight_decay", 0.0, 10.0),
            ("validation_share", 0.01, 0.9),
            ("balance", 0.0, 1.0),
            ("flip_share", 0.0, 1.0),
            ("seed", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserError(f"--{name.replace('_', '-')} is {value}; take {low} to {high}.")
