"""The learner beside the drive: what it is shown, how it drives and asks, and how its process ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drive.camera import Camera, CameraFlags
from drive.core.errors import UserError
from drive.models.policy import OnnxPolicy
from drive.models.training import device
from drive.models.training.online_learner import LearnerProcess
from drive.models.training.online_trainer import OnlineTrainerSettings
from drive.web.serve.catalog import Catalog, Choice
from drive.web.serve.command import ServeConfig, build_app
from drive.web.serve.simulation import Simulation
from drive.web.serve.teaching import LEARNER, Teaching
from tests.children import HANG_S
from tests.web.serve import pupils
from tests.web.serve.clumsy import glance
from tests.web.serve.served import Page, page, serving

CAMERA = Camera(width_px=96, height_px=48)
SMALL = CameraFlags(width_px=96, height_px=48)
JPEG = b"jpeg"


def drive(teaching: Teaching, simulation: Simulation, steps: int, steering: float = 0.0) -> None:
    for _ in range(steps):
        teaching.stepped(simulation, simulation.step(steering, 0.0), lambda: JPEG)
        if simulation.end is not None:
            return


@contextmanager
def taught(out: Path, agent: str = "person", **values: Any) -> Iterator[tuple[Teaching, Simulation]]:
    """A drive with a learner that has no process."""
    teaching = Teaching(LearnerProcess(OnlineTrainerSettings(out, CAMERA, **values)))
    simulation = Simulation(Catalog.of([], [], {LEARNER: teaching.learner}), CAMERA, taught=LEARNER)
    simulation.load(Choice(seed=3, traffic="none", agent=agent))
    teaching.began(simulation)
    try:
        yield teaching, simulation
    finally:
        simulation.close()


def make_ready(teaching: Teaching, std: float = 0.01) -> None:
    path = teaching.process.settings.out / "policy.onnx"
    pupils.write_policy(path, std)
    teaching.learner.replace(OnnxPolicy(path), 0.1)


def wait_for(holds: Callable[[], Any], seconds: float = HANG_S) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


# --- what is shown


def test_frames_are_shown_when_they_are_five_seconds_old(tmp_path: Path) -> None:
    with taught(tmp_path / "out") as (teaching, simulation):
        drive(teaching, simulation, 100, 0.01)
        assert len(teaching.process.unsent) == 0
        drive(teaching, simulation, 30, 0.01)
        assert len(teaching.process.unsent) == 30
        sample = teaching.process.unsent[0]
        assert (sample.jpeg, sample.seed) == (JPEG, 3)
        assert sample.action[0] == pytest.approx(0.01)
        assert sample.state[0] == pytest.approx(float(simulation.ego["speed"]), abs=3.0)


def test_deleted_frames_are_not_shown(tmp_path: Path) -> None:
    with taught(tmp_path / "out") as (teaching, simulation):
        drive(teaching, simulation, 120)
        assert simulation.rewind(60)
        teaching.deleted(60)
        drive(teaching, simulation, 20, 0.02)
        teaching.began(simulation)  # the rest of the drive is shown
        labels = [sample.action[0] for sample in teaching.process.unsent]
        assert len(labels) == 80
        assert labels[:60] == [0.0] * 60
        assert labels[60:] == [pytest.approx(0.02)] * 20


def test_what_led_off_the_road_is_not_shown(tmp_path: Path) -> None:
    with taught(tmp_path / "out") as (teaching, simulation):
        drive(teaching, simulation, 40)
        drive(teaching, simulation, 1000, 0.9)
        assert simulation.end == "off_road"
        driven = simulation.drive_step
        teaching.began(simulation)
        assert len(teaching.process.unsent) == max(driven - 101, 0)


def test_only_the_persons_frames_teach_or_every_frame_with_the_experts_answer(tmp_path: Path) -> None:
    for labels, shown in (("action", 20), ("expert", 60)):
        with taught(tmp_path / labels, agent="straight", labels=labels) as (teaching, simulation):
            drive(teaching, simulation, 40, 0.5)
            simulation.take_wheel(True)
            before = simulation.drive_step
            drive(teaching, simulation, 20, 0.015)
            assert simulation.drive_step == before + 20
            teaching.began(simulation)
            found = [sample.action[0] for sample in teaching.process.unsent]
            assert len(found) == shown
            assert (found == [pytest.approx(0.015)] * 20) is (labels == "action")


# --- how it drives


def test_it_cannot_drive_before_it_is_ready(tmp_path: Path) -> None:
    with taught(tmp_path / "out", agent=LEARNER) as (teaching, simulation):
        assert simulation.person_drives
        assert not simulation.take_wheel(False)
        drive(teaching, simulation, 3, 0.01)
        state = teaching.state(simulation)
        assert (state["phase"], state["steering"], state["autonomy"], state["error"]) == ("waiting",) + (
            None,
        ) * 3
        make_ready(teaching)
        assert simulation.take_wheel(False) and not simulation.person_drives
        drive(teaching, simulation, 2)
        assert teaching.state(simulation)["steering"] == pupils.STEERING


def test_its_error_is_its_distance_from_the_person(tmp_path: Path) -> None:
    with taught(tmp_path / "out") as (teaching, simulation):
        make_ready(teaching)
        drive(teaching, simulation, 30, 0.025)
        state = teaching.state(simulation)
        assert state["error"] == pytest.approx(pupils.STEERING - 0.025, abs=1e-4)
        assert state["phase"] == "ready" and not state["unsure"]
        assert state["autonomy"] is None


def test_unsure_at_the_wheel_it_waits_until_the_person_decides(tmp_path: Path) -> None:
    with taught(tmp_path / "out", agent=LEARNER) as (teaching, simulation):
        make_ready(teaching, std=0.5)
        simulation.take_wheel(False)
        drive(teaching, simulation, 20)
        assert teaching.state(simulation)["unsure"] and not teaching.waits
        drive(teaching, simulation, 2)
        assert teaching.waits
        teaching.go_on()
        drive(teaching, simulation, 40)
        assert not teaching.waits, "it was told to go on"
        simulation.take_wheel(True)
        teaching.took_wheel()
        drive(teaching, simulation, 60)
        assert teaching.state(simulation)["unsure"] and not teaching.waits, "the person drives"


def test_a_learner_at_the_wheel_is_scored(tmp_path: Path) -> None:
    with taught(tmp_path / "out", agent=LEARNER) as (teaching, simulation):
        make_ready(teaching)
        simulation.take_wheel(False)
        drive(teaching, simulation, 2000)  # it always steers left, and leaves the road
        assert simulation.end == "off_road"
        lost = teaching.state(simulation)["autonomy"]
        assert lost is None or lost < 0.5


# --- the process


def test_a_process_is_shown_frames_and_ends_with_the_server(tmp_path: Path) -> None:
    said: list[str] = []
    with taught(tmp_path / "out") as (teaching, simulation):
        teaching.process._target = pupils.sure
        teaching.process.start(lambda level, text: said.append(f"{level}: {text}"))
        pid = teaching.process.pid
        assert pid is not None
        wait_for(lambda: teaching.process.phase == "ready")
        drive(teaching, simulation, 130)
        wait_for(lambda: teaching.state(simulation)["samples"] == 30)
        teaching.process.stop()
        assert said == ["info: The learner can drive now: let go of the wheel to see (T)."]
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("reason", ["says so", "is killed"])
def test_a_learner_that_breaks_is_told_and_the_drive_goes_on(tmp_path: Path, reason: str) -> None:
    said: list[str] = []
    with taught(tmp_path / "out") as (teaching, simulation):
        teaching.process._target = pupils.broken if reason == "says so" else pupils.slow
        teaching.process.start(lambda level, text: said.append(f"{level}: {text}"))
        if reason == "is killed":
            assert teaching.process.pid is not None
            os.kill(teaching.process.pid, signal.SIGKILL)
        wait_for(lambda: said)
        assert teaching.process.phase == "stopped"
        drive(teaching, simulation, 130)
        why = "ValueError: no light" if reason == "says so" else "its process ended"
        assert said == [f"warning: The learner learns no more: {why}."]
        teaching.process.stop()


_SERVER = """
import sys, time
from pathlib import Path
from drive.models.training import online_learner
from drive.models.training.online_trainer import OnlineTrainerSettings
from drive.web.serve.teaching import Teaching
from drive.camera import Camera
from tests.web.serve import pupils
from tests.web.serve.clumsy import glance
if __name__ == "__main__":
    online_learner.train_online = pupils.sure
    teaching = Teaching(online_learner.LearnerProcess(OnlineTrainerSettings(Path(sys.argv[1]), Camera())))
    teaching.process.start(lambda level, text: None)
    while teaching.process.phase != "ready":
        time.sleep(0.01)
    assert "tensorflow" not in sys.modules
    print(teaching.process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by signal")
def test_it_ends_when_the_server_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SERVER, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        os.kill(pid, 0)
        server.kill()
    wait_for(lambda: not running(pid))


def running(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- the server


@pytest.fixture
def learner_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`with learner_server(pupils.sure) as port`."""

    def serve(target: Callable[..., None]) -> Any:
        monkeypatch.setattr("drive.models.training.online_learner.train_online", target)
        return serving(ServeConfig(teach=tmp_path / "out", camera_flags=SMALL, seed=3, traffic="none"))

    return serve


FIELDS = "name phase samples updates loss steering std uncertainty unsure waits autonomy error".split()


def ready(driver: Page) -> None:
    driver.send("start")
    driver.state(lambda state: state["teach"]["phase"] == "ready", steering=0.0)
    driver.send("takeover", on=False)


def test_the_page_is_told_and_the_learner_drives(learner_server: Callable[..., Any]) -> None:
    with learner_server(pupils.sure) as port, page(port) as driver:
        assert LEARNER in driver.told[0]["agents"]
        assert driver.told[0]["chosen"]["agent"] == LEARNER
        ready(driver)
        state = driver.state(
            lambda state: state["at_wheel"] == LEARNER and state["steering"] == pupils.STEERING
        )
        assert list(state["teach"]) == FIELDS
        assert state["mode"] == "driving" and not state["teach"]["unsure"]


def test_an_unsure_learner_stops_the_time_until_the_wheel_is_taken(
    learner_server: Callable[..., Any],
) -> None:
    with learner_server(pupils.unsure) as port, page(port) as driver:
        ready(driver)
        held = driver.state(lambda state: state["teach"]["waits"])
        assert held["mode"] == "held" and "unsure" in held["why"] and not held["held"]
        time.sleep(0.3)
        driver.send("hold", on=False)
        going = driver.state(lambda state: state["mode"] == "driving")
        assert going["step"] - held["step"] <= 1, "time stood still"
        driver.send("restart")
        driver.state(lambda state: state["teach"]["waits"] and state["drive_step"] < 40)
        driver.send("takeover", on=True)
        taken = driver.state(lambda state: state["mode"] == "driving", steering=0.0)
        assert taken["at_wheel"] == "person" and not taken["teach"]["waits"]


def test_without_teaching_there_is_no_learner() -> None:
    with serving(ServeConfig(camera_flags=SMALL, traffic="none")) as port, page(port) as driver:
        assert LEARNER not in driver.told[0]["agents"]
        assert driver.until(type="state")["teach"] is None


# --- what is refused


def test_what_cannot_be_taught_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("no policy")
    with pytest.raises(UserError, match="holds other things"):
        build_app(ServeConfig(teach=tmp_path / "full"))
    with pytest.raises(UserError, match="cannot be called 'learner'"):
        build_app(ServeConfig(teach=tmp_path / "out", agent=("learner=straight",)))
    with pytest.raises(UserError, match="take action or expert"):
        replace(ServeConfig(), labels="both")  # type: ignore[arg-type]
    monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: None if name == "keras" else True)
    with pytest.raises(UserError, match=r"pip install .drivegym\[train\]"):
        build_app(ServeConfig(teach=tmp_path / "new"))
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_real_one_learns_and_leaves_its_policy(tmp_path: Path) -> None:
    from drive.web.serve.pictures import encode_jpeg

    out = tmp_path / "out"
    quick = {"augmented": False, "batch_size": 8, "first_samples": 200, "first_updates": 20, "passes": 4.0}
    with taught(out, policy_every_s=60.0, **quick) as (teaching, simulation):
        teaching.process.start(lambda level, text: None)
        for _ in range(350):
            done = simulation.step(glance(simulation), 0.0)
            assert done.end is None
            teaching.stepped(simulation, done, lambda camera=done.camera: encode_jpeg(camera))
        wait_for(lambda: teaching.process.phase == "ready", 300.0)
        wait_for(lambda: teaching.state(simulation)["updates"] >= 40, 300.0)
        teaching.process.stop()
    policy = OnnxPolicy(out / "policy.onnx")
    assert policy.description is not None
    assert policy.description.camera == CAMERA
    assert policy.description.training_seeds == {3}
    assert policy.description.values["pictures"] >= 200
    assert sorted(path.name for path in out.iterdir()) == ["policy.json", "policy.onnx"]
    assert set(policy.run({"camera": simulation.observation["camera"], "speed": 8.0})) == {
        "steering",
        "steering_std",
    }
