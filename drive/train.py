"""`drive train`: from recorded episodes to a policy file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from drive.core.errors import UserError


@dataclass(frozen=True)
class TrainConfig:
    """Train a network from camera to steering on recorded datasets and export it as ONNX.

    Needs the extra `train`. A run that was stopped goes on where it was when the same command is given again.
    Next: `drive evaluate --agent OUT/policy.onnx`.
    """

    data: tyro.conf.Positional[tuple[Path, ...]]
    """Datasets that `drive record` made; all of one camera."""
    out: Path = Path("runs/train")
    """Folder for the policy, the logs and the state to go on from."""
    model: Literal["pilotnet"] = "pilotnet"
    """The network."""
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
    """Share of the roads kept for choosing the best weights; drives of one map and seed stay together."""
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


def main(config: TrainConfig) -> None:
    """Train, keep the best weights, export and check the policy file.

    Raises:
        UserError: there is nothing to train on, or no TensorFlow, or no GPU where one was asked for, or the
            folder `out` holds other things.
    """
    from rich.console import Console

    from drive.models.training.device import choose_device, load_tensorflow
    from drive.models.training.fit import train
    from drive.models.training.run_folder import RunFolder, open_datasets

    console = Console(highlight=False)
    datasets = open_datasets(config.data)
    load_tensorflow()
    gpus, strategy = choose_device(config.device)
    folder = RunFolder.open(config)
    console.print(f"training on {', '.join(gpus) or 'the CPU'}")
    try:
        difference = train(config, datasets, folder, strategy, bool(gpus), console)
    except UserError:
        folder.abandon()
        raise
    folder.finish(config)
    console.print(
        f"policy: [bold]{folder.policy}[/bold] (differs from Keras by {difference:.1e})", soft_wrap=True
    )
    console.print(f"next: drive evaluate --agent {folder.policy}", soft_wrap=True)
