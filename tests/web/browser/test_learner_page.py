"""The learner on the page: its ghost wheel and meters, its call for help, and the hand that answers it."""

from tests.web.serve.pupils import STEERING


def test_it_asks_for_help_and_a_hand_on_the_wheel_helps(teach, visit) -> None:
    with teach("--traffic", "none", "--seed", "5") as address:
        opened = visit(address)
        page = opened.page
        opened.wait_until(lambda state: state["teach"]["phase"] == "ready")
        assert page.is_visible("#learner")
        assert opened.text("learner-phase") == "can drive: take over where it goes wrong"
        page.keyboard.press("n")
        opened.wait_until(lambda state: state["mode"] == "driving")
        page.keyboard.press("t")
        opened.wait_until(lambda state: state["at_wheel"] == "learner")
        opened.wait_for("document.querySelector('#help-wanted').textContent.includes('take the wheel')")
        opened.wait_until(lambda state: state["teach"]["waits"])
        opened.wait_for("document.getElementById('veil-button').textContent === 'Take over'")
        opened.wait_for("document.getElementById('uncertainty').value === 1")
        assert opened.text("uncertainty-text") == "100 %"
        assert opened.text("legend").split() == ["learner"]
        assert opened.state["teach"]["steering"] == STEERING

        stood = opened.state["step"]
        page.keyboard.press("h")  # let it go on
        opened.wait_until(lambda state: state["mode"] == "driving")
        opened.wait_until(lambda state: state["step"] > stood + 10)
        assert opened.state["at_wheel"] == "learner"

        page.keyboard.press("n")
        opened.wait_until(lambda state: state["teach"]["waits"] and state["drive_step"] < 40)
        page.keyboard.down("ArrowRight")
        opened.wait_until(lambda state: state["at_wheel"] == "person" and state["mode"] == "driving")
        page.keyboard.up("ArrowRight")
        opened.wait_for("document.getElementById('help-wanted').textContent === ''")
        assert not opened.state["teach"]["waits"]


def test_without_teaching_nothing_is_shown_of_it(serve, visit) -> None:
    with serve("--traffic", "none") as address:
        opened = visit(address)
        opened.wait_until(lambda state: state["teach"] is None)
        assert not opened.page.is_visible("#learner")
