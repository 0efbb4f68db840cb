import numpy as np
import pytest

from drive.camera import Camera
from drive.modular.birdseye import BirdsEye, Region, project


def test_image_of_ground_of_image_is_the_same_pixel():
    uv, ahead = project(Camera(), np.array([[10.0, 0.0], [10.0, 2.0]]))
    assert ahead.all()
    # 10 m from the rear axle is 8.5 m from the camera; 3 degrees down lift the point a little.
    f, pitch = 160.0, np.deg2rad(3.0)
    depth = 8.5 * np.cos(pitch) + 1.4 * np.sin(pitch)
    assert uv[0] == pytest.approx([160.0, 80.0 + f * (1.4 * np.cos(pitch) - 8.5 * np.sin(pitch)) / depth])
    assert uv[1, 0] == pytest.approx(160.0 - f * 2.0 / depth)  # left is left
    assert not project(Camera(), np.array([[1.0, 0.0]]))[1][0]


def test_a_painted_pixel_lands_where_it_stands_on_the_ground():
    eye = BirdsEye(Camera())
    (u, v), _ = (a[0] for a in project(eye.camera, np.array([[7.06, 1.56]])))
    image = np.zeros((160, 320, 3), np.uint8)
    image[int(v) - 1 : int(v) + 2, int(u) - 1 : int(u) + 2] = 255
    above = eye.warp(image)[..., 0]
    row, column = np.unravel_index(int(np.argmax(above)), above.shape)
    assert abs(eye.region.xs[row] - 7.06) < 0.4
    assert abs(eye.region.ys[column] - 1.56) < 0.15


def test_what_the_camera_does_not_see_is_black_and_marked_so():
    eye = BirdsEye(Camera())
    above = eye.warp(np.full((160, 320, 3), 200, np.uint8))
    assert (above[~eye.visible] == 0).all()
    assert (above[eye.visible] == 200).all()
    assert 0.5 < eye.visible.mean() < 1.0


def test_another_picture_size_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match=r"\(96, 96, 3\).*\(160, 320, 3\)"):
        BirdsEye(Camera()).warp(np.zeros((96, 96, 3), np.uint8))
    with pytest.raises(ValueError, match="holds no cell"):
        Region(x_min=5.0, x_max=5.0)
