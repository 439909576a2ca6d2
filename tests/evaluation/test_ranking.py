"""The area under the ROC curve, against a count of all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from xiangqi_gpt.evaluation.ranking import area_under_curve


def by_pairs(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> float:
    won = pairs = 0.0
    for i in np.flatnonzero(positive):
        for j in np.flatnonzero(~positive):
            if groups[i] == groups[j]:
                pairs += 1
                won += 1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0
    return won / pairs


@pytest.mark.parametrize("seed", range(5))
def test_the_area_equals_a_count_of_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, 60).astype(float)  # many ties
    positive = rng.random(60) < 0.2 + 0.1 * scores
    groups = rng.integers(0, 4, 60)
    games = np.arange(60) // 6
    whole = area_under_curve(scores, positive, games, resamples=50)
    grouped = area_under_curve(scores, positive, games, groups=groups, resamples=50)
    assert whole is not None
    assert grouped is not None
    assert whole.mean == pytest.approx(by_pairs(scores, positive, np.zeros(60)))
    assert grouped.mean == pytest.approx(by_pairs(scores, positive, groups))
    assert whole.low is not None
    assert whole.high is not None
    assert whole.low <= whole.mean <= whole.high


def test_the_ends_and_what_cannot_be_compared() -> None:
    games = [0, 0, 1, 1]
    best = area_under_curve([1, 2, 3, 4], [False, False, True, True], games)
    worst = area_under_curve([1, 2, 3, 4], [True, True, False, False], games)
    assert best is not None
    assert worst is not None
    assert (best.mean, worst.mean) == (1.0, 0.0)
    assert area_under_curve([1, 2], [True, True], [0, 1]) is None
    assert area_under_curve([], [], []) is None
    # One positive and one negative, never in one group.
    assert area_under_curve([1, 2], [True, False], [0, 1], groups=[0, 1]) is None
    # One game is no evidence about others.
    single = area_under_curve([1, 2], [False, True], [0, 0])
    assert single is not None
    assert (single.mean, single.low) == (1.0, None)


def test_the_interval_comes_from_whole_games() -> None:
    # Ten copies of every position say nothing more, if they are of the same game.
    rng = np.random.default_rng(0)
    scores = rng.normal(size=40)
    positive = scores + rng.normal(size=40) > 0
    games = np.arange(40) // 4
    once = area_under_curve(scores, positive, games)
    often = area_under_curve(np.repeat(scores, 10), np.repeat(positive, 10), np.repeat(games, 10))
    assert once == (often and type(often)(mean=often.mean, low=often.low, high=often.high, count=40))
