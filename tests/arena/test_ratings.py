from __future__ import annotations

import numpy as np
import pytest

from xiangqi_gpt.arena.elo import elo_difference
from xiangqi_gpt.arena.ratings import bradley_terry


def points_of(elo: list[float], games: float) -> np.ndarray:
    """The points that ratings predict."""
    ratings = np.array(elo)
    shares = 1 / (1 + 10 ** ((ratings[None, :] - ratings[:, None]) / 400))
    np.fill_diagonal(shares, 0)
    return games * shares


def test_two_players_have_the_difference_of_their_score() -> None:
    first, second = bradley_terry(np.array([[0.0, 30.0], [10.0, 0.0]]))
    assert first.elo - second.elo == pytest.approx(elo_difference(0.75), abs=1)
    assert first.elo == pytest.approx(-second.elo)
    # Near the textbook error of a score of 75 % in 40 games, seen from the mean of both.
    error = 400 / np.log(10) / np.sqrt(40 * 0.75 * 0.25)
    assert first.high - first.elo == pytest.approx(1.96 * error / 2, rel=0.02)


def test_the_ratings_behind_the_points_are_found() -> None:
    truth = [-700.0, -250.0, 0.0, 150.0, 800.0]
    found = bradley_terry(points_of(truth, 100), {2: 0.0})
    assert [rating.elo for rating in found] == pytest.approx(truth, abs=5)
    assert (found[2].low, found[2].high) == (0, 0)
    assert all(rating.low < rating.elo < rating.high for rating in found[:2] + found[3:])
    # More games, better known.
    wide = bradley_terry(points_of(truth, 10), {2: 0.0})
    assert wide[0].high - wide[0].low > 2 * (found[0].high - found[0].low)


def test_anchors_fix_the_scale() -> None:
    points = points_of([0, 100, 200], 50)
    (low, _, high) = bradley_terry(points, {1: 2000.0})
    assert (low.elo, high.elo) == pytest.approx((1900, 2100), abs=3)
    both = bradley_terry(points, {0: 0.0, 2: 500.0})
    assert (both[0].elo, both[2].elo) == (0, 500)
    assert both[1].elo == pytest.approx(250, abs=1)
    assert [rating.elo for rating in bradley_terry(points, {0: 1.0, 1: 2.0, 2: 3.0})] == [1, 2, 3]


def test_what_games_leave_open_is_finite_and_wide() -> None:
    won, lost = bradley_terry(np.array([[0.0, 20.0], [0.0, 0.0]]))
    assert 600 < won.elo - lost.elo < 1500
    assert won.high - won.low > 500
    # Two groups that never met.
    points = np.zeros((4, 4))
    points[0, 1], points[1, 0] = 30, 10
    points[2, 3], points[3, 2] = 10, 30
    apart = bradley_terry(points)
    assert apart[0].elo == pytest.approx(apart[3].elo)
    assert min(rating.high - rating.low for rating in apart) > 2000
    # No games at all.
    assert [rating.elo for rating in bradley_terry(np.zeros((2, 2)))] == [0, 0]


def test_far_apart_and_uneven_games_converge() -> None:
    truth = [0.0, 1500.0, -1500.0, 40.0]
    points = points_of(truth, 10_000)
    points[1, 3] = points[3, 1] = 0
    assert [rating.elo for rating in bradley_terry(points, {0: 0.0})] == pytest.approx(truth, abs=8)


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    truth = [0.0, 120.0, -200.0, 300.0]
    shares = points_of(truth, 1)
    inside = 0
    for _ in range(200):
        wins = np.triu(rng.binomial(30, shares), 1).astype(float)
        points = wins + np.tril(30 - wins.T, -1)
        found = bradley_terry(points, {0: 0.0})
        inside += sum(r.low <= t <= r.high for r, t in zip(found[1:], truth[1:], strict=True))
    assert 0.92 < inside / 600 < 0.98
