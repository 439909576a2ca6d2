from __future__ import annotations

from collections import Counter

import pytest

from xiangqi_gpt.players import Limit, PlayerError
from xiangqi_gpt.players.base import Player
from xiangqi_gpt.players.baselines import GreedyPlayer, RandomPlayer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.captures import piece_value
from xiangqi_gpt.rules.pieces import Piece
from xiangqi_gpt.rules.squares import parse_square

LIMIT = Limit()


@pytest.mark.parametrize("kind", [RandomPlayer, GreedyPlayer])
def test_baselines_keep_the_protocol(kind: type[RandomPlayer] | type[GreedyPlayer]) -> None:
    player = kind(seed=1)
    assert isinstance(player, Player)
    board = Board()
    before = board.fen()
    assert player.play(board, LIMIT).move in board.legal_moves()
    assert board.fen() == before
    assert len(player.analyse(board, LIMIT).lines) == 44
    assert len(player.analyse(board, LIMIT, 3).lines) == 3
    with pytest.raises(PlayerError, match="legal moves"):
        player.play(Board("3k5/3PP4/9/9/9/9/9/9/9/4K4 b - - 0 1", strict=False), LIMIT)


def test_random_is_uniform_and_seeded() -> None:
    board = Board()
    player, twin, other = RandomPlayer(seed=5), RandomPlayer(seed=5), RandomPlayer(seed=6)
    moves = [player.play(board, LIMIT).move for _ in range(4400)]
    assert moves == [twin.play(board, LIMIT).move for _ in range(4400)]
    assert moves != [other.play(board, LIMIT).move for _ in range(4400)]
    counts = Counter(moves)
    assert set(counts) == set(board.legal_moves())
    # Chi square with 43 degrees of freedom: its 99.9th percentile is 78.
    assert sum((counts[move] - 100) ** 2 / 100 for move in counts) < 78


def test_greedy_takes_the_most_valuable_piece() -> None:
    # The rook on e4 may take a cannon (e8), a horse (a4) or a pawn (i4).
    board = Board("3k5/4c4/9/9/9/n3R3p/9/9/9/4K4 w - - 0 1")
    assert GreedyPlayer(seed=0).play(board, LIMIT).move.iccs == "e4e8"
    best = GreedyPlayer().analyse(board, LIMIT, 3).lines
    assert [(line.move.iccs, line.score_cp) for line in best] == [("e4e8", 450), ("e4a4", 400), ("e4i4", 200)]


def test_greedy_without_captures_moves_at_random() -> None:
    board = Board("3k5/9/9/9/9/4R4/9/9/9/4K4 w - - 0 1")
    player = GreedyPlayer(seed=3)
    assert len({player.play(board, LIMIT).move for _ in range(60)}) > 5


@pytest.mark.parametrize(
    ("symbol", "square", "value"),
    [("P", "a4", 1), ("P", "a5", 2), ("p", "a5", 1), ("p", "a4", 2), ("r", "a0", 9)],
)
def test_pawns_grow_beyond_the_river(symbol: str, square: str, value: float) -> None:
    assert piece_value(Piece.from_symbol(symbol), parse_square(square)) == value
