"""`python -m tests.golden` writes drives.json anew; changed hashes need a raised SIMULATOR_VERSION."""

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from drive.sim.version import SIMULATOR_VERSION
from tests.golden import drives


def refusal(stored: dict[str, Any], made: dict[str, Any]) -> str | None:
    """Why what was made must not take the stored entries' place; None: it may."""
    if stored.get("simulator_version") != made["simulator_version"]:
        return None
    sections = ("generated", "maps", "recording")
    lines = [line for name in sections for line in drives.changed(stored.get(name, {}), made[name])]
    return f"{len(lines)} stored entries would change ({lines[0]}); {drives.REMEDY}" if lines else None


def main() -> None:
    """Make everything and write it; the drives on maps only where the maps are."""
    stored: dict[str, Any] = drives.read() if drives.FILE.exists() else {}
    folder = os.environ.get("DRIVE_SHARED")
    maps = Path(folder) if folder and Path(folder).is_dir() else None
    if maps is None and stored.get("simulator_version", SIMULATOR_VERSION) != SIMULATOR_VERSION:
        sys.exit(
            "error: SIMULATOR_VERSION was raised, so the drives on Town02 are needed too: set DRIVE_SHARED"
        )
    with tempfile.TemporaryDirectory() as temporary, contextlib.redirect_stdout(io.StringIO()):
        recording = drives.recording(Path(temporary) / "recording")
    made: dict[str, Any] = {
        "simulator_version": SIMULATOR_VERSION,
        "generated": {name: drives.drive_alone(golden) for name, golden in drives.GENERATED.items()},
        "maps": stored.get("maps", {})
        if maps is None
        else {name: drives.drive_alone(golden, maps) for name, golden in drives.ON_MAPS.items()},
        "recording": recording,
    }
    if reason := refusal(stored, made):
        sys.exit(f"error: {reason}")
    drives.FILE.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")
    print(f"{drives.FILE.name}: {len(made['generated'])} + {len(made['maps'])} drives, 1 recording")


if __name__ == "__main__":
    main()
