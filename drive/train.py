"""`drive train`: from recorded episodes to a policy file."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import tyro

from drive.core.errors import UserError
from drive.models.training.options import TrainingOptions


@dataclass(frozen=True, kw_only=True)
class TrainConfig(TrainingOptions):
    """Train a network from camera to steering on recorded datasets and export it as ONNX.

    Needs the extra `train`. A run that was stopped goes on where it was when the same command is given again.
    KERAS_BACKEND=jax or torch trains without TensorFlow, which then only exports the policy file.
    Next: `drive evaluate --agent OUT/policy.onnx`.
    """

    data: tyro.conf.Positional[tuple[Path, ...]]
    """Datasets that `drive record` made; all of one camera."""
    out: Path = Path("runs/train")
    """Folder for the policy, the logs and the state to go on from."""

    @property
    def options(self) -> TrainingOptions:
        """The settings without data and folder."""
        return TrainingOptions(**{field.name: getattr(self, field.name) for field in fields(TrainingOptions)})


def main(config: TrainConfig) -> None:
    """Train, keep the best weights, export and check the policy file.

    Raises:
        UserError: there is nothing to train on, or no TensorFlow, or no GPU where one was asked for, or the
            folder `out` holds other things.
    """
    from rich.console import Console

    from drive.models.training.advice import advise
    from drive.models.training.device import choose_device
    from drive.models.training.fit import train
    from drive.models.training.run_folder import RunFolder, open_datasets

    console = Console(highlight=False)
    datasets = open_datasets(config.data)
    device = choose_device(config.device)
    folder = RunFolder.open(config.out, settings_of(config))
    console.print(f"training on {', '.join(device.names) or 'the CPU'}")
    try:
        difference = train(config.options, datasets, folder, device, console)
    except UserError:
        folder.abandon()
        raise
    folder.finish(settings_of(config))
    console.print(
        f"policy: [bold]{folder.policy}[/bold] (differs from Keras by {difference:.1e})", soft_wrap=True
    )
    if advice := advise(datasets):
        console.print(advice, soft_wrap=True)
    console.print(f"next: drive evaluate --agent {folder.policy}", soft_wrap=True)


def settings_of(config: TrainConfig) -> dict[str, object]:
    """The whole configuration as JSON values, for `train.json`."""
    return asdict(config) | {"data": [str(path) for path in config.data], "out": str(config.out)}
