"""Random games and the boards in them."""

from __future__ import annotations

import random

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def random_line(plies: int, seed: int = 0) -> list[Move]:
    """Moves drawn at random, from the start."""
    rng = random.Random(seed)
    board = Board()
    for _ in range(plies):
        board.push(rng.choice(board.legal_moves()))
    return list(board.move_stack)


def after(moves: list[Move], plies: int) -> Board:
    """The board after the first *plies* of *moves*."""
    board = Board()
    for move in moves[:plies]:
        board.push(move)
    return board
