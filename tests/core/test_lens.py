import cv2
import numpy as np
import pytest

from drive.core.lens import LENSES, distort, radius_of, undistort

BARREL = (-0.28, 0.07, 0.001, -0.0007, -0.008)
PINCUSHION = (0.12, 0.02, 0.0, 0.002, 0.01)
FISHEYE = (-0.02, 0.004, -0.003, 0.0006)
REAL = [("brown-conrady", BARREL), ("brown-conrady", PINCUSHION), ("kannala-brandt", FISHEYE)]


def rays(reach: float) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.linspace(-reach, reach, 21), np.linspace(-0.6 * reach, 0.6 * reach, 15))
    return x, y


def opencv(lens: str, coefficients: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n, 2) what OpenCV makes of the rays (x, y, 1) with a focal length of 1."""
    points, zero = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)[:, None], np.zeros(3)
    if lens == "kannala-brandt":
        return cv2.fisheye.projectPoints(points, zero, zero, np.eye(3), np.array(coefficients))[0][:, 0]
    return cv2.projectPoints(points, zero, zero, np.eye(3), np.array(coefficients))[0][:, 0]


@pytest.mark.parametrize(("lens", "coefficients"), REAL)
def test_points_are_distorted_as_opencv_does(lens: str, coefficients: tuple[float, ...]) -> None:
    x, y = rays(1.0)
    ours = np.stack([one.ravel() for one in distort(lens, coefficients, x, y)], axis=1)
    np.testing.assert_allclose(ours, opencv(lens, coefficients, x, y), atol=1e-12)


@pytest.mark.parametrize(("lens", "coefficients"), [*REAL, ("pinhole", ())])
def test_undistorting_is_the_inverse(lens: str, coefficients: tuple[float, ...]) -> None:
    x, y = rays(3.0 if lens == "kannala-brandt" else 0.9)
    back = undistort(lens, coefficients, *distort(lens, coefficients, x, y))
    np.testing.assert_allclose(back, (x, y), atol=1e-8)


def test_what_no_ray_shows_is_nan() -> None:
    x, _ = undistort("brown-conrady", (-0.3, 0.0, 0.0, 0.0, 0.0), np.array([0.5, 3.0]), np.zeros(2))
    assert np.isfinite(x[0]) and np.isnan(x[1])
    x, _ = undistort("kannala-brandt", (0.0,) * 4, np.array([1.5, 1.6]), np.zeros(2))  # pi / 2 lies between
    assert np.isfinite(x[0]) and np.isnan(x[1])


def test_an_equidistant_fisheye_shows_an_angle_at_its_own_radius() -> None:
    assert radius_of("kannala-brandt", (0.0,) * 4, 1.2) == pytest.approx(1.2, abs=1e-15)
    assert radius_of("pinhole", (), 0.5) == pytest.approx(np.tan(0.5), abs=1e-15)
    assert set(LENSES) == {"pinhole", "brown-conrady", "kannala-brandt"}
