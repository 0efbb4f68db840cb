import hashlib
import subprocess
import sys
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest

from drive.camera import Camera
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.scenario import lane_scenario
from drive.sim.world import World, _ground

SMALL = Camera(width_px=64, height_px=48)


def drive(world: World, w: int, steps: int) -> tuple[str, str]:
    """Drive world w with the expert and hash its states and frames."""
    states, frames = hashlib.sha256(), hashlib.sha256()
    acceleration = np.full(world.batch, np.nan)
    for _ in range(steps):
        steering = np.array([Expert.steering_at(world, i, 0.0, 0.0) for i in range(world.batch)])
        world.advance(steering, acceleration)
        states.update(world.state_bytes(w))
        frames.update(world.render()[w].tobytes())
    return states.hexdigest(), frames.hexdigest()


@pytest.fixture(scope="module")
def scenarios():
    return [lane_scenario(seed) for seed in range(12)]


def test_a_world_moves_the_same_alone_and_among_others_on_two_threads(scenarios):
    alone = World(1, {"front": SMALL})
    alone.load(0, scenarios[5])
    batch = World(12, {"front": SMALL}, threads=2)
    for w, scenario in enumerate(scenarios):
        batch.load(w, scenario)
    assert drive(alone, 0, 40) == drive(batch, 5, 40)


def test_a_world_has_the_same_bits_alone_and_among_a_hundred(scenarios):
    tiny, place = Camera(width_px=32, height_px=24), 61
    alone = World(1, {"front": tiny})
    alone.load(0, scenarios[7])
    hundred = World(100, {"front": tiny}, threads=2)
    for w in range(100):
        hundred.load(w, scenarios[7] if w == place else scenarios[w % 6])
    try:
        assert drive(alone, 0, 12) == drive(hundred, place, 12)
    finally:
        hundred.close()


def test_the_same_scenario_has_the_same_bits_in_another_process(scenarios):
    program = (
        "from tests.sim.test_world import *\n"
        "world = World(1, {'front': SMALL}); world.load(0, lane_scenario(7)); print(*drive(world, 0, 25))"
    )
    theirs = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    world = World(1, {"front": SMALL})
    world.load(0, scenarios[7])
    assert tuple(theirs.stdout.split()) == drive(world, 0, 25)


def test_restoring_a_snapshot_repeats_the_future(scenarios):
    world = World(1, {"front": SMALL})
    world.load(0, scenarios[2])
    drive(world, 0, 20)
    snapshot = world.snapshot(0)
    first = drive(world, 0, 30)
    world.restore(0, snapshot)
    assert drive(world, 0, 30) == first


def longer(scenario):
    """The same with every actor twice: it does not fit the place of the shorter one."""
    return replace(scenario, actors=np.concatenate([scenario.actors, scenario.actors]))


def in_contact(scenarios) -> World:
    """Two worlds; in the second one the ego stands in the vehicle at its path's end."""
    world = World(2, {"front": SMALL})
    world.load(0, scenarios[0])
    scenario = next(s for s in scenarios if (s.actors["path"] == 0).any())
    actor = scenario.actors[scenario.actors["path"] == 0][-1]
    world.load(1, scenario, pose=(float(actor["s"]), 0.0, 0.0, 0.0))
    assert world.egos[1]["collision_actor"] > 0
    return world


def test_a_state_in_contact_does_not_depend_on_the_other_worlds(scenarios):
    world = in_contact(scenarios)
    hit = world.actors[1][world.egos[1]["collision_actor"]]
    assert abs(hit["s"] - world.egos[1]["center_s"]) < 1.0
    before = world.state_bytes(1)
    world.load(0, longer(scenarios[0]))
    assert world.state_bytes(1) == before


def test_a_snapshot_in_contact_survives_a_move_of_the_pool(scenarios):
    world = in_contact(scenarios)
    before, snapshot = world.state_bytes(1), world.snapshot(1)
    world.load(0, longer(scenarios[0]))
    world.load(1, longer(world.scenarios[1]))
    world.load(1, scenarios[3])
    world.load(1, replace(world.scenarios[1], actors=snapshot.actors))
    world.restore(1, snapshot)
    assert world.state_bytes(1) == before


def test_a_closed_world_has_no_threads_and_still_moves(scenarios):
    world = World(8, {"front": SMALL}, threads=2)
    for w in range(8):
        world.load(w, scenarios[w])
    before = threading.active_count()
    world.advance(np.zeros(8), np.full(8, np.nan))
    assert threading.active_count() > before
    world.close()
    assert threading.active_count() == before
    world.advance(np.zeros(8), np.full(8, np.nan))
    assert (world.egos["step"] == 2).all()
    world.close()


def test_worlds_that_are_not_live_stand_still(scenarios):
    world = World(2, {"front": SMALL})
    for w in range(2):
        world.load(w, scenarios[w])
    before = world.state_bytes(1)
    world.advance(np.zeros(2), np.full(2, np.nan), np.array([True, False]))
    assert world.state_bytes(1) == before
    assert world.egos[0]["step"] == 1


def test_a_reloaded_world_does_not_remember_its_last_drive(scenarios):
    world = World(1, {"front": SMALL})
    world.load(0, scenarios[1])
    first = drive(world, 0, 10)
    world.load(0, scenarios[4])
    drive(world, 0, 10)
    world.load(0, scenarios[1])
    assert drive(world, 0, 10) == first


def test_a_view_at_the_true_pose_is_the_frame_itself(scenarios):
    env = LaneEnv(camera=SMALL)
    observation, _ = env.reset(options={"scenario": scenarios[3]})
    np.testing.assert_array_equal(env.render_view(0.0, 0.0), observation["camera"])
    assert np.abs(env.render_view(0.8, 0.05).astype(int) - observation["camera"]).mean() > 1.0


def test_every_sign_is_left_positive(scenarios):
    env = LaneEnv(camera=SMALL, traffic="none")
    env.reset(options={"scenario": lane_scenario(0, traffic="none"), "pose": (40.0, 0.0, 0.0, 8.0)})
    start = env.world.egos[0].copy()
    for _ in range(10):
        _, _, _, _, info = env.step(np.array([0.3], np.float32))
    ego = env.world.egos[0]
    assert ego["steering_angle"] > 0.0
    assert ego["yaw_rate"] > 0.0
    assert ego["yaw"] - start["yaw"] > 0.0
    assert info["heading_error_rad"] > 0.0
    assert ego["lateral_offset"] > start["lateral_offset"]
    assert Expert.steering_at(env.world, 0, 0.0, 0.0) < 0.0, "left of the path one steers right"


def test_on_a_map_the_frames_do_not_depend_on_what_the_process_drove_before(shared):
    program = (
        "import sys\n"
        "from tests.sim.test_world import *\n"
        "from drive.sim.scenario import load_map\n"
        "road_map = load_map(sys.argv[1]); world = World(1, {'front': SMALL})\n"
        "for seed in map(int, sys.argv[2:]):\n"
        "    world.load(0, lane_scenario(seed, road_map=road_map)); last = drive(world, 0, 5)\n"
        "print(*last)"
    )
    path = str(shared / "maps" / "carla-2020" / "Town02.xodr")

    def hashes(*seeds: str) -> str:
        command = [sys.executable, "-c", program, path, *seeds]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert hashes("3") == hashes("1", "3")


def test_a_map_has_a_ground_for_each_seed():
    road_map = lane_scenario(3, traffic="none").road_map
    grounds = [_ground(road_map, seed) for seed in (1, 2, 1)]
    assert grounds[0] is grounds[2]
    assert not np.array_equal(grounds[0].tiles, grounds[1].tiles)
    for seed in range(3, 9):
        _ground(road_map, seed)
    assert _ground(road_map, 8) is _ground(road_map, 8)
    assert _ground(road_map, 1) is not grounds[0], "few are kept"
    assert np.array_equal(_ground(road_map, 1).tiles, grounds[0].tiles)


def test_a_camera_for_people_shows_the_same_more_sharply_and_changes_nothing() -> None:
    env = LaneEnv()
    observation, _ = env.reset(seed=5)
    world, front = env.task.world, env.task.world.camera(0)
    world.add_viewer("people", replace(front, width_px=960, height_px=480))
    large = world.render_view(0, 0.0, 0.0, "people")
    assert large.shape == (480, 960, 3) and set(world.pictures()) == {"front"}
    small = cv2.resize(large, (320, 160), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - observation["camera"]).mean() < 4.0
    np.testing.assert_array_equal(world.render()[0], observation["camera"])
