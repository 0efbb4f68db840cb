"""Several cameras with several outputs behind the environments, and per world of a batch."""

import warnings
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import drive  # noqa: F401 - registers the environments
from drive.camera import OUTPUTS, Camera, camera_outputs
from drive.core.errors import UserError
from drive.sim.env import LaneEnv
from drive.sim.scenario import lane_scenario
from drive.sim.sensors.frame import draw_frames
from drive.sim.task import LaneTask
from drive.sim.vector import LaneVectorEnv
from drive.sim.world import World

FRONT = Camera(width_px=64, height_px=48, outputs=OUTPUTS)
LEFT = Camera(width_px=48, height_px=32, yaw_deg=60.0, y=0.8, outputs=("rgb", "depth"))
REAR = Camera(
    width_px=40, height_px=40, yaw_deg=180.0, x=-0.8, lens="kannala-brandt", fov_deg=100.0, roll_deg=3.0
)
CAMERAS = {"front": FRONT, "left": LEFT, "rear": REAR}
KEYS = {
    "camera", "depth_front", "labels_front", "instances_front", "camera_left", "depth_left", "camera_rear",
}  # fmt: skip
SCALARS = {"speed", "yaw_rate", "speed_limit", "command", "lead"}
MOUNTS = [
    FRONT,
    replace(FRONT, z=2.0, pitch_deg=10.0),
    replace(FRONT, roll_deg=8.0, yaw_deg=-20.0),
    replace(FRONT, lens="brown-conrady", distortion=(-0.2, 0.03, 0.0, 0.0, 0.0)),
    replace(FRONT, fov_deg=60.0),
]


def test_gymnasium_accepts_several_cameras_without_a_warning() -> None:
    env = gymnasium.make("drive/Lane-v0", cameras=CAMERAS)
    assert set(env.observation_space) == KEYS | SCALARS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
    env.close()


def test_observations_hold_the_declared_pictures_and_share_no_memory() -> None:
    env = LaneEnv(cameras=CAMERAS)
    first, _ = env.reset(seed=4)
    second, *_ = env.step(np.zeros(1, np.float32))
    for observation in (first, second):
        assert env.observation_space.contains(observation)
        for one in camera_outputs(CAMERAS):
            assert observation[one.key].shape == one.shape and observation[one.key].dtype == one.dtype
    for key in KEYS:
        assert not np.shares_memory(first[key], second[key]), key
    np.testing.assert_array_equal(second["camera"], env.world.render()[0])
    np.testing.assert_array_equal(second["camera_left"], env.world.render("left")[0])
    env.close()


def test_the_front_camera_sees_what_it_sees_alone() -> None:
    scenario, pictures = lane_scenario(3), []
    for cameras in ({"front": Camera(width_px=64, height_px=48)}, CAMERAS):
        env = LaneEnv(cameras=cameras)
        pictures.append(env.reset(options={"scenario": scenario})[0]["camera"])
        env.close()
    np.testing.assert_array_equal(*pictures)


def test_a_batch_gives_what_single_drives_give_on_any_number_of_threads() -> None:
    scenarios = [lane_scenario(seed) for seed in range(9)]
    actions, seen = np.full((9, 1), 0.02, np.float32), []
    for threads in (1, 2):
        batch = LaneVectorEnv(9, cameras=CAMERAS, threads=threads)
        batch.reset(seed=0, options={"scenarios": scenarios})
        observation, *_ = batch.step(actions)
        assert batch.observation_space.contains(observation)
        assert set(observation) == KEYS | SCALARS
        seen.append(observation)
        batch.close()
    for key in KEYS:
        np.testing.assert_array_equal(seen[0][key], seen[1][key])
    single = LaneEnv(cameras=CAMERAS)
    for w in (0, 5):
        single.reset(options={"scenario": scenarios[w]})
        observation, *_ = single.step(actions[w])
        for key in KEYS:
            np.testing.assert_array_equal(observation[key], seen[0][key][w])
    single.close()


def test_each_world_of_a_batch_may_have_a_mount_and_lens_of_its_own() -> None:
    scenarios = [lane_scenario(seed) for seed in range(10)]
    world = World(10, {"front": FRONT}, threads=2)
    for w, scenario in enumerate(scenarios):
        world.load(w, scenario)
        world.set_camera(w, "front", MOUNTS[w % len(MOUNTS)])
    together = world.pictures()["front"]
    for w in (0, 1, 2, 3, 4, 8):
        camera = MOUNTS[w % len(MOUNTS)]
        alone = World(1, {"front": camera})
        alone.load(0, scenarios[w])
        for name, picture in alone.pictures()["front"]._asdict().items():
            np.testing.assert_array_equal(picture[0], getattr(together, name)[w])
        np.testing.assert_array_equal(alone.render_view(0, 0.4, 0.05), world.render_view(w, 0.4, 0.05))
        assert world.context(w).cameras == {"front": camera} == alone.context().cameras
    assert world.camera(3) == MOUNTS[3]
    world.close()


def test_a_branch_sees_through_the_cameras_of_its_world() -> None:
    task = LaneTask(2, cameras={"front": FRONT})
    for w in range(2):
        task.load(w, lane_scenario(w))
    task.world.set_camera(1, "front", MOUNTS[2])
    fork = task.fork(1)
    fork.load(0, lane_scenario(1))
    for key, picture in fork.observe().items():
        np.testing.assert_array_equal(picture[0], task.observe()[key][1])


def test_pictures_are_drawn_into_memory_that_is_given() -> None:
    world = World(2, CAMERAS)
    for w in range(2):
        world.load(w, lane_scenario(w))
    memory = world.empty_pictures()
    fresh = world.pictures()
    assert world.pictures(memory) is memory
    for name, pictures in memory.items():
        for output, array in pictures._asdict().items():
            np.testing.assert_array_equal(array, getattr(fresh[name], output))
            assert (array.size > 0) == (output in CAMERAS[name].outputs)


def test_actors_keep_their_instance_numbers_through_a_drive() -> None:
    world = World(1, {"front": FRONT})
    world.load(0, lane_scenario(5, traffic="dense"))
    seen = set()
    for _ in range(40):
        world.advance(np.zeros(1), np.full(1, np.nan))
        pictures = world.pictures()["front"]
        actors = len(world.actors[0])
        vehicles = np.isin(pictures.labels, (6, 7))
        assert np.all((pictures.instances[vehicles] >= 1) & (pictures.instances[vehicles] <= actors))
        assert np.all(pictures.instances[~vehicles & (pictures.instances > 0)] > actors)
        seen |= set(pictures.instances[vehicles].tolist())
    for number in seen:
        assert world.actors[0][number - 1]["active"] == 1
    assert seen


def test_what_a_default_drive_has_compiled_draws_depth_labels_and_lenses_too() -> None:
    plain = World(1)
    plain.load(0, lane_scenario(0))
    plain.render()
    compiled = list(draw_frames.signatures)  # type: ignore[attr-defined]
    world = World(1, CAMERAS)
    world.load(0, lane_scenario(0))
    world.pictures()
    assert list(draw_frames.signatures) == compiled  # type: ignore[attr-defined]


def test_cameras_that_do_not_fit_are_refused_with_a_remedy() -> None:
    with pytest.raises(UserError, match="both given"):
        LaneEnv(camera=FRONT, cameras=CAMERAS)
    with pytest.raises(UserError, match="named 'front'"):
        LaneEnv(cameras={"left": LEFT})
    world = World(2, {"front": FRONT})
    for wrong, message in (
        (replace(FRONT, width_px=32), "width_px 64, this one 32"),
        (replace(FRONT, outputs=("rgb",)), "outputs"),
    ):
        with pytest.raises(ValueError, match=message):
            world.set_camera(0, "front", wrong)
    with pytest.raises(ValueError, match="take one of front"):
        world.set_camera(0, "left", FRONT)
