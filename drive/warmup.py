"""Compile or load every kernel once, before workers or clocks start."""

from drive.sim.scenario import lane_scenario


def warm_up() -> None:
    """Run one step of a small batch with every kernel; quick when the kernels lie in the cache."""
    import numpy as np

    from drive.sim.env import LaneEnv
    from drive.sim.expert import Expert
    from drive.sim.sensors.camera import Camera

    env = LaneEnv(camera=Camera(width_px=96, height_px=96))
    expert = Expert()
    env.reset(options={"scenario": lane_scenario(3)})
    expert.reset(env.context(privileged=True))
    for _ in range(2):
        env.step(np.array([expert.steering_at(env.world, 0, 0.0, 0.0)], np.float32))
    env.render_view(0.2, 0.02)


def warm_up_with_message() -> None:
    """`warm_up`, saying so on stderr when kernels have to be compiled first."""
    import sys

    from drive.kernels import cache_root, source_key
    from drive.sim import world

    path = world.__file__
    from pathlib import Path

    folder = cache_root() / source_key(Path(path).resolve())
    if not folder.exists():
        print("compiling kernels, once (about a minute) ...", file=sys.stderr, flush=True)
    warm_up()


if __name__ == "__main__":
    warm_up_with_message()
