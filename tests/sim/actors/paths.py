"""Reference paths for tests, integrated finely from their curvature."""

import numpy as np

from drive.sim.arrays import PATH, PATH_STEP

FINE = 500  # integration steps in one sample


def path_from_curvature(curvature, length, x=0.0, y=0.0, yaw=0.0, speed_limit=13.9, half_width=1.75):
    """PATH records of the curve whose curvature at arc length s is `curvature(s)`."""
    count = round(length / PATH_STEP)
    h = PATH_STEP / FINE
    s = np.arange(count * FINE + 1) * h
    bend = np.vectorize(curvature, otypes=[float])(0.5 * (s[1:] + s[:-1]))
    heading = yaw + np.concatenate([[0.0], np.cumsum(bend) * h])
    middle = 0.5 * (heading[1:] + heading[:-1])
    points = np.zeros(count + 1, PATH)
    points["x"] = (x + np.concatenate([[0.0], np.cumsum(np.cos(middle)) * h]))[::FINE]
    points["y"] = (y + np.concatenate([[0.0], np.cumsum(np.sin(middle)) * h]))[::FINE]
    points["yaw"] = heading[::FINE]
    points["curvature"] = [curvature(i * PATH_STEP) for i in range(count + 1)]
    points["speed_limit"] = speed_limit
    points["left"] = points["right"] = half_width
    return points


def arc(radius, length):
    """Exact samples of a circle from the origin eastwards, left for a positive radius."""
    s = np.arange(round(length / PATH_STEP) + 1) * PATH_STEP
    points = np.zeros(len(s), PATH)
    points["x"] = radius * np.sin(s / radius)
    points["y"] = radius * (1.0 - np.cos(s / radius))
    points["yaw"] = s / radius
    points["curvature"] = 1.0 / radius
    points["speed_limit"], points["left"], points["right"] = 13.9, 1.75, 1.75
    return points


def straight(length, y=0.0, speed_limit=13.9):
    """Eastwards at a given y."""
    return path_from_curvature(lambda s: 0.0, length, y=y, speed_limit=speed_limit)


def flat(*paths):
    """(points, path_begin, path_end) of several paths in one array."""
    end = np.cumsum([len(path) for path in paths])
    return np.concatenate(paths), np.concatenate([[0], end[:-1]]), end
