"""The server of `drive data view`: what it answers, to whom, and that edits destroy nothing."""

import asyncio
import hashlib
import platform
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from drive.commands.data import importing
from drive.core.errors import UserError
from drive.dataset import FRONT_IMAGE, read_edits, read_episode, read_info
from drive.web import listen
from drive.web.data_view.app import make_app
from drive.web.data_view.command import DataViewConfig, main
from tests.interchange.sources import donkey, udacity

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
HERE = "http://127.0.0.1:8010"


class Client:
    """Asks an application as a browser would, without a network."""

    def __init__(self, app: Any, base_url: str = HERE) -> None:
        self._app, self._base_url = app, base_url

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url) as client:
                return await client.request(method, path, **content)

        return asyncio.run(ask())

    def get(self, path: str, **content: Any) -> httpx.Response:
        return self._ask("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:
        return self._ask("POST", path, **content)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    copy = tmp_path / "recording"
    shutil.copytree(SAMPLE, copy)
    return copy


@pytest.fixture
def client(root: Path) -> Client:
    return Client(make_app(root))


def test_episodes_traces_and_pictures_are_those_of_the_dataset(client: Client, root: Path) -> None:
    info = read_info(root)
    told = client.get("/api/dataset").json()
    assert [row["frames"] for row in told["episodes"]] == [row.length for row in info.episodes]
    assert (told["fps"], told["frames"]) == (info.fps, info.total_frames)

    frames = read_episode(info, 1)
    traces = client.get("/api/episodes/1").json()
    shown = {one["name"]: one["values"] for panel in traces["panels"] for one in panel["series"]}
    np.testing.assert_allclose(shown["label"], frames["action"][:, 0], atol=1e-4)
    np.testing.assert_allclose(shown["driven"], frames["executed.action"][:, 0], atol=1e-4)
    np.testing.assert_allclose(shown["speed"], 3.6 * frames["observation.state"][:, 0], atol=0.01)
    np.testing.assert_allclose(shown["offset"], frames["privileged.lateral_offset_m"], atol=1e-4)

    picture = client.get("/api/episodes/1/frames/7.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content == frames[FRONT_IMAGE][7]
    assert client.get("/api/episodes/1/frames/8000.jpg").status_code == 404
    assert client.get("/api/episodes/99/frames/0.jpg").status_code == 404
    for endless in (f"/api/episodes/{'9' * 5000}", f"/api/episodes/1/frames/{'9' * 5000}.jpg"):
        assert client.get(endless).status_code == 404
    assert "no episode 99" in client.get("/api/episodes/99").json()["error"]


@pytest.mark.parametrize("kind", ["donkey", "udacity"])
def test_drives_of_other_programs_are_shown_as_far_as_they_go(tmp_path: Path, kind: str) -> None:
    source = {"donkey": donkey, "udacity": udacity}[kind](tmp_path / "theirs")
    importing.main(importing.ImportConfig(source=source, out=tmp_path / "out"))
    client = Client(make_app(tmp_path / "out"))
    answer = client.get("/api/episodes/0")
    assert answer.status_code == 200
    frames = read_episode(read_info(tmp_path / "out"), 0)
    panels = {panel["title"]: panel["series"] for panel in answer.json()["panels"]}
    assert list(panels) == (["Steering", "Speed"] if kind == "udacity" else ["Steering"])  # no speed in a tub
    for series in panels.get("Speed", []):
        assert series["name"] == "speed"
        np.testing.assert_allclose(series["values"], 3.6 * frames["observation.state"][:, 0], atol=0.006)
    assert client.get("/api/episodes/0/frames/3.jpg").content == frames[FRONT_IMAGE][3]


def test_excluding_and_restoring_changes_the_edits_alone(client: Client, root: Path) -> None:
    def contents() -> dict[str, str]:
        files = [path for path in root.rglob("*") if path.is_file() and path.stem != "edits"]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = contents()
    row = client.post("/api/episodes/2/exclude", json={"from_frame": 10, "to_frame": 30}).json()
    assert row["excluded"] == [[10, 30]]
    assert read_edits(root).ranges("excluded", 2) == ((10, 30),)
    row = client.post("/api/episodes/2/restore", json={"from_frame": 15, "to_frame": 20}).json()
    assert row["excluded"] == [[10, 15], [20, 30]]
    length = read_info(root).episodes[2].length
    row = client.post("/api/episodes/2/restore", json={"from_frame": 0, "to_frame": length}).json()
    assert row["excluded"] == []
    assert contents() == before


@pytest.mark.parametrize(
    ("verb", "content", "status"),
    [
        ("exclude", b'{"from_frame": 0}', 400),
        ("exclude", b'{"from_frame": "0", "to_frame": 5}', 400),
        ("exclude", b'{"from_frame": true, "to_frame": 5}', 400),
        ("exclude", b"[" * 900, 400),
        ("exclude", b'{"from_frame": 0, "to_frame": 5, "note": "' + b"x" * 2000 + b'"}', 400),
        ("exclude", b'{"from_frame": 5, "to_frame": 5000}', 422),
        ("exclude", b'{"from_frame": -5, "to_frame": 5}', 422),
        ("remove", b'{"from_frame": 0, "to_frame": 5}', 404),
    ],
)
def test_odd_edits_are_refused(client: Client, root: Path, verb: str, content: bytes, status: int) -> None:
    answer = client.post(f"/api/episodes/0/{verb}", content=content)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert not (root / "meta" / "edits.json").exists()


@pytest.mark.parametrize("path", ["/", "/api/dataset", "/api/episodes/0", "/api/episodes/0/frames/0.jpg"])
def test_strangers_are_refused(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"host": "evil.example"}).status_code == 403
    assert client.get(path, headers={"origin": "http://evil.example"}).status_code == 403


def test_an_edit_from_another_origin_is_refused(client: Client, root: Path) -> None:
    edit = {"from_frame": 0, "to_frame": 5}
    for origin in ("http://evil.example", "http://127.0.0.1:9999", "null"):
        answer = client.post("/api/episodes/0/exclude", json=edit, headers={"origin": origin})
        assert answer.status_code == 403
    assert not (root / "meta" / "edits.json").exists()
    assert client.post("/api/episodes/0/exclude", json=edit, headers={"origin": HERE}).status_code == 200


def test_with_a_token_nothing_of_the_dataset_is_told_without_it(root: Path) -> None:
    client = Client(make_app(root, "secret"), "http://server.example:8010")
    for path in ("/", "/api/dataset", "/api/episodes/0", "/api/episodes/0/frames/0.jpg"):
        assert client.get(path).status_code == 403
        assert client.get(f"{path}?token=other").status_code == 403
        assert client.get(f"{path}?token=secret").status_code == 200


def test_names_in_the_address_do_not_reach_other_files(client: Client) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/shared/..%2fapp.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("host", "token", "url", "tunnel"),
    [
        ("127.0.0.1", False, r"http://127\.0\.0\.1:\d+/ ", True),
        ("127.0.0.1", True, r"http://127\.0\.0\.1:\d+/\?token=\S{30}", True),
        ("0.0.0.0", False, rf"http://{re.escape(platform.node())}:\d+/\?token=\S{{30}}", False),
    ],
)
def test_the_address_that_is_printed_can_be_opened(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    host: str,
    token: bool,
    url: str,
    tunnel: bool,
) -> None:
    monkeypatch.setattr(listen, "serve", lambda app, opened: None)
    main(DataViewConfig(root, host=host, port=0, token=token))
    said = capsys.readouterr().out
    assert re.search(rf"Open {url}", said)
    assert ("ssh -L" in said) == tunnel


def test_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        make_app(tmp_path / "nothing")
    with pytest.raises(UserError, match="--port is 70000"):
        DataViewConfig(tmp_path, port=70000)
