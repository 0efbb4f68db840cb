"""What this machine offers the process, and which program runs on it."""

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")  # Linux: what a container, or a service, may use
_OWN_GROUPS = Path("/proc/self/cgroup")


def cores() -> int:
    """How many cores this process may use, at least one: its CPU affinity and its container's quota."""
    if hasattr(os, "sched_getaffinity"):  # not on every system
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min([count, *map(ceil, _quotas())]))


def _quotas() -> Iterator[float]:
    """CPU quotas [cores] of the control groups around this process, version 2 and version 1.

    `cpu.max` holds "QUOTA PERIOD" in microseconds, or "max"; version 1 keeps the two in files of their own,
    with -1 for none.
    """
    for line in _read(_OWN_GROUPS).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            roots, files = [_GROUPS], ["cpu.max"]
        elif "cpu" in controllers.split(","):
            roots, files = [_GROUPS / "cpu", _GROUPS / controllers], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        else:
            continue
        inside = Path(path.lstrip("/"))
        for folder in (root / part for root in roots for part in (inside, *inside.parents)):
            values = " ".join(_read(folder / name) for name in files).split()
            if len(values) == 2 and all(value.isdecimal() for value in values) and int(values[1]) > 0:
                yield int(values[0]) / int(values[1])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def memory_bytes() -> int:
    """How much memory this machine, or the container around this process, has [bytes]."""
    import psutil

    total = int(psutil.virtual_memory().total)
    limits = [_read(_GROUPS / name).strip() for name in ("memory.max", "memory/memory.limit_in_bytes")]
    return min([total, *(int(limit) for limit in limits if limit.isdecimal())])


def simulator_key() -> str:
    """A key that changes with any source of the simulated world."""
    from drive.core.kernels import source_key

    return source_key(Path(__file__).resolve().parents[1] / "sim" / "world.py")


def program_key() -> str:
    """A key that changes with any source that figures depend on: simulator, agents and scores."""
    from drive.core.kernels import source_key

    return source_key(Path(__file__).resolve().parents[1] / "evaluate.py")


def kernels_compiled() -> bool:
    """Whether the kernels that step and look, the last and longest to compile, lie in the disk cache."""
    from drive.core.kernels import cache_root, source_key

    simulator = Path(__file__).resolve().parents[1] / "sim"
    last = ((simulator / "step.py", "advance_worlds"), (simulator / "sensors" / "frame.py", "draw_frames"))
    return all(any((cache_root() / source_key(path)).rglob(f"*.{name}-*.nbi")) for path, name in last)
