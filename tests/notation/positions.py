"""Positions for notation tests: random play, and boards full of tandem pieces and stacked soldiers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from xiangqi_gpt.rules import Board, FenError, format_fen
from xiangqi_gpt.rules.pieces import Color

# How many soldiers stand on each of some files.
_PATTERNS = [(5,), (4, 1), (4,), (3, 2), (3, 1, 1), (3,), (2, 2, 1), (2, 2), (2, 1, 1), (2,), (1, 1, 1, 1, 1)]


def played(count: int, seed: int) -> Iterator[Board]:
    """`count` positions of games of random moves; the same Board object is yielded again after each move."""
    random = Random(seed)
    left = count
    while left:
        board = Board()
        for _ in range(120):
            moves = board.legal_moves()
            if not moves or not left:
                break
            yield board
            left -= 1
            board.push(random.choice(moves))


def stacked(count: int, seed: int) -> Iterator[Board]:
    """`count` possible positions with rooks, horses and cannons in pairs on a file, and stacked soldiers."""
    random = Random(seed)
    left = count
    while left:
        board = _stacked(random)
        if board is not None:
            yield board
            left -= 1


def _stacked(random: Random) -> Board | None:
    squares = [0] * 90

    def put(code: int, points: list[int]) -> None:
        free = [sq for sq in points if not squares[sq]]
        if free:
            squares[random.choice(free)] = code

    def turned(points: list[int], color: int) -> list[int]:
        return [89 - sq for sq in points] if color else points

    for color in (0, 1):
        put(1 + 7 * color, turned([3, 4, 5, 12, 13, 14, 21, 22, 23], color))
        for _ in range(random.randint(0, 2)):
            put(2 + 7 * color, turned([3, 5, 13, 21, 23], color))
            put(3 + 7 * color, turned([2, 6, 18, 22, 26, 38, 42], color))
    for color in (0, 1):
        files = random.sample(range(9), 5)
        for file, soldiers in zip(files, random.choice(_PATTERNS), strict=False):
            for _ in range(soldiers):
                put(7 + 7 * color, turned([rank * 9 + file for rank in range(5, 10)], color))
        for kind in (4, 5, 6):
            file = random.randrange(9)
            for _ in range(random.randint(0, 2)):
                put(kind + 7 * color, [rank * 9 + file for rank in range(10)])
    try:
        return Board(format_fen(squares, random.choice(list(Color)), 0, 1))
    except FenError:
        return None
