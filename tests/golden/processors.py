"""Golden drives as on other processors and other Pythons: their hashes must be the stored ones.

python -m tests.golden.processors                           every drive under every setting
python -m tests.golden.processors --every 6 x86-64 opencv   a sixth of them under these
python -m tests.golden.processors --python 3.13/bin/python  with other interpreters besides (repeat the flag)
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.golden import drives
from tests.sim.maps.test_same_bits import OLD_PROCESSOR

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "native": {},
    "x86-64-v3": {"NUMBA_CPU_NAME": "x86-64-v3"},
    "x86-64": {"NUMBA_CPU_NAME": "x86-64"},
    "opencv": {"OPENCV_CPU_DISABLE": "AVX2,AVX512_SKX"},
    "old": {**OLD_PROCESSOR, "NUMBA_CPU_NAME": "x86-64"},
}
_PROGRAM = """
import contextlib, io, json, os, sys
from pathlib import Path
from tests.golden import drives
shared = Path(os.environ["DRIVE_SHARED"]) if "DRIVE_SHARED" in os.environ else None
with contextlib.redirect_stdout(io.StringIO()):
    recording = drives.recording(Path(sys.argv[1]))
known = drives.GENERATED | drives.ON_MAPS
made = {name: drives.drive_alone(known[name], shared) for name in json.loads(sys.argv[2])}
print(json.dumps({"drives": made, "recording": recording}))
"""


def differing(
    names: Sequence[str], environment: Mapping[str, str], python: str = sys.executable
) -> list[str]:
    """Drive in a process of its own, and record; which of the stored hashes come out otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [python, "-W", "ignore", "-c", _PROGRAM, f"{folder}/recording", json.dumps(list(names))],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )
    assert run.returncode == 0, run.stderr
    made, stored = json.loads(run.stdout), drives.read()
    wanted = {name: (stored["generated"] | stored["maps"])[name] for name in names}
    return drives.changed(wanted, made["drives"]) + drives.changed(stored["recording"], made["recording"])


def main() -> None:
    """Print what differs under each setting; status 1 where anything does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("settings", nargs="*", default=[], help=", ".join(SETTINGS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--python", action="append", default=[])
    asked = parser.parse_args()
    known = {**drives.GENERATED, **(drives.ON_MAPS if "DRIVE_SHARED" in os.environ else {})}
    names = list(known)[:: asked.every]
    runs = [(name, sys.executable, SETTINGS[name]) for name in asked.settings or SETTINGS]
    runs += [(str(Path(python)), python, {}) for python in asked.python]
    wrong = 0
    for label, python, environment in runs:
        started = time.monotonic()
        lines = differing(names, environment, python)
        wrong += len(lines)
        print(
            f"{label}: {len(names)} drives, {len(lines)} differ, {time.monotonic() - started:.0f} s",
            flush=True,
        )
        print(*lines[:10], sep="\n", end="\n" if lines else "", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
