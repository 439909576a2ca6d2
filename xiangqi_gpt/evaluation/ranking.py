"""How well a score ranks: the area under the ROC curve, with an interval from a bootstrap over games."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.evaluation.intervals import RESAMPLES, Estimate

Numbers = npt.NDArray[np.float64]


class _Ranking:
    """N scores in order, once; each call weighs them anew."""

    def __init__(self, scores: npt.ArrayLike, is_positive: npt.ArrayLike, groups: npt.ArrayLike) -> None:
        score, group = np.asarray(scores, np.float64), np.asarray(groups)
        self.order = np.lexsort((score, group))
        self.positive = np.asarray(is_positive, bool)[self.order]
        score, group = score[self.order], group[self.order]
        starts = np.r_[True, group[1:] != group[:-1]]
        ties = starts | np.r_[True, score[1:] != score[:-1]]
        self._tie_at = np.flatnonzero(ties)
        self._group_of_tie = (np.cumsum(starts) - 1)[self._tie_at]
        self._groups = int(starts.sum())

    def area(self, weights: Numbers) -> float | None:
        """The share of pairs of one positive and one negative of a group in which the positive has the higher score.

        Equal scores count half. None where there is no pair.
        """
        weight = weights[self.order]
        positive = np.add.reduceat(weight * self.positive, self._tie_at)
        negative = np.add.reduceat(weight * ~self.positive, self._tie_at)
        of_group = np.bincount(self._group_of_tie, negative, self._groups)
        before = np.cumsum(negative) - negative - (np.cumsum(of_group) - of_group)[self._group_of_tie]
        pairs = (np.bincount(self._group_of_tie, positive, self._groups) * of_group).sum()
        return float((positive * (before + negative / 2)).sum() / pairs) if pairs else None


def area_under_curve(
    scores: npt.ArrayLike,
    is_positive: npt.ArrayLike,
    games: npt.ArrayLike,
    *,
    groups: Any = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate | None:
    """How well *scores* (N,) tell the positives from the others: 0.5 is chance, 1 perfect.

    Args:
        scores: higher for what is taken to be positive.
        is_positive: (N,) what is.
        games: (N,) the number of the game of each; whole games are drawn again for the interval.
        groups: (N,) only pairs of one group are compared, such as positions of nearly the same ply; default: all.
        seed: of the draws.
        resamples: how many draws.

    Returns:
        The area with its 95 % interval; None where there are no pairs to compare.
    """
    count = len(np.asarray(is_positive))
    if not count:
        return None
    ranking = _Ranking(scores, is_positive, np.zeros(count) if groups is None else groups)
    whole = ranking.area(np.ones(count))
    if whole is None:
        return None
    _, place = np.unique(np.asarray(games), return_inverse=True)
    number = int(place.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples if number > 1 else 0):
        times = np.bincount(rng.integers(number, size=number), minlength=number)
        area = ranking.area(times[place].astype(np.float64))
        if area is not None:
            drawn.append(area)
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist() if drawn else (None, None)
    return Estimate(mean=whole, low=low, high=high, count=count)
