"""Drives and recordings have the same bits where numpy, libm and OpenCV work as on an old processor."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.golden import drives
from tests.sim.maps.test_same_bits import OLD_PROCESSOR

DRIVES = ("lane/0 expert", "lane/5 wave 96x96 agent", "corners/2 straight")
PROGRAM = """
import contextlib, io, json, sys
from pathlib import Path
from tests.golden import drives
with contextlib.redirect_stdout(io.StringIO()):
    recording = drives.recording(Path(sys.argv[1]))
made = {name: drives.drive_alone(drives.GENERATED[name]) for name in sys.argv[2:]}
print(json.dumps({"generated": made, "recording": recording}))
"""


def test_an_old_processor_drives_and_records_the_same(tmp_path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / "recording"), *DRIVES],
        capture_output=True,
        text=True,
        env={**os.environ, **OLD_PROCESSOR},
    )
    assert run.returncode == 0, run.stderr
    made: dict[str, Any] = json.loads(run.stdout)
    stored = drives.read()
    wanted = {name: stored["generated"][name] for name in DRIVES}
    assert drives.changed(wanted, made["generated"]) == []
    assert drives.changed(stored["recording"], made["recording"]) == []
