"""Intervals and tests against textbook numbers and scipy."""

import numpy as np
import pytest
from scipy import stats

from drive.scoring.statistics import bootstrap_mean_interval, mcnemar_exact, wilson_interval


def test_wilson_by_hand() -> None:
    # p = 0.8, n = 10, z = 1.96: (0.8 + z^2/20 +- z sqrt(0.8 * 0.2 / 10 + z^2 / 400)) / (1 + z^2 / 10)
    middle, half = (0.8 + 0.19207) / 1.38415, 0.31362 / 1.38415
    assert wilson_interval(8, 10) == pytest.approx((middle - half, middle + half), abs=1e-4)


def test_wilson_at_the_ends() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(10, 10).high == pytest.approx(1.0)
    assert 0.7 < wilson_interval(10, 10).low < 0.73
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson_interval(3, 2)


def test_bootstrap_by_the_formulas_of_its_paper() -> None:
    # Efron, Better bootstrap confidence intervals, 1987: z0 and a of the mean, written out.
    sample = np.random.default_rng(1).gamma(1.5, 0.1, 40)
    means = np.random.default_rng(2).choice(sample, (20000, 40)).mean(axis=1)
    bias = stats.norm.ppf((means < sample.mean()).mean())
    deviation = sample - sample.mean()
    acceleration = (deviation**3).sum() / (6.0 * (deviation**2).sum() ** 1.5)
    shifted = bias + stats.norm.ppf([0.025, 0.975])
    wanted = np.quantile(means, stats.norm.cdf(bias + shifted / (1.0 - acceleration * shifted)))
    assert bootstrap_mean_interval(sample) == pytest.approx(wanted, abs=0.04 * np.ptp(wanted))


def test_bootstrap_intervals_are_those_of_earlier_reports() -> None:
    sample = np.array([0.031, 0.044, 0.027, 0.12, 0.05, 0.039, 0.061])
    assert bootstrap_mean_interval(sample) == pytest.approx((0.03828571428571428, 0.086), abs=1e-12)


def test_bootstrap_is_the_same_every_time_and_covers_the_mean() -> None:
    sample = np.random.default_rng(3).normal(size=30)
    first, second = bootstrap_mean_interval(sample), bootstrap_mean_interval(sample.tolist())
    assert first == second
    assert first is not None and first.low < sample.mean() < first.high


def test_bootstrap_of_too_little() -> None:
    assert bootstrap_mean_interval([]) is None
    assert bootstrap_mean_interval([1.0]) is None
    assert bootstrap_mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert bootstrap_mean_interval([0.0, 1.0]) == (0.0, 1.0)


def test_mcnemar_by_hand() -> None:
    # 9 against 1 of 10: p = 2 (C(10, 0) + C(10, 1)) / 2^10
    first = [True] * 9 + [False] + [True] * 5 + [False] * 2
    second = [False] * 9 + [True] + [True] * 5 + [False] * 2
    pair = mcnemar_exact(first, second)
    assert (pair.both, pair.only_first, pair.only_second, pair.neither) == (5, 9, 1, 2)
    assert pair.p_value == pytest.approx(22 / 1024)


def test_mcnemar_without_a_difference_says_nothing() -> None:
    assert mcnemar_exact([True, False], [True, False]).p_value == 1.0
    with pytest.raises(ValueError, match="got 1 and 2"):
        mcnemar_exact([True], [True, False])
