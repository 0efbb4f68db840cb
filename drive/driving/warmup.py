"""Compile or load every kernel once, before workers or clocks start.

What is not in the disk cache yet takes close to a minute of one core, half of it the renderer's. A second
process therefore compiles the renderer while this one compiles maps and physics; afterwards everything
is loaded from the cache. Whatever befalls that process, this one only has more left to compile.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drive.agent import Agent

COMPILING = "compiling kernels, once (half a minute on two cores, a minute on one) ..."

_PATIENCE = 300.0  # with the other process, once this one has compiled its half [s]
_OTHER = "from drive.driving.warmup import other_process; other_process()"


def warm_up(env: Any = None, scenario: Any = None, agents: "Iterable[Agent]" = ()) -> None:
    """Drive the first half metre of a scenario; quick when the kernels lie in the cache.

    Args:
        env: a lane environment; None: one of its own, with a small camera.
        scenario: what is driven; None: a generated road.
        agents: drive it too, after the expert, so that what they compile or load is ready.

    Raises:
        UserError: an agent cannot drive in this environment.
    """
    from drive.core.kernels import remove_old_caches
    from drive.core.machine import kernels_compiled

    if not kernels_compiled():  # of sources that changed: what older ones left may go
        remove_old_caches()
    with _renderer_beside() as beside:
        if scenario is None:
            from drive.sim.scenario import lane_scenario

            scenario = lane_scenario(3)
        short = replace(scenario, goal_s=scenario.start_s + 0.5)
        if beside:
            from drive.sim.compiling import drive_unseen

            drive_unseen(short)

    from drive.driving.rollout import rollout
    from drive.sim.expert import Expert

    if env is None:
        from drive.sim.compiling import small_camera
        from drive.sim.env import LaneEnv

        env = LaneEnv(camera=small_camera())
    episode = rollout(env, Expert(), short)
    if episode.error is not None:
        raise RuntimeError(episode.extra["traceback"])
    env.unwrapped.world.render_view(0, 0.2, 0.02)
    for agent in agents:
        rollout(env, agent, short)


def compile_with_message() -> None:
    """Compile what lies in no cache yet, once, before worker processes would all do it at the same time."""
    from drive.core.machine import kernels_compiled

    if not kernels_compiled():
        warm_up_with_message()


def warm_up_with_message() -> None:
    """`warm_up`, saying so on stderr when kernels have to be compiled first."""
    from drive.core.machine import kernels_compiled

    if not kernels_compiled():
        print(COMPILING, file=sys.stderr, flush=True)
    warm_up()


def other_process() -> None:
    """The life of the second process."""
    end_with_parent()
    from drive.sim.compiling import draw_nothing

    draw_nothing()


def end_with_parent() -> None:
    """End this process as soon as the other end of its standard input is closed, by death or otherwise."""

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _renderer_beside() -> Iterator[bool]:
    """While the body runs, compile the renderer in a process beside it, if that saves time; then wait.

    Yields:
        Whether there is such a process.
    """
    process = _start_other() if _two_are_faster() else None
    if process is None:
        yield False
        return
    try:
        yield True
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        pass  # what it did not finish is compiled here
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _two_are_faster() -> bool:
    from drive.core.machine import cores, kernels_compiled

    return cores() >= 2 and not kernels_compiled()


def _start_other() -> "subprocess.Popen[bytes] | None":
    """A silent interpreter that Ctrl-C does not reach and that ends with this one; None: none starts."""
    places = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _OTHER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))},
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # on Windows only
            start_new_session=True,
        )
    except (OSError, TypeError):  # TypeError: an embedded interpreter has no executable
        return None


if __name__ == "__main__":
    warm_up_with_message()
