"""`python -m tests.maps.chains FILE...`: the expert on 24 lane chains and all junction chains of each map."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from drive.camera import Camera
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.road_map import RoadMap
from drive.sim.scenario import Scenario, lane_scenario, map_chains

TINY = Camera(width_px=16, height_px=8)


def scenarios(road_map: RoadMap, plain: int = 24, seed: int = 0) -> Iterator[Scenario]:
    """A drive along each junction chain of a map, and along `plain` of the others, with regular traffic."""
    for through in (True, False):
        for i, chain in enumerate(map_chains(road_map, through)):
            if chain.through_junction if through else i < plain:
                name = f"{'junction' if through else 'lane'} chain {i} seed {seed}"
                yield lane_scenario(
                    1000 * seed + i, road_map=road_map, through_junctions=through, chain=i, name=name
                )


def expert_ends(env: LaneEnv, scenario: Scenario) -> list[str]:
    """How the expert's drive ends; nothing is drawn."""
    env.reset(options={"scenario": scenario})
    while True:
        steering = np.array([Expert.steering_at(env.world, 0, 0.0, 0.0)], np.float32)
        _, terminated, truncated, info = env.step_unseen(steering)
        if terminated or truncated:
            return list(info["end"])


def main() -> None:
    failed = 0
    for file in map(Path, sys.argv[1:]):
        road_map = read_opendrive(file)
        env = LaneEnv(map=road_map, camera=TINY)
        ends = {x.name: expert_ends(env, x) for seed in range(4) for x in scenarios(road_map, seed=seed)}
        count = sum(1 for _ in scenarios(road_map))
        bad = {name: end for name, end in ends.items() if end != ["goal"]}
        failed += len(bad)
        told = f"{file.parent.name}/{file.stem}: {count} chains, 4 drives each; not at the goal:"
        print(told, bad or "none", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
