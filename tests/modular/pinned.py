"""Steering of the modular stack on the frames of drives that others steer: `python -m tests.modular.pinned`.

The frames are the same bits on every machine, the stack's answers nearly: a blur in float32 may round
otherwise on another processor. So they are stored as numbers and compared with a tolerance.
"""

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

import drive  # noqa: F401 - registers the environments
from drive.agent import Agent, Observation
from drive.modular.pipeline import ModularAgent
from drive.scoring.suites import suite
from drive.sim.expert import Expert

FILE = Path(__file__).with_name("pinned.json")
STEPS = 80
DIGITS = 8  # after the point, of what is stored
SCENARIOS = [f"{name}/{index}" for name in ("lane", "corners") for index in range(6)]


def swerve(step: int) -> float:
    """What is added to the expert's steering, so that the car is not always in the middle."""
    return (abs(step % 48 - 24) - 12) / 400.0


def watch(scenario: str, agents: list[Agent], steps: int = STEPS) -> tuple[list[list[float]], str]:
    """Let the expert drive a scenario with a swerve, and ask agents what they would steer.

    Returns:
        A row of the agents' steering for each step, and the weather.
    """
    name, _, index = scenario.partition("/")
    chosen = suite(name).scenario(int(index))
    env: Any = gymnasium.make("drive/Lane-v0", disable_env_checker=True)
    observation: Observation
    observation, _ = env.reset(options={"scenario": chosen})
    world, expert = env.unwrapped.world, Expert()
    expert.reset(world.context(0, privileged=True))
    for agent in agents:
        agent.reset(world.context(0))
    rows: list[list[float]] = []
    over = False
    while not over and len(rows) < steps:
        rows.append([agent.act(observation).steering for agent in agents])
        action = expert.act(observation).steering + swerve(len(rows))
        observation, _, terminated, truncated, _ = env.step(np.array([np.clip(action, -1, 1)], np.float32))
        over = terminated or truncated
    env.close()
    return rows, chosen.weather


def made() -> dict[str, Any]:
    """What the file is to hold."""
    drives = {}
    for scenario in SCENARIOS:
        rows, weather = watch(scenario, [ModularAgent()])
        drives[scenario] = {"weather": weather, "steering": [round(row[0], DIGITS) for row in rows]}
    return drives


if __name__ == "__main__":
    FILE.write_text(json.dumps(made()).replace('}, "', '},\n"') + "\n")
