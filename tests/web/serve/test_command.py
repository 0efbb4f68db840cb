"""`drive serve` as a process: the URL it prints, its end by Ctrl-C, and its end by force."""

import signal
from pathlib import Path

import pytest

from drive.core.errors import UserError
from drive.dataset import check, read_info
from drive.web.serve.command import ServeConfig, build_app
from tests.children import HANG_S
from tests.web.serve.served import Page, page, process

SMALL = ("--width-px", "96", "--height-px", "48", "--traffic", "none")


def record(driver: Page, frames: int) -> None:
    driver.send("start", agent="expert", seed=5)
    driver.send("record", action="start", keep_on_disconnect=True)
    driver.state(lambda state: state["recording"]["frames"] >= frames)


@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_a_stopped_one_neither(tmp_path: Path) -> None:
    data = tmp_path / "d"
    with (
        process("--data", str(data), *SMALL, "--token") as (running, port, query, _),
        page(port, query) as driver,
    ):
        assert query.startswith("?token=") and len(query) > 30
        record(driver, 20)
        running.send_signal(signal.SIGKILL)
        running.wait(HANG_S)
    assert check(data) == []
    with process("--data", str(data), *SMALL) as (running, port, query, printed):
        assert query == ""
        assert any("interrupted" in line for line in printed)
        assert any("ssh -L" in line for line in printed)
        info = read_info(data)
        assert [row.ended for row in info.episodes] == ["killed"]
        assert info.total_frames >= 20
        with page(port, f"?token={query}") as driver:
            record(driver, 10)
            running.send_signal(signal.SIGINT)
            assert running.wait(HANG_S) == 130
    assert [row.ended for row in read_info(data).episodes] == ["killed", "lost"]
    assert check(data) == []


def test_what_cannot_work_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    for config, said in (
        (ServeConfig(map=(tmp_path / "no.xodr",)), "no.xodr"),
        (ServeConfig(agent=("no.onnx",)), "no.onnx"),
        (ServeConfig(agent=("expert", "no.onnx")), "no.onnx"),
        (ServeConfig(shadow=("modula",)), "modula"),
        (ServeConfig(weather="hail"), "hail"),
    ):
        with pytest.raises(UserError, match=said):
            build_app(config)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("not a dataset")
    with pytest.raises(UserError, match=r"letter\.txt"):
        build_app(ServeConfig(data=tmp_path / "other"))
