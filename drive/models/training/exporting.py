"""Best weights to a policy file: by this process where Keras runs on TensorFlow, by another one elsewhere.

python -m drive.models.training.exporting REQUEST     writes what the folder REQUEST asks for
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drive.camera import Camera
from drive.core.errors import UserError
from drive.models.networks.declaration import Network
from drive.models.networks.table import NETWORKS
from drive.models.training.device import backend_name, require_tensorflow


def export_weights(
    weights: Path,
    network: Network,
    camera: Camera,
    path: Path,
    facts: Mapping[str, Any],
    frames: NDArray[np.uint8],
) -> float:
    """Write the policy file of saved weights; arguments and result as `export_policy`.

    Raises:
        UserError: the file differs from Keras, or TensorFlow, which writes it, is not installed.
    """
    if backend_name() == "tensorflow":
        from drive.models.export import export_policy
        from drive.models.training.resume import load_weights

        model = network.build()  # in float32, as the file is, whatever the training multiplied in
        load_weights(model, weights)
        return export_policy(model, network, camera, path, facts, frames)
    try:
        require_tensorflow()
    except UserError as problem:
        raise UserError(
            f"{weights} holds the trained weights, but the export {str(problem).removeprefix('training ')}; "
            "then give the same command again, and the run ends with its policy file."
        ) from problem
    with tempfile.TemporaryDirectory(prefix="drive-") as name:
        request = Path(name)
        np.save(request / "frames.npy", frames)
        values = {
            "weights": str(weights.resolve()),
            "network": network.name,
            "camera": asdict(camera),
            "path": str(path.resolve()),
            "facts": dict(facts),
        }
        (request / "request.json").write_text(json.dumps(values), encoding="utf-8")
        child = subprocess.run(
            [sys.executable, "-m", __name__, name],
            env=os.environ | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        answer = request / "difference.json"
        if not answer.is_file():
            lines = child.stderr.strip().splitlines() or [f"it ended with status {child.returncode}"]
            raise UserError(f"the export by TensorFlow failed: {lines[-1][:300]}")
        return float(json.loads(answer.read_text(encoding="utf-8")))


def _serve(request: Path) -> None:
    values = json.loads((request / "request.json").read_text(encoding="utf-8"))
    difference = export_weights(
        Path(values["weights"]),
        NETWORKS[values["network"]],
        Camera(**values["camera"]),
        Path(values["path"]),
        values["facts"],
        np.load(request / "frames.npy"),
    )
    (request / "difference.json").write_text(json.dumps(difference), encoding="utf-8")


if __name__ == "__main__":
    try:
        _serve(Path(sys.argv[1]))
    except UserError as problem:
        sys.exit(str(problem))
