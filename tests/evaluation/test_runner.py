"""What agents do to their processes costs their own drives, and is named in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drive.core.errors import UserError
from drive.evaluation.episodes import EPISODES
from drive.evaluation.runner import Runner
from drive.evaluation.summary import episode_row
from drive.evaluation.worker import Replay
from tests.evaluation.misbehaving import LIMITS, SCENARIOS, drive, plan, prove
from tests.faulty import BAD

# The others are driven by `python -m tests.evaluation.misbehaving`.
KINDS = (
    "mute_failure", "shape", "sleeps", "spins", "exits", "leaves", "segfaults", "kills", "eats", "interrupts",
    "odd", "closes", "threads", "forks", "fork_dies", "fork_sleeps", "wanders", "opens", "numpy", "scribbles",
)  # fmt: skip


def test_each_failure_is_named_in_its_own_episode_and_costs_no_other(tmp_path: Path) -> None:
    assert prove(KINDS, tmp_path) == []


def test_a_shadow_that_dies_is_named_and_the_drive_repeated_without_it(tmp_path: Path) -> None:
    agents = {"straight": "straight", "good": "tests.faulty:good"}
    alone = drive(tmp_path / "alone", plan(agents))
    shadows = {"dead": "tests.faulty:exits", "calm": "tests.fakes:calm"}
    episodes = drive(tmp_path / "beside", plan(agents, shadows))
    for (name, i), episode in episodes.items():
        row = episode_row(episode)
        failure = "act ended the process with exit code 1 (os._exit?) at step 3" if i == BAD else None
        assert (row["failure"], row["shadows"]["dead"]["failure"]) == (None, failure)
        assert row["shadows"]["calm"]["failure"] is None
        assert np.isfinite(episode.shadow_steering["dead"]).all() == (i != BAD)
        assert len(episode.shadow_steering["dead"]) == episode.steps
        assert np.isfinite(episode.shadow_steering["calm"]).all()
        assert episode.sha256_states == alone[name, i].sha256_states
        assert np.array_equal(episode.steering, alone[name, i].steering)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("dies_when_built", "building it ended the process with exit code 5"),
        ("hangs_when_built", "building it did not return within 6 s"),
        ("nobody", "tests.faulty has no 'nobody'"),
    ],
)
def test_an_agent_that_cannot_be_built_is_named_before_the_first_drive(factory: str, message: str) -> None:
    spec = f"bad=tests.faulty:{factory}"
    with Runner(plan({"bad": spec, "straight": "straight"}), 1, LIMITS) as runner:
        with pytest.raises(UserError, match=message):
            runner.check()


def test_what_kills_an_agent_at_the_wheel_is_left_to_its_drives() -> None:
    class _: ...

    agents = {"good": "tests.faulty:good", "expert": "expert"}
    with Runner(plan(agents, {"straight": "straight"}), 1, LIMITS) as runner:
        assert runner.check() == {"good": False, "expert": True, "straight": False}


def test_an_agent_with_a_process_of_its_own_has_it_in_each_drive(tmp_path: Path) -> None:
    episodes = drive(tmp_path, plan({"bridge": "tests.fakes:Bridge"}), 1)
    rows = [episode_row(episode) for episode in episodes.values()]
    assert len(rows) == len(SCENARIOS) > 1
    assert [row["failure"] for row in rows] == [None] * len(rows)
    assert all(episode.extra["processes_left"] == 1 for episode in episodes.values())


def test_one_process_drives_as_two_do(tmp_path: Path) -> None:
    agents = {"straight": "straight", "good": "tests.faulty:good"}
    for workers in (1, 2):
        drive(tmp_path / str(workers), plan(agents), workers)
    for one in (tmp_path / "1" / EPISODES).rglob("*.npz"):
        two = tmp_path / "2" / one.relative_to(tmp_path / "1")
        assert one.read_bytes() == two.read_bytes()


def test_stored_actions_are_driven_again(tmp_path: Path) -> None:
    asked = plan({"good": "tests.faulty:good"})
    episodes = drive(tmp_path, asked)
    tasks = [
        Replay(SCENARIOS[i], episode.steering, episode.acceleration_action)
        for (_, i), episode in episodes.items()
    ]
    found: dict[int, Any] = {}
    with Runner(asked, 1) as runner:
        runner.replay(tasks, found.__setitem__)
    for i in range(3):
        episode = episodes["good", i]
        assert found[i] == (episode.sha256_states, episode.sha256_frames)
