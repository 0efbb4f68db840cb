import numpy as np
import pytest

from drive.sim.sensors.pixels import bilinear, ground_hit, mix, pack_rgb, scale, unpack_rgb


def channels(color: int) -> tuple[int, ...]:
    return tuple(color >> shift & 0xFFFF for shift in (0, 16, 32, 48))


def test_mixing_lanes_is_mixing_each_channel() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        a, b = rng.integers(0, 256, (2, 3))
        weight = int(rng.integers(0, 257))
        mixed = mix(pack_rgb(*map(int, a)), pack_rgb(*map(int, b)), weight)
        assert channels(mixed)[:3] == tuple((a * (256 - weight) + b * weight) >> 8)
        assert channels(scale(pack_rgb(*map(int, a)), weight))[:3] == tuple((a * weight) >> 8)


def test_bilinear_is_exact_in_every_channel() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        c = rng.integers(0, 256, (4, 3))
        fx, fy = (int(v) for v in rng.integers(0, 16, 2))
        weights = np.array([(16 - fx) * (16 - fy), fx * (16 - fy), (16 - fx) * fy, fx * fy])
        color = bilinear(*(pack_rgb(*map(int, row)) for row in c), fx, fy)
        assert channels(color)[:3] == tuple((weights @ c) >> 8)


def test_the_fourth_lane_travels_along() -> None:
    wet = pack_rgb(10, 20, 30) | (120 << 48)
    assert channels(bilinear(wet, wet, wet, wet, 5, 9)) == (10, 20, 30, 120)


def test_spread_takes_the_label_off() -> None:
    assert channels(unpack_rgb(7 << 24 | 3 << 16 | 2 << 8 | 1)) == (1, 2, 3, 0)


def test_a_ray_meets_the_ground_only_below_the_horizon() -> None:
    assert ground_hit(0.1, 1.4) == pytest.approx(14.0)
    assert ground_hit(0.0, 1.4) < 0.0
    assert ground_hit(-0.3, 1.4) < 0.0
