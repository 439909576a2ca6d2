"""Moves to tokens and back, for both views, on positions of random games."""

from __future__ import annotations

import random

import numpy as np
import pytest

from xiangqi_gpt.errors import ConfigError, MoveError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.tokens import create_tokenizer, legal_tree
from xiangqi_gpt.tokens.tokenizer import CoordinateTokenizer, View


@pytest.fixture(params=[("square", "mover"), ("square", "red"), ("iccs", "mover"), ("iccs", "red")], ids=str)
def tokenizer(request: pytest.FixtureRequest) -> CoordinateTokenizer:
    name, view = request.param
    made = create_tokenizer(name, view)
    assert isinstance(made, CoordinateTokenizer)
    return made


def random_boards(count: int, seed: int = 0) -> list[Board]:
    rng = random.Random(seed)
    boards, board = [], Board()
    while len(boards) < count:
        moves = board.legal_moves()
        if not moves or board.ply > 80:
            board = Board()
            continue
        board.push(rng.choice(moves))
        boards.append(board.copy())
    return boards


def test_round_trip(tokenizer: CoordinateTokenizer) -> None:
    for board in random_boards(150):
        for move in board.legal_moves():
            ids = tokenizer.encode(board, move)
            assert len(ids) == tokenizer.slots
            assert tokenizer.decode(board, ids) == move


def test_array_form_is_the_same(tokenizer: CoordinateTokenizer) -> None:
    for board in random_boards(40):
        moves = board.legal_moves()
        index = np.array([m.index for m in moves])
        rows = tokenizer.encode_array(index, np.full(len(moves), int(board.turn)))
        assert [tuple(row) for row in rows.tolist()] == [tokenizer.encode(board, m) for m in moves]


@pytest.mark.parametrize("view", ["mover", "red"])
def test_spelling(view: View) -> None:
    square, iccs = create_tokenizer("square", view), create_tokenizer("iccs", view)
    board = Board()
    move = Move.from_iccs("h2e2")
    assert [square.vocab.token(i) for i in square.encode(board, move)] == ["h2", "e2"]
    assert [iccs.vocab.token(i) for i in iccs.encode(board, move)] == list("h2e2")
    board.push(move)
    reply = Move.from_iccs("h9g7")
    seen = {"mover": ["b0", "c2"], "red": ["h9", "g7"]}[view]
    assert [square.vocab.token(i) for i in square.encode(board, reply)] == seen


def test_legal_tree_holds_exactly_the_legal_moves(tokenizer: CoordinateTokenizer) -> None:
    for board in random_boards(60, seed=3):
        tree = legal_tree(board, tokenizer)
        assert sorted(move.index for _, move in tree.leaves()) == [m.index for m in board.legal_moves()]


def test_text_that_is_no_move(tokenizer: CoordinateTokenizer) -> None:
    bos = tokenizer.vocab.bos_id
    with pytest.raises(MoveError, match=r"expected the . tokens of a move"):
        tokenizer.decode(Board(), [bos] * tokenizer.slots)


def test_every_move_has_its_own_text(tokenizer: CoordinateTokenizer) -> None:
    assert len({tuple(row) for row in tokenizer.table.tolist()}) == len(MOVES)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(ConfigError, match=r"expected one of .*iccs.*square.*found 'bytes'"):
        create_tokenizer("bytes")
    with pytest.raises(ConfigError, match="view"):
        create_tokenizer("square", "black")  # type: ignore[arg-type]
