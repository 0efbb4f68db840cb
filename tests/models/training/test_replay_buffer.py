"""The bounded replay buffer: what it keeps, what it holds back, and what is drawn from it."""

import numpy as np
import pytest

from drive.models.networks.pilotnet import PILOTNET
from drive.models.training.replay_buffer import HELD_EVERY, STRETCH, ReplayBuffer

PICTURE = PILOTNET.picture_shape


def filled(count: int, capacity: int = 400, seed: int = 0) -> ReplayBuffer:
    """A buffer that saw `count` pictures; the speed numbers them."""
    buffer = ReplayBuffer(PILOTNET, capacity, 4, np.random.default_rng(seed))
    for first in range(0, count, 50):
        number = np.arange(first, min(first + 50, count), dtype=np.float32)
        pictures = np.broadcast_to(
            (number % 256).astype(np.uint8)[:, None, None, None], (len(number), *PICTURE)
        )
        steering = np.where(number % 40 == 0, 0.8, 0.0).astype(np.float32)
        buffer.add(pictures, {"speed": number[:, None]}, steering[:, None])
    return buffer


def numbers(buffer: ReplayBuffer) -> set[int]:
    """Which pictures it still holds."""
    return set(buffer._inputs["speed"][: buffer.size, 0].astype(int))


def test_it_keeps_everything_until_it_is_full() -> None:
    buffer = filled(399)
    assert (buffer.size, buffer.seen) == (399, 399)
    assert numbers(buffer) == set(range(399))


def test_a_full_one_keeps_the_newest_and_drops_others_at_random() -> None:
    buffer = filled(1200)
    assert (buffer.size, buffer.seen, buffer.capacity) == (400, 1200, 400)
    kept = numbers(buffer)
    assert 1199 in kept
    old, new = sum(n < 400 for n in kept), sum(n >= 800 for n in kept)
    assert 0 < old < 150 < new < 400  # exp(-2) of the oldest are left: 54 of 400
    pictures = buffer._pictures[: buffer.size, 0, 0, 0]
    np.testing.assert_array_equal(pictures, buffer._inputs["speed"][: buffer.size, 0] % 256)


def test_one_stretch_of_ten_is_never_trained_on() -> None:
    buffer = filled(400)
    held = buffer._inputs["speed"][buffer.held, 0].astype(int)
    assert set(held // STRETCH % HELD_EVERY) == {HELD_EVERY - 1}
    assert len(held) == 400 // HELD_EVERY
    batch = buffer.draw(2000)
    assert not set(batch.inputs["speed"][:, 0].astype(int)) & set(held)
    assert (batch.share.sum(axis=1) > 0).all()
    assert set(buffer.draw_held(1000).inputs["speed"][:, 0].astype(int)) == set(held)
    assert buffer.draw_held(10).share.sum() == 0.0


def test_members_learn_from_stretches_of_their_own() -> None:
    buffer = filled(400)
    share = buffer._share[:400].reshape(-1, STRETCH, 4)
    assert (share == share[:, :1]).all(), "neighbouring frames share a draw"
    trained = share[:, 0][share[:, 0].any(axis=1)]
    assert len(np.unique(trained, axis=0)) > 5
    assert np.corrcoef(trained.T)[0, 1] < 0.9
    assert trained.mean() == pytest.approx(1.0, abs=0.3)


def test_rare_steering_is_drawn_more_often_where_that_is_asked_for() -> None:
    buffer = filled(400)
    plain = (buffer.draw(4000).labels > 0.5).mean()
    balanced = (buffer.draw(4000, balance=0.5).labels > 0.5).mean()
    assert plain == pytest.approx(1 / 40, abs=0.012)
    buffer._fresh = 10**6
    balanced = (buffer.draw(4000, balance=0.5).labels > 0.5).mean()
    assert balanced > 3.0 * plain


def test_the_same_seed_draws_the_same() -> None:
    one, two = filled(900, seed=3), filled(900, seed=3)
    np.testing.assert_array_equal(one.draw(64).inputs["speed"], two.draw(64).inputs["speed"])
    assert (one.draw(64).inputs["speed"] != filled(900, seed=4).draw(64).inputs["speed"]).any()


def test_an_empty_one_says_so_and_too_small_a_one_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to train on"):
        ReplayBuffer(PILOTNET, 400, 4, np.random.default_rng(0)).draw(8)
    with pytest.raises(ValueError, match="at least 200"):
        ReplayBuffer(PILOTNET, 199, 4, np.random.default_rng(0))
