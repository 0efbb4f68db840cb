"""Both pages for everybody: axe finds nothing, every control can be reached and seen by keyboard alone."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.web.browser.page import Opened

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SETTINGS = {"reduced_motion": "reduce", "bypass_csp": True}  # axe measures with styles of its own
SCREENS = ({"color_scheme": "light"}, {"color_scheme": "dark"}, PHONE)

# What can be used and is shown: one radio button stands for its group, as in the order of the Tab key.
_CONTROLS = """() => [...document.querySelectorAll("button, input, select, summary, a[href]")].filter(
  (one) => one.checkVisibility() && (one.type !== "radio" || one.checked)
    && (!document.querySelector("dialog[open]") || one.closest("dialog[open]")))"""
_TOUCH = """() => {
  const unseen = [];
  const note = ({ target: one }) => {
    one.dataset.reached = "yes";
    const seen = [one, one.nextElementSibling].some((part) => {
      const { outlineStyle, outlineWidth } = part ? getComputedStyle(part) : {};
      return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    });
    if (!seen) unseen.push(one.outerHTML);
  };
  document.addEventListener("focusin", note);
  window.touched = () => (document.removeEventListener("focusin", note), unseen);
}"""


def findings(page: Any) -> list[str]:
    """What axe finds, whatever its weight: impact, rule and the elements."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['impact']}: {one['id']}: {[node['html'] for node in one['nodes']]} "
        f"{[node['failureSummary'] for node in one['nodes']]}"
        for one in found
    ]


def not_reached(page: Any) -> list[str]:
    """Controls that pressing Tab all the way round does not come to, or on which the focus is not seen."""
    controls = page.evaluate(f"({_CONTROLS})().length")
    page.evaluate(_TOUCH)
    for _ in range(controls + 4):
        page.keyboard.press("Tab")
    unseen = page.evaluate("window.touched()")
    left = page.evaluate(f"({_CONTROLS})().filter((one) => !one.dataset.reached).map((one) => one.outerHTML)")
    assert controls > 1
    return [*left, *unseen]


def open_all(page: Any) -> None:
    """Unfold every part of the page by keyboard."""
    for summary in page.locator("summary").all():
        if not summary.evaluate("(one) => one.parentElement.open"):
            summary.focus()
            page.keyboard.press("Enter")
    page.evaluate("document.activeElement.blur()")


def overflow(page: Any) -> int:
    """How much wider than the screen the page is [px]."""
    return int(page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth"))


@pytest.mark.slow
def test_the_page_for_driving(serve, visit, tmp_path: Path) -> None:
    calm = ("--agent", "expert", "--pace", "0.3", "--shadow", "straight", "--pedals", "person")
    with serve("--data", tmp_path / "recording", *calm) as address:
        for screen in SCREENS:
            opened: Opened = visit(address, **SETTINGS, **screen)
            page = opened.page
            opened.wait_until(lambda state: True)
            assert findings(page) == []
            open_all(page)
            page.keyboard.press("n")
            opened.wait_until(lambda state: state["mode"] == "driving")
            page.keyboard.press("r")
            opened.wait_until(lambda state: state["recording"]["mode"] == "on")
            assert findings(page) == []
            assert overflow(page) <= 0
            for key, dialog in (("?", "help"), ("g", "pad")):
                page.keyboard.press(key)
                assert page.evaluate(f"document.getElementById('{dialog}').open")
                opened.wait_until(lambda state: state["held"])
                assert findings(page) == []
                assert not_reached(page) == []
                page.keyboard.press("Escape")
                opened.wait_until(lambda state: not state["held"])
            page.keyboard.press("o")
            opened.wait_until(lambda state: state["recording"]["mode"] == "off")
            assert not_reached(page) == []
            page.close()


def test_the_page_with_a_learner_that_asks_for_help(teach, visit) -> None:
    with teach("--traffic", "none", "--seed", "5") as address:
        for screen in SCREENS:
            opened: Opened = visit(address, **SETTINGS, **screen)
            page = opened.page
            opened.wait_until(lambda state: state["teach"]["phase"] == "ready")
            assert findings(page) == []
            page.keyboard.press("n")
            opened.wait_until(lambda state: state["mode"] in ("driving", "held"))
            if opened.state["at_wheel"] == "person":
                page.keyboard.press("t")
            opened.wait_until(lambda state: state["teach"]["waits"])
            opened.wait_for("document.getElementById('help-wanted').textContent !== ''")
            assert findings(page) == []
            assert overflow(page) <= 0
            assert not_reached(page) == []
            page.close()


@pytest.mark.slow
def test_the_page_for_looking_through(viewed: tuple[str, Path], visit) -> None:
    for screen in SCREENS:
        opened: Opened = visit(viewed[0], **SETTINGS, **screen)
        page = opened.page
        opened.wait_for("document.getElementById('now').textContent.startsWith('frame 0 ')")
        assert findings(page) == []
        page.keyboard.press("e")
        opened.wait_for("document.getElementById('excluded').textContent.includes('frames')")
        assert findings(page) == []
        assert overflow(page) <= 0
        assert not_reached(page) == []
        page.keyboard.press("?")
        assert findings(page) == []
        page.keyboard.press("Escape")
        page.click("#restore-all")


def test_who_watches_may_not_steer_and_is_told_so(serve, visit) -> None:
    with serve("--traffic", "none", "--pace", "0.3") as address:
        driver, watcher = visit(address), visit(address)
        watcher.wait_until(lambda state: state["mode"] == "waiting")
        watcher.wait_for("document.getElementById('role').textContent === 'You watch: somebody else drives'")
        watcher.page.keyboard.press("n")
        assert watcher.text("status") == "You watch: only who drives can do that."
        assert watcher.page.get_attribute("#restart", "aria-disabled") == "true"
        driver.page.keyboard.press("n")
        driver.page.keyboard.press("r")
        assert "without a dataset" in driver.text("status")
        driver.wait_until(lambda state: state["mode"] == "driving")
        driver.page.close()
        watcher.wait_for("document.getElementById('veil-button').textContent === 'Take the seat'")
        watcher.page.click("#veil-button")
        watcher.wait_until(lambda state: state["mode"] == "driving")
