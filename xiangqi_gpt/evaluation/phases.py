"""Phases of a game, determined from the board alone."""

from __future__ import annotations

from enum import Enum

from xiangqi_gpt.rules.board import Board

OPENING_MOVES = 10
"""Moves of each side that are the opening, as long as hardly anything has been exchanged."""

_FORCE = (0, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 1, 2, 1, 0)
"""Attacking force by piece code: a rook 2, a horse or cannon 1; 16 at the start."""


class Phase(str, Enum):
    """Opening: the first ten moves with at least 14 of the 16 points of force left. Endgame: at most 6 are left."""

    OPENING = "opening"
    MIDDLEGAME = "middlegame"
    ENDGAME = "endgame"


def phase_of(board: Board) -> Phase:
    """The phase of the position on *board*."""
    force = sum(_FORCE[code] for code in board.squares)
    if force <= 6:
        return Phase.ENDGAME
    if board.fullmove_number <= OPENING_MOVES and force >= 14:
        return Phase.OPENING
    return Phase.MIDDLEGAME
