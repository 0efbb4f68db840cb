"""`python -m tests.maps.hostile FOLDER`: damaged maps and hand-made ones, each tried in a process of its own.

It goes on where it stopped: what was tried stands in FOLDER/trials.jsonl, and a map that fails beside it.
"""

import argparse
import json
import os
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.maps.bases import BASES
from tests.maps.handmade import HANDMADE
from tests.maps.mutations import mutated
from tests.maps.trial import try_map

CPU_SECONDS, MEMORY_GB = 10.0, 2.0  # of each trial; beyond it fails


def _child(path: Path, seed: int, out: int) -> None:
    """Try a map and write what became of it."""
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    try:
        told = try_map(path, seed, width_px=1600)
    except BaseException as error:  # whatever it is, it is a failure of the program
        told = f"failed: {error!r} {traceback.format_exc()[-1500:]}"
    os.write(out, told.encode())
    os._exit(0)


def trial(path: Path, seed: int) -> dict[str, object]:
    """What became of a map in a process of its own, and what it cost."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(path, seed, write)
    os.close(write)
    told = b""
    while part := os.read(read, 1 << 16):
        told += part
    os.close(read)
    _, _, usage = os.wait4(pid, 0)
    cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20
    outcome = told.decode() or "failed: it ended without a word"
    if outcome[0] != "f" and (cpu > CPU_SECONDS or memory > MEMORY_GB):
        outcome = f"failed: too much: {outcome}"
    return {"outcome": outcome, "cpu_s": round(cpu, 2), "memory_gb": round(memory, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1000, help="mutated maps")
    parser.add_argument(
        "--maps", type=Path, help="a folder with .xodr files; every second map is one of those"
    )
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "trials.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    done = {row["name"] for row in rows}
    others = sorted(arguments.maps.rglob("*.xodr")) if arguments.maps else []
    warm = folder / "warm.xodr"
    warm.write_text(BASES[0])
    try_map(warm)  # loads the kernels, which every trial then shares
    cases: list[tuple[str, int | None]] = [(name, None) for name in HANDMADE]
    cases += [(f"seed-{seed}", seed) for seed in range(arguments.count)]
    for name, seed in cases:
        if name in done:
            continue
        if seed is None:
            text = HANDMADE[name]()
        elif others and seed % 2:
            text = mutated(others[seed // 2 % len(others)].read_text(), seed)
        else:
            text = mutated(BASES[seed % len(BASES)], seed)
        path = folder / f"{name}.xodr"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        started = time.monotonic()
        row = {"name": name, **trial(path, seed or 0), "wall_s": round(time.monotonic() - started, 2)}
        rows.append(row)
        with log.open("a") as file:
            file.write(json.dumps(row) + "\n")
        if str(row["outcome"]).startswith("failed"):
            print(name, row["cpu_s"], row["memory_gb"], str(row["outcome"])[:300], flush=True)
        else:
            path.unlink()
    kinds = Counter(str(row["outcome"]).split(":")[0] for row in rows)
    most = {key: max(rows, key=lambda row: row[key]) for key in ("cpu_s", "memory_gb")}
    print(f"{len(rows)} maps: {dict(kinds)}")
    for key, row in most.items():
        print(f"most {key}: {row[key]} ({row['name']})")
    sys.exit(1 if kinds["failed"] else 0)


if __name__ == "__main__":
    main()
