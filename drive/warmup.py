"""Compile or load every kernel once, before workers or clocks start."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drive.agent import Agent

COMPILING = "compiling kernels, once (about a minute) ..."


def warm_up(env: Any = None, scenario: Any = None, agents: "Iterable[Agent]" = ()) -> None:
    """Drive the first half metre of a scenario; quick when the kernels lie in the cache.

    Args:
        env: a lane environment; None: one of its own, with a small camera.
        scenario: what is driven; None: a generated road.
        agents: drive it too, after the expert, so that what they compile or load is ready.

    Raises:
        UserError: an agent cannot drive in this environment.
    """
    from drive.rollout import rollout
    from drive.sim.expert import Expert

    if env is None:
        from drive.sim.env import LaneEnv
        from drive.sim.sensors.camera import Camera

        env = LaneEnv(camera=Camera(width_px=96, height_px=96))
    if scenario is None:
        from drive.sim.scenario import lane_scenario

        scenario = lane_scenario(3)
    short = replace(scenario, goal_s=scenario.start_s + 0.5)
    episode = rollout(env, Expert(), short, act_limit=300.0)
    if episode.error is not None:
        raise RuntimeError(episode.extra["traceback"])
    env.unwrapped.world.render_view(0, 0.2, 0.02)
    for agent in agents:
        rollout(env, agent, short, act_limit=300.0)


def warm_up_with_message() -> None:
    """`warm_up`, saying so on stderr when kernels have to be compiled first."""
    import sys

    from drive.machine import kernels_compiled

    if not kernels_compiled():
        print(COMPILING, file=sys.stderr, flush=True)
    warm_up()


if __name__ == "__main__":
    warm_up_with_message()
