"""Both looks at a board: the same whichever way round it stands."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from tests.model.tiny import tiny
from xiangqi_gpt.decoding import MoveScores, Scorer, SymmetricScorer
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.players import Limit, create_player
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.views import mirrored_board

LOPSIDED = "4k3c/9/3R5/9/9/9/9/9/4A4/2BK5 b - - 5 30"


def played(root: Board, plies: int, seed: int) -> Board:
    rng, board = random.Random(seed), root.copy()
    for _ in range(plies):
        board.push(rng.choice(board.legal_moves()))
    return board


def by_move(scores: MoveScores, *, turned: bool = False) -> dict[str, float]:
    moves = [move.mirrored() if turned else move for move in scores.moves]
    return {move.iccs: float(p) for move, p in zip(moves, scores.logprobs, strict=True)}


@pytest.mark.parametrize("root", [Board(), Board(LOPSIDED)])
def test_the_mirror_image_has_the_same_scores(root: Board) -> None:
    model = tiny(initializer_range=0.3)
    board = played(root, 7, seed=1)
    plain, other = Scorer(model).score(board), Scorer(model).score(mirrored_board(board))
    both = SymmetricScorer(Scorer(model)).score(board)
    one, two = by_move(plain), by_move(other, turned=True)
    assert any(abs(one[move] - two[move]) > 1e-3 for move in one)
    for move, score in by_move(both).items():
        assert np.exp(score) == pytest.approx((np.exp(one[move]) + np.exp(two[move])) / 2, rel=1e-5)
    assert both.value == pytest.approx((plain.value + other.value) / 2, rel=1e-5)
    assert both.greedy == plain.greedy
    again = SymmetricScorer(Scorer(model)).score(mirrored_board(board))
    assert by_move(again, turned=True) == pytest.approx(by_move(both), rel=1e-5)


def test_a_mirrored_board_is_a_game() -> None:
    board = played(Board(LOPSIDED), 9, seed=2)
    image = mirrored_board(board)
    assert [m.mirrored() for m in image.move_stack] == board.move_stack
    assert image.turn == board.turn
    assert {m.mirrored() for m in image.legal_moves()} == set(board.legal_moves())
    assert mirrored_board(image).fen() == board.fen()


def test_a_line_is_scored_like_its_positions() -> None:
    scorer = SymmetricScorer(Scorer(tiny(initializer_range=0.3)))
    board = played(Board(), 12, seed=3)
    line = scorer.score_line(Board(), board.move_stack)
    position = Board()
    for move, scores in zip(board.move_stack, line, strict=True):
        assert by_move(scores) == pytest.approx(by_move(scorer.score(position)), abs=1e-4)
        position.push(move)


def test_the_player_looks_twice_where_the_model_was_trained_so(tmp_path: Path) -> None:
    tiny(initializer_range=0.3, symmetric=True).save_pretrained(tmp_path)
    model = tiny(initializer_range=0.3)
    board = played(Board(), 3, seed=4)
    for spec, wanted in (
        (f"gpt:model={tmp_path}", SymmetricScorer(Scorer(model)).score(board)),
        (f"gpt:model={tmp_path},lookahead=4", SymmetricScorer(Scorer(model)).score(board)),
        (f"gpt:model={tmp_path},symmetric=false", Scorer(model).score(board)),
    ):
        lines = create_player(spec).analyse(board, Limit()).lines
        assert {line.pv[0].iccs: line.logprob for line in lines} == pytest.approx(by_move(wanted), abs=1e-4)
    with pytest.raises(PlayerError, match="expected true or false for symmetric"):
        create_player(f"gpt:model={tmp_path},symmetric=yes")
