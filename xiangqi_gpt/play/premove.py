"""Premoves: a move chosen while the opponent thinks, played as soon as it is legal."""

from __future__ import annotations

from xiangqi_gpt.rules import Board, Square
from xiangqi_gpt.rules.movegen import piece_moves

_RED_PAWN, _BLACK_PAWN = 7, 14


def premove_targets(board: Board, sq: Square) -> tuple[Square, ...]:
    """Where the piece on *sq* could go if it were its side's turn, also to points of its own side, where a piece may
    have been captured by then. What blocks its way blocks it here too; checks do not count.
    """
    squares = list(board.squares)
    code = squares[sq]
    if not code:
        return ()
    is_red = code <= _RED_PAWN
    moves: list[int] = []
    piece_moves(squares, sq, moves)
    for target, other in enumerate(squares):
        if target != sq and other and (other <= _RED_PAWN) == is_red:
            taken = squares.copy()
            taken[target] = _BLACK_PAWN if is_red else _RED_PAWN
            found: list[int] = []
            piece_moves(taken, sq, found)
            moves += [move for move in found if move % 90 == target]
    return tuple(sorted(move % 90 for move in moves))
