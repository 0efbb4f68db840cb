"""The kind and colour of the lines beside the lane, against the map's."""

from collections import Counter
from typing import Any

import gymnasium
import numpy as np
import pytest

import drive  # noqa: F401 - registers the environments
from drive.control.lane_estimate import LineColor, LineType
from drive.modular.pipeline import ModularAgent
from drive.scoring.suites import suite
from drive.sim.expert import Expert
from drive.sim.lane_truth import true_lane
from tests.modular.pinned import swerve

KINDS = {
    LineType.SOLID: LineType.SOLID,
    LineType.SOLID_SOLID: LineType.SOLID,
    LineType.BROKEN: LineType.BROKEN,
}


@pytest.fixture(scope="module")
def seen():
    """(true, seen) kinds and colours of painted lines, on roads in dry, wet, rainy and dim weather."""
    env: Any = gymnasium.make("drive/Lane-v0", disable_env_checker=True)
    kinds: Counter = Counter()
    colors: Counter = Counter()
    for index in (1, 2, 4, 5, 6):
        observation, _ = env.reset(options={"scenario": suite("lane").scenario(index)})
        world, agent, expert = env.unwrapped.world, ModularAgent(), Expert()
        agent.reset(world.context())
        expert.reset(world.context(privileged=True))
        for step in range(100):
            agent.act(observation)
            if step % 10 == 9:
                truth = true_lane(world, 0)
                for line, true in ((agent.lane.left, truth.left), (agent.lane.right, truth.right)):
                    if true.type in KINDS:
                        kinds[KINDS[true.type], line.type] += 1
                        colors[true.color, line.color] += 1
                        assert line.probability > 0.2
            steering = expert.act(observation).steering + swerve(step)
            observation, *_ = env.step(np.array([steering], np.float32))
    env.close()
    return kinds, colors


def test_solid_lines_are_told_from_broken_ones(seen):
    kinds, _ = seen
    assert {true for true, _ in kinds} == {LineType.SOLID, LineType.BROKEN}
    right = sum(count for (true, found), count in kinds.items() if true is found)
    assert right > 0.85 * kinds.total()


def test_yellow_paint_is_told_from_white_in_every_light(seen):
    _, colors = seen
    assert {true for true, _ in colors} == {LineColor.WHITE, LineColor.YELLOW}
    wrong = sum(n for (true, found), n in colors.items() if found not in (true, LineColor.UNKNOWN))
    right = sum(n for (true, found), n in colors.items() if found is true)
    assert wrong == 0
    assert right > 0.9 * colors.total()
