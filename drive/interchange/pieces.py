"""How a log of other times becomes drives of one frame rate."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from drive.core.errors import UserError
from drive.interchange.foreign import ForeignLog

HIGHEST_RATE_HZ = 240.0  # more is a clock that counts something else
Piece = NDArray[np.int64]  # numbers of the frames of one drive, in order


def breaks(time: NDArray[np.float64] | None, sessions: Sequence[str], gap_s: float) -> NDArray[np.bool_]:
    """(N,) whether a new drive starts at a frame: another session, a pause, or a clock set back."""
    changed = np.array([True, *(a != b for a, b in pairwise(sessions))])
    if time is not None:
        step = np.diff(time)
        changed[1:] |= (step > gap_s) | (step < 0.0)
    return changed


def measured_rate(log: ForeignLog, gap_s: float) -> float | None:
    """Frames a second by the log's own clock: the mean over steps near their median; None without a clock.

    The median alone would be off where milliseconds are rounded (60 Hz are steps of 16 and 17 ms), the mean
    alone where frames were lost.
    """
    if log.time is None:
        return None
    within = np.diff(log.time)[~breaks(log.time, log.sessions, gap_s)[1:]]
    within = within[within > 0.0]
    if not len(within):
        return None
    middle = np.median(within)
    return float(1.0 / within[np.abs(within - middle) <= 0.5 * middle].mean())


def frame_rate(log: ForeignLog, gap_s: float, given: int | None) -> tuple[int, float | None]:
    """(Whole frames a second to store, what the log's clock says).

    Raises:
        UserError: the log has no clock, or one that cannot be of a camera, and no rate is given.
    """
    measured = measured_rate(log, gap_s)
    if given is not None:
        return given, measured
    if measured is None:
        raise UserError(f"{log.folder}: the log does not say when its pictures were taken: give --fps.")
    if measured > HIGHEST_RATE_HZ:
        raise UserError(
            f"{log.folder}: its times are {1000.0 / measured:.1f} ms apart, no camera's: "
            "give --fps, frames a second."
        )
    return max(1, round(measured)), measured


def cut(starts: NDArray[np.bool_], longest: int | None) -> list[Piece]:
    """The drives between the starts, each cut into equal parts of at most `longest` frames."""
    drives = np.split(np.arange(len(starts)), np.flatnonzero(starts[1:]) + 1)
    if longest is None:
        return drives
    return [part for drive in drives for part in np.array_split(drive, -(-len(drive) // longest))]
