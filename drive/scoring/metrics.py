"""Metrics: pure functions of a recorded episode, each with its exact definition.

Every function returns a `Metric`, a value that knows whether it is valid: a drive too short to measure
jerk has none, and a number made of nothing must not enter a mean. `SCORES` lists what evaluations report.
States 1 .. T each stand for one time step; state 0, the start, is nobody's doing and is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drive.episode import End, Episode
from drive.scoring.comfort import comfort_nuplan_formula, comfort_time_share_formula
from drive.scoring.contacts import contacts
from drive.scoring.metric import INVALID, Metric

OFF_ROAD_TOLERANCE = 0.3  # a footprint corner may be this far outside the drivable area [m]
OFFSET_LIMIT = 0.5  # [m]
INTERVENTION_OFFSET = 1.0  # [m]
RESUMED_OFFSET = 0.5  # an excursion is over below this offset [m]
INTERVENTION_SECONDS = 6.0  # what one intervention costs [s]


def valid_offsets(episode: Episode) -> NDArray[np.float64]:
    """(n,) signed lateral offsets of states 1 .. T at which no standing obstacle blocks the path [m]."""
    offset = episode.lateral_offset[1:]
    return offset[~episode.path_blocked[1:] & np.isfinite(offset)]


def outside_lane(episode: Episode) -> NDArray[np.bool_]:
    """(T + 1,) whether the footprint's centre is beyond its lane's left or right border."""
    offset = episode.lateral_offset
    return (offset > episode.left_border) | (offset < -episode.right_border)


def off_road(episode: Episode) -> NDArray[np.bool_]:
    """(T + 1,) whether a footprint corner is more than 0.3 m outside the drivable area."""
    return episode.off_road > OFF_ROAD_TOLERANCE


def lateral_offset_mae_m(episode: Episode) -> Metric:
    """Mean absolute distance of the footprint's centre from the reference path [m].

    Over states 1 .. T; those at which a standing obstacle blocks the path are left out.
    """
    offset = valid_offsets(episode)
    return Metric(float(np.mean(np.abs(offset)))) if len(offset) else INVALID


def lateral_offset_rms_m(episode: Episode) -> Metric:
    """Root of the mean squared lateral offset, samples as for the MAE [m]."""
    offset = valid_offsets(episode)
    return Metric(float(np.sqrt(np.mean(offset**2)))) if len(offset) else INVALID


def lateral_offset_p95_m(episode: Episode) -> Metric:
    """95th percentile (linear between samples) of the absolute lateral offset, samples as for the MAE [m]."""
    offset = valid_offsets(episode)
    return Metric(float(np.percentile(np.abs(offset), 95.0))) if len(offset) else INVALID


def lateral_offset_max_m(episode: Episode) -> Metric:
    """Largest absolute lateral offset, samples as for the MAE [m]."""
    offset = valid_offsets(episode)
    return Metric(float(np.max(np.abs(offset)))) if len(offset) else INVALID


def lateral_offset_beyond_half_metre_share(episode: Episode) -> Metric:
    """Share of time with an absolute lateral offset above 0.5 m, samples as for the MAE."""
    offset = valid_offsets(episode)
    return Metric(float(np.mean(np.abs(offset) > OFFSET_LIMIT))) if len(offset) else INVALID


def valid_share(episode: Episode) -> Metric:
    """Share of states 1 .. T whose lateral offset counts: no standing obstacle blocks the path."""
    return Metric(len(valid_offsets(episode)) / episode.steps) if episode.steps else INVALID


def distance_km(episode: Episode) -> Metric:
    """Length of the way of the rear axle, straight between states [km]."""
    return Metric(float(np.hypot(np.diff(episode.x), np.diff(episode.y)).sum()) / 1000.0)


def route_completion(episode: Episode) -> Metric:
    """Share of the route from start to goal that was covered, 0 .. 1.

    Only progress of the footprint's centre made within 5 m of the path counts.
    """
    length = episode.goal_s - episode.start_s
    if not length > 0.0:
        return INVALID
    return Metric(float(np.clip((episode.progress.max() - episode.start_s) / length, 0.0, 1.0)))


def crash(episode: Episode) -> Metric:
    """1 for a drive with a contact event, else 0 (see `contacts`)."""
    return Metric(float(bool(contacts(episode))))


def crashes(episode: Episode) -> Metric:
    """Number of contact events; one contact is one event however many steps it lasts (see `contacts`)."""
    return Metric(float(len(contacts(episode))))


def crashes_at_fault(episode: Episode) -> Metric:
    """Number of contact events that were the ego's fault (see `contacts`)."""
    return Metric(float(sum(contact.at_fault for contact in contacts(episode))))


def off_road_s(episode: Episode) -> Metric:
    """Time with a footprint corner more than 0.3 m outside the drivable area [s]."""
    return Metric(float(off_road(episode)[1:].sum()) * episode.dt)


def lane_departure_s(episode: Episode) -> Metric:
    """Time with the footprint's centre outside its lane [s]."""
    return Metric(float(outside_lane(episode)[1:].sum()) * episode.dt)


def lane_departures(episode: Episode) -> Metric:
    """How often the footprint's centre went from inside its lane to outside."""
    outside = outside_lane(episode)
    return Metric(float((outside[1:] & ~outside[:-1]).sum()))


def interventions_formula(episode: Episode) -> Metric:
    """How often a person would have had to take over, as PilotNet counts.

    Once each time the absolute lateral offset passes 1 m (again only after it was below 0.5 m), and once
    for a drive that ends in a contact, off the road or by the agent's failure while not out there already.
    PilotNet's simulator puts the car back on the centre after each; here the car is left alone.
    """
    count, out = 0, False
    for offset, blocked in zip(np.abs(episode.lateral_offset[1:]), episode.path_blocked[1:], strict=True):
        if not out and offset > INTERVENTION_OFFSET and not blocked:
            count, out = count + 1, True
        elif out and offset < RESUMED_OFFSET:
            out = False
    ended = bool(contacts(episode)) or bool(off_road(episode)[1:].any()) or episode.failure is not None
    return Metric(float(count + (ended and not out)))


def autonomy_formula(episode: Episode) -> Metric:
    """PilotNet's autonomy, 1 - 6 s * interventions / time driven, not below 0.

    0 for an agent that failed before its first step. Bojarski et al. 2016, End to End Learning for
    Self-Driving Cars, section 7.1.
    """
    if episode.steps == 0:
        return INVALID if episode.failure is None else Metric(0.0)
    cost = INTERVENTION_SECONDS * interventions_formula(episode).value
    return Metric(max(0.0, 1.0 - cost / episode.duration))


def mean_speed_mps(episode: Episode) -> Metric:
    """Mean speed over states 1 .. T [m/s]."""
    return Metric(float(np.mean(episode.speed[1:]))) if episode.steps else INVALID


def steering_roughness_per_s(episode: Episode) -> Metric:
    """Mean absolute change of the agent's steering per second, in fractions of full steering [1/s]."""
    if episode.steps < 2:
        return INVALID
    return Metric(float(np.mean(np.abs(np.diff(episode.steering)))) / episode.dt)


def outcome(episode: Episode) -> End:
    """How a drive in a lane suite ended; `End.GOAL` is the success rule.

    Success: the whole route covered, no contact, no footprint corner more than 0.3 m off the drivable area,
    the footprint's centre never outside its lane, within the time limit (the route at 5 km/h, and 20 s), and
    no failure of the agent. Otherwise the first thing that went wrong gives the name; of things in the
    same step the first in the order contact, off road, lane departure. A drive that stopped short of all of
    these is `End.STOPPED`.
    """
    first: list[tuple[int, End]] = []
    if events := contacts(episode):
        first.append((events[0].step, End.COLLISION))
    if (off := off_road(episode)).any():
        first.append((int(np.argmax(off)), End.OFF_ROAD))
    if (out := outside_lane(episode)).any():
        first.append((int(np.argmax(out)), End.LANE_DEPARTURE))
    if first:
        return min(first, key=lambda found: found[0])[1]
    if episode.failure is not None:
        return End.AGENT_FAILURE
    if episode.duration > episode.time_limit + 1e-9:
        return End.TIMEOUT
    if episode.progress.max() >= episode.goal_s:
        return End.GOAL
    return End.TIMEOUT if episode.duration > episode.time_limit - 1e-9 else End.STOPPED


def success(episode: Episode) -> Metric:
    """1 for a successful drive of a lane suite, else 0.

    The whole route covered, no contact, no footprint corner more than 0.3 m off the drivable area, the
    footprint's centre never outside its lane, within the route at 5 km/h and 20 s, no failure of the agent.
    """
    return Metric(float(outcome(episode) is End.GOAL))


def shadow_disagreement(episode: Episode, shadow: str) -> Metric:
    """Mean absolute difference between a shadow's steering and the driver's, in fractions of full steering.

    Over the steps at which the shadow answered with a number.
    """
    difference = np.abs(episode.shadow_steering[shadow] - episode.steering)
    difference = difference[np.isfinite(difference)]
    return Metric(float(difference.mean())) if len(difference) else INVALID


@dataclass(frozen=True, slots=True)
class Score:
    """A metric as evaluations report it: `rate` of episodes, `mean` over them, or `total`."""

    function: Callable[[Episode], Metric]
    kind: Literal["rate", "mean", "total"]
    version: int = 1

    @property
    def name(self) -> str:
        """Key in result files; a change of definition raises the version beside it."""
        return self.function.__name__

    @property
    def definition(self) -> str:
        """The function's docstring."""
        return cleandoc(self.function.__doc__ or "")


SCORES = (
    Score(success, "rate"),
    Score(crash, "rate"),
    Score(crashes, "total"),
    Score(crashes_at_fault, "total"),
    Score(lateral_offset_mae_m, "mean"),
    Score(lateral_offset_rms_m, "mean"),
    Score(lateral_offset_p95_m, "mean"),
    Score(lateral_offset_max_m, "mean"),
    Score(lateral_offset_beyond_half_metre_share, "mean"),
    Score(valid_share, "mean"),
    Score(lane_departures, "total"),
    Score(lane_departure_s, "total"),
    Score(off_road_s, "total"),
    Score(route_completion, "mean"),
    Score(distance_km, "total"),
    Score(mean_speed_mps, "mean"),
    Score(interventions_formula, "total"),
    Score(autonomy_formula, "mean", version=2),
    Score(comfort_nuplan_formula, "rate", version=2),
    Score(comfort_time_share_formula, "mean", version=2),
    Score(steering_roughness_per_s, "mean"),
)


def score(episode: Episode) -> dict[str, Metric]:
    """All of SCORES for one episode, by name."""
    return {entry.name: entry.function(episode) for entry in SCORES}
