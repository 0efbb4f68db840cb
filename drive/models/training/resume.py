"""State of a training run on the disk, so that a killed run ends with the same weights as an unbroken one."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from drive.core.errors import UserError
from drive.core.files import replacing
from drive.core.json_data import loads


def _save(path: Path, **values: Any) -> None:
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, **values)


def save_weights(network: Any, path: Path) -> None:
    """Write a network's weights as arrays w0, w1, ... in the order of `network.get_weights()`."""
    _save(path, **{f"w{i}": value for i, value in enumerate(network.get_weights())})


def load_weights(network: Any, path: Path) -> None:
    """Read what `save_weights` wrote into a network of the same shape."""
    with np.load(path) as saved:
        network.set_weights([saved[f"w{i}"] for i in range(len(saved.files))])


class Resume:
    """Saves and loads weights, optimizer, epoch, the best validation loss and what trains, in one file."""

    def __init__(self, model: Any, path: Path) -> None:
        """Take a compiled training model and where its state is kept."""
        self.model, self.path = model, path
        self.best = float("inf")
        self.made_by: dict[str, str] = {}  # what trained the saved weights: backend, precision

    def _variables(self) -> list[Any]:
        optimizer = self.model.optimizer
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        return [*self.model.network.variables, *optimizer.variables]

    def save(self, epochs_done: int) -> None:
        """Write the state; a kill leaves the old file or the new one."""
        values = {f"v{i}": variable.numpy() for i, variable in enumerate(self._variables())}
        made_by = json.dumps(self.made_by)
        _save(self.path, epochs_done=epochs_done, best=self.best, made_by=made_by, **values)

    def load(self) -> int:
        """Go back to the saved state.

        Returns:
            Epochs done; 0 where nothing is saved.
        """
        if not self.path.exists():
            return 0
        try:
            with np.load(self.path) as saved:
                for i, variable in enumerate(self._variables()):
                    variable.assign(saved[f"v{i}"])
                self.best = float(saved["best"])
                if "made_by" in saved.files:  # earlier versions did not say
                    self.made_by = loads(str(saved["made_by"]))
                return int(saved["epochs_done"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise UserError(f"{self.path} is damaged ({error}): remove the folder and train anew") from error


def build_checkpoint(resume: Resume, weights: Path) -> Any:
    """A Keras callback: after each epoch keep the best weights by validation loss, then save the state."""
    import keras

    class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            loss = (logs or {})["val_loss"]
            if not np.isfinite((logs or {})["loss"]):
                raise UserError(
                    f"the loss is {(logs or {})['loss']} after epoch {epoch + 1}: lower --learning-rate "
                    "and give another --out"
                )
            if loss < resume.best:
                resume.best = loss
                save_weights(resume.model.network, weights)
            resume.save(epoch + 1)

    return Checkpoint()
