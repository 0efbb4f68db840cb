"""A browser without a window, and the two servers whose pages it opens."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.children import HANG_S
from tests.web.browser.page import Opened

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
_RUN = "import sys, tyro; from {module} import {config}, main; main(tyro.cli({config}))"


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


@contextmanager
def serving(module: str, config: str, *arguments: str) -> Iterator[str]:
    """The address of a server of ours in a process of its own."""
    code = _RUN.format(module=module, config=config)
    command = [sys.executable, "-c", code, *arguments, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = ""
            assert process.stdout is not None
            for line in process.stdout:
                said += line
                if address := re.search(r"http://\S+", line):
                    yield address.group()
                    break
            else:
                pytest.fail(f"the server ended at once: {said}")
        finally:
            process.terminate()
            process.wait(timeout=HANG_S)


@pytest.fixture
def serve() -> Callable[..., Any]:
    """`with serve("--data", ...) as address`: the server of `drive serve`."""
    return lambda *arguments: serving("drive.web.serve.command", "ServeConfig", *map(str, arguments))


@pytest.fixture
def viewed(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The server of `drive data view` on a copy of the small recording: (address, dataset)."""
    root = tmp_path / "recording"
    shutil.copytree(Path(__file__).parents[3] / "data" / "sample", root)
    with serving("drive.web.data_view.command", "DataViewConfig", str(root)) as address:
        yield address, root
