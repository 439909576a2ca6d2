"""Centipawns and chances: what an engine's score says about how a game ends."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from xiangqi_gpt.players.base import Value


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
