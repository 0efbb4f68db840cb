"""Projection onto a sampled path and sampling from it, as kernels over PATH records.

A path is `points[begin:end]`, one sample every PATH_STEP metres; sample i stands at s = i * PATH_STEP.
Between two samples the curve is the cubic through both positions with both headings as tangents: on an
arc of radius 6 m it is within 1e-6 m of the circle. Beyond its ends a path goes on straight.
"""

import math

import numpy as np
from numpy.typing import NDArray

from drive.core.kernels import kernel
from drive.core.portable_math import atan2, sincos
from drive.sim.arrays import PATH_STEP

_BACK = 10  # samples that `project` searches behind its guess: 5 m
_AHEAD = 20  # and ahead of it: 10 m


@kernel
def length(begin: int, end: int) -> float:
    """Arc length of the path [m]."""
    return (end - begin - 1) * PATH_STEP


@kernel
def _cubic(
    points: NDArray[np.void], i: int, u: float, ca: float, sa: float, cb: float, sb: float
) -> tuple[float, float, float, float]:
    """Position and derivative by s at u in [0, 1] between sample i (heading ca, sa) and i + 1 (cb, sb)."""
    xa, ya = points[i].x, points[i].y
    dx, dy = points[i + 1].x - xa, points[i + 1].y - ya
    h = PATH_STEP
    # p(u) = a + u (h ta + u (q + u r)), the cubic that meets both ends and both tangents
    qx = 3.0 * dx - h * (2.0 * ca + cb)
    qy = 3.0 * dy - h * (2.0 * sa + sb)
    rx = h * (ca + cb) - 2.0 * dx
    ry = h * (sa + sb) - 2.0 * dy
    x = xa + u * (h * ca + u * (qx + u * rx))
    y = ya + u * (h * sa + u * (qy + u * ry))
    tx = ca + u * (2.0 * qx + 3.0 * u * rx) / h
    ty = sa + u * (2.0 * qy + 3.0 * u * ry) / h
    return x, y, tx, ty


@kernel
def project(
    points: NDArray[np.void], begin: int, end: int, x: float, y: float, s_guess: float
) -> tuple[float, float]:
    """Foot of a point on the path, searched downhill from a guess.

    The search goes at most 5 m back and 10 m ahead, so that it never jumps to another branch; where it
    finds no foot within that, it returns the border of the window. Before the start s is negative,
    after the end it exceeds the length: there the path goes on straight.

    Args:
        points: flat PATH records.
        begin: first sample of the path.
        end: one past its last sample.
        x: of the point [m].
        y: of the point [m].
        s_guess: where the foot was last [m].

    Returns:
        (s, d): arc length of the foot and signed distance, left positive [m].
    """
    last = end - 2  # index of the last segment
    i = min(max(begin + math.floor(s_guess / PATH_STEP), begin), last)
    lowest = max(begin, i - _BACK)
    highest = min(last, i + _AHEAD)

    sa, ca = sincos(points[i].yaw)
    along_a = (x - points[i].x) * ca + (y - points[i].y) * sa
    sb, cb = sincos(points[i + 1].yaw)
    along_b = (x - points[i + 1].x) * cb + (y - points[i + 1].y) * sb
    if along_a < 0.0:
        while along_a < 0.0 and i > lowest:
            i -= 1
            sb, cb, along_b = sa, ca, along_a
            sa, ca = sincos(points[i].yaw)
            along_a = (x - points[i].x) * ca + (y - points[i].y) * sa
    else:
        while along_b >= 0.0 and i < highest:
            i += 1
            sa, ca, along_a = sb, cb, along_b
            sb, cb = sincos(points[i + 1].yaw)
            along_b = (x - points[i + 1].x) * cb + (y - points[i + 1].y) * sb

    start = (i - begin) * PATH_STEP
    if along_a < 0.0:  # before the path's start, or no foot in the window
        d = (y - points[i].y) * ca - (x - points[i].x) * sa
        return (start + along_a if i == begin else start), d
    if along_b >= 0.0:
        d = (y - points[i + 1].y) * cb - (x - points[i + 1].x) * sb
        stop = start + PATH_STEP
        return (stop + along_b if i == last else stop), d

    # secant steps between the ends, whose signs differ; on an arc the first is right to 1e-5 already
    u, ua, ub = 0.0, 0.0, 1.0
    px, py, tx, ty = 0.0, 0.0, ca, sa
    for _ in range(4):
        u = ua + (ub - ua) * along_a / (along_a - along_b)
        px, py, tx, ty = _cubic(points, i, u, ca, sa, cb, sb)
        along = (x - px) * tx + (y - py) * ty
        if abs(along) < 1e-9:
            break
        if along >= 0.0:
            ua, along_a = u, along
        else:
            ub, along_b = u, along
    d = ((y - py) * tx - (x - px) * ty) / math.sqrt(tx * tx + ty * ty)
    return start + u * PATH_STEP, d


@kernel
def sample(
    points: NDArray[np.void], begin: int, end: int, s: float
) -> tuple[float, float, float, float, float, float, float, float]:
    """The path at arc length s; beyond the ends it goes on straight.

    Args:
        points: flat PATH records.
        begin: first sample of the path.
        end: one past its last sample.
        s: arc length [m].

    Returns:
        (x, y, z, yaw, curvature, speed_limit, left, right); yaw is not wrapped.
    """
    last = end - 2
    total = (end - begin - 1) * PATH_STEP
    if s <= 0.0 or s >= total:
        i = begin if s <= 0.0 else end - 1
        beyond = s if s <= 0.0 else s - total
        p = points[i]
        sine, cosine = sincos(p.yaw)
        curvature = p.curvature if beyond == 0.0 else 0.0
        return (
            p.x + beyond * cosine, p.y + beyond * sine, p.z, p.yaw,
            curvature, p.speed_limit, p.left, p.right,
        )  # fmt: skip
    i = min(begin + math.floor(s / PATH_STEP), last)
    u = s / PATH_STEP - (i - begin)
    a, b = points[i], points[i + 1]
    sa, ca = sincos(a.yaw)
    sb, cb = sincos(b.yaw)
    x, y, tx, ty = _cubic(points, i, u, ca, sa, cb, sb)
    yaw = a.yaw + atan2(ca * ty - sa * tx, ca * tx + sa * ty)
    return (
        x,
        y,
        a.z + u * (b.z - a.z),
        yaw,
        a.curvature + u * (b.curvature - a.curvature),
        a.speed_limit,
        a.left + u * (b.left - a.left),
        a.right + u * (b.right - a.right),
    )


@kernel
def first_within(
    points: NDArray[np.void],
    begin: int,
    end: int,
    s_from: float,
    s_to: float,
    x: float,
    y: float,
    radius: float,
) -> float:
    """Where a path first comes within a radius of a point, from s_from on; -1 if not before s_to.

    From a sample at distance D the path needs at least D - radius to get there, so the search leaps by
    that: a handful of samples where a scan would take hundreds. Exact to PATH_STEP.
    """
    last = end - 1
    i = min(max(begin + math.floor(s_from / PATH_STEP), begin), last)
    stop = min(begin + math.floor(s_to / PATH_STEP), last)
    while i <= stop:
        dx, dy = x - points[i].x, y - points[i].y
        square = dx * dx + dy * dy
        if square <= radius * radius:
            return (i - begin) * PATH_STEP
        i += max(int((math.sqrt(square) - radius) / PATH_STEP), 1)
    return -1.0
