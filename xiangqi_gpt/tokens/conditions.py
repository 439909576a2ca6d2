"""Tokens before a context that state how the game ends and how strong the players are.

At play time, a model trained with them can be asked for the moves of games that were won, or of strong players. They
stand before BOS and are inputs only: they are never targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.pieces import Color

CONDITIONS: Final = ("none", "result", "strength", "result+strength")
UNKNOWN_RESULT: Final = 2
UNKNOWN_STRENGTH: Final = 0

_RESULTS: Final = {UNKNOWN_RESULT: "?", 1: "red wins", 0: "drawn", -1: "black wins"}
STRENGTH_EDGES: Final = (1, 1000, 1400, 1800, 2200, 2600)
"""The lower ends of the classes of Elo ratings that share a token."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The result and the strength requested from a model, seen from the side to move; None leaves one open."""

    result: str | None = None  # "win", "draw" or "loss" of the side to move
    strength: int | None = None  # Elo of the side to move

    def __post_init__(self) -> None:
        if self.result not in (None, "win", "draw", "loss"):
            raise ConfigError(f"result: expected win, draw or loss, found {self.result!r}")
        if self.strength is not None and not 1 <= self.strength <= 9999:
            raise ConfigError(f"strength: expected an Elo rating from 1 to 9999, found {self.strength!r}")

    def seen_by_red(self, turn: int) -> tuple[int, tuple[int, int]]:
        """The result (1 Red wins, 0 drawn, -1, UNKNOWN_RESULT) and the ratings of Red and Black, for side *turn*."""
        sign = 1 if turn == Color.RED else -1
        result = (
            UNKNOWN_RESULT if self.result is None else sign * {"win": 1, "draw": 0, "loss": -1}[self.result]
        )
        own = self.strength or UNKNOWN_STRENGTH
        return result, (own, UNKNOWN_STRENGTH) if turn == Color.RED else (UNKNOWN_STRENGTH, own)


class ConditionTokens:
    """The condition tokens of one vocabulary.

    ``kind`` is one of CONDITIONS. ``tokens`` are the names, with ids from ``first_id`` on. ``length`` is how many of
    them stand before BOS: one for the result, two (Red's, Black's) for the strength.
    """

    def __init__(self, kind: str = "none", first_id: int = 0) -> None:
        if kind not in CONDITIONS:
            raise ConfigError(f"condition: expected one of {', '.join(CONDITIONS)}, found {kind!r}")
        self.kind = kind
        self.first_id = first_id
        self.has_result = "result" in kind
        self.has_strength = "strength" in kind
        self.length = self.has_result + 2 * self.has_strength
        self.tokens: list[str] = []
        if self.has_result:
            self.tokens += [f"<{name}>" for name in _RESULTS.values()]
        if self.has_strength:
            self.tokens += [
                f"<{side} {c}>"
                for side in ("red", "black")
                for c in ("?", *(f"{e}+" for e in STRENGTH_EDGES))
            ]

    def ids(
        self, results: Sequence[int] | npt.NDArray[np.integer], strengths: npt.ArrayLike
    ) -> npt.NDArray[np.int64]:
        """Ids (B, length) for results (B,), seen by Red as in packed games, and Elo ratings (B, 2) of Red and Black."""
        columns = []
        first = self.first_id
        if self.has_result:
            order = list(_RESULTS)
            columns.append([first + order.index(int(r)) for r in results])
            first += len(order)
        if self.has_strength:
            classes = np.searchsorted(STRENGTH_EDGES, np.asarray(strengths).reshape(-1, 2), side="right")
            size = len(STRENGTH_EDGES) + 1
            columns += [list(first + classes[:, 0]), list(first + size + classes[:, 1])]
        ids: npt.NDArray[np.int64] = np.array(columns, np.int64).reshape(self.length, len(results)).T
        return ids
