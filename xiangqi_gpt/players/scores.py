"""Centipawns and chances: the expected result for an engine's score."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from xiangqi_gpt.players.base import Analysis, Line, Value


class ScoreCurve(NamedTuple):
    """Two logistic curves: a win is as likely as not at *midpoint* centipawns, a loss at minus as many."""

    midpoint: float  # centipawns
    scale: float  # centipawns, above 0

    def chances(self, cp: np.ndarray | float) -> np.ndarray:
        """Win, draw and loss (..., 3) float64 for the side to move from its centipawns (...)."""
        cp = np.clip(np.asarray(cp, dtype=np.float64), -20_000, 20_000)  # beyond, an exponential overflows
        win = 1 / (1 + np.exp(-(cp - self.midpoint) / self.scale))
        loss = 1 / (1 + np.exp(-(-cp - self.midpoint) / self.scale))
        return np.stack([win, 1 - win - loss, loss], -1)

    def centipawns(self, value: Value) -> int:
        """Centipawns that stand for winning chances; +-2000 at most."""
        win, loss = (min(1 - 1e-6, max(1e-6, chance)) for chance in (value.win, value.loss))
        cp = self.scale / 2 * (math.log(win / (1 - win)) - math.log(loss / (1 - loss)))
        return round(max(-2000.0, min(2000.0, cp)))


PIKAFISH = ScoreCurve(173.0, 168.0)
"""The teacher of our games, fitted on those that it played against itself without noise."""


class EngineCurve(NamedTuple):
    """What the scores of one kind of engine mean."""

    curve: ScoreCurve
    tempo: float = 0.0  # centipawns by which its scores favour the side to move

    def points(self, cp: float) -> float:
        """Expected points (0..1) of the side to move from its centipawns."""
        win, draw, _ = self.curve.chances(cp - self.tempo).tolist()
        return float(win + draw / 2)

    def centipawns_of_points(self, points: float) -> float:
        """The centipawns for which the curve gives these points (0..1); +-2000 at most."""
        # (1 + sinh x / (cosh x + cosh a)) / 2 with x = cp / scale, a = midpoint / scale, solved for exp x.
        balance = min(1 - 1e-9, max(-1 + 1e-9, 2 * points - 1))
        wide = balance * math.cosh(self.curve.midpoint / self.curve.scale)
        cp = self.curve.scale * math.log((wide + math.hypot(wide, math.sqrt(1 - balance**2))) / (1 - balance))
        return max(-2000.0, min(2000.0, cp + self.tempo))


TEACHER = EngineCurve(PIKAFISH)

FAIRY_STOCKFISH = EngineCurve(ScoreCurve(170.0, 165.0), tempo=35.0)
"""On 1,965 positions of the sample, at 2,000 nodes: 0.98 times the teacher's scores and 32 centipawns more. Two scores
in a row of one game, which should cancel, sum to 70 at 20,000 nodes, and to 140 at 2,000.
"""


class SearchCurve(NamedTuple):
    """What the mean values of a search with few descents mean.

    They shrink towards the middle: many of the lines that they are the mean of would not be played.
    """

    sharpness: float  # by which the logarithm of the odds is multiplied

    def points(self, value: float) -> float:
        """Expected points (0..1) behind a move of this mean value, -1..1."""
        won, lost = ((1 + sign * min(1.0, max(-1.0, value))) / 2 for sign in (1, -1))
        return float(won**self.sharpness / (won**self.sharpness + lost**self.sharpness))


GPT_SEARCH = SearchCurve(1.5)
"""Of the lookahead, chosen on held-out games (docs/evaluation.md, the quality of a review)."""


def curve_of(engine: str) -> EngineCurve:
    """The curve of an engine by its own name (`own_name_of`); the teacher's for those that have none of their own."""
    return FAIRY_STOCKFISH if "fairy" in engine.lower() else TEACHER


def with_chances(analysis: Analysis, engine: str) -> Analysis:
    """The analysis with the chances behind every line that has a score, by the curve of the engine.

    The position is worth what its first line is, where the player does not say so itself.

    Args:
        engine: its own name (`own_name_of`), which decides what its centipawns mean.
    """
    curve = curve_of(engine)
    lines = tuple(_with_chances(line, curve) for line in analysis.lines)
    value = analysis.value or (lines[0].value if lines else None)
    return replace(analysis, lines=lines, value=value)


def _with_chances(line: Line, curve: EngineCurve) -> Line:
    if line.value is not None or line.score_cp is None:
        return line
    win, draw, loss = curve.curve.chances(line.score_cp - curve.tempo).tolist()
    return replace(line, value=Value(win, draw, loss))
