from __future__ import annotations

import random

import pytest

from xiangqi_gpt.arena.elo import MAX_ELO, elo_difference, estimate_elo


@pytest.mark.parametrize(("score", "elo"), [(0.5, 0.0), (0.75, 190.85), (10 / 11, 400.0), (0.25, -190.85)])
def test_elo_of_a_score(score: float, elo: float) -> None:
    assert elo_difference(score) == pytest.approx(elo, abs=0.01)


@pytest.mark.parametrize("score", [-0.2, 0.0, 1e-9, 1.0, 1.4])
def test_impossible_scores_are_cut_off(score: float) -> None:
    assert abs(elo_difference(score)) == MAX_ELO


def test_clean_sweeps_stay_finite_and_symmetric() -> None:
    won, lost = estimate_elo([1.0] * 100), estimate_elo([0.0] * 100)
    assert won.elo == pytest.approx(elo_difference(0.995))
    assert won.low > 300
    assert won.high == MAX_ELO
    assert (lost.low, lost.elo, lost.high) == pytest.approx((-won.high, -won.elo, -won.low))
    # More games of the same kind say more.
    assert estimate_elo([1.0] * 400).low > won.low > estimate_elo([1.0] * 10).low


@pytest.mark.parametrize("points", [[], [1.0], [0.5], [0.0], [1.0, 1.0], [0.5, 0.5, 1.0]])
def test_few_games_say_little(points: list[float]) -> None:
    estimate = estimate_elo(points)
    assert estimate.low <= estimate.elo <= estimate.high
    assert estimate.high - estimate.low > 400


def test_pairs_and_not_games_make_the_interval() -> None:
    # Every opening is won by Red whoever plays: fifty even pairs, no doubt about equality.
    split = estimate_elo([1.0, 0.0] * 50)
    # The same points, but each pair is won or lost as a whole.
    swept = estimate_elo([1.0, 1.0, 0.0, 0.0] * 25)
    assert split.elo == swept.elo == 0.0
    assert split.high < 40 < 80 < swept.high


def test_interval_covers_the_truth() -> None:
    lot = random.Random(1)
    for truth in (0.5, 0.8):
        covered = 0
        for _ in range(400):
            points = [float(lot.random() < truth) for _ in range(60)]
            estimate = estimate_elo(points)
            covered += estimate.low <= elo_difference(truth) <= estimate.high
        assert covered / 400 > 0.92
