"""What a training run needs on the disk: its datasets, and a folder that holds this run alone."""

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drive.core.errors import UserError
from drive.core.files import refuse_other_things, replace_file
from drive.core.json_data import loads
from drive.models.networks.table import NETWORKS

if TYPE_CHECKING:
    from drive.dataset.reader import DatasetInfo

_NOT_COMPARED = ("device", "mixed_precision", "keep_cache")  # may change when a run goes on


def of_this_network(root: Path) -> bool:
    """Whether a folder holds a run of its network as it is today, finished or not."""
    try:
        values = loads((root / "train.json").read_text(encoding="utf-8"))
        return bool(values["network"] == NETWORKS[values["config"]["model"]].version)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def open_datasets(paths: Sequence[Path]) -> list["DatasetInfo"]:
    """Read what the datasets hold.

    Raises:
        UserError: none is named, one is empty or damaged, or two differ in the camera.
    """
    from drive.dataset import read_info

    if not paths:
        raise UserError("no data to train on: name one or more datasets that `drive record` made")
    datasets = [read_info(path) for path in paths]
    for info in datasets:
        if info.total_frames == 0:
            raise UserError(f"{info.root} holds no episode: record one with `drive record {info.root}`")
        if info.camera != datasets[0].camera:
            ours, first = asdict(info.camera), asdict(datasets[0].camera)
            differing = [name for name in ours if ours[name] != first[name]]
            raise UserError(
                f"{info.root} was recorded with another camera than {datasets[0].root} ("
                + ", ".join(f"{name} {ours[name]} instead of {first[name]}" for name in differing)
                + "): train on datasets of one camera"
            )
    return datasets


@dataclass(frozen=True)
class RunFolder:
    """The folder `--out` of one training run.

    `train.json` says what runs here and whether it ended; `checkpoint.npz` is where to go on.
    """

    root: Path
    made: bool = False  # by this run: the folder did not exist before

    @property
    def policy(self) -> Path:
        """The exported policy file."""
        return self.root / "policy.onnx"

    @property
    def checkpoint(self) -> Path:
        """State after the last finished epoch."""
        return self.root / "checkpoint.npz"

    @property
    def weights(self) -> Path:
        """Best weights so far, for Keras."""
        return self.root / "weights.npz"

    @property
    def cache(self) -> Path:
        """Decoded pictures."""
        return self.root / "cache"

    @classmethod
    def open(cls, out: Path, settings: Mapping[str, Any]) -> "RunFolder":
        """Make the folder, or go on in the one that a stopped run left.

        Args:
            out: the folder.
            settings: of the run, as JSON values by the name of their flag; `model` names the network.

        Raises:
            UserError: the folder holds other things, a finished run, or a run with other settings or of
                another version of the network.
        """
        folder = cls(out, made=not out.exists())
        record = out / "train.json"
        if record.is_file():
            folder._check_same(settings, record)
        else:
            refuse_other_things(out, "give --out a new or empty folder")
            out.mkdir(parents=True, exist_ok=True)
            folder._write(settings, finished=False)
        return folder

    def _check_same(self, settings: Mapping[str, Any], record: Path) -> None:
        try:
            found = loads(record.read_text(encoding="utf-8"))
            finished, before = found["finished"], found["config"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{record} is damaged: remove {self.root} and train anew") from error
        if finished:
            raise UserError(f"{self.root} holds a finished run: give --out another folder, or remove it")
        if not of_this_network(self.root):
            raise UserError(
                f"{self.root} holds an unfinished run of another version of the network: "
                "give another --out, or remove it and train anew"
            )
        for name, now in settings.items():
            if name not in _NOT_COMPARED and before.get(name) != now:
                raise UserError(
                    f"{self.root} holds an unfinished run with --{name.replace('_', '-')} "
                    f"{before.get(name)}, not {now}: give the same settings to go on, or another --out"
                )

    def finish(self, settings: Mapping[str, Any]) -> None:
        """Mark the run as ended and drop what was only needed to go on."""
        self._write(settings, finished=True)
        self.checkpoint.unlink(missing_ok=True)
        if not settings["keep_cache"]:
            shutil.rmtree(self.cache, ignore_errors=True)

    def abandon(self) -> None:
        """Remove the folder again, if this run made it and has learned nothing."""
        with contextlib.suppress(OSError):
            if self.made and {path.name for path in self.root.iterdir()} <= {"train.json", self.cache.name}:
                shutil.rmtree(self.root)

    def _write(self, settings: Mapping[str, Any], *, finished: bool) -> None:
        network = NETWORKS[settings["model"]].version
        values = {"finished": finished, "network": network, "config": dict(settings)}
        replace_file(self.root / "train.json", (json.dumps(values, indent=1) + "\n").encode())
