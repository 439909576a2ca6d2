"""Intervals: they cover the truth as often as they say, and do so only by drawing whole games."""

from __future__ import annotations

import numpy as np
import pytest

from xiangqi_gpt.evaluation.intervals import estimate, estimate_text, wilson


def test_the_mean_lies_inside_and_the_seed_decides() -> None:
    values, games = [0.0, 1.0, 1.0, 0.0, 1.0], [0, 0, 1, 1, 2]
    found = estimate(values, games)
    assert found is not None
    assert found.mean == pytest.approx(0.6)
    assert found.count == 5
    assert (found.low, found.high) == (0.5, 1.0)
    assert found == estimate(values, games, seed=0)
    assert estimate([], []) is None
    assert estimate_text(None) == "-"
    assert estimate_text(found) == "60.0 % (50.0-100.0)"
    assert estimate_text(found, percent=False) == "0.600 (0.500-1.000)"


def test_one_game_has_no_interval() -> None:
    found = estimate([0.0, 1.0], [4, 4])
    assert found is not None
    assert (found.mean, found.low, found.high) == (0.5, None, None)
    assert estimate_text(found) == "50.0 %"


def test_what_always_happened_need_not_always_happen() -> None:
    """Bounds of binomtest(n, n).proportion_ci(method="wilson") of SciPy: n / (n + z ** 2)."""
    for number, bound in ((2, 0.3424), (10, 0.7225), (500, 0.9924)):
        games = np.arange(3 * number) // 3
        always, never = estimate(np.ones(3 * number), games), estimate(np.zeros(3 * number), games)
        assert always is not None
        assert never is not None
        assert (always.mean, always.low, always.high) == (1, pytest.approx(bound, abs=1e-4), 1)
        assert (never.mean, never.low, never.high) == (0, 0, pytest.approx(1 - bound, abs=1e-4))
    lengths = estimate([1, 1, 1], [0, 1, 2], share=False)
    assert lengths is not None
    assert (lengths.low, lengths.high) == (1, 1)
    low, high = wilson(3, 10)
    assert (low, high) == (pytest.approx(0.1078, abs=1e-4), pytest.approx(0.6032, abs=1e-4))


def test_intervals_cover_the_truth_of_alike_positions() -> None:
    rng = np.random.default_rng(5)
    covered = by_position = 0
    for trial in range(100):
        # 40 games with a level of their own (mean 0.5) and 25 alike positions each.
        levels = np.repeat(rng.normal(0.5, 0.2, 40), 25)
        values = levels + rng.normal(0, 0.05, 1000)
        whole = estimate(values, np.repeat(np.arange(40), 25), seed=trial, resamples=200)
        single = estimate(values, np.arange(1000), seed=trial, resamples=200)
        assert whole is not None
        assert single is not None
        covered += (whole.low or 1) <= 0.5 <= (whole.high or 0)
        by_position += (single.low or 1) <= 0.5 <= (single.high or 0)
    assert covered >= 87
    assert by_position < 60
