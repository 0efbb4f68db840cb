"""A browser without a window, and the two servers whose pages it opens."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import tyro

from drive.models.training import online_learner
from drive.web.data_view.app import make_app
from drive.web.serve.command import ServeConfig
from tests.web.browser.page import Opened
from tests.web.serve import pupils, served

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _missing(what: str) -> None:
    """Skip; on a CI machine (`CI` is set) fail, so that no check is lost unseen."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium as the system has it, driven by Playwright; nothing is downloaded.

    Not for a whole session: while Playwright runs, no other test of the process can run an event loop.
    """
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        _missing("no chromium is installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Opens an address in a fresh profile; at the end nothing may stand in the console."""
    opened: list[Opened] = []

    def open_page(address: str, script: str = "", **settings: Any) -> Opened:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **settings})
        if script:
            context.add_init_script(script)
        opened.append(Opened(context.new_page(), address))
        return opened[-1]

    yield open_page
    complaints = [line for one in opened for line in one.complaints]
    for one in opened:
        one.page.context.close()
    assert complaints == []


@pytest.fixture
def serve() -> Callable[..., AbstractContextManager[str]]:
    """`with serve("--data", ...) as address`: the server of `drive serve`, in a thread of this process."""

    @contextmanager
    def serving(*arguments: str | Path) -> Iterator[str]:
        with served.serving(tyro.cli(ServeConfig, args=[str(one) for one in arguments])) as port:
            yield f"http://127.0.0.1:{port}/"

    return serving


@pytest.fixture
def teach(serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """As `serve`, with a learner (without TensorFlow) that can drive at once and is always unsure."""
    monkeypatch.setattr(online_learner, "train_online", pupils.unsure)
    return lambda *arguments: serve("--teach", tmp_path / "out", *arguments)


@pytest.fixture
def viewed(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The server of `drive data view` on a copy of the small recording: (address, dataset)."""
    root = tmp_path / "recording"
    shutil.copytree(Path(__file__).parents[3] / "data" / "sample", root)
    with served.serving_app(make_app(root, None)) as port:
        yield f"http://127.0.0.1:{port}/", root
