"""A match that ends as soon as it is decided: the sequential probability ratio test on pairs of games.

The logarithm of the likelihood ratio compares the likeliest distribution of pair results whose mean is that of the
second hypothesis with the likeliest whose mean is that of the first (a generalised test; results of pairs, not of
games, because the games of a pair share their opening).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xiangqi_gpt.arena.elo import MAX_ELO
from xiangqi_gpt.arena.referee import PlayedGame
from xiangqi_gpt.errors import ConfigError

_PAIR_SCORES = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST_COUNT = 1e-3  # stands for a count of 0: what has not been seen is still possible
_HALVINGS = 100


@dataclass(frozen=True, kw_only=True)
class Sprt:
    """Two hypotheses about the Elo difference of the first player, and the error rates of the decision."""

    elo0: float
    elo1: float
    alpha: float = 0.05  # probability of accepting elo1 where elo0 is true
    beta: float = 0.05  # probability of accepting elo0 where elo1 is true

    def __post_init__(self) -> None:
        if not -MAX_ELO < self.elo0 < self.elo1 < MAX_ELO:
            raise ConfigError(
                f"--sprt: expected two Elo differences, the lower one first, found {self.elo0:g},{self.elo1:g}"
            )

    @classmethod
    def parse(cls, text: str) -> Sprt:
        """The test of ``0,10``; ConfigError for other texts."""
        try:
            elo0, elo1 = (float(part) for part in text.split(","))
        except ValueError:
            raise ConfigError(f"--sprt: expected two Elo differences such as 0,10, found {text!r}") from None
        return cls(elo0=elo0, elo1=elo1)

    @property
    def bounds(self) -> tuple[float, float]:
        """The ratios at which elo0 and elo1 are accepted."""
        return math.log(self.beta / (1 - self.alpha)), math.log((1 - self.beta) / self.alpha)

    def llr(self, pentanomial: Sequence[int]) -> float:
        """The logarithm of the likelihood ratio.

        Args:
            pentanomial: how many pairs gave the first player 0, 0.5, 1, 1.5 and 2 points.
        """
        if not sum(pentanomial):
            return 0.0
        counts = [max(count, _LEAST_COUNT) for count in pentanomial]
        return _log_weight(counts, _score(self.elo0)) - _log_weight(counts, _score(self.elo1))


@dataclass(frozen=True)
class SprtState:
    """How a test stands.

    Attributes:
        test: the hypotheses.
        llr: the logarithm of the likelihood ratio.
        accepted: "H0" (elo0), "H1" (elo1) or None.
        games: how many games were looked at.
    """

    test: Sprt
    llr: float
    accepted: str | None
    games: int

    def __str__(self) -> str:
        low, high = self.test.bounds
        text = f"LLR {self.llr:+.2f} ({low:+.2f} to {high:+.2f})"
        if self.accepted is None:
            return text
        return f"{text}: {self.accepted} accepted, Elo {self._elo:+g}"

    @property
    def _elo(self) -> float:
        return self.test.elo1 if self.accepted == "H1" else self.test.elo0

    def as_dict(self) -> dict[str, Any]:
        """The machine-readable form."""
        return {
            "elo0": self.test.elo0,
            "elo1": self.test.elo1,
            "llr": round(self.llr, 4),
            "bounds": [round(bound, 4) for bound in self.test.bounds],
            "accepted": self.accepted,
        }


class SprtProgress:
    """A test that follows a match.

    Games are looked at in the order of their numbers, up to the first one that is missing, so that the decision does
    not depend on which game ended first.
    """

    def __init__(self, test: Sprt) -> None:
        self.state = SprtState(test, 0.0, None, 0)
        self._counts = [0] * len(_PAIR_SCORES)

    def look(self, games: Mapping[int, PlayedGame]) -> SprtState:
        """How the test stands with these games, those before among them; a decided test stays as it is."""
        test = self.state.test
        low, high = test.bounds
        number = self.state.games + 1
        while self.state.accepted is None and number in games and number + 1 in games:
            self._counts[round(2 * (games[number].points + games[number + 1].points))] += 1
            llr = test.llr(self._counts)
            accepted = "H1" if llr >= high else "H0" if llr <= low else None
            self.state = SprtState(test, llr, accepted, number + 1)
            number += 2
        return self.state


def _score(elo: float) -> float:
    """Mean score that a difference predicts."""
    return 1 / (1 + 10 ** (-elo / 400))


def _log_weight(counts: Sequence[float], mean: float) -> float:
    """Sum over the pairs of log(1 + x (score - mean)), with x so that the weighted distribution has this mean.

    The likeliest distribution with a given mean is count / (1 + x (score - mean)); x is the zero of a function that
    falls from one end of its range to the other.
    """
    low, high = -1 / (1 - mean), 1 / mean
    for _ in range(_HALVINGS):
        x = (low + high) / 2
        slope = sum(c * (s - mean) / (1 + x * (s - mean)) for c, s in zip(counts, _PAIR_SCORES, strict=True))
        low, high = (x, high) if slope > 0 else (low, x)
    return sum(c * math.log1p(x * (s - mean)) for c, s in zip(counts, _PAIR_SCORES, strict=True))
