"""Perft: leaf counts of the tree of legal moves, the gate that every change of the rules must pass."""

from __future__ import annotations

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move


def perft(board: Board, depth: int) -> int:
    """Number of legal move sequences of `depth` plies (0 gives 1); the board is not changed."""
    if depth < 0:
        raise ConfigError(f"expected a perft depth of 0 or more, found {depth!r}")
    if depth == 0:
        return 1
    indices = board.legal_indices()
    if depth == 1:
        return len(indices)
    nodes = 0
    for index in indices:
        board.push(MOVES[index])
        nodes += perft(board, depth - 1)
        board.pop()
    return nodes


def divide(board: Board, depth: int) -> dict[Move, int]:
    """`perft(depth - 1)` after each legal move, in the order of `Board.legal_moves`; depth is at least 1."""
    if depth < 1:
        raise ConfigError(f"expected a divide depth of 1 or more, found {depth!r}")
    counts = {}
    for move in board.legal_moves():
        board.push(move)
        counts[move] = perft(board, depth - 1)
        board.pop()
    return counts
