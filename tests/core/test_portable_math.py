import math

import numpy as np
import pytest

from drive.core import portable_math as elementary
from drive.core.portable_math_arrays import atan2_array, hypot_array, sincos_array


@pytest.mark.parametrize("name", ["sin", "cos", "atan", "exp"])
def test_elementary_functions_agree_with_libm(name):
    ours, theirs = getattr(elementary, name), getattr(math, name)
    span = 30.0 if name == "exp" else 1000.0
    for x in np.concatenate([np.linspace(-span, span, 20_001), np.linspace(-4, 4, 4001)]):
        scale = theirs(x) if name == "exp" else 1.0
        assert abs(ours(x) - theirs(x)) <= 1e-15 * max(scale, 1.0), x


def test_atan2_agrees_with_libm_in_every_quadrant_and_on_the_axes():
    values = [-3.0, -1.0, -1e-9, 0.0, 1e-9, 0.4, 1.0, 7.0]
    for y in values:
        for x in values:
            assert abs(elementary.atan2(y, x) - math.atan2(y, x)) < 1e-15


def test_wrapped_angles_are_half_open():
    assert elementary.wrap_angle(math.pi) == -math.pi
    assert elementary.wrap_angle(-math.pi) == -math.pi
    assert abs(elementary.wrap_angle(7.0) - (7.0 - 2 * math.pi)) < 1e-15


def bits(values):
    return np.asarray(values, np.float64).view(np.int64)


def test_arrays_get_the_same_bits_as_kernels_for_sines_and_cosines():
    rng = np.random.default_rng(0)
    quarters = np.arange(-9.0, 10.0) * elementary.HALF_PI
    x = np.concatenate(
        [rng.uniform(-10.0, 10.0, 4000), rng.uniform(-1e5, 1e5, 1000), quarters, 0.5 * quarters]
    )
    one_by_one = np.array([elementary.sincos(value) for value in x])
    sine, cosine = sincos_array(x.reshape(1, -1))
    assert sine.shape == (1, len(x))
    assert np.array_equal(bits(sine[0]), bits(one_by_one[:, 0]))
    assert np.array_equal(bits(cosine[0]), bits(one_by_one[:, 1]))


def test_arrays_get_the_same_bits_as_kernels_for_angles():
    rng = np.random.default_rng(0)
    values = np.array([-7.0, -1.0, -1e-9, -0.0, 0.0, 1e-300, 0.25, 1.0, 3.0])
    y, x = (np.concatenate([rng.normal(size=4000), grid.ravel()]) for grid in np.meshgrid(values, values))
    one_by_one = np.array([elementary.atan2(*pair) for pair in zip(y, x, strict=True)])
    assert np.array_equal(bits(atan2_array(y, x)), bits(one_by_one))
    assert atan2_array(1.0, -1.0) == elementary.atan2(1.0, -1.0)


def test_lengths_of_vectors():
    assert hypot_array([3.0, 0.0], [4.0, -2.0]).tolist() == [5.0, 2.0]
