"""What this machine offers the process, and which program runs on it."""

import os
from pathlib import Path


def cores() -> int:
    """How many cores this process may use; at least one."""
    if hasattr(os, "sched_getaffinity"):  # knows about taskset and containers; not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
