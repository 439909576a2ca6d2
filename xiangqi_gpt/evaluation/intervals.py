"""Means with intervals. Positions of one game are alike, so whole games are drawn again, not positions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
"""Bootstrap draws behind an interval."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over positions, and where it lies in 95 of 100 draws of as many games.

    Where all values are 0, or all are 1, draws say nothing: then the games are counted as hits or misses, and the
    interval is Wilson's.
    """

    mean: float
    low: float | None  # None where all positions are of one game, which is no evidence about others
    high: float | None
    count: int  # positions


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share of *hits* in *count*, which is at least 1 (Wilson 1927)."""
    z, share = 1.959964, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return middle - half if hits else 0.0, middle + half if hits < count else 1.0


def estimate(
    values: npt.ArrayLike,
    games: npt.ArrayLike,
    *,
    share: bool = True,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate | None:
    """The mean of *values* (positions,) with a 95 % interval; None where there are none.

    Args:
        values: one number per position.
        games: the number of the game of each position.
        share: whether values are shares or losses, which can be 0 everywhere by luck; not numbers of something.
        seed: of the draws; the same seed gives the same interval.
        resamples: how many draws.
    """
    value = np.asarray(values, dtype=np.float64)
    if not len(value):
        return None
    mean = float(value.mean())
    _, place = np.unique(np.asarray(games), return_inverse=True)
    sums, counts = np.bincount(place, value), np.bincount(place)
    if len(sums) == 1:
        return Estimate(mean=mean, low=None, high=None, count=len(value))
    if share and mean in (0, 1) and np.all(value == mean):
        low, high = wilson(int(mean) * len(sums), len(sums))
        return Estimate(mean=mean, low=low, high=high, count=len(value))
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for number in range(resamples):
        drawn = rng.integers(len(sums), size=len(sums))
        means[number] = sums[drawn].sum() / counts[drawn].sum()
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(mean=mean, low=float(low), high=float(high), count=len(value))


def estimate_text(value: Estimate | None, *, percent: bool = True) -> str:
    """ "39.1 % (38.0-40.2)" or "1.234 (1.210-1.259)"; "-" for None."""
    if value is None:
        return "-"
    factor, digits = (100, 1) if percent else (1, 3)
    mean = f"{factor * value.mean:.{digits}f}{' %' if percent else ''}"
    if value.low is None or value.high is None:
        return mean
    return f"{mean} ({factor * value.low:.{digits}f}-{factor * value.high:.{digits}f})"
