"""Who may come in, how much they may say, and how much they get."""

import itertools
from itertools import pairwise

import numpy as np
import pytest

from drive.web import access
from drive.web.access import AccessCheck, Rate, is_loopback
from drive.web.serve.pace import Pace
from drive.web.serve.pictures import LEVELS, WINDOW, DisplayGate, Flow, Frame


@pytest.mark.parametrize(
    ("host", "origin", "good"),
    [
        ("127.0.0.1:8000", None, True),  # no browser
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("localhost:9123", "http://localhost:9123", True),  # through ssh -L
        ("[::1]:8000", "http://[::1]:8000", True),
        ("localhost:8000", "https://localhost:8000", True),
        ("127.0.0.1:8000", "http://evil.example", False),
        ("127.0.0.1:8000", "http://127.0.0.1:9000", False),
        ("127.0.0.1:8000", "http://127.0.0.1:8000.evil.example", False),
        ("127.0.0.1:8000", "null", False),
        ("127.0.0.1:8000", "http://[", False),
        ("127.0.0.1:8000", "http://[::1", False),
        ("127.0.0.1:8000", "", False),
        ("evil.example:8000", "http://evil.example:8000", False),  # a name made to point here
        ("evil.example:8000", None, False),
        ("", None, False),
    ],
)
def test_only_its_own_page_on_this_machine(host: str, origin: str | None, good: bool) -> None:
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    assert (AccessCheck(None).refusal(headers, {}) is None) == good


@pytest.mark.parametrize(
    ("token", "origin", "good"),
    [
        ("secret", "http://lab:8000", True),
        ("secret", None, True),
        ("secret", "http://evil.example", False),
        ("Secret", "http://lab:8000", False),
        ("", "http://lab:8000", False),
        ("s\u00e9cret", "http://lab:8000", False),
        (None, "http://lab:8000", False),
    ],
)
def test_with_a_token_any_name_but_no_other_origin(token: str | None, origin: str | None, good: bool) -> None:
    headers = {"host": "lab:8000"} | ({} if origin is None else {"origin": origin})
    query = {} if token is None else {"token": token}
    assert (AccessCheck("secret").refusal(headers, query) is None) == good


def test_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]")))
    assert not any(
        map(is_loopback, ("0.0.0.0", "::", "192.168.1.4", "example.org", "localhost.evil.example"))
    )


class Clock:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_two_hundred_messages_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(access, "monotonic", clock)
    rate = Rate(200.0)
    heard = 0
    for _ in range(10_000):  # ten seconds of 1,000 a second
        clock.now += 0.001
        heard += rate.take()
    assert 10 * 200 <= heard <= 11 * 200 + 1
    assert rate.flooded
    clock.now += 1.0
    assert rate.take()
    assert not rate.flooded
    for _ in range(1000):  # 190 a second are all heard
        clock.now += 1.0 / 190.0
        assert rate.take()


def test_steps_are_never_made_up_for() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    begun = []
    for late in (0.0, 0.0, 0.2, 0.0, 0.0):
        clock.now += pace.wait + late
        pace.stepped()
        begun.append(clock.now)
    gaps = [round(b - a, 6) for a, b in itertools.pairwise(begun)]
    assert gaps == [0.05, 0.25, 0.05, 0.05]


def test_small_delays_do_not_add_up() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.stepped()
    start = clock.now
    for i in range(100):
        clock.now += pace.wait + (0.01 if i % 2 else 0.0)
        pace.stepped()
    assert clock.now - start == pytest.approx(5.0, abs=0.011)
    assert pace.rate == pytest.approx(20.0, rel=0.01)


def test_half_pace_and_no_pace() -> None:
    clock = Clock()
    slow = Pace(0.5, clock)
    slow.stepped()
    assert slow.wait == pytest.approx(0.1)
    quick = Pace("max", clock)
    quick.stepped()
    assert quick.wait == 0.0


def test_a_slow_connection_gets_smaller_pictures_and_fewer() -> None:
    flow, now, busy_until, sent, seen = Flow(), 0.0, 0.0, 0, []
    pending: list[tuple[float, int]] = []
    sizes = [20_000, 10_000, 7_000, 4_000, 2_500, 1_000]
    for step in range(20 * 60):  # a minute over 60 kB/s: level 0 would need 400
        now = step * 0.05
        while pending and pending[0][0] <= now:
            at, number = pending.pop(0)
            flow.acknowledged(number, at)
        if flow.may_send(now):
            flow.sent(step, now)
            busy_until = max(busy_until, now) + sizes[flow.level] / 60_000.0
            pending.append((busy_until + 0.02, step))
            sent += 1
            seen.append(flow.level)
        assert len(pending) <= WINDOW
    late = seen[len(seen) // 2 :]
    assert sum(sizes[level] for level in late) / len(late) * sent / 60.0 < 70_000
    assert min(late) >= 2
    assert sent > 60 * 10


def test_a_quick_connection_gets_the_best_and_a_better_one_again() -> None:
    flow, now = Flow(), 0.0
    for step in range(20 * 60):
        now = step * 0.05
        assert flow.may_send(now)
        flow.sent(step, now)
        flow.acknowledged(step, now + (0.4 if 100 < step < 200 else 0.03))
        if step == 199:
            assert flow.level > 0
    assert flow.level == 0 < len(LEVELS)


def test_one_who_acknowledges_nothing_gets_a_picture_a_second() -> None:
    flow, sent = Flow(), 0
    for step in range(20 * 30):
        if flow.may_send(step * 0.05):
            flow.sent(step, step * 0.05)
            sent += 1
    assert 30 <= sent <= 30 + WINDOW


def test_a_slow_machine_costs_pictures_and_not_their_quality() -> None:
    flow, sent = Flow(), 0
    for step in range(20 * 30):  # the page takes 0.4 s for a picture: no fault of the connection
        now = step * 0.05
        if flow.may_send(now):
            flow.sent(step, now)
            sent += 1
        if step % 8 == 7:
            flow.acknowledged(step, now + 0.01, held=0.4 if step > 40 else 0.0)
    assert flow.level == 0 and sent > 100


def test_the_picture_for_people_waits_while_it_makes_the_drive_late() -> None:
    gate, drawn = DisplayGate(), []
    for tenth in range(1200):  # two minutes; a machine that is late whenever it draws
        drawn.append(gate.open(late=bool(drawn) and drawn[-1], now=0.1 * tenth))
    pauses = [len(run) for run in "".join("x" if one else "." for one in drawn).split("x") if run]
    assert 99 <= pauses[0] <= 101 and all(b >= 1.9 * a for a, b in pairwise(pauses[:3]))
    gate = DisplayGate()
    assert all(gate.open(late=False, now=0.1 * tenth) for tenth in range(100))


def test_a_pace_is_late_when_steps_come_more_slowly_than_asked() -> None:
    now = [0.0]
    pace = Pace(1.0, lambda: now[0])
    for interval, late in ((0.05, False), (0.06, True)):
        for _ in range(50):
            pace.stepped()
            now[0] += interval
        assert pace.late is late
    assert not Pace("max", lambda: now[0]).late


def test_the_picture_for_people_is_level_0_and_the_recorded_one_stays_the_camera_s() -> None:
    small, large = np.full((16, 32, 3), 90, np.uint8), np.full((480, 960, 3), 90, np.uint8)
    frame = Frame(3, None, small, large)
    assert (frame.picture(0).level, frame.picture(0).width_px) == (0, 960)
    assert (frame.picture(1).level, frame.picture(1).width_px, frame.picture(4).width_px) == (1, 32, 16)
    assert frame.jpeg() == frame.picture(1).data
    assert Frame(3, None, small).picture(0).width_px == 32
