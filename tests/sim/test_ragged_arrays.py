import numpy as np

from drive.sim.ragged_arrays import RaggedArrays


def test_pool_agrees_with_a_list_of_arrays_under_random_replacements():
    rng = np.random.default_rng(0)
    pool, expected = RaggedArrays(np.float64, 7), [np.zeros(0)] * 7
    for _ in range(500):
        slot = int(rng.integers(7))
        expected[slot] = rng.normal(size=int(rng.integers(0, 60)))
        pool.put(slot, expected[slot])
        for i in range(7):
            np.testing.assert_array_equal(pool[i], expected[i])
    assert len(pool.data) < 8 * 7 * 60
    order = np.argsort(pool.begin)
    assert np.all(pool.end[order][:-1] <= pool.begin[order][1:]), "ranges overlap"
