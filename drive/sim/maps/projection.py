"""From points to one line: how far along it, how far beside it."""

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import sincos


@kernel
def on_segment(points: NDArray[np.float64], i: int, x: float, y: float) -> tuple[float, float]:
    """(share of the segment, squared distance) of the nearest point of segment i."""
    dx = points[i + 1, 0] - points[i, 0]
    dy = points[i + 1, 1] - points[i, 1]
    px = x - points[i, 0]
    py = y - points[i, 1]
    squared = dx * dx + dy * dy
    u = (px * dx + py * dy) / squared if squared > 0.0 else 0.0
    u = min(1.0, max(0.0, u))
    ex = px - u * dx
    ey = py - u * dy
    return u, ex * ex + ey * ey


@kernel
def refine(
    points: NDArray[np.float64],
    s: NDArray[np.float64],
    yaw: NDArray[np.float64],
    begin: int,
    end: int,
    i: int,
    u: float,
    x: float,
    y: float,
) -> tuple[float, float]:
    """(s, d) where the normal of the smooth heading passes through the point.

    Newton's method on (p - c(s)) . t(s) = 0 from the nearest point of the polyline; points begin..end - 1
    are the lane's.
    """
    at = s[i] + u * (s[i + 1] - s[i])
    d = 0.0
    for step in range(5):
        while i > begin and at < s[i]:
            i -= 1
        while i < end - 2 and at > s[i + 1]:
            i += 1
        h = s[i + 1] - s[i]
        u = (at - s[i]) / h
        sine, cosine = sincos(yaw[i] + u * (yaw[i + 1] - yaw[i]))
        ex = x - points[i, 0] - u * (points[i + 1, 0] - points[i, 0])
        ey = y - points[i, 1] - u * (points[i + 1, 1] - points[i, 1])
        d = ey * cosine - ex * sine
        slope = 1.0 - d * (yaw[i + 1] - yaw[i]) / h
        if step == 4 or slope < 0.1:
            break
        at = min(s[end - 1], max(s[begin], at + (ex * cosine + ey * sine) / slope))
    return at, d


@kernel
def project_to_line(
    points: NDArray[np.float64], s: NDArray[np.float64], yaw: NDArray[np.float64], xy: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(s, d) of (m, 2) points on one polyline of (n, 2) points with arc length and heading."""
    along = np.empty(len(xy))
    beside = np.empty(len(xy))
    for k in range(len(xy)):
        best = 1e300
        segment = 0
        share = 0.0
        for i in range(len(points) - 1):
            u, squared = on_segment(points, i, xy[k, 0], xy[k, 1])
            if squared < best:
                best = squared
                segment = i
                share = u
        along[k], beside[k] = refine(points, s, yaw, 0, len(points), segment, share, xy[k, 0], xy[k, 1])
    return along, beside
