import socket
import subprocess
import sys
import textwrap

import pytest

from drive.driving import warmup
from drive.sim import compiling
from tests.children import HANG_S

ENDLESS = "import time; from drive.driving.warmup import end_with_parent; end_with_parent(); time.sleep(600)"


@pytest.fixture
def processes(monkeypatch):
    """The second processes that a test starts, as if two were faster."""
    started = []
    start = warmup._start_other

    def note():
        started.append(start())
        return started[-1]

    monkeypatch.setattr(warmup, "_two_are_faster", lambda: True)
    monkeypatch.setattr(warmup, "_start_other", note)
    return started


@pytest.mark.parametrize(
    ("cores", "compiled", "expected"),
    [(2, False, True), (16, False, True), (1, False, False), (2, True, False)],
)
def test_a_second_process_compiles_where_two_cores_and_no_kernels_are(monkeypatch, cores, compiled, expected):
    monkeypatch.setattr("drive.core.machine.cores", lambda: cores)
    monkeypatch.setattr("drive.core.machine.kernels_compiled", lambda: compiled)
    monkeypatch.setattr(warmup, "_OTHER", ENDLESS)
    monkeypatch.setattr(warmup, "_PATIENCE", 0.0)
    with warmup._renderer_beside() as beside:
        assert beside is expected


def test_kernels_count_as_compiled_only_when_both_halves_are_finished(monkeypatch, tmp_path):
    import shutil

    from drive.core.kernels import cache_root
    from drive.core.machine import kernels_compiled

    warmup.warm_up()
    assert kernels_compiled()
    here = cache_root()
    monkeypatch.setenv("DRIVE_CACHE", str(tmp_path))
    assert not kernels_compiled()
    for missing, expected in (("draw_frames", False), ("advance_worlds", False), ("", True)):
        shutil.rmtree(tmp_path)
        for index in here.rglob("*.nbi"):
            if not missing or f".{missing}-" not in index.name:
                place = tmp_path / index.relative_to(here)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        assert kernels_compiled() is expected


def test_nothing_is_drawn_in_this_process_meanwhile(monkeypatch):
    from drive.sim.scenario import lane_scenario
    from drive.sim.sensors.renderer import Renderer

    def refuse(*_, **__):
        raise AssertionError("the other process compiles this")

    drawn = Renderer.render
    monkeypatch.setattr(Renderer, "render", refuse)
    scenario = lane_scenario(3)
    compiling.drive_unseen(scenario)
    monkeypatch.setattr(Renderer, "render", drawn)
    warmup.warm_up(scenario=scenario)  # and the same scenario can be driven with pictures afterwards


def test_the_other_process_compiles_for_the_types_that_a_drive_draws_with(monkeypatch):
    import numba

    from drive.camera import Camera
    from drive.sim.env import LaneEnv
    from drive.sim.sensors import renderer

    seen = []

    def note(*arguments):
        seen.append([numba.typeof(argument) for argument in arguments])
        return 0, 0

    monkeypatch.setattr(renderer, "_draw_frames", note)
    compiling.draw_nothing()
    env = LaneEnv(camera=Camera(width_px=320, height_px=160))
    env.reset(seed=1)
    env.render_view(0.2, 0.02)
    alone, driven, view = seen
    assert alone == driven == view


def test_a_second_process_that_fails_only_loses_time(monkeypatch, processes, capfd):
    monkeypatch.setattr(warmup, "_OTHER", "raise RuntimeError('no memory')")
    warmup.warm_up()
    assert [process.poll() for process in processes] == [1]
    assert capfd.readouterr() == ("", "")


def test_a_second_process_that_hangs_is_ended(monkeypatch, processes):
    monkeypatch.setattr(warmup, "_OTHER", ENDLESS)
    monkeypatch.setattr(warmup, "_PATIENCE", 0.1)
    warmup.warm_up()
    assert processes[0].poll() is not None


def test_without_an_interpreter_to_start_this_process_compiles_alone(monkeypatch, processes):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with warmup._renderer_beside() as beside:
        assert not beside
    assert processes == [None]


def test_an_interrupt_ends_the_second_process(monkeypatch, processes):
    monkeypatch.setattr(warmup, "_OTHER", ENDLESS)
    with pytest.raises(KeyboardInterrupt), warmup._renderer_beside():
        assert processes[0].poll() is None
        raise KeyboardInterrupt
    assert processes[0].poll() is not None


def test_the_second_process_ends_when_the_first_is_killed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(HANG_S)
        port = server.getsockname()[1]
        second = f"import socket; line = socket.create_connection(('127.0.0.1', {port})); {ENDLESS}"
        first = textwrap.dedent(
            f"""
            import time
            from drive.driving import warmup
            warmup._OTHER = {second!r}
            process = warmup._start_other()
            time.sleep(600)
            """
        )
        process = subprocess.Popen([sys.executable, "-c", first])
        try:
            line, _ = server.accept()
        finally:
            process.kill()
            process.wait()
        with line:
            line.settimeout(HANG_S)
            assert line.recv(1) == b""  # closed by its death
