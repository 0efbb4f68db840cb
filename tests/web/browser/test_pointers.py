"""Steering with the mouse, and with a finger on a phone."""

from tests.web.browser.page import Opened


def driving(opened: Opened) -> None:
    opened.wait_until(lambda state: state["mode"] == "waiting")
    opened.page.keyboard.press("n")
    opened.wait_until(lambda state: state["mode"] == "driving")


def test_the_mouse_over_the_picture_steers_until_it_leaves(serve, visit) -> None:
    with serve("--traffic", "none", "--seed", "5", "--pace", "0.5") as address:
        opened = visit(address)
        driving(opened)
        page = opened.page
        box = page.locator("#view").bounding_box()
        middle, height = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(middle + 0.3 * box["width"], height)
        opened.wait(0.3)
        assert opened.state["steering"] == 0.0  # not before the mouse is chosen
        page.keyboard.press("c")
        page.mouse.move(middle + 0.25 * box["width"], height)
        opened.wait_until(lambda state: state["steering"] < -0.02)
        steady = opened.state["steering"]
        page.mouse.move(middle - 0.25 * box["width"], height)
        opened.wait_until(lambda state: abs(state["steering"] + steady) < 0.05)
        opened.wait_for("document.getElementById('hand').textContent === 'mouse'")
        page.mouse.move(5, 5)
        opened.wait_until(lambda state: abs(state["steering"]) < 0.01)


def test_a_finger_on_the_drawn_wheel_takes_it_from_the_agent(serve, visit) -> None:
    with serve("--traffic", "none", "--seed", "5", "--pace", "0.2", "--agent", "expert") as address:
        opened = visit(address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        driving(opened)
        page = opened.page
        assert opened.state["at_wheel"] == "expert"
        box = page.locator("#pad-area").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        fingers = page.context.new_cdp_session(page)

        def touch(kind: str, *points: dict[str, float]) -> None:
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

        touch("touchStart", {"x": x, "y": y})
        opened.wait_until(lambda state: state["at_wheel"] == "person")
        for way in (20, 50, 80):
            touch("touchMove", {"x": x - way, "y": y})
        opened.wait_until(lambda state: state["steering"] > 0.02)
        opened.wait_for("document.getElementById('hand').textContent === 'finger'")
        assert opened.state["intervention"]
        touch("touchEnd")
        opened.wait_until(lambda state: abs(state["steering"]) < 0.01)
        page.tap("#takeover")
        opened.wait_until(lambda state: state["at_wheel"] == "expert")
