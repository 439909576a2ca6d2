"""Ratings of many players from their games with each other: the Bradley-Terry model.

The expected score of player i against player j is 1 / (1 + 10 ** ((R_j - R_i) / 400)); a draw is half a win. The
ratings are the likeliest ones under a very wide normal distribution (`PRIOR_ELO`), which matters only where the games
leave a rating open: for a player that has won or lost everything, and for groups that have not played each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

PRIOR_ELO = 2000.0
"""Standard deviation of the ratings before any game, around the mean of the anchors or 0."""

_ELO = 400 / math.log(10)  # Elo points of one nat
_Z95 = 1.959964
_MOST_STEPS = 500
_LONGEST_STEP = 1.0  # nats
_PRECISION = 1e-10  # nats


@dataclass(frozen=True)
class Rating:
    """A rating in Elo points with its 95 % interval; both ends are the rating itself for an anchor."""

    elo: float
    low: float
    high: float


def bradley_terry(points: np.ndarray, anchors: Mapping[int, float] | None = None) -> tuple[Rating, ...]:
    """The ratings of n players.

    The intervals are those of independent games. Draws, and openings that are played with both colours, make the
    true ones narrower.

    Args:
        points: (n, n), float. Entry [i, j] is the sum of the points (1, 0.5 or 0) of player i against player j.
        anchors: ratings that are given, by player. Without them the mean of all ratings is 0, and the intervals are
            those of the distance to this mean.
    """
    known = dict(anchors or {})
    count = len(points)
    games = points + points.T
    centre = float(np.mean(list(known.values()))) / _ELO if known else 0.0
    theta = np.full(count, centre)
    for player, elo in known.items():
        theta[player] = elo / _ELO
    free = np.array([player for player in range(count) if player not in known], dtype=int)
    weight = (_ELO / PRIOR_ELO) ** 2
    for _ in range(_MOST_STEPS):
        gradient, information = _derivatives(points, games, theta, centre, weight)
        if not len(free):
            break
        step = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
        # Far from the solution a full step overshoots.
        step *= min(1.0, _LONGEST_STEP / max(_PRECISION, float(np.abs(step).max())))
        theta[free] += step
        if np.abs(step).max() < _PRECISION:
            break
    errors = np.zeros(count)
    if len(free):
        covariance = np.linalg.inv(information[np.ix_(free, free)])
        errors[free] = np.sqrt(_variances(covariance, is_centred=not known))
    ratings = []
    for player in range(count):
        elo = known.get(player, float(theta[player]) * _ELO)
        half = _Z95 * float(errors[player]) * _ELO
        ratings.append(Rating(elo, elo - half, elo + half))
    return tuple(ratings)


def _derivatives(
    points: np.ndarray, games: np.ndarray, theta: np.ndarray, centre: float, weight: float
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (n,) of the log posterior, and minus its second derivative (n, n)."""
    expected = 1 / (1 + np.exp(np.clip(theta[None, :] - theta[:, None], -700, 700)))
    gradient = (points - games * expected).sum(1) - weight * (theta - centre)
    curvature = games * expected * (1 - expected)
    information = np.diag(curvature.sum(1) + weight) - curvature
    return gradient, information


def _variances(covariance: np.ndarray, *, is_centred: bool) -> np.ndarray:
    """Variances of the ratings, or of their distances to the mean."""
    if is_centred:
        size = len(covariance)
        centring = np.eye(size) - 1 / size
        covariance = centring @ covariance @ centring
    return np.maximum(np.diag(covariance), 0.0)
