"""How a game ended: value objects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.texts import Message

RED_SCORES = {"1-0": 1, "1/2-1/2": 0, "0-1": -1}
"""The value of a result for Red; an unknown result ("*") has no entry."""

MATE_SCORE = 30_000
"""Centipawns of a mate on the board; all other scores are smaller."""


def result_of_winner(winner: Color | None) -> str:
    """ "1-0" (Red wins), "0-1" (Black wins) or "1/2-1/2"."""
    return "1/2-1/2" if winner is None else ("1-0", "0-1")[winner]


def mate_score(moves: int) -> int:
    """Centipawns of a mate in this number of moves; 0 and less: being mated."""
    return MATE_SCORE - moves if moves > 0 else -MATE_SCORE - moves


class Termination(str, Enum):
    """Why a game is over: by the rules; the last three by a player or the clock."""

    CHECKMATE = "checkmate"
    STALEMATE = "stalemate"
    REPETITION = "repetition"
    PERPETUAL_CHECK = "perpetual_check"
    PERPETUAL_CHASE = "perpetual_chase"
    PERPETUAL_ATTACK = "perpetual_attack"
    NATURAL_LIMIT = "natural_limit"
    INSUFFICIENT_MATERIAL = "insufficient_material"
    RESIGNATION = "resignation"
    AGREEMENT = "agreement"
    TIME = "time"


@dataclass(frozen=True)
class Outcome:
    """The end of a game.

    Attributes:
        winner: the winning side, None for a draw.
        termination: why the game is over.
        rule_set: name of the rule set that decided.
        message: one sentence that explains it.
    """

    winner: Color | None
    termination: Termination
    rule_set: str
    message: Message

    @property
    def text_en(self) -> str:
        """The explanation in English."""
        return self.message.text("en")

    @property
    def text_zh(self) -> str:
        """The explanation in Chinese."""
        return self.message.text("zh")

    @property
    def result(self) -> str:
        """ "1-0" (Red wins), "0-1" (Black wins) or "1/2-1/2"."""
        return result_of_winner(self.winner)
