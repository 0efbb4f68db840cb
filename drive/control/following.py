"""Keeping distance: the Intelligent Driver Model and the ACC model built on it."""

import math

from drive.core.kernels import kernel
from drive.core.portable_math import exp

TIME_HEADWAY = 1.5  # [s]
MIN_GAP = 2.0  # bumper to bumper, standing [m]
MAX_ACCELERATION = 1.5  # [m/s^2]
COMFORTABLE_DECELERATION = 2.0  # [m/s^2]
MAX_DECELERATION = 8.0  # [m/s^2]
COOLNESS = 0.99  # how far the driver trusts that the lead keeps its acceleration


@kernel
def _tanh(x: float) -> float:
    return 1.0 - 2.0 / (exp(2.0 * x) + 1.0)


@kernel
def idm_acceleration(
    speed: float,
    desired_speed: float,
    gap: float,
    relative_speed: float,
    time_headway: float = TIME_HEADWAY,
    min_gap: float = MIN_GAP,
    max_acceleration: float = MAX_ACCELERATION,
    comfortable_deceleration: float = COMFORTABLE_DECELERATION,
) -> float:
    """Acceleration of the Intelligent Driver Model [m/s^2].

        a_max (1 - (v / v0)^4 - (g* / gap)^2),
        g* = min_gap + max(0, v T - v relative_speed / (2 sqrt(a_max b)))

    Treiber, Hennecke, Helbing, Congested traffic states, Phys. Rev. E 62 (2000). In equilibrium the gap is
    (min_gap + v T) / sqrt(1 - (v / v0)^4).

    Args:
        speed: own [m/s].
        desired_speed: on a free road [m/s], > 0.
        gap: bumper to bumper [m].
        relative_speed: the lead's speed minus ours [m/s].
        time_headway: [s].
        min_gap: kept when standing [m].
        max_acceleration: [m/s^2].
        comfortable_deceleration: [m/s^2], positive.
    """
    approach = speed * relative_speed / (2.0 * math.sqrt(max_acceleration * comfortable_deceleration))
    wanted = min_gap + max(0.0, speed * time_headway - approach)
    closeness = wanted / max(gap, 0.1)
    haste = speed / max(desired_speed, 0.1)
    haste *= haste
    return max_acceleration * (1.0 - haste * haste - closeness * closeness)


@kernel
def constant_acceleration_heuristic(
    speed: float, gap: float, relative_speed: float, lead_acceleration: float, max_acceleration: float
) -> float:
    """Acceleration that just avoids a crash if the lead keeps its own [m/s^2].

    Treiber, Kesting, Traffic Flow Dynamics, 2013, eq. 11.25. Gap in [m], bumper to bumper.
    """
    gap = max(gap, 0.1)
    lead_speed = speed + relative_speed
    closing = max(-relative_speed, 0.0)
    steady = min(lead_acceleration, max_acceleration)
    denominator = lead_speed * lead_speed - 2.0 * gap * steady
    if lead_speed >= 0.0 and -lead_speed * relative_speed <= -2.0 * gap * steady and denominator > 0.0:
        return speed * speed * steady / denominator
    return steady - closing * closing / (2.0 * gap)


@kernel
def acc_acceleration(
    speed: float,
    desired_speed: float,
    gap: float,
    relative_speed: float,
    lead_acceleration: float = 0.0,
    time_headway: float = TIME_HEADWAY,
) -> float:
    """Acceleration of the ACC model [m/s^2], at least -MAX_DECELERATION: as IDM, calm at cut-ins.

    Where IDM brakes harder than the constant-acceleration heuristic asks for,

        (1 - c) a_idm + c (a_cah + b tanh((a_idm - a_cah) / b)),

    Kesting, Treiber, Helbing, Enhanced Intelligent Driver Model, Phil. Trans. R. Soc. A 368 (2010).
    Arguments as in `idm_acceleration`; lead_acceleration in [m/s^2].
    """
    idm = idm_acceleration(speed, desired_speed, gap, relative_speed, time_headway)
    cah = constant_acceleration_heuristic(speed, gap, relative_speed, lead_acceleration, MAX_ACCELERATION)
    if idm < cah:
        b = COMFORTABLE_DECELERATION
        idm = (1.0 - COOLNESS) * idm + COOLNESS * (cah + b * _tanh((idm - cah) / b))
    return max(idm, -MAX_DECELERATION)
