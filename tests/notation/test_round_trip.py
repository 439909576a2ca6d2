"""On every board the texts of the legal moves differ pairwise, and each reads back as its own move."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from xiangqi_gpt.notation import NOTATIONS
from xiangqi_gpt.rules import Board

from .positions import played, stacked


def check(boards: Iterable[Board]) -> int:
    moves_seen = 0
    for board in boards:
        moves = board.legal_moves()
        moves_seen += len(moves)
        for name in ("wxf", "chinese"):
            notation = NOTATIONS[name]
            texts = [notation.render(board, move) for move in moves]
            assert len(set(texts)) == len(moves), (name, board.fen())
            assert all(len(text) == 4 for text in texts), (name, board.fen())
            for text, move in zip(texts, moves, strict=True):
                assert notation.parse(board, text) is move, (name, text, board.fen())
    return moves_seen


def test_random_play() -> None:
    assert check(played(1500, seed=3)) > 30_000


def test_tandems_and_stacked_soldiers() -> None:
    assert check(stacked(1500, seed=4)) > 20_000


def test_stacked_positions_hold_what_they_promise() -> None:
    heights = set()
    for board in stacked(300, seed=4):
        code = 14 if board.turn else 7
        columns = [board.squares[file::9].count(code) for file in range(9)]
        heights.add(tuple(sorted((n for n in columns if n > 1), reverse=True)))
    assert heights >= {(5,), (4,), (3,), (2,), (3, 2), (2, 2)}


@pytest.mark.slow
def test_a_hundred_thousand_positions() -> None:
    assert check(played(50_000, seed=5)) > 1_000_000
    assert check(stacked(50_000, seed=6)) > 800_000
