"""The true lane where perception stands otherwise: what a lateral law does when nothing is seen wrongly."""

from drive.agent import Context, Control, Observation
from drive.control.lane_estimate import LaneEstimate
from drive.control.lateral import CarMotion, LateralLaw, steer_by_pursuit, steer_by_stanley
from drive.sim.lane_truth import true_lane


class TrueLaneAgent:
    """Steers by a lateral law on the truth's lane; privileged."""

    privileged = True
    lane: LaneEstimate  # of the last step

    def __init__(self, law: LateralLaw = steer_by_pursuit) -> None:
        self._law = law

    def reset(self, context: Context) -> None:
        """Take hold of the world that the context carries."""
        if context.world is None:
            raise ValueError("TrueLaneAgent needs context.world; it is privileged.")
        self._context = context
        self._angle = 0.0

    def act(self, observation: Observation) -> Control:
        """Steer along the true lane; the speed law keeps speed and distance."""
        context = self._context
        self.lane = true_lane(context.world, context.world_index)
        car = CarMotion(float(observation["speed"][0]), self._angle, context.wheelbase)
        self._angle = self._law(self.lane, car)
        return Control(min(max(self._angle / context.max_steering_angle, -1.0), 1.0))


def stanley_on_truth() -> TrueLaneAgent:
    """The Stanley law on the true lane, for `--agent NAME=drive.driving.true_lane:stanley_on_truth`."""
    return TrueLaneAgent(steer_by_stanley)
