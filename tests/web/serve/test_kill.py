"""The process that records is killed at random moments; what is lost is at most the frame in its hands."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from drive.dataset import check, read_info
from tests.web.serve.hands import FACTS, add, open_recorder

KILLS = 10  # at least
MAX_KILLS = 100  # by then what is waited for should have come
pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed by signal")


def record_until_killed(root: Path, keep: bool, seed: int, bounds: Any) -> None:
    """Record, delete, pause, crash and stop at random; `bounds` brackets how many frames are to be found.

    Args:
        root: the dataset.
        keep: whether the open episode is to survive.
        seed: of what is done.
        bounds: shared (fewest, most, began, driven): frames that a later reader finds at least and at most;
            whether it has begun; how many frames it drove.
    """
    rng = random.Random(seed)
    recorder = open_recorder(root)
    recorder.describe(keep=keep)
    written = read_info(root).total_frames
    bounds[0] = bounds[1] = written
    bounds[2] = 1
    step = 0
    while True:
        recorder.start()
        for _ in range(rng.randrange(1, 5)):
            for _ in range(rng.randrange(1, 60)):
                bounds[1] = written + recorder.frames + 1
                add(recorder, range(step, step + 1))
                step += 1
                bounds[3] += 1
                if keep:
                    bounds[0] = written + recorder.frames
                time.sleep(0.0003)
            if rng.random() < 0.5:
                deleted = min(20, recorder.frames)
                if keep:
                    bounds[0] = written + recorder.frames - deleted
                recorder.cut(20)
                bounds[1] = written + recorder.frames
            if rng.random() < 0.3:
                step += 5  # a gap: the frames after it are another episode
        if rng.random() < 0.3:
            recorder.end_drive("collision", step - 1)
        open_frames = recorder.frames
        recorder.begin_drive(FACTS) if rng.random() < 0.5 else recorder.stop()
        if rng.random() < 0.6:
            recorder.flush()
            assert keep or bounds[0] <= written + open_frames
            written += open_frames
            bounds[0] = written
        else:  # the next one is recorded while this one is written
            written += open_frames


@pytest.mark.slow
@pytest.mark.parametrize("keep", [True, False])
def test_a_kill_loses_nothing_but_the_open_episode(tmp_path: Path, keep: bool) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.web.serve.test_kill"])
    rng = random.Random(17 + keep)
    root = tmp_path / "d"
    found = kill = interrupted = 0
    while kill < KILLS or found <= 50 or (keep and interrupted < 3):
        assert kill < MAX_KILLS
        bounds = context.RawArray("q", 4)
        child = context.Process(target=record_until_killed, args=(root, keep, kill, bounds))
        child.start()
        driven = rng.choice((0, 30, 60, 120))
        while not bounds[2] or bounds[3] < driven:
            assert child.is_alive()
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.1))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL
        assert {problem.kind for problem in check(root)} <= {"orphan", "leftover", "inconsistent"}
        before = read_info(root).total_frames
        open_recorder(root).close()
        assert check(root) == [] if root.exists() else found == 0
        after = read_info(root).total_frames if root.exists() else 0
        assert bounds[0] <= after <= bounds[1], f"kill {kill}: {bounds[:]}, {after} found"
        assert after >= before >= found
        interrupted += after > before
        found, kill = after, kill + 1
    assert keep or interrupted == 0
    assert not list(root.glob("*.journal"))
