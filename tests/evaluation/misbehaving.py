"""Every kind of misbehaving agent beside a good one, with two workers.

python -m tests.evaluation.misbehaving             all kinds on roads of a toy simulator
python -m tests.evaluation.misbehaving --real      on the roads of the lane suite, where they always fail
python -m tests.evaluation.misbehaving nan forks   these alone
"""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drive.core.tasks import Limits
from drive.episode import Episode
from drive.evaluation.episodes import EPISODES, file_of, read_episode
from drive.evaluation.plan import Plan
from drive.evaluation.runner import Runner
from drive.evaluation.summary import episode_row
from drive.scoring.suites import schedule
from tests.faulty import BAD, EVERYWHERE, FAULTS, fake_simulator

LIMITS = Limits(beat_s=6.0, memory_gb=0.6)
SCENARIOS = schedule(3)
LOOP = "loops"  # a policy file that never ends


def plan(agents: dict[str, str], shadows: dict[str, str] | None = None, real: bool = False) -> Plan:
    """These agents on three roads, shadows with all of them."""
    shadowed = frozenset(agents) if shadows else frozenset()
    simulator = None if real else fake_simulator
    return Plan("lane", None, agents, shadows or {}, shadowed, scenarios=SCENARIOS, make_simulator=simulator)


def drive(
    folder: Path, asked: Plan, workers: int = 2, limits: Limits = LIMITS
) -> dict[tuple[str, int], Episode]:
    """Every stored episode; each was told exactly once."""
    with Runner(asked, workers, limits) as runner:
        ended = list(runner.drive(folder))
    wanted = [(name, ref.index) for ref in SCENARIOS for name in asked.agents]
    assert sorted((one.agent, one.ref.index) for one in ended) == sorted(wanted)
    assert [one.error for one in ended] == [None] * len(wanted)
    return {(name, i): read_episode(file_of(folder, EPISODES, name, SCENARIOS[i]))[0] for name, i in wanted}


def endless_policy(path: Path) -> Path:
    """A policy file that loops for ever where the speed limit is BAD."""
    from onnx import TensorProto, helper, save

    def value(name: str, kind: int, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["x"], ["x_on"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("x", 1, [1, 1])],
        [value("go_on", TensorProto.BOOL, []), value("x_on", 1, [1, 1])],
    )
    nodes = [
        helper.make_node("Constant", [], ["bad"], value_float=float(BAD)),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Constant", [], ["shape"], value_ints=[-1, 1]),
        helper.make_node("ReduceSum", ["speed_limit"], ["limit"], keepdims=0),
        helper.make_node("Equal", ["limit", "bad"], ["begin"]),
        helper.make_node("Mul", ["speed_limit", "zero"], ["x0"]),
        helper.make_node("Loop", ["", "begin", "x0"], ["x1"], body=body),
        helper.make_node("Reshape", ["x1", "shape"], ["steering"]),
    ]
    graph = helper.make_graph(
        nodes, "endless", [value("speed_limit", 1, ["N", 1])], [value("steering", 1, ["N", 1])]
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def prove(kinds: Sequence[str], folder: Path, real: bool = False) -> list[str]:
    """Drive the good agents without and with the bad ones.

    Returns:
        What is not as it must be, a line each: a failure that is not named in its own episode as FAULTS says,
        one in another episode, an episode of a good agent that differs from the run without the bad ones.
    """
    limits = Limits(20.0, 1.5) if real else LIMITS
    good = {"straight": "straight", "good": "tests.faulty:good"}
    drive(folder / "alone", plan(good, real=real), limits=limits)
    agents = good | {name: f"tests.faulty:{name}" for name in kinds if name != LOOP}
    expected = {name: FAULTS[name][1] for name in kinds if name != LOOP}
    if LOOP in kinds:
        agents[LOOP] = str(endless_policy(folder / "loops.onnx"))
        expected[LOOP] = "act did not return within 6 s at step 0"
    episodes = drive(folder / "all", plan(agents, real=real), limits=limits)
    wrong = []
    for (name, i), episode in episodes.items():
        row = episode_row(episode)
        wanted = expected.get(name) if i == BAD or (real and name != LOOP) else None
        if wanted is not None:
            wanted = wanted.replace("6 s", f"{limits.beat_s:g} s")
            wanted = wanted.replace("0.6 GB", f"{limits.memory_gb:.1f} GB")
        if wanted is None and (row["failure"] is not None or (not real and row["outcome"] != "goal")):
            wrong.append(f"{name} on {i}: {row['failure']}, {row['outcome']}, where nothing should fail")
        elif wanted is not None and (
            not (row["failure"] or "").startswith(tuple(wanted.split(" | ")))
            or (row["outcome"], row["success"]) != ("agent_failure", 0.0)
        ):
            wrong.append(f"{name} on {i}: {row['failure']!r}, {row['outcome']}, not {wanted!r}")
        if wanted is None and name not in ("straight", LOOP) and i != BAD and not real:
            if not np.array_equal(episode.steering, episodes["good", i].steering):
                wrong.append(f"{name} on {i} drives otherwise than the good one")
        for kind, what in (("threads", "threads_left"), ("fork_sleeps", "processes_left")):
            if (name == kind and (real or i == BAD)) != (what in row) and name != "forks":
                wrong.append(f"{name} on {i}: {what} {row.get(what)}")
    for name in good:
        for ref in SCENARIOS:
            mine, other = (file_of(folder / run, EPISODES, name, ref) for run in ("alone", "all"))
            if mine.read_bytes() != other.read_bytes():
                wrong.append(f"{name} on {ref.index} is another drive beside the others")
    return wrong


def main() -> None:
    """Drive, and end with status 1 where anything is not as it must be."""
    real = "--real" in sys.argv
    if real:
        os.environ[EVERYWHERE] = "1"
    kinds = [one for one in sys.argv[1:] if one != "--real"] or [*FAULTS, *([] if real else [LOOP])]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        wrong = prove(kinds, Path(folder), real)
    print(*wrong, sep="\n")
    print(f"{len(kinds)} kinds, {len(wrong)} wrong, {time.monotonic() - started:.0f} s")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
