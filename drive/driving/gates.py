"""What stands between a driver and the car: noise that pushes it about, the expert that brings it back."""

import copy
from typing import Any

import numpy as np

from drive.agent import Context, Control, Observation
from drive.driving.steering_noise import NoiseSettings, SteeringNoise
from drive.sim.expert import Expert


class NoiseGate:
    """Disturbs the expert's steering, and the offset that it aims at.

    Args:
        expert: who drives.
        rng: of everything random.
        settings: how strong the noise is.
    """

    def __init__(self, expert: Expert, rng: np.random.Generator, settings: NoiseSettings) -> None:
        self._expert, self._rng, self._settings = expert, rng, settings

    def reset(self, context: Context) -> None:
        """Begin a drive."""
        self._world, self._w = context.world, context.world_index
        self._noise = SteeringNoise(
            self._rng, self._settings, wheelbase=context.wheelbase, car_width=self._world.params.width
        )

    def __call__(self, control: Control, observation: Observation) -> Control:
        """What is steered instead."""
        ego, label = self._world.egos[self._w], control.steering
        aimed = self._expert.steering_at(self._world, self._w, -self._noise.aim(ego, label), 0.0)
        steering = min(max(aimed + self._noise(ego, label), -1.0), 1.0)
        return Control(steering, control.acceleration)

    def snapshot(self) -> dict[str, Any]:
        """The noise's present push and its random numbers."""
        return copy.deepcopy(self._noise.__dict__)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._noise.__dict__.update(copy.deepcopy(state))


class RecoveryGate:
    """Lets the expert steer from when the car leaves its lane's middle until it is back."""

    departure_margin = 0.15  # the car's side is over its lane's border by this [m] within the next FORESIGHT
    foresight_s = 0.4
    release_offset = 0.25  # offset within which the wheel is given back [m]

    def __init__(self, expert: Expert) -> None:
        self._expert = expert
        self.helping = False

    def reset(self, context: Context) -> None:
        """Begin a drive."""
        self._world, self._w = context.world, context.world_index
        self._half_width = 0.5 * self._world.params.width
        self._expert.reset(context)
        self.helping = False

    def __call__(self, control: Control, observation: Observation) -> Control:
        """The expert's control while it helps, the driver's otherwise."""
        return self._expert.act(observation) if self.watch(self._world.egos[self._w]) else control

    def watch(self, ego: np.void) -> bool:
        """Whether the expert steers in this step.

        Args:
            ego: the car's EGO record.
        """
        offset = float(ego["lateral_offset"])
        drift = float(ego["speed"]) * float(ego["heading_error"]) * self.foresight_s
        soon = offset + drift
        border = float(ego["left_border"] if soon > 0.0 else ego["right_border"])
        if abs(soon) > border - self._half_width + self.departure_margin:
            self.helping = True
        elif abs(offset) < self.release_offset and abs(drift) < self.release_offset:
            self.helping = False
        return self.helping

    def snapshot(self) -> bool:
        """Whether it helps now."""
        return self.helping

    def restore(self, state: bool) -> None:
        """Go on from there."""
        self.helping = state
