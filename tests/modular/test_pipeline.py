import subprocess
import sys

import numpy as np
import pytest

from drive.agent import Agent, Context
from drive.camera import Camera, Remap
from drive.modular.pipeline import ModularAgent, draw_lane
from tests.modular.painted_road import PaintedRoad, drive

ROADS = {
    "straight": PaintedRoad([(80.0, 0.0)]),
    "S of radius 30": PaintedRoad([(30.0, 0.0), (35.0, 1 / 30), (35.0, -1 / 30), (30.0, 0.0)]),
    "left corner of radius 8": PaintedRoad([(35.0, 0.0), (12.6, 1 / 8), (45.0, 0.0)]),
    "right corner of radius 6": PaintedRoad([(35.0, 0.0), (9.4, -1 / 6), (45.0, 0.0)], center_yellow=True),
    "20 m without marks": PaintedRoad([(30.0, 0.0), (40.0, 1 / 60), (50.0, 0.0)], unmarked=(40.0, 60.0)),
    "grass for a border": PaintedRoad(
        [(40.0, 0.0), (30.0, 1 / 40), (40.0, 0.0)], edge_line=False, center_yellow=True
    ),
}


@pytest.mark.parametrize("name", ROADS)
def test_drives_to_the_end_within_its_lane(name):
    road = ROADS[name]
    offsets, s = drive(ModularAgent(), road)
    assert s > road.path.length - 26.0
    assert np.abs(offsets).mean() < 0.16
    assert np.abs(offsets).max() < 0.6


def test_knows_where_it_is_and_how_wide_the_lane_is():
    errors = []

    def keep(agent, image, s, d):
        pose, line = agent.odometry.pose, agent.lane.curve.points
        middle = pose[:2] + 1.289 * np.array([np.cos(pose[2]), np.sin(pose[2])])
        x, y, yaw = line[np.argmin(np.hypot(*(line[:, :2] - middle).T))]
        errors.append(-np.sin(yaw) * (middle[0] - x) + np.cos(yaw) * (middle[1] - y) - d)

    agent = ModularAgent()
    drive(agent, ROADS["S of radius 30"], keep=keep)
    assert np.abs(errors[20:]).mean() < 0.06
    assert agent.lane.width == pytest.approx(3.5, abs=0.12)
    assert agent.lane.chain.confidence > 0.8
    assert min(agent.lane.left.probability, agent.lane.right.probability) > 0.9


def test_the_width_of_a_wide_lane_is_found_though_it_begins_narrow():
    road = PaintedRoad([(90.0, 0.0)], width=4.0, center_yellow=True)
    agent = ModularAgent()
    offsets, _ = drive(agent, road, start=(0.3, 0.0))
    assert agent.lane.width == pytest.approx(4.0, abs=0.12)
    assert np.abs(offsets[len(offsets) // 2 :]).max() < 0.1


def observation(image):
    return {
        "camera": image,
        "speed": np.array([6.0], np.float32),
        "yaw_rate": np.array([0.0], np.float32),
        "speed_limit": np.array([9.0], np.float32),
        "command": 0,
        "lead": np.array([200.0, 0.0], np.float32),
    }


def test_the_same_pictures_give_the_same_steering_after_a_reset():
    agent = ModularAgent()
    assert isinstance(agent, Agent)
    pictures = [ROADS["S of radius 30"].picture(Camera(), x, 0.2, 0.0) for x in np.arange(5.0, 12.0, 0.3)]
    runs = []
    for _ in range(2):
        agent.reset(Context())
        runs.append([agent.act(observation(p)).steering for p in pictures])
    assert runs[0] == runs[1]
    assert max(np.abs(runs[0])) > 0.0


@pytest.mark.parametrize(
    ("lens", "distortion"),
    [("brown-conrady", (-0.2, 0.04, 0.001, -0.002, 0.0)), ("kannala-brandt", (0.02, -0.01, 0.0, 0.0))],
)
def test_behind_a_lens_that_bends_lines_it_sees_the_same_lane(lens, distortion):
    wide, bent = Camera(width_px=640, height_px=400, fov_deg=110.0), Camera(lens=lens, distortion=distortion)
    bend, agents = Remap(wide, bent), [ModularAgent(), ModularAgent()]
    for agent, camera in zip(agents, (wide, bent), strict=True):
        agent.reset(Context(cameras={"front": camera}))
    for x in np.arange(5.0, 12.0, 0.3):
        picture = ROADS["straight"].picture(wide, x, 0.4, 0.05)
        straight, seen = (
            agent.act(observation(one)).steering
            for agent, one in zip(agents, (picture, bend(picture)), strict=True)
        )
    assert straight < -0.01 and seen == pytest.approx(straight, abs=0.01)
    assert agents[1].lane.width == pytest.approx(3.5, abs=0.12)


@pytest.mark.parametrize("fill", [0, 128, 255])
def test_a_picture_without_a_road_gives_a_finite_control(fill):
    agent = ModularAgent()
    agent.reset(Context())
    for _ in range(60):
        control = agent.act(observation(np.full((160, 320, 3), fill, np.uint8)))
        assert -1.0 <= control.steering <= 1.0
        assert control.acceleration is None


def test_another_camera_is_no_trouble():
    camera = Camera(width_px=256, height_px=144, fov_deg=80.0, z=1.6, pitch_deg=6.0)
    agent = ModularAgent()
    agent.reset(Context(cameras={"front": camera}))
    for x in np.arange(5.0, 15.0, 0.3):
        agent.act(observation(ROADS["straight"].picture(camera, x, 0.4, 0.0)))
    assert agent.lane.lateral_offset == pytest.approx(0.4, abs=0.1)


def test_the_lane_is_drawn_on_a_copy():
    agent = ModularAgent()
    agent.reset(Context())
    image = ROADS["straight"].picture(Camera(), 8.0, 0.0, 0.0)
    before = image.copy()
    agent.act(observation(image))
    drawn = draw_lane(image, Camera(), agent.lane, agent.car)
    assert drawn.shape == image.shape and drawn.dtype == np.uint8
    assert (drawn != image).any()
    assert (image == before).all()


def test_importing_the_stack_loads_no_tensorflow():
    code = "import sys, drive.modular.pipeline; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
