"""One camera's pictures as another's: the geometry by closed forms, the pictures by the simulator itself."""

import numpy as np
import pytest

from drive.camera import Camera, Remap
from drive.camera.remap import source_points
from drive.core.errors import UserError

TRAINED = Camera()
LENSES = {
    "brown-conrady": Camera(
        yaw_deg=4.0, lens="brown-conrady", distortion=(-0.2, 0.04, 0.001, -0.002, 0.0), z=1.1, y=0.3
    ),
    "kannala-brandt": Camera(
        fov_deg=120.0, lens="kannala-brandt", distortion=(0.02, -0.01, 0.0, 0.0), pitch_deg=8.0, x=0.4
    ),
    "pinhole": Camera(640, 480, fov_deg=70.0, roll_deg=3.0, z=2.0),
}


@pytest.mark.parametrize("lens", LENSES)
def test_a_spot_of_the_road_comes_from_where_the_other_camera_shows_it(lens: str) -> None:
    x, y = np.meshgrid(np.linspace(8.0, 80.0, 12), np.linspace(-2.5, 2.5, 7))
    road = np.stack([x, y, np.zeros_like(x)], axis=-1)
    for source, target in ((LENSES[lens], TRAINED), (TRAINED, LENSES[lens])):
        at = target.project(road)
        found = source_points(source, target, at[..., 0], at[..., 1])
        np.testing.assert_allclose(found, source.project(road), atol=1e-6)
        further = source_points(source, target, at[..., 0], at[..., 1], 3.0)  # as what lies 3 m ahead of it
        np.testing.assert_allclose(further, source.project(road + np.array([3.0, 0.0, 0.0])), atol=1e-6)


@pytest.mark.parametrize("lens", LENSES)
def test_what_is_far_away_comes_from_where_the_other_camera_shows_it(lens: str) -> None:
    far = 1e10 * np.array([[1.0, 0.1, 0.02], [1.0, -0.1, 0.05], [1.0, 0.0, 0.0]])
    at = TRAINED.project(far)
    found = source_points(LENSES[lens], TRAINED, at[:, 0], at[:, 1])
    np.testing.assert_allclose(found, LENSES[lens].project(far), atol=1e-6)


def test_turning_a_camera_there_and_back_leaves_every_spot_where_it_was() -> None:
    turned = Camera(yaw_deg=7.0, pitch_deg=-2.0, roll_deg=11.0, fov_deg=110.0)
    u, v = np.meshgrid(np.linspace(60.0, 260.0, 9), np.linspace(30.0, 130.0, 7))
    there = source_points(turned, TRAINED, u, v)
    back = source_points(TRAINED, turned, there[..., 0], there[..., 1])
    np.testing.assert_allclose(back, np.stack([u, v], axis=-1), atol=1e-6)


def test_nothing_is_found_where_the_other_camera_does_not_look() -> None:
    u, v = np.array([5.0, 160.0, 315.0]), np.array([100.0, 100.0, 100.0])
    found = source_points(Camera(fov_deg=60.0), TRAINED, u, v)
    assert np.isnan(found).any(axis=-1).tolist() == [True, False, True]
    assert np.isnan(source_points(Camera(yaw_deg=180.0), TRAINED, u, v)).all()
    # beyond the picture this lens's polynomial folds back into it
    folding = Camera(fov_deg=60.0, lens="brown-conrady", distortion=(-0.35, 0.0, 0.0, 0.0, 0.0))
    assert 0.0 < folding.project(np.array([3.5, 3.4, 1.4]))[0] < 320.0
    wide = Camera(fov_deg=130.0)
    u, v = np.atleast_2d(wide.project(np.array([3.5, 3.4, 1.4]))).T
    assert np.isnan(source_points(folding, wide, u, v)).all()


def test_the_same_camera_gives_identical_pictures() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (160, 320, 3), np.uint8)
    same = Remap(TRAINED, Camera(outputs=("rgb", "depth")))
    assert same.share == 1.0
    np.testing.assert_array_equal(same(picture), picture)


def test_a_straight_road_is_filled_as_it_goes_on() -> None:
    """A picture of stripes along the car's way is known wherever any part of a stripe is seen."""

    def stripes(camera: Camera) -> np.ndarray:
        u, v = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
        rays = np.stack([*camera.rays(u, v), np.ones_like(u)], -1) @ camera.camera_from_vehicle[:3, :3]
        y = camera.y - rays[..., 1] * camera.z / np.minimum(rays[..., 2], -1e-3)
        grey = np.where(rays[..., 2] < 0.0, 128.0 + 120.0 * np.sin(np.pi * y / 2.0), 255.0)
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)

    narrow = Camera(640, 320, fov_deg=60.0, pitch_deg=1.0, z=1.2)
    filled = Remap(narrow, TRAINED)
    assert 0.3 < filled.share < 0.5
    wrong = abs(filled(stripes(narrow)).astype(int) - stripes(TRAINED))[..., 0]
    assert wrong[90:].mean() < 3.0  # 18 rows below the horizon, where stripes are wider than pixels
    assert abs(np.diff(filled(stripes(narrow))[90:, :, 0].astype(int), axis=1)).max() < 40  # and no seam


def test_a_camera_that_looks_elsewhere_cannot_stand_in() -> None:
    with pytest.raises(UserError, match=r"shows 0 % of what the other one shows.*yaw_deg 180, not 0"):
        Remap(Camera(yaw_deg=180.0), TRAINED)


def test_pictures_behind_another_camera_look_as_the_trained_cameras_own() -> None:
    from drive.sim.env import LaneEnv
    from drive.sim.scenario import lane_scenario

    env = LaneEnv(cameras={"front": TRAINED} | {name.replace("-", "_"): one for name, one in LENSES.items()})
    seen, _ = env.reset(options={"scenario": lane_scenario(3, weather_name="overcast", traffic="none")})
    env.close()
    for name, camera in LENSES.items():
        other = seen["camera_" + name.replace("-", "_")]
        mapped = Remap(camera, TRAINED)(other).astype(int)
        own = seen["camera"].astype(int)
        wrong = abs(mapped - own)[90:, 60:260].mean()
        assert wrong < 6.0, f"{name}: {wrong:.1f} grey levels"
