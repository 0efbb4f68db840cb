"""The server as a page meets it: a real one, on this machine, over a WebSocket."""

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from drive.camera import CameraFlags
from drive.core.errors import UserError
from drive.dataset import check, read_episode, read_info
from drive.web.listen import open_socket
from drive.web.serve.command import ServeConfig
from tests.children import HANG_S
from tests.web.serve.served import Page, page, serving

SMALL = {"camera_flags": CameraFlags(width_px=96, height_px=48), "seed": 3, "traffic": "none"}
SHOWN = 12  # pictures: more than are sent to a page that answers none


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "drives"


@pytest.fixture(scope="module")
def port(data: Path) -> Iterator[int]:
    config = ServeConfig(
        data=data,
        agent=("quarter=tests.web.serve.agents:Quarter",),
        shadow=("straight",),
        **SMALL,  # type: ignore[arg-type]
    )
    with serving(config) as number:
        yield number


def get(port: int, path: str, host: str | None = None) -> tuple[int, str, dict[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if host is not None:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return answer.status, answer.read().decode(), _lower(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), _lower(error.headers)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_a_page_learns_what_there_is(port: int) -> None:
    with page(port) as driver:
        hello = driver.told[0]
        assert hello["type"] == "hello" and hello["protocol"] == 1
        assert hello["agents"] == ["person", "expert", "modular", "straight", "quarter"]
        assert hello["weathers"][:2] == ["any", "clear-noon"]
        styles = [f"generated {style}" for style in ("town", "country", "highway", "corners")]
        assert hello["maps"] == ["generated", *styles]
        assert hello["dataset"] == "drives"
        assert driver.told[-1]["role"] == "driver"
        assert next(told for told in driver.told if told["type"] == "map")["route"]


def test_steps_follow_each_other_and_pictures_show_them(port: int) -> None:
    with page(port) as driver, page(port) as slow:
        slow.acknowledge = False  # and reads nothing
        driver.send("pace", factor="max")
        driver.send("start", agent="person", traffic="none", shadows=["straight"])
        driver.until(steering=0.0, mode="driving")
        begun = driver.drive(1)["step"]
        driver.drive(150)
        steps = [state["step"] for state in driver.states if state["step"] >= begun]
        assert list(dict.fromkeys(steps)) == list(range(begun, steps[-1] + 1)), "a step was skipped"
        times = {state["step"]: state["time_s"] for state in driver.states if state["step"] >= begun}
        assert np.diff(list(times.values())) == pytest.approx(0.05)
        picture = driver.pictures[-1]
        decoded = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (picture.height_px, picture.width_px, 3)
        driver.send("pace", factor=1.0)  # at full pace a busy machine shows few of the steps
        while len(driver.pictures) < SHOWN:
            if driver.drive(10)["end"] is not None:  # a busy machine shows few, and a road ends
                driver.send("restart")
                driver.until(steering=0.0, mode="driving")
        state = driver.drive(2)
        assert set(state["shadows"]) == {"straight"}
        assert state["shadows"]["straight"]["disagreement"] is not None
        slow.state(lambda state: state["step"] >= steps[-1])
        assert [s["step"] for s in slow.states] == sorted(s["step"] for s in slow.states)
        assert len(slow.pictures) < len(driver.pictures), "a slow viewer misses pictures"


def test_a_control_is_echoed_once_by_the_picture_that_shows_it(port: int) -> None:
    with page(port) as driver:
        driver.send("pace", factor=1.0)
        driver.send("start", agent="person")
        begun = time.perf_counter() * 1000.0
        driver.until(steering=0.0, mode="driving")
        echoes: list[float] = []
        while len(echoes) < 20:
            driver.steer(0.01)
            message = driver.take()
            if not isinstance(message, dict) and message.echo is not None:
                assert begun < message.echo < time.perf_counter() * 1000.0
                echoes.append(message.echo)
        assert sorted(set(echoes)) == echoes


def test_recording_deleting_and_stopping(port: int, data: Path) -> None:
    before = read_info(data).total_episodes
    with page(port) as driver:
        driver.send("pace", factor="max")
        driver.send("start", seed=7, agent="expert")
        driver.send("record", action="start", person="Ada", note="by wire")
        driver.state(lambda state: state["recording"]["frames"] > 150)
        driver.send("hold", on=True)
        held = driver.until(mode="held")
        frames = held["recording"]["frames"]
        assert frames > 140 and held["recording"]["person"] == "Ada"
        driver.send("record", action="delete_last_5s")
        assert "100 frames" in driver.wait(lambda told: "Deleted" in told.get("text", ""))["text"]
        driver.send("record", action="mark_begin")
        back = driver.state(lambda state: state["recording"]["marked"])
        assert back["recording"]["frames"] == frames - 100
        assert back["drive_step"] == held["drive_step"] - 100
        driver.send("hold", on=False)
        driver.state(lambda state: state["recording"]["frames"] > frames - 80)
        driver.send("hold", on=True)
        last = driver.until(mode="held")["recording"]["frames"]
        driver.send("record", action="stop")
        driver.wait(lambda told: f"Saved {last} frames" in told.get("text", ""))
        off = driver.state(lambda state: not state["recording"]["saving"])["recording"]
        assert (off["mode"], off["frames"], off["episodes"]) == ("off", 0, 1)
    info = read_info(data)
    assert check(data) == []
    assert info.total_episodes == before + 1
    row = info.episodes[-1]
    assert (row.length, row.person, row.note, row.ended, row.seed) == (last, "Ada", "by wire", "stopped", 7)
    episode = read_episode(info, row.index)
    assert episode["mark"].sum() == last - (frames - 100)
    assert np.all(np.abs(np.diff(episode["privileged.lateral_offset_m"])) < 0.05), "the drive has a jump"
    np.testing.assert_allclose(episode["timestamp"], np.arange(last) / 20.0, rtol=1e-6)


def test_takeover_is_marked(port: int, data: Path) -> None:
    with page(port) as driver:
        driver.send("pace", factor="max")
        driver.send("start", seed=8, agent="expert")
        driver.send("record", action="start")
        driver.state(lambda state: state["at_wheel"] == "expert" and state["recording"]["frames"] > 10)
        driver.send("takeover", on=True)
        taken = driver.state(lambda state: state["intervention"], steering=0.0)["drive_step"]
        given = driver.state(lambda state: state["drive_step"] > taken + 10, steering=0.0)
        assert given["at_wheel"] == "person"
        driver.send("takeover", on=False)
        back = driver.state(lambda state: state["at_wheel"] == "expert")["drive_step"]
        driver.state(lambda state: state["drive_step"] > back + 10 or state["end"])
        driver.send("record", action="stop")
        driver.wait(lambda told: "Saved" in told.get("text", ""))
    info = read_info(data)
    episode = read_episode(info, info.total_episodes - 1)
    interventions = episode["intervention"]
    assert info.episodes[-1].driver == "expert"
    assert np.diff(interventions)[np.diff(interventions) != 0].tolist() == [1, -1]
    assert interventions.sum() >= 10
    person = interventions == 1
    np.testing.assert_array_equal(
        episode["action"],
        episode["executed.action"] * person[:, None] + episode["expert.action"] * ~person[:, None],
    )
    assert check(data) == []


@pytest.mark.parametrize(("keep", "more"), [(True, 1), (False, 0)])
def test_a_closed_tab(port: int, data: Path, keep: bool, more: int) -> None:
    before = read_info(data).total_episodes
    with page(port) as driver, page(port) as other:
        driver.send("pace", factor="max")
        driver.send("start", seed=9, agent="person", traffic="none")
        driver.state(lambda state: state["mode"] == "driving", steering=0.0)
        driver.send("record", action="start", keep_on_disconnect=keep)
        driver.state(lambda state: state["recording"]["frames"] > 15, steering=0.0)
        other.state(lambda state: state["recording"]["frames"] > 15)
        driver.connection.close()
        gone = other.state(lambda state: state["recording"]["mode"] == "off" and state["mode"] != "driving")
        assert gone["recording"]["frames"] == 0
        other.state(lambda state: not state["recording"]["saving"])
        other.send("claim")
        other.until(type="role", role="driver")
        other.send("record", action="stop", keep_on_disconnect=True)
        other.state(lambda state: state["recording"]["keep_on_disconnect"])
    info = read_info(data)
    assert info.total_episodes == before + more
    assert check(data) == []
    if keep:
        assert info.episodes[-1].ended == "lost"


def test_who_gives_the_place_back_keeps_what_was_recorded(port: int, data: Path) -> None:
    before = read_info(data).total_episodes
    with page(port) as driver:
        driver.send("pace", factor="max")
        driver.send("start", seed=11, agent="expert")
        driver.send("record", action="start", keep_on_disconnect=False)
        driver.state(lambda state: state["recording"]["frames"] > 15)
        driver.send("release")
        driver.wait(lambda told: "Saved" in told.get("text", ""))
        driver.send("claim")
        driver.until(type="role", role="driver")
        driver.send("record", action="settings", keep_on_disconnect=True)
        state = driver.state(lambda state: state["recording"]["keep_on_disconnect"])
        assert state["recording"]["mode"] == "off"
    info = read_info(data)
    assert info.total_episodes == before + 1
    assert info.episodes[-1].ended == "stopped" and info.episodes[-1].length > 15


@contextmanager
def flooding(driver: Page, message: dict[str, Any]) -> Iterator[None]:
    """Send a message again and again, nearly as often as a page may, from a thread of its own."""
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(1.0 / 180.0):
            driver.send(**message)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize(
    "flood", [{"type": "restart"}, {"type": "start", "seed": 12}, {"type": "hold", "on": False}]
)
def test_a_driver_who_floods_the_server_does_not_keep_the_drive_from_going_on(
    port: int, flood: dict[str, Any]
) -> None:
    with page(port) as driver:
        driver.send("pace", factor=1.0)
        driver.send("start", seed=12, agent="expert")
        first = driver.state(lambda state: state["mode"] == "driving" and state["pace"] == 1.0)["step"]
        with flooding(driver, flood):  # from here to the end of the block: nothing waits behind it
            driver.state(lambda state: state["step"] > first + 5)
            if flood["type"] != "hold":
                driver.wait(lambda told: "new drives at once" in told.get("text", ""))
            driver.send("pace", factor=0.5)
            driver.state(lambda state: state["pace"] == 0.5)


def test_a_viewer_only_watches_and_may_claim_a_free_place(port: int) -> None:
    with page(port) as driver, page(port) as viewer:
        assert viewer.told[-1]["role"] == "viewer"
        for kind, values in (("start", {}), ("controls", {"t": 1, "steering": 0.5}), ("claim", {})):
            viewer.send(kind, **values)
            assert viewer.until(type="error")["text"]
        driver.send("release")
        viewer.until(type="role", driver=False)
        viewer.send("claim")
        viewer.until(type="role", role="driver")
        driver.send("claim")
        driver.until(type="error")


def test_what_cannot_be_done_is_told_and_the_drive_goes_on(port: int) -> None:
    with page(port) as driver:
        driver.send("pace", factor="max")
        driver.send("start", agent="person", seed=3)
        driver.until(steering=0.0, mode="driving")
        for values in ({"map": "../../etc/passwd"}, {"agent": "os:getcwd"}, {"weather": "hail"}):
            driver.send("start", **values)
            assert "choose from" in driver.until(type="error")["text"]
        driver.send("takeover", on=False)
        assert "agent" in driver.until(type="error")["text"]
        driver.connection.send("{nonsense")
        assert "JSON" in driver.until(type="error")["text"]
        driver.connection.send(b"\x00")
        driver.until(type="error")
        assert driver.drive(5)["mode"] == "driving"


def test_without_controls_the_simulation_waits(port: int) -> None:
    with page(port) as driver:
        driver.send("pace", factor=1.0)
        driver.send("start", agent="person", seed=3)
        driver.until(steering=0.0, mode="driving")
        state = driver.until(type="state", mode="held")
        assert "controls" in state["why"]
        driver.steer(0.0)
        driver.until(mode="driving")


def test_strangers_are_refused_and_the_drive_goes_on(port: int) -> None:
    with page(port) as driver:
        driver.send("pace", factor=1.0)
        driver.send("start", agent="straight", seed=3)
        driver.until(mode="driving")
        for origin in ("http://evil.example", f"http://evil.example:{port}", "null"):
            with pytest.raises(InvalidStatus, match="403"), page(port, origin=origin):
                pass
        with page(port, origin=f"http://127.0.0.1:{port}") as own:
            assert own.told[0]["type"] == "hello"
        assert get(port, "/", host="evil.example")[0] == 403
        with page(port) as attacker, pytest.raises(ConnectionClosed) as closed:
            attacker.connection.send("x" * 100_000_000)
            while True:
                attacker.take()
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
        before = driver.until(type="state")["step"]
        with page(port) as attacker:
            while not any("200 messages" in told.get("text", "") for told in attacker.told):
                for _ in range(250):  # as many as one can
                    attacker.send("viewer_ack", step=0)
                with suppress(TimeoutError):
                    attacker.take(0.01)
        after = driver.until(type="state")
        while len(driver.states) < 40:
            after = driver.until(type="state")
        assert after["mode"] == "driving" and after["step"] > before
        steps = list(dict.fromkeys(state["step"] for state in driver.states))
        assert steps == list(range(steps[0], steps[-1] + 1))


def test_answers_forbid_other_content(port: int) -> None:
    status, body, headers = get(port, "/")
    assert status == 200 and "<html" in body.lower()
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    for path in ("/static/../command.py", "/static/%2e%2e/command.py", "/static//etc/passwd", "/docs"):
        assert get(port, path)[0] == 404


def test_the_token_must_be_in_the_url() -> None:
    config = ServeConfig(**SMALL)  # type: ignore[arg-type]
    with serving(config, token="s3cret") as port:
        assert get(port, "/")[0] == 403
        assert get(port, "/?token=wrong")[0] == 403
        assert get(port, "/?token=s3cret")[0] == 200
        for query in ("", "?token=wrong"):
            with pytest.raises(InvalidStatus, match="403"), page(port, query):
                pass
        with page(port, "?token=s3cret") as driver:
            driver.send("record", action="start")
            assert "--data" in driver.until(type="error")["text"]


def test_a_crash_is_told_kept_apart_and_can_be_deleted(tmp_path: Path) -> None:
    config = ServeConfig(
        data=tmp_path / "d",
        agent=("quarter=tests.web.serve.agents:Quarter",),
        **SMALL,  # type: ignore[arg-type]
    )
    with serving(config) as port, page(port) as driver:
        driver.send("pace", factor="max")
        driver.send("record", action="start")
        driver.send("start", seed=3)
        ended = driver.until(end="off_road")
        assert ended["mode"] == "ended"
        driver.send("hold", on=True)
        driver.send("record", action="delete_last_5s")
        back = driver.state(lambda state: state["end"] is None)
        assert back["mode"] == "held"
        assert back["recording"]["frames"] == max(ended["recording"]["frames"] - 100, 0)
        driver.send("hold", on=False)
        driver.until(end="off_road")
        driver.send("restart", scenario="next")
        assert "off_road, kept apart" in driver.wait(lambda told: "Saved" in told.get("text", ""))["text"]
        driver.state(lambda state: state["recording"]["frames"] > 10)
        driver.send("record", action="stop")
        driver.state(lambda state: state["recording"]["mode"] == "off" and not state["recording"]["saving"])
    info = read_info(tmp_path / "d")
    assert [(row.ended in ("off_road", "stopped"), row.seed) for row in info.episodes] == [
        (True, 3),
        (True, 4),
    ]
    assert info.episodes[0].ended == "off_road"
    assert not info.training_mask(0).any()
    assert check(tmp_path / "d") == []


def test_a_port_that_is_taken_and_a_foreign_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="another --port"):
            open_socket("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UserError, match="listened on"):
        open_socket("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"pace": 2.0}, "--pace"),
        ({"seed": 1_000_000}, "--seed"),
        ({"port": 70_000}, "--port"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        ServeConfig(**values)  # type: ignore[arg-type]
