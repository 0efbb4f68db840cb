"""Crashes as contact events: who was hit, where on the car, how hard, and whose fault it was."""

from dataclasses import dataclass
from math import cos, sin
from typing import Literal

import numpy as np

from drive.episode import Episode

APART_SECONDS = 1.0  # contacts with one party further apart in time are two events [s]
STANDING_SPEED = 0.05  # [m/s]

Face = Literal["front", "rear", "side"]


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact of the ego with one other party."""

    step: int  # first step of the contact
    last_step: int
    actor: int  # index of the other party
    closing_speed: float  # at the first step [m/s]
    other_speed: float  # [m/s]
    x: float  # rear axle of the ego at the first step [m]
    y: float
    yaw: float  # [rad]
    face: Face  # of the ego's footprint
    at_fault: bool


def contacts(episode: Episode) -> list[Contact]:
    """Contact events of a drive, by time.

    One event per contact with one other party, however many steps it lasts; touching the same party again
    more than 1 s after the last contact is a new event. The face of the ego is the side of its footprint
    nearest to the contact (front before side before rear where equal). The ego is at fault if it moved
    (0.05 m/s or more) and the other party stood (below 0.05 m/s), or the contact is at its front, or at its
    side while its footprint straddles a border of its lane.
    """
    apart = APART_SECONDS / episode.dt
    begun: dict[int, int] = {}
    last: dict[int, int] = {}
    spans: list[tuple[int, int, int]] = []
    for step in np.flatnonzero(episode.collision_actor >= 0).tolist():
        actor = int(episode.collision_actor[step])
        if actor in last and step - last[actor] > apart + 1e-9:
            spans.append((begun.pop(actor), last.pop(actor), actor))
        begun.setdefault(actor, step)
        last[actor] = step
    spans.extend((begun[actor], last[actor], actor) for actor in begun)
    return [_contact(episode, *span) for span in sorted(spans)]


def _contact(episode: Episode, step: int, last_step: int, actor: int) -> Contact:
    face = contact_face(episode, float(episode.contact_x[step]), float(episode.contact_y[step]))
    other_speed = float(episode.other_speed[step])
    moved = abs(float(episode.speed[max(step - 1, 0)])) >= STANDING_SPEED
    at_fault = moved and (
        abs(other_speed) < STANDING_SPEED
        or face == "front"
        or (face == "side" and straddles_lane_border(episode, step))
    )
    return Contact(
        step=step,
        last_step=last_step,
        actor=actor,
        closing_speed=float(episode.closing_speed[step]),
        other_speed=other_speed,
        x=float(episode.x[step]),
        y=float(episode.y[step]),
        yaw=float(episode.yaw[step]),
        face=face,
        at_fault=bool(at_fault),
    )


def contact_face(episode: Episode, x: float, y: float) -> Face:
    """The side of the ego's footprint that a point (vehicle frame [m]) is nearest to."""
    along = x - episode.vehicle_center_x
    distances: dict[Face, float] = {
        "front": 0.5 * episode.vehicle_length - along,
        "side": 0.5 * episode.vehicle_width - abs(y),
        "rear": 0.5 * episode.vehicle_length + along,
    }
    return min(distances, key=lambda face: distances[face])


def straddles_lane_border(episode: Episode, step: int) -> bool:
    """Whether the ego's footprint reaches across a border of its lane.

    half extent across the path = (width |cos heading_error| + length |sin heading_error|) / 2
    """
    heading_error = float(episode.heading_error[step])
    reach = 0.5 * (
        episode.vehicle_width * abs(cos(heading_error)) + episode.vehicle_length * abs(sin(heading_error))
    )
    offset = float(episode.lateral_offset[step])
    over_left = offset + reach > episode.left_border[step]
    return bool(over_left or offset - reach < -episode.right_border[step])
