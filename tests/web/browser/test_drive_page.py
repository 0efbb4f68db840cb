"""A person drives, records, deletes and stops, with nothing but keys."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drive.dataset import check, read_episode, read_info
from tests.web.browser.keyboard import KeyDriver

DRIVE_S = 15.0
DELETED = 100  # frames in 5 s


def fewer(states: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Recorded frames before and after they became fewer; None: they did not."""
    frames = [state["recording"]["frames"] for state in states if state["recording"]["mode"] == "on"]
    return next(((one, other) for one, other in pairwise(frames) if other < one), None)


@pytest.mark.slow
def test_a_road_by_keys(serve, visit, tmp_path: Path) -> None:
    """In real time: the simulation runs at its own 20 steps a second."""
    root = tmp_path / "recording"
    with serve("--data", root, "--pedals", "person", "--traffic", "none", "--seed", "5") as address:
        opened = visit(address)
        keys = opened.page.keyboard
        opened.wait_until(lambda state: state["mode"] == "waiting")
        keys.press("n")
        opened.wait_until(lambda state: state["mode"] == "driving")
        keys.press("r")
        driver = KeyDriver(opened, speed=5.0)
        opened.wait_until(lambda state: state["recording"]["mode"] == "on")
        while opened.state["recording"]["seconds"] < DRIVE_S and opened.state["end"] is None:
            driver.look()
            opened.wait(0.02)
        driver.release()
        assert opened.state["end"] is None
        assert opened.text("lamp-text").startswith("recording: 3")  # hundred frames
        latency_ms = float(opened.text("latency"))
        drawn_hz = float(opened.text("rate"))

        keys.press("x")
        opened.wait_until(lambda state: fewer(opened.states))
        keys.press("o")
        opened.wait_until(lambda state: state["recording"]["episodes"] == 1)
        states = opened.states

    before, after = fewer(states)
    assert before - after == DELETED
    # Every state tells of one step more, or of something else that has changed: none was skipped.
    assert set(np.diff([state["step"] for state in states])) == {0, 1}
    drive = [state for state in states if state["recording"]["mode"] == "on"]
    recorded = drive[-1]["recording"]["frames"]
    assert after <= recorded  # more: what was driven until the key for stop arrived

    info = read_info(root)
    assert (info.total_episodes, info.total_frames) == (1, recorded)
    assert info.episodes[0].ended == "stopped"
    assert list(check(root)) == []
    frames = read_episode(info, 0)
    assert all(frames["intervention"] == 1)
    offset = np.abs([state["lateral_offset"] for state in drive])
    assert offset.mean() < 0.4
    assert not any(state["off_road"] for state in drive)
    # Curves by keys are smooth: full lock to full lock would be a jump of 2.
    assert np.percentile(np.abs(np.diff(frames["executed.action"][:, 0])), 99) < 0.25
    assert driver.presses > 8
    print(f"hand to picture {latency_ms:.0f} ms (p50), pictures {drawn_hz:.1f} Hz")
    assert latency_ms > 0.0 and drawn_hz > 0.0  # shown; how quick it is depends on what else the machine does
