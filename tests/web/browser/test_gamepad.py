"""A gamepad that the test moves: what the stick says is what is driven and recorded."""

from pathlib import Path

import numpy as np
import pytest

from drive.dataset import read_episode, read_info

# What the browser tells pages of a standard gamepad: axes to the right and down are positive.
PAD = """
window.pad = { axes: [0, 0, 0, 0], brake: 0 };
navigator.getGamepads = () => [{
  id: "Test pad", index: 0, connected: true, mapping: "standard", timestamp: performance.now(),
  axes: [...window.pad.axes],
  buttons: Array.from({ length: 17 }, (_, i) => {
    const value = i === 6 ? window.pad.brake : 0;
    return { value, pressed: value > 0.5, touched: value > 0 };
  }),
}, null, null, null];
"""
STICK = np.round(np.linspace(-1.0, 1.0, 17), 4)  # to the right
FULL_SCALE_SHARE = 0.01
RESULT = "Number(document.getElementById('pad-result-text').textContent) === {}"


@pytest.mark.slow
def test_steering_by_stick_arrives_within_one_percent(serve, visit, tmp_path: Path) -> None:
    root = tmp_path / "recording"
    with serve("--data", root, "--pedals", "person", "--traffic", "none", "--seed", "5") as address:
        opened = visit(address, script=PAD)
        page = opened.page
        opened.wait_until(lambda state: state["mode"] == "waiting")
        page.keyboard.press("g")  # the dialog: no dead zone
        assert "Test pad: 4 axes, 17 buttons" in page.text_content("#pad-name")
        page.focus("#pad-dead")
        page.keyboard.press("Home")
        opened.wait_for("document.getElementById('pad-dead-text').textContent === '0 %'")
        page.keyboard.press("Escape")
        page.keyboard.press("n")
        opened.wait_until(lambda state: state["mode"] == "driving")

        page.evaluate("window.pad.brake = 1")  # the left trigger: it stands, and can steer as it likes
        opened.wait_until(lambda state: state["speed"] < 0.05)
        assert opened.text("hand") == "gamepad"
        page.keyboard.press("r")
        opened.wait_until(lambda state: state["recording"]["mode"] == "on")
        for stick in STICK:
            page.evaluate("(value) => { window.pad.axes[0] = value; }", float(stick))
            opened.wait_until(lambda state, stick=stick: abs(state["steering"] + stick) <= FULL_SCALE_SHARE)
            arrived = opened.state["step"]
            opened.wait_until(lambda state, arrived=arrived: state["step"] >= arrived + 3)
            assert abs(opened.state["steering"] + stick) <= FULL_SCALE_SHARE  # and stays there
        page.keyboard.press("o")
        opened.wait_until(lambda state: state["recording"]["episodes"] == 1)

    driven = read_episode(read_info(root), 0)["executed.action"][:, 0]
    for stick in STICK:
        assert np.sum(np.abs(driven + stick) <= FULL_SCALE_SHARE) >= 3


def test_calibration_is_kept_and_undoes_an_odd_wheel(serve, visit) -> None:
    """Axis 2 rests at 0.1, ends at 0.8 (left) and -0.4 (right): full lock there, half lock half way."""
    with serve("--pedals", "person", "--traffic", "none") as address:
        opened = visit(address, script=PAD)
        page = opened.page
        opened.wait_until(lambda state: state["mode"] == "waiting")
        page.keyboard.press("g")
        page.click("#pad-find")
        page.evaluate("window.pad.axes[2] = 0.8")
        opened.wait_for("document.getElementById('pad-axis').value === '2'")
        page.click("#pad-left")
        for end, value in (("centre", 0.1), ("right", -0.4)):
            page.evaluate("(value) => { window.pad.axes[2] = value; }", value)
            page.click(f"#pad-{end}")
        page.focus("#pad-dead")
        page.keyboard.press("Home")
        opened.wait_for("document.getElementById('pad-dead-text').textContent === '0 %'")
        for stick, right in ((0.8, -1.0), (0.45, -0.5), (0.1, 0.0), (-0.15, 0.5), (-0.4, 1.0)):
            page.evaluate("(value) => { window.pad.axes[2] = value; }", stick)
            opened.wait_for(RESULT.format(right))
        page.reload()
        opened.wait_until(lambda state: state["mode"] == "waiting")
        page.evaluate("window.pad.axes[2] = 0.45")
        page.click("#open-pad")
        opened.wait_for(RESULT.format(-0.5))


def test_a_pedal_that_rests_at_minus_one_brakes_when_pressed(serve, visit) -> None:
    with serve("--pedals", "person", "--traffic", "none", "--seed", "5") as address:
        opened = visit(address, script=PAD)
        page = opened.page
        opened.wait_until(lambda state: state["mode"] == "waiting")
        page.evaluate("window.pad.axes[3] = -1")
        page.keyboard.press("g")
        page.select_option("#pad-brake", "axis:3")
        page.click("#pad button:has-text('Done')")
        assert not page.evaluate("document.getElementById('pad').open")
        page.keyboard.press("n")
        opened.wait_until(lambda state: state["mode"] == "driving")
        page.evaluate("window.pad.axes[3] = 0.5")  # three quarters of the way
        opened.wait_until(lambda state: abs(state["acceleration"] + 0.75) <= FULL_SCALE_SHARE)
        page.evaluate("window.pad.axes[3] = -1")
        opened.wait_until(lambda state: abs(state["acceleration"]) <= FULL_SCALE_SHARE)
