"""What captures win: the usual worth of the pieces, and exchanges on one square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xiangqi_gpt.rules.attacks import on_own_half
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.movegen import attackers
from xiangqi_gpt.rules.pieces import Piece, PieceKind

if TYPE_CHECKING:
    from xiangqi_gpt.rules.board import Board

PIECE_VALUES: dict[PieceKind, float] = {
    PieceKind.KING: 100.0,  # is never taken in a legal game
    PieceKind.ROOK: 9.0,
    PieceKind.CANNON: 4.5,
    PieceKind.HORSE: 4.0,
    PieceKind.ADVISOR: 2.0,
    PieceKind.ELEPHANT: 2.0,
    PieceKind.PAWN: 1.0,
}
"""Usual worth of the pieces, in soldiers that have not crossed the river."""

CROSSED_PAWN_VALUE = 2.0
"""Worth of a soldier beyond the river."""


def piece_value(piece: Piece, square: int) -> float:
    """Worth of `piece` on `square`, in soldiers that have not crossed the river."""
    if piece.kind is PieceKind.PAWN and not on_own_half(piece.color, square):
        return CROSSED_PAWN_VALUE
    return PIECE_VALUES[piece.kind]


def capture_gain(squares: Sequence[int], move: Move) -> float:
    """What a capture wins if both sides continue to take on its square as long as it pays.

    Args:
        squares: 90 piece codes, before the capture.

    Returns:
        Worth won less worth lost, in soldiers; below 0 for a bad capture.
    """
    after = list(squares)
    after[move.from_square], after[move.to_square] = 0, squares[move.from_square]
    owner = Piece.from_code(squares[move.from_square]).color
    return value_on(squares, move.to_square) - retake_gain(after, move.to_square, owner.other)


def retake_gain(squares: list[int], square: int, color: int) -> float:
    """What `color` wins on `square` by taking with its least piece, or 0 by leaving it."""
    takers = attackers(squares, square, color)
    if not takers:
        return 0.0
    least = min(takers, key=lambda start: value_on(squares, start))
    after = squares.copy()
    after[least], after[square] = 0, squares[least]
    return max(0.0, value_on(squares, square) - retake_gain(after, square, 1 - color))


def moves_that_lose_material(board: Board, least: float) -> list[bool]:
    """Which legal moves give away material outright.

    A move is compared with the best one by what it takes, less the best capture that it leaves to the opponent. So a
    piece that is left hanging counts, and so does a capture that is not taken back. Threats that need more than one
    move, checks and mates do not count: this is what a player sees at a glance.

    Args:
        board: the position; it is not changed.
        least: how much worse than the best move, in soldiers.

    Returns:
        One flag per move of `board.legal_moves()`, in that order; never all of them True.
    """
    board = board.copy()
    gains = []
    for move in board.legal_moves():
        taken = value_on(board.squares, move.to_square) if board.squares[move.to_square] else 0.0
        board.push(move)
        captures = (reply for reply in board.legal_moves() if board.squares[reply.to_square])
        # The opponent need not take.
        gains.append(taken - max([0.0, *(capture_gain(board.squares, reply) for reply in captures)]))
        board.pop()
    best = max(gains, default=0.0)
    return [best - gain >= least for gain in gains]


def value_on(squares: Sequence[int], square: int) -> float:
    """Worth of the piece on a square that is not empty, as in `piece_value`."""
    return piece_value(Piece.from_code(squares[square]), square)
