"""Comfort by the nuPlan bounds, on the true time step.

Accelerations are smoothed and derivatives taken by Savitzky-Golay filters of order 2: windows of about 0.8 s
for accelerations and 1.5 s for everything differentiated (odd numbers of samples: 17 and 31 at 20 Hz).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drive.episode import Episode
from drive.scoring.metric import INVALID, Metric

ORDER = 2
SMOOTH_SECONDS = 0.8
DERIVATIVE_SECONDS = 1.5

# Bounds of nuPlan's comfort metric.
LONGITUDINAL_ACCELERATION = (-4.05, 2.40)  # [m/s^2]
LATERAL_ACCELERATION = 4.89  # [m/s^2]
YAW_RATE = 0.95  # [rad/s]
YAW_ACCELERATION = 1.93  # [rad/s^2]
LONGITUDINAL_JERK = 4.13  # [m/s^3]
JERK = 8.37  # [m/s^3]


@dataclass(frozen=True)
class Ride:
    """What passengers feel at every state, (T + 1,) each."""

    longitudinal_acceleration: NDArray[np.float64]  # [m/s^2]
    lateral_acceleration: NDArray[np.float64]  # speed * yaw_rate [m/s^2]
    yaw_rate: NDArray[np.float64]  # [rad/s]
    yaw_acceleration: NDArray[np.float64]  # [rad/s^2]
    longitudinal_jerk: NDArray[np.float64]  # [m/s^3]
    jerk: NDArray[np.float64]  # magnitude over both axes [m/s^3]

    @property
    def within_bounds(self) -> NDArray[np.bool_]:
        """(T + 1,) whether all six are inside the nuPlan bounds."""
        low, high = LONGITUDINAL_ACCELERATION
        return (
            (self.longitudinal_acceleration >= low)
            & (self.longitudinal_acceleration <= high)
            & (np.abs(self.lateral_acceleration) <= LATERAL_ACCELERATION)
            & (np.abs(self.yaw_rate) <= YAW_RATE)
            & (np.abs(self.yaw_acceleration) <= YAW_ACCELERATION)
            & (np.abs(self.longitudinal_jerk) <= LONGITUDINAL_JERK)
            & (self.jerk <= JERK)
        )


def window_samples(seconds: float, dt: float) -> int:
    """Odd number of samples nearest above a window's length."""
    return 2 * int(np.ceil(0.5 * seconds / dt - 1e-9)) + 1


def ride(episode: Episode) -> Ride | None:
    """Smoothed accelerations and their derivatives; None if the drive is shorter than the filter (1.5 s)."""
    from scipy.signal import savgol_filter

    window = window_samples(DERIVATIVE_SECONDS, episode.dt)
    if len(episode.speed) < window:
        return None
    short = window_samples(SMOOTH_SECONDS, episode.dt)

    def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(savgol_filter(values, short, ORDER))

    def derivative(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(savgol_filter(values, window, ORDER, deriv=1, delta=episode.dt))

    lateral = episode.speed * episode.yaw_rate
    longitudinal_jerk = derivative(episode.acceleration)
    return Ride(
        longitudinal_acceleration=smooth(episode.acceleration),
        lateral_acceleration=smooth(lateral),
        yaw_rate=smooth(episode.yaw_rate),
        yaw_acceleration=derivative(episode.yaw_rate),
        longitudinal_jerk=longitudinal_jerk,
        jerk=np.hypot(longitudinal_jerk, derivative(lateral)),
    )


def comfort_nuplan_formula(episode: Episode) -> Metric:
    """1 if the whole drive stays inside nuPlan's six comfort bounds, else 0.

    Longitudinal acceleration -4.05 .. 2.40 m/s^2, lateral 4.89 m/s^2, yaw rate 0.95 rad/s, yaw acceleration
    1.93 rad/s^2, longitudinal jerk 4.13 m/s^3, jerk 8.37 m/s^3, by Savitzky-Golay filters of order 2 (0.8 s
    for accelerations and yaw rate, 1.5 s for derivatives). 0 if the agent failed: a drive that nobody went on
    with is no comfortable one. Not valid for other drives shorter than 1.5 s.
    """
    if episode.failure is not None:
        return Metric(0.0)
    felt = ride(episode)
    return INVALID if felt is None else Metric(float(felt.within_bounds.all()))


def comfort_time_share_formula(episode: Episode) -> Metric:
    """Share of states inside nuPlan's six comfort bounds, filters as for `comfort_nuplan_formula`.

    0 if the agent failed; not valid for other drives shorter than 1.5 s.
    """
    if episode.failure is not None:
        return Metric(0.0)
    felt = ride(episode)
    return INVALID if felt is None else Metric(float(felt.within_bounds.mean()))
