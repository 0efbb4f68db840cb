"""The addresses that are printed, and the end of a server whose drive broke."""

import logging
import platform
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import uvicorn
from rich.console import Console

from drive.camera import Camera, CameraFlags
from drive.core.errors import UserError
from drive.web.access import is_loopback
from drive.web.listen import address_of, choose_token, open_socket, serve, server_settings
from drive.web.serve import loop as loops
from drive.web.serve import page_drive
from drive.web.serve.catalog import Catalog
from drive.web.serve.command import ServeConfig, _print_address, build_app
from drive.web.serve.commands import DriverLeft, Watchers
from drive.web.serve.messages import Controls, Hold
from drive.web.serve.pace import Pace
from drive.web.serve.simulation import Simulation

HERE = platform.node()
SMALL = {"camera_flags": CameraFlags(width_px=96, height_px=48), "seed": 3, "traffic": "none"}


@pytest.mark.parametrize(
    ("host", "url", "tunnel"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/", f"ssh -L 8000:127.0.0.1:8000 {HERE}"),
        ("localhost", "http://localhost:8000/", f"ssh -L 8000:localhost:8000 {HERE}"),
        ("::1", "http://[::1]:8000/", f"ssh -L 8000:[::1]:8000 {HERE}"),
        ("127.0.0.2", "http://127.0.0.2:8000/", f"ssh -L 8000:127.0.0.2:8000 {HERE}"),
        ("0.0.0.0", f"http://{HERE}:8000/", ""),
        ("::", f"http://{HERE}:8000/", ""),
        ("192.168.1.4", "http://192.168.1.4:8000/", ""),
        ("fe80::1", "http://[fe80::1]:8000/", ""),
    ],
)
def test_an_address_leads_to_where_the_server_listens(host: str, url: str, tunnel: str) -> None:
    address = address_of(host, 8000, None)
    assert (address.url, address.tunnel) == (url, tunnel)
    with_token = address_of(host, 8000, "s3cret")
    assert with_token.url == f"{url}?token=s3cret"
    assert with_token.url_there == "http://127.0.0.1:8000/?token=s3cret"
    assert (choose_token(host, False) is None) == is_loopback(host)
    assert len(choose_token(host, True) or "") > 30


def test_the_command_says_where_to_drive(capsys: pytest.CaptureFixture[str]) -> None:
    _print_address(Console(width=300), ServeConfig(host="::1", data=Path("d")), 8123, "s3cret")
    said = capsys.readouterr().out
    assert "Drive here: http://[::1]:8123/?token=s3cret" in said
    assert f"ssh -L 8123:[::1]:8123 {HERE}" in said and "open http://127.0.0.1:8123/?token=s3cret" in said


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """What the next drive breaks with as it begins."""
    problems: list[BaseException] = []

    def describe_map(simulation: Simulation) -> None:
        raise problems[0]

    monkeypatch.setattr(page_drive, "describe_map", describe_map)
    yield problems


def test_a_server_whose_drive_broke_ends_and_says_why(
    broken: list[BaseException], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken.append(RuntimeError("no more road"))
    app = build_app(ServeConfig(data=tmp_path / "d", **SMALL))  # type: ignore[arg-type]
    with open_socket("127.0.0.1", 0) as socket, pytest.raises(SystemExit) as ended:
        serve(app, socket)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "error: the simulation broke: RuntimeError: no more road" in said
    assert "describe_map" in said, "where it broke"
    build_app(ServeConfig(data=tmp_path / "d", **SMALL))  # type: ignore[arg-type]  # the dataset is free


def test_a_server_leaves_the_log_handlers_of_others_open() -> None:
    class Handler(logging.StreamHandler[StringIO]):
        def close(self) -> None:
            self.stream.close()

    handler = Handler(StringIO())
    uvicorn.Config("nowhere:app", **server_settings())
    assert not handler.stream.closed


def test_what_the_user_can_mend_is_one_line(broken: list[BaseException]) -> None:
    broken.append(UserError("the map is gone; restore it."))
    app = build_app(ServeConfig(**SMALL))  # type: ignore[arg-type]
    with open_socket("127.0.0.1", 0) as socket, pytest.raises(UserError, match="the map is gone"):
        serve(app, socket)


def test_settings_name_files_without_their_folders() -> None:
    config = ServeConfig(
        agent=("mine=/home/lovelace/runs/policy.onnx", "runs/a=b/net.onnx", "expert"),
        shadow=("../other/policy.onnx", "package.module:Agent", "win=C:\\Users\\Lovelace\\net.onnx"),
        map=(Path("/home/lovelace/maps/Town.xodr"),),
    )
    kept = config.to_json()
    assert kept["agent"] == ["mine=policy.onnx", "runs/a=net.onnx", "expert"]
    assert kept["shadow"] == ["policy.onnx", "package.module:Agent", "win=net.onnx"]
    assert kept["map"] == ["Town.xodr"]
    assert "lovelace" not in str(kept).lower()


def test_only_so_many_wishes_of_a_page_wait_and_who_drives_is_always_heard() -> None:
    simulation = Simulation(Catalog(), Camera(width_px=64, height_px=32))
    loop = loops.Loop(simulation, None, lambda update: None, Pace())  # not started: nothing is taken
    heard = [loop.ask(Hold(True)) for _ in range(loops.MAX_WAITING + 50)]
    assert sum(heard) == loops.MAX_WAITING
    assert loop.ask(DriverLeft()) and loop.ask(Watchers(0))
    for _ in range(100):
        loop.steer(Controls(t=0.0, steering=0.0))
    assert loop._commands.qsize() == loops.MAX_WAITING + 2
    simulation.close()
