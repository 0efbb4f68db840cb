"""What a person chooses and says on the page is what the server does and the dataset holds."""

from pathlib import Path

import numpy as np
import pytest

from drive.dataset import check, read_episode, read_info
from tests.web.browser.page import Opened


def record(opened: Opened, frames: int) -> None:
    """Start the drive and record so many frames."""
    opened.wait_until(lambda state: state["recording"]["mode"] == "off")
    opened.page.keyboard.press("n")
    opened.wait_until(lambda state: state["mode"] == "driving")
    opened.page.keyboard.press("r")
    opened.wait_until(lambda state: state["recording"]["frames"] >= frames)


def test_name_note_mark_and_pause_are_in_the_dataset(serve, visit, tmp_path: Path) -> None:
    root = tmp_path / "recording"
    with serve("--data", root, "--traffic", "none", "--agent", "expert") as address:
        opened = visit(address)
        page, keys = opened.page, opened.page.keyboard
        page.click("summary:has-text('Name')")
        page.fill("#person", "Ada")
        page.fill("#note", "wet leaves")
        page.evaluate("document.activeElement.blur()")
        record(opened, 20)
        keys.press("m")
        opened.wait_until(lambda state: state["recording"]["marked"])
        opened.wait_for("document.getElementById('mark').getAttribute('aria-pressed') === 'true'")
        began = opened.state["recording"]["frames"]
        opened.wait_until(lambda state: state["recording"]["frames"] >= began + 10)
        keys.press("m")
        opened.wait_until(lambda state: not state["recording"]["marked"])
        keys.press("p")
        opened.wait_until(lambda state: state["recording"]["mode"] == "paused")
        opened.wait_for("document.getElementById('lamp-text').textContent.startsWith('paused')")
        paused = opened.state["step"]
        opened.wait_until(lambda state: state["step"] >= paused + 5)  # driven, and not recorded
        keys.press("p")
        opened.wait_until(lambda state: state["recording"]["mode"] == "on")
        frames = opened.state["recording"]["frames"]
        opened.wait_until(lambda state: state["recording"]["frames"] >= frames + 10)
        keys.press("o")
        opened.wait_until(lambda state: state["recording"]["episodes"] == 2)

    info = read_info(root)
    assert [(row.person, row.note) for row in info.episodes] == [("Ada", "wet leaves")] * 2
    marked = np.flatnonzero(read_episode(info, 0)["mark"])
    assert len(marked) >= 10
    assert np.all(np.diff(marked) == 1)
    assert list(check(root)) == []


@pytest.mark.slow
def test_a_closed_tab_keeps_or_drops_as_chosen(serve, visit, tmp_path: Path) -> None:
    root = tmp_path / "recording"
    with serve("--data", root, "--traffic", "none", "--agent", "expert") as address:
        for choice in ("keep", "drop"):
            opened = visit(address)
            opened.page.click("summary:has-text('Name')")
            opened.page.check(f"#{choice}")
            opened.page.evaluate("document.activeElement.blur()")
            record(opened, 20)
            assert opened.state["recording"]["keep_on_disconnect"] is (choice == "keep")
            opened.page.close()
            watcher = visit(address)
            watcher.wait_until(lambda state: state["recording"]["mode"] == "off")
            watcher.wait_until(lambda state: state["recording"]["episodes"] == 1)
            watcher.page.close()
    info = read_info(root)
    assert [row.ended for row in info.episodes] == ["lost"]


def test_a_drive_is_chosen_from_the_lists(serve, visit) -> None:
    with serve("--traffic", "none", "--shadow", "straight") as address:
        opened = visit(address)
        page = opened.page
        opened.wait_until(lambda state: state["mode"] == "waiting")
        page.click("summary:has-text('Map')")
        page.select_option("#weather-choice", "fog")
        page.select_option("#traffic-choice", "light")
        page.select_option("#agent-choice", "expert")
        page.fill("#seed", "17")
        page.check("#shadow-choice input[value=straight]")
        page.check("#shadow-choice input[value=expert]")
        page.click("#start")
        opened.wait_until(lambda state: state["mode"] == "driving")
        drive = {name: opened.map[name] for name in ("weather", "traffic", "seed")}
        assert drive == {"weather": "fog", "traffic": "light", "seed": 17}
        assert opened.state["at_wheel"] == "expert"
        opened.wait_until(lambda state: set(state["shadows"]) == {"straight", "expert"})
        opened.wait_for("document.querySelectorAll('#legend .value').length === 2")
        page.fill("#seed", "1000000")
        page.click("#start")
        assert opened.text("status") == "The seed is a whole number from 0 to 999999."
        page.select_option("#pace", "0.5")
        opened.wait_until(lambda state: state["pace"] == 0.5)
