import numpy as np
import pytest

from drive.sim.sensors.pixels import bilinear, ground_hit, mix, pack_rgb, scale
from drive.sim.sensors.road import TILE_SHIFT, steps_in_tile
from drive.sim.sensors.rows import finish_row


def channels(color: np.uint32) -> tuple[int, ...]:
    return tuple(int(color) >> shift & 0xFF for shift in (0, 8, 16, 24))


def test_mixing_pairs_of_lanes_is_mixing_each_channel() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        a, b = rng.integers(0, 256, (2, 3))
        weight = np.uint32(rng.integers(0, 257))
        mixed = mix(pack_rgb(*map(int, a)), pack_rgb(*map(int, b)), weight)
        assert channels(mixed)[:3] == tuple((a * (256 - int(weight)) + b * int(weight)) >> 8)
        assert channels(scale(pack_rgb(*map(int, a)), weight))[:3] == tuple((a * int(weight)) >> 8)


def test_bilinear_is_exact_in_every_channel() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        c = rng.integers(0, 256, (4, 3))
        fx, fy = rng.integers(0, 16, 2, dtype=np.uint32)
        x, y = int(fx), int(fy)
        weights = np.array([(16 - x) * (16 - y), x * (16 - y), (16 - x) * y, x * y])
        color = bilinear(*(pack_rgb(*map(int, row)) for row in c), fx, fy)
        assert channels(color)[:3] == tuple((weights @ c) >> 8)


def test_the_fourth_lane_travels_along() -> None:
    wet = np.uint32(pack_rgb(10, 20, 30) | (120 << 24))
    assert channels(bilinear(wet, wet, wet, wet, np.uint32(5), np.uint32(9))) == (10, 20, 30, 120)


def test_a_row_leaves_a_tile_after_the_steps_that_are_counted() -> None:
    rng = np.random.default_rng(2)
    side = 1 << TILE_SHIFT
    for step in (1, -1, side - 1, 1 - side, *rng.integers(-side, side, 200).tolist()):
        place = int(rng.integers(0, side))
        count = steps_in_tile(place, step)
        if step == 0:
            assert count > 1 << 30
        else:
            assert 0 <= place + (count - 1) * step < side
            assert not 0 <= place + count * step < side


@pytest.mark.parametrize("width", [1, 2, 7, 33])
@pytest.mark.parametrize("bare", [True, False])
def test_a_row_is_bodies_over_what_lies_behind_and_noise(width: int, bare: bool) -> None:
    rng = np.random.default_rng(width)
    inverse = np.where(rng.random(width) < 0.5, 0.2, 0.0).astype(np.float32)
    if bare:
        inverse[:] = 0.0
    behind, body = rng.integers(0, 241, (2, width, 3))
    tag = np.int64(7) << 32 | 3 << 24
    bodies = tag | body[:, 0] | body[:, 1] << 8 | body[:, 2] << 16
    colors = (behind[:, 0] | behind[:, 1] << 8 | behind[:, 2] << 16 | 99 << 24).astype(np.uint32)
    noise = rng.integers(0, 13, width).astype(np.uint8)
    picture = np.full((3, width, 3), 77, np.uint8)
    finish_row(bare, inverse, bodies, colors, noise, picture[1])
    expected = np.where(inverse[:, None] > 0.0, body, behind) + noise[:, None]
    assert picture[1].tolist() == expected.tolist()
    assert (picture[[0, 2]] == 77).all(), "the rows beside it"


def test_a_ray_meets_the_ground_only_below_the_horizon() -> None:
    assert ground_hit(0.1, 1.4) == pytest.approx(14.0)
    assert ground_hit(0.0, 1.4) < 0.0
    assert ground_hit(-0.3, 1.4) < 0.0
