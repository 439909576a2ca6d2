"""The strength of one player against the other, estimated from games.

The games of a pair share their opening, so they are not independent: the interval comes from the scores of
whole pairs, not of single games (a 1-1 pair out of a lopsided opening says nothing about strength and adds
no noise).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MAX_ELO = 1200.0
"""Largest difference reported, a score of 99.9 %: no match of ours can resolve more."""

_Z95 = 1.959964


@dataclass(frozen=True)
class EloEstimate:
    """A difference in Elo points (positive: the first player is stronger) with its 95 % interval."""

    elo: float
    low: float
    high: float


def elo_difference(score: float) -> float:
    """Elo difference that predicts a mean score of 0..1, cut off at +-`MAX_ELO`."""
    if score <= 0:
        return -MAX_ELO
    if score >= 1:
        return MAX_ELO
    return max(-MAX_ELO, min(MAX_ELO, 400 * math.log10(score / (1 - score))))


def estimate_elo(points: Sequence[float]) -> EloEstimate:
    """Elo difference of the first player from its points in order of play.

    Games 0 and 1 are the first pair, 2 and 3 the second. Otherwise as :func:`estimate_from_pairs`.

    Args:
        points: 1, 0.5 or 0 for each game, from the first player's view. No games: 0, and the widest interval.
    """
    return estimate_from_pairs(points, [points[i] + points[i + 1] for i in range(0, len(points) - 1, 2)])


def estimate_from_pairs(points: Sequence[float], pairs: Sequence[float]) -> EloEstimate:
    """Elo difference of the first player from the points of its games and of its whole pairs.

    A game whose pair is not finished counts for the estimate, not for the interval. Where every point was won or
    lost, the estimate is that of a score half a point short. The interval adds one pair won and one pair lost to
    those played, which keeps it honest for few pairs and for clean sweeps.

    Args:
        points: 1, 0.5 or 0 for each game, from the first player's view. No games: 0, and the widest interval.
        pairs: 0..2 for each pair of games.
    """
    games = len(points)
    if not games:
        return EloEstimate(0.0, -MAX_ELO, MAX_ELO)
    short = 0.5 / games
    elo = elo_difference(min(1 - short, max(short, sum(points) / games)))
    scores = [*(pair / 2 for pair in pairs), 0.0, 1.0]
    mean = sum(scores) / len(scores)
    variance = sum((score - mean) ** 2 for score in scores) / len(scores)
    half = _Z95 * math.sqrt(variance / len(scores))
    low, high = elo_difference(mean - half), elo_difference(mean + half)
    return EloEstimate(elo, min(low, elo), max(high, elo))
