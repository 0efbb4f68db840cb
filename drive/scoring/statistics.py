"""Intervals and paired tests for few hundred drives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95
RESAMPLES = 4999
SEED = 20


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def wilson_interval(successes: int, trials: int) -> Interval:
    """Wilson's score interval of a rate; (0, 1) without a trial.

        (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Wilson 1927. Unlike p +- z s it never leaves [0, 1] and does not shrink to nothing at 0 or 100 %.

    Raises:
        ValueError: not 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials; give 0 <= successes <= trials.")
    if trials == 0:
        return Interval(0.0, 1.0)
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(confidence_level=CONFIDENCE, method="wilson")
    return Interval(float(found.low), float(found.high))


def bootstrap_mean_interval(values: ArrayLike) -> Interval | None:
    """Bootstrap interval of a mean over episodes, seeded: the same values give the same interval.

    Bias-corrected and accelerated (Efron 1987), 4,999 resamples. None for fewer than two values, which say
    nothing about spread.
    """
    sample = np.asarray(values, np.float64).ravel()
    if len(sample) < 2:
        return None
    if np.all(sample == sample[0]):
        return Interval(float(sample[0]), float(sample[0]))
    from scipy.stats import bootstrap

    rng = np.random.default_rng(SEED)
    found = bootstrap(
        (sample,), np.mean, n_resamples=RESAMPLES, batch=500, confidence_level=CONFIDENCE, rng=rng
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two agents on the same scenarios, success against success."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float


def mcnemar_exact(first: Sequence[bool], second: Sequence[bool]) -> Pair:
    """McNemar's exact test of two agents on the same scenarios.

    Only scenarios that one agent managed and the other did not say anything; were the agents equal, each
    would win such a scenario with probability 1/2 (two-sided binomial test). McNemar 1947.

    Raises:
        ValueError: the sequences differ in length.
    """
    from scipy.stats import binomtest

    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if a.shape != b.shape:
        raise ValueError(f"McNemar compares pairs: got {len(a)} and {len(b)} drives.")
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    apart = only_first + only_second
    p_value = 1.0 if apart == 0 else float(binomtest(only_first, apart, 0.5).pvalue)
    return Pair(int((a & b).sum()), only_first, only_second, int((~a & ~b).sum()), p_value)
