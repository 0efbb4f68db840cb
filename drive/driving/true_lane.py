"""The true lane in the place of perception: what tracking and control do when nothing is seen wrongly."""

from dataclasses import replace

from drive.agent import Context, Observation
from drive.control.lane_estimate import LaneEstimate
from drive.control.lateral import LateralLaw, steer_by_pursuit, steer_by_stanley
from drive.modular.pipeline import ModularAgent
from drive.modular.stages import Odometry, Untracked
from drive.sim.lane_truth import true_lane


class TrueLane:
    """Perception that reads the simulator's truth."""

    privileged = True

    def reset(self, context: Context) -> None:
        """Take hold of the world that the context carries."""
        if context.world is None:
            raise ValueError("TrueLane needs context.world; it is privileged.")
        self._world, self._index = context.world, context.world_index

    def see(
        self, observation: Observation, odometry: Odometry, expected: LaneEstimate | None
    ) -> LaneEstimate:
        """The lane as the map has it."""
        return replace(true_lane(self._world, self._index), time=odometry.time)


def true_lane_agent(law: LateralLaw = steer_by_pursuit) -> ModularAgent:
    """Pure pursuit, or another law, on the true lane; privileged.

    As `--agent NAME=drive.driving.true_lane:true_lane_agent`.
    """
    return ModularAgent(TrueLane(), Untracked(), law)


def stanley_on_true_lane() -> ModularAgent:
    """The Stanley law on the true lane; privileged."""
    return true_lane_agent(steer_by_stanley)
