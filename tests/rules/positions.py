"""Seeded positions and pyffish spelling for the tests of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from xiangqi_gpt.rules import Board, Move


def fairy(move: Move) -> str:
    """A move with ranks 1-10, as pyffish writes it."""
    text = move.iccs
    return f"{text[0]}{int(text[1]) + 1}{text[2]}{int(text[3]) + 1}"


def play_random(rng: Random, plies: int) -> Iterator[Board]:
    """The same board before each ply of a random game that likes captures and checks, at most `plies` of them."""
    board = Board()
    for _ in range(plies):
        yield board
        moves = board.legal_moves()
        if not moves:
            return
        forcing = [m for m in moves if board.is_capture(m) or board.gives_check(m)]
        board.push(rng.choice(forcing) if forcing and rng.random() < 0.3 else rng.choice(moves))
