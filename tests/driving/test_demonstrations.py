"""Recording an agent's drive: it steers, the expert labels, and takes the wheel where the agent strays."""

from types import SimpleNamespace

import numpy as np
import pytest

from drive.agent import Context, Control
from drive.camera import Camera
from drive.dataset import FRONT_IMAGE
from drive.driving.agents import Straight
from drive.driving.demonstrations import DriveSettings, record_drive
from drive.driving.gates import RecoveryGate
from drive.sim.arrays import EGO
from drive.sim.env import LaneEnv
from drive.sim.expert import Expert
from drive.sim.scenario import lane_scenario

SMALL = Camera(width_px=64, height_px=32)


def ego(**values: float) -> np.void:
    record = np.zeros(1, EGO)[0]
    record["left_border"] = record["right_border"] = 1.75
    for name, value in values.items():
        record[name] = value
    return record


def test_the_expert_helps_from_straying_until_the_car_is_back_in_the_middle():
    gate = RecoveryGate(Expert())
    gate.reset(Context(world=SimpleNamespace(params=SimpleNamespace(width=1.8))))
    rescue = gate.watch
    assert not rescue(ego(lateral_offset=0.9))  # the side is 0.05 m over the border: 0.15 m are allowed
    assert rescue(ego(lateral_offset=1.05))
    assert rescue(ego(lateral_offset=0.5))  # still on the way back
    assert rescue(ego(lateral_offset=0.1, heading_error=-0.1, speed=10.0))  # would go on to the other side
    assert not rescue(ego(lateral_offset=0.1))
    assert rescue(ego(lateral_offset=-0.4, heading_error=-0.2, speed=10.0))  # strays soon, to the right


@pytest.fixture(scope="module")
def driven():
    scenario = lane_scenario(3, traffic="none")
    settings = DriveSettings(max_steps=400, view_lateral_m=0.0, view_yaw_deg=0.0)
    return record_drive(LaneEnv(camera=SMALL), Expert(), scenario, settings, driver=Straight())


def test_an_agent_that_would_leave_the_road_is_brought_back(driven):
    assert driven.failure is None and len(driven.columns[FRONT_IMAGE]) == driven.steps
    offset = np.abs(driven.columns["privileged.lateral_offset_m"])
    assert offset.max() > 0.5  # it strays, which the expert alone never does


def test_the_labels_are_the_experts_whoever_steers(driven):
    label, executed = (driven.columns[name][:, 0] for name in ("action", "executed.action"))
    alone = executed == 0.0
    rescued = ~alone
    assert alone.mean() > 0.2 and rescued.any()
    np.testing.assert_array_equal(executed[rescued], label[rescued].astype(np.float32))
    assert np.abs(label[alone]).max() > 0.01  # where the agent does nothing, the expert would


class Failing(Straight):
    """Drives for a while, then gives no number, or raises."""

    def __init__(self, raises: bool) -> None:
        self.raises, self.steps = raises, 0

    def act(self, observation):
        self.steps += 1
        if self.steps <= 10:
            return super().act(observation)
        if self.raises:
            raise KeyError("lost")
        return Control(float("nan"))


@pytest.mark.parametrize(
    ("raises", "said"),
    [(True, "KeyError: 'lost' at step 10"), (False, "steering is nan, not in [-1, 1], at step 10")],
)
def test_an_agent_that_fails_ends_its_drive_alone(raises, said):
    scenario = lane_scenario(3, traffic="none")
    settings = DriveSettings(view_lateral_m=0.0, view_yaw_deg=0.0)
    recorded = record_drive(LaneEnv(camera=SMALL), Expert(), scenario, settings, driver=Failing(raises))
    assert recorded.failure == "agent_failure" and recorded.steps == 10 and not recorded.columns
    assert said in recorded.error
