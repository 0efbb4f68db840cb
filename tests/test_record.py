"""Recording: what is kept of a drive, from which seeds, and what is left when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

import cv2
import numpy as np
import psutil
import pytest
from rich.console import Console

from drive import record
from drive.camera import Camera, CameraFlags
from drive.core.errors import UserError
from drive.dataset import (
    FRONT_IMAGE,
    VIEW_IMAGE,
    DatasetWriter,
    check,
    lane_features,
    read_episode,
    read_info,
)
from drive.driving.demonstrations import Demonstration
from drive.record import RecordConfig
from drive.sim.density import TRAFFIC
from drive.sim.maps.styles import STYLES
from tests.children import HANG_S, gone
from tests.dataset.test_dataset import make_columns

SMALL = CameraFlags(width_px=32, height_px=16)
TINY = CameraFlags(width_px=16, height_px=8)
DETAILED = CameraFlags(width_px=64, height_px=32)


class FakeRecorder:
    """Drives nothing: every seed has its own columns; some seeds crash."""

    def __init__(self, crashing: tuple[int, ...] = (), seconds: float = 0.0, failing: str = "") -> None:
        self.crashing, self.seconds, self.failing = crashing, seconds, failing

    def __call__(self, seed: int, report: Any) -> Demonstration:
        if self.failing == "user":
            raise UserError(f"seed {seed} has no road: take another.")
        if self.failing == "program":
            raise ZeroDivisionError(f"seed {seed}")
        if self.failing == "dead":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.failing == "driver" and seed == 1:
            report.beat("act of agent at step 7")
            os._exit(1)
        if self.failing == "program after act" and seed == 1:
            report.beat("act of agent at step 7")
            raise ZeroDivisionError(f"seed {seed}")
        if self.failing == "interrupt" and seed == 1:
            report.beat("act of agent at step 7")
            raise KeyboardInterrupt
        if self.failing == "built":
            report.beat("building of agent at step 0")
            os._exit(1)
        time.sleep(self.seconds * (1 + seed % 3))
        report(4)
        if seed in self.crashing:
            return Demonstration(seed, f"seed/{seed}", "overcast", ("collision",), 4)
        return Demonstration(seed, f"seed/{seed}", "overcast", ("goal",), 4, make_columns(4, seed))


def run(out: Path, workers: int = 1, console: Console | None = None, **options: Any) -> None:
    fake = {name: options.pop(name) for name in ("crashing", "seconds", "failing") if name in options}
    config = RecordConfig(out=out, camera_flags=SMALL, **options)
    with DatasetWriter(out, fps=config.fps, camera=config.camera, driver="expert") as writer:
        record.record(config, writer, partial(FakeRecorder, **fake), workers, console or Console(quiet=True))


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_seeds_that_can_be_kept_are(tmp_path: Path, workers: int) -> None:
    run(tmp_path, workers, episodes=5, crashing=(1, 2, 5), seconds=0.01)
    info = read_info(tmp_path)
    assert [row.seed for row in info.episodes] == [0, 3, 4, 6, 7]
    assert info.dropped_seeds == {1, 2, 5}
    assert check(tmp_path) == []


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    run(tmp_path / "one", 1, episodes=6, crashing=(2,))
    run(tmp_path / "three", 3, episodes=6, crashing=(2,), seconds=0.01)
    assert content(tmp_path / "one") == content(tmp_path / "three")


def test_recording_again_goes_on_with_new_seeds(tmp_path: Path) -> None:
    run(tmp_path, episodes=2, crashing=(1,))
    run(tmp_path, episodes=2, seed=1)
    info = read_info(tmp_path)
    assert [row.seed for row in info.episodes] == [0, 2, 3, 4]
    assert info.dropped_seeds == {1} and info.seeds == {0, 2, 3, 4}
    assert check(tmp_path) == []


def test_it_says_what_was_made_what_was_not_and_what_comes_next(tmp_path: Path) -> None:
    console = Console(record=True, quiet=False, file=open(os.devnull, "w"), width=300)
    run(tmp_path, episodes=2, crashing=(0,), console=console)
    console.file.close()
    said = console.export_text()
    assert "Recorded 2 episodes, 8 frames (16 pictures)" in said
    assert "Not kept: 1 drive that ended in collision (1)." in said
    assert f"Next: drive train {tmp_path}" in said


def test_a_recording_that_keeps_crashing_gives_up(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"13 drives ended in collision \(13\) and only 0 could be kept"):
        run(tmp_path / "set", episodes=2, crashing=tuple(range(100)))
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("failing", "kind", "message"),
    [
        ("user", UserError, r"^seed \d has no road: take another.$"),
        ("program", RuntimeError, r"(?s)in a worker process.*ZeroDivisionError: seed \d"),
        ("dead", UserError, r"A worker process failed: the task was killed by signal 9"),
    ],
)
def test_what_goes_wrong_in_a_worker_is_said(
    tmp_path: Path, failing: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(tmp_path / "set", 2, episodes=3, failing=failing)
    assert not (tmp_path / "set").exists()


def test_a_driver_that_ends_its_process_costs_its_own_drive(tmp_path: Path) -> None:
    console = Console(record=True, quiet=False, file=open(os.devnull, "w"), width=300)
    run(tmp_path, 2, episodes=3, failing="driver", driver="mine:agent", console=console)
    console.file.close()
    info = read_info(tmp_path)
    assert [row.seed for row in info.episodes] == [0, 2, 3] and info.dropped_seeds == {1}
    said = console.export_text()
    assert "seed 1: act of agent at step 7 ended the process with exit code 1 (os._exit?)" in said
    assert "Not kept: 1 drive that ended in agent failure (1)." in said


def test_only_what_no_drive_catches_is_the_drivers_failure(tmp_path: Path) -> None:
    """A drive catches its agent's exceptions: one that comes through after an act is the program's."""
    run(tmp_path / "set", 1, episodes=2, failing="interrupt", driver="mine:agent")
    assert read_info(tmp_path / "set").dropped_seeds == {1}
    with pytest.raises(RuntimeError, match="ZeroDivisionError: seed 1"):
        run(tmp_path / "other", 1, episodes=2, failing="program after act", driver="mine:agent")


def test_a_driver_that_cannot_be_built_is_told(tmp_path: Path) -> None:
    message = r"Agent 'mine:agent': building it ended the process with exit code 1"
    with pytest.raises(UserError, match=message):
        run(tmp_path / "set", 1, episodes=3, failing="built", driver="mine:agent")
    assert not (tmp_path / "set").exists()


SLOW = """
import multiprocessing, signal, sys
from pathlib import Path
from tests.test_record import run

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    run(Path(sys.argv[1]), int(sys.argv[2]), episodes=500, seconds=0.05)
"""


def counted(root: Path) -> int:
    path = root / "meta/info.json"
    return int(json.loads(path.read_text())["total_episodes"]) if path.exists() else 0


def start_slow_recording(tmp_path: Path, workers: int) -> subprocess.Popen:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    root = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "set"), str(workers)],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + HANG_S
    while not counted(tmp_path / "set"):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_recording_leaves_whole_episodes_and_no_process(
    tmp_path: Path, sent: signal.Signals
) -> None:
    process = start_slow_recording(tmp_path, 2)
    workers = {child.pid for child in psutil.Process(process.pid).children()}
    assert len(workers) >= 2
    if sent == signal.SIGINT:
        os.killpg(process.pid, sent)  # as a terminal does
    else:
        process.send_signal(sent)
    _, errors = process.communicate(timeout=HANG_S)
    assert process.returncode != 0 and gone(workers)
    if sent == signal.SIGINT:
        assert errors.decode().strip().endswith("KeyboardInterrupt")
        assert check(tmp_path / "set") == []
    before = read_info(tmp_path / "set").total_episodes
    assert before >= 1
    assert {problem.kind for problem in check(tmp_path / "set")} <= {"orphan", "leftover", "inconsistent"}
    run(tmp_path / "set", episodes=1)
    info = read_info(tmp_path / "set")
    assert check(tmp_path / "set") == []
    assert [row.seed for row in info.episodes] == list(range(before + 1))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"seed": 1_000_000}, "seed is 1000000; take 0 to 999,999: .* reserved for evaluation"),
        ({"seed": -1}, "seed is -1"),
        ({"episodes": 0}, "episodes is 0; take 1 or more"),
        ({"every": 3}, "--every is 3; take 1, 2, 4, 5, 10 or 20"),
        ({"jpeg_quality": 0}, "--jpeg-quality is 0"),
        ({"noise": 9.0}, "--noise is 9.0; take 0"),
        ({"workers": 0}, "--workers is 0"),
        ({"traffic": "heavy"}, "--traffic is heavy; take one of none, light"),
        ({"roads": "city"}, "--roads is city; take any, town, country, highway, corners"),
        ({"roads": "corners", "map": Path("a.xodr")}, "--roads is corners; leave it out with --map"),
    ],
)
def test_settings_that_will_not_do_are_named(option: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        RecordConfig(out=Path("x"), **option)


def test_seeds_end_where_evaluation_begins(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no seed below 1,000,000 is left"):
        run(tmp_path / "set", episodes=3, seed=999_998)
    assert not (tmp_path / "set").exists()


# --- with the simulator


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recorded") / "set"
    record.main(
        RecordConfig(out=root, episodes=2, camera_flags=DETAILED, max_duration_s=4.0, workers=1, noise=2.0)
    )
    return root


def test_the_expert_is_recorded(recorded: Path) -> None:
    assert check(recorded) == []
    info = read_info(recorded)
    assert (info.total_episodes, info.total_frames, info.fps) == (2, 160, 20)
    assert info.features == lane_features(info.camera) and info.camera.width_px == 64
    assert info.recordings[0]["config"]["noise"] == 2.0 and info.seeds == {0, 1}
    for i in range(2):
        frames = read_episode(info, i)
        picture = cv2.imdecode(np.frombuffer(frames[FRONT_IMAGE][0], np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (32, 64, 3) and picture.std() > 5.0
        state = np.asarray(frames["observation.state"])
        assert (state[:, 0] > 1.0).all() and (state[:, 2] > 1.0).all()
        assert np.abs(frames["action"]).max() <= 1.0 and np.abs(frames["executed.action"]).max() <= 1.0
        lateral, yaw = np.asarray(frames["view.lateral_m"]), np.asarray(frames["view.yaw_rad"])
        assert np.abs(lateral).max() <= 1.0 and np.abs(yaw).max() <= np.radians(12.0) + 1e-6
        assert lateral.std() > 0.3 and yaw.std() > 0.03


def test_a_frame_shows_what_its_label_answers(recorded: Path) -> None:
    from drive.driving.demonstrations import Pictures
    from drive.sim.env import LaneEnv
    from drive.sim.expert import Expert
    from drive.sim.scenario import lane_scenario

    info = read_info(recorded)
    frames: dict[str, Any] = read_episode(info, 1)
    env, expert = LaneEnv(camera=info.camera), Expert()
    observation, _ = env.reset(options={"scenario": lane_scenario(info.episodes[1].seed)})
    expert.reset(env.context(privileged=True))
    again = {name: Pictures((32, 64, 3), 90) for name in (FRONT_IMAGE, VIEW_IMAGE)}
    for t in range(info.episodes[1].length):
        assert np.float32(expert.act(observation).steering) == frames["action"][t, 0]
        assert observation["speed"][0] == frames["observation.state"][t, 0]
        lateral, yaw = float(frames["view.lateral_m"][t]), float(frames["view.yaw_rad"][t])
        assert np.float32(expert.steering_at(env.world, 0, lateral, yaw)) == frames["view.action"][t]
        again[FRONT_IMAGE].add(observation["camera"])
        again[VIEW_IMAGE].add(env.render_view(lateral, yaw))
        observation, *_ = env.step(frames["executed.action"][t, :1])
    for name, pictures in again.items():
        assert pictures.encoded == frames[name]


def test_views_from_the_left_are_labelled_to_the_right(recorded: Path) -> None:
    for i in range(2):
        frames: dict[str, Any] = read_episode(recorded, i)
        change = frames["view.action"] - frames["action"][:, 0]
        assert np.corrcoef(change, frames["view.yaw_rad"])[0, 1] < -0.5
        level = np.abs(frames["view.yaw_rad"]) < np.radians(2.0)
        assert np.corrcoef(change[level], frames["view.lateral_m"][level])[0, 1] < -0.3


def test_noise_is_driven_and_not_learned(recorded: Path) -> None:
    frames: dict[str, Any] = read_episode(recorded, 0)
    assert np.abs(frames["executed.action"] - frames["action"])[:, 0].max() > 0.01
    assert (frames["executed.action"] == frames["action"])[:, 1].all()


def test_two_workers_record_the_same_bytes(recorded: Path, tmp_path: Path) -> None:
    record.main(
        RecordConfig(
            out=tmp_path, episodes=2, camera_flags=DETAILED, max_duration_s=4.0, workers=2, noise=2.0
        )
    )
    assert content(tmp_path) == content(recorded)


def test_every_second_step_without_views_and_noise(tmp_path: Path) -> None:
    config = RecordConfig(
        out=tmp_path, episodes=1, every=2, noise=0.0, view_lateral_m=0.0, view_yaw_deg=0.0, workers=1,
        camera_flags=SMALL, max_duration_s=1.0, weather="wet", traffic="none",
    )  # fmt: skip
    record.main(config)
    info = read_info(tmp_path)
    assert (info.fps, info.total_frames, info.episodes[0].weather) == (10, 10, "wet")
    assert VIEW_IMAGE not in info.features and "view.action" not in info.features
    frames = read_episode(info, 0)
    assert np.array_equal(frames["action"], frames["executed.action"])
    assert np.allclose(frames["timestamp"], np.arange(10) / 10)
    with pytest.raises(UserError, match="has 10 frames a second, this recording 20"):
        record.main(RecordConfig(out=tmp_path, episodes=1, camera_flags=SMALL))


def test_roads_are_of_the_style_that_was_asked_for(tmp_path: Path) -> None:
    from drive.driving.demonstrations import Pictures
    from drive.sim.env import LaneEnv
    from drive.sim.expert import Expert
    from drive.sim.scenario import lane_scenario

    record.main(
        RecordConfig(
            out=tmp_path, episodes=1, roads="corners", camera_flags=SMALL, workers=1, max_duration_s=1.0
        )
    )
    info = read_info(tmp_path)
    frames: dict[str, Any] = read_episode(info, 0)

    def beginning(style: str | None) -> tuple[bytes, np.float32]:
        env, expert = LaneEnv(camera=info.camera), Expert()
        scenario = lane_scenario(info.episodes[0].seed, style=style)
        observation, _ = env.reset(options={"scenario": scenario})
        expert.reset(env.context(privileged=True))
        first = Pictures((16, 32, 3), 90)
        first.add(observation["camera"])
        return first.encoded[0], np.float32(expert.act(observation).steering)

    recorded = (frames[FRONT_IMAGE][0], frames["action"][0, 0])
    assert recorded == beginning("corners") != beginning(None)
    assert info.maps == ("generated corners",)


def test_bad_input_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "broken.xodr").write_text("this is no map")
    with pytest.raises(UserError, match=r"broken\.xodr"):
        record.main(RecordConfig(out=tmp_path / "set", map=tmp_path / "broken.xodr"))
    with pytest.raises(UserError, match="overcast"):
        record.main(RecordConfig(out=tmp_path / "set", weather="overcats"))
    assert not (tmp_path / "set").exists()


def test_disturbances_are_wide_and_never_leave_the_road(tmp_path: Path) -> None:
    config = RecordConfig(
        out=tmp_path,
        episodes=6,
        camera_flags=TINY,
        workers=1,
        every=4,
        view_lateral_m=0,
        view_yaw_deg=0,
    )
    record.main(config)
    info = read_info(tmp_path)
    assert not info.dropped_seeds
    offsets, headings = (
        np.concatenate([np.asarray(read_episode(info, i, [name])[name]) for i in range(6)])
        for name in ("privileged.lateral_offset_m", "privileged.heading_error_rad")
    )
    assert 0.55 < np.percentile(np.abs(offsets), 99) < 1.1
    assert 5.0 < np.degrees(np.percentile(np.abs(headings), 99)) < 10.0
    assert abs(np.mean(offsets)) < 0.1  # to both sides alike


def test_disturbances_show_the_steering_that_comes_back(tmp_path: Path) -> None:
    config = RecordConfig(
        out=tmp_path, episodes=2, camera_flags=TINY, workers=1, view_lateral_m=0, view_yaw_deg=0
    )
    record.main(config)
    for i in range(2):
        frames: dict[str, Any] = read_episode(tmp_path, i)
        offset, label = frames["privileged.lateral_offset_m"], frames["action"][:, 0]
        level = np.abs(frames["privileged.heading_error_rad"]) < np.radians(1.0)
        assert np.corrcoef(offset[level], label[level])[0, 1] < -0.3


def test_the_traffic_one_can_ask_for_is_what_scenarios_know() -> None:
    asked = get_args(get_type_hints(RecordConfig)["traffic"])
    assert asked == tuple(TRAFFIC)


def test_the_roads_one_can_ask_for_are_the_styles() -> None:
    asked = get_args(get_type_hints(RecordConfig)["roads"])
    assert asked == ("any", *STYLES)


def test_a_driver_with_pedals_is_recorded_with_both_and_driven_again(tmp_path: Path) -> None:
    """What was driven is stored: the same seed, driven by it again, stands where the recording says."""
    from drive.driving.rollout import ReplayAgent, rollout
    from drive.sim.env import LaneEnv
    from drive.sim.scenario import lane_scenario

    out = tmp_path / "pedals"
    record.main(
        RecordConfig(
            out,
            episodes=1,
            longitudinal="agent",
            max_duration_s=4.0,
            view_lateral_m=0.0,
            view_yaw_deg=0.0,
            workers=1,
            camera_flags=CameraFlags(width_px=64, height_px=32),
        )
    )
    info = read_info(out)
    frames = read_episode(info, 0)
    executed = frames["executed.action"]
    assert np.ptp(executed[:, 1]) > 0.0
    seed = info.episodes[0].seed
    assert seed is not None
    env = LaneEnv(camera=Camera(width_px=64, height_px=32), longitudinal="agent")
    episode = rollout(env, ReplayAgent(executed[:, 0], executed[:, 1]), lane_scenario(seed))
    recorded = frames["observation.state"][:, 0]
    np.testing.assert_array_equal(episode.speed[: len(recorded)].astype(np.float32), recorded)
