"""The board from the other side, and mirrored: for arrays of boards and of moves, and for games.

:mod:`xiangqi_gpt.rules.squares` defines the half turn and the mirror image of one square; the tables here follow from
them. In shapes, (...) stands for any number of dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.squares import SQUARES, mirror, rotate

Moves = npt.NDArray[np.int64]
Boards = npt.NDArray[np.int8]

HALF_TURN = np.array([rotate(sq) for sq in range(SQUARES)])
"""(90,) target of each square under a half turn of the board."""

MIRROR = np.array([mirror(sq) for sq in range(SQUARES)])
"""(90,) target of each square when left and right are exchanged."""

OTHER_COLOR = np.array([0, *range(8, 15), *range(1, 8)], np.int8)
"""(15,) the code of the other side's piece of the same kind; empty stays empty."""

_MIRRORED_MOVES = (MIRROR[:, None] * SQUARES + MIRROR).ravel()
_LAST_MOVE = SQUARES * SQUARES - 1


def other_side(boards: Boards) -> Boards:
    """Boards (..., 90) as the other side sees them: turned by half a turn, with the colours exchanged."""
    seen: Boards = OTHER_COLOR[boards[..., HALF_TURN]]
    return seen


def rotated_moves(moves: npt.NDArray[np.integer[Any]], turns: npt.NDArray[np.integer[Any]]) -> Moves:
    """Moves (...) converted between Red's view and their movers' view; *turns* (...) is the side that moves."""
    index = moves.astype(np.int64)
    return np.where(turns == Color.BLACK, _LAST_MOVE - index, index)


def mirrored_moves(moves: npt.NDArray[np.integer[Any]]) -> Moves:
    """Moves (...) with left and right exchanged."""
    mirrored: Moves = _MIRRORED_MOVES[moves]
    return mirrored


def mirrored_board(board: Board) -> Board:
    """*board* and the moves that led to it, with left and right exchanged."""
    placement, _, rest = board.root_fen.partition(" ")
    # An empty run is one digit, so the text of a rank can be reversed.
    ranks = [rank[::-1] for rank in placement.split("/")]
    found = Board(f"{'/'.join(ranks)} {rest}", strict=False)
    for move in board.move_stack:
        found.push(move.mirrored())
    return found
