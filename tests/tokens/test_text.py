"""All five tokenizers on positions of random play and on boards full of tandems and stacked soldiers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pytest

from tests.notation.positions import played, stacked
from xiangqi_gpt.errors import ConfigError, MoveError
from xiangqi_gpt.model.context import board_features
from xiangqi_gpt.notation import NOTATIONS
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.squares import mirror
from xiangqi_gpt.tokens import POSSIBLE_MOVES, TOKENIZERS, Tokenizer, create_tokenizer, legal_tree
from xiangqi_gpt.tokens.tokenizer import MoveTokenizer, SquareTokenizer

NAMES = sorted(TOKENIZERS)


def check(names: Iterable[str], boards: Iterable[Board]) -> int:
    """Texts differ, none begins another, all read back: how many moves were looked at."""
    tokenizers = [create_tokenizer(name) for name in names]
    seen = 0
    for board in boards:
        moves = board.legal_moves()
        for tokenizer in tokenizers:
            texts = [tokenizer.encode(board, move) for move in moves]
            ordered = sorted(texts)
            for one, two in itertools.pairwise(ordered):
                assert two[: len(one)] != one, (tokenizer.name, board.fen(), one)
            assert {len(text) for text in texts} <= {tokenizer.slots}
            assert [tokenizer.decode(board, text) for text in texts] == moves, (tokenizer.name, board.fen())
        seen += len(moves)
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_prefix_free_and_read_back(name: str) -> None:
    assert check([name], played(250, seed=1)) > 5_000
    assert check([name], stacked(250, seed=2)) > 3_000


@pytest.mark.slow
def test_prefix_free_and_read_back_on_a_hundred_thousand_positions() -> None:
    assert check(NAMES, played(50_000, seed=3)) > 1_000_000
    assert check(NAMES, stacked(50_000, seed=4)) > 800_000


@pytest.mark.parametrize("name", NAMES)
def test_batches_say_the_same_as_single_moves(name: str) -> None:
    tokenizer = create_tokenizer(name)
    boards, moves, turns, expected = [], [], [], []
    for board in [*(b.copy() for b in played(30, seed=5)), *stacked(30, seed=6)]:
        for move in board.legal_moves():
            boards.append(board_features(board)[0])
            moves.append(move.index)
            turns.append(int(board.turn))
            expected.append(tokenizer.encode(board, move))
    found = tokenizer.encode_batch(np.array(boards), np.array(moves), np.array(turns))
    assert [tuple(row) for row in found.tolist()] == expected
    square = tokenizer.encode_batch(
        np.array(boards[:8]).reshape(2, 4, 90),
        np.array(moves[:8]).reshape(2, 4),
        np.array(turns[:8]).reshape(2, 4),
    )
    assert square.shape == (2, 4, tokenizer.slots)
    assert square.reshape(8, -1).tolist() == found[:8].tolist()


@pytest.mark.parametrize("name", ["wxf", "chinese"])
def test_the_tokens_are_the_characters_of_the_notation(name: str) -> None:
    tokenizer = create_tokenizer(name)
    for board in stacked(60, seed=7):
        for move in board.legal_moves():
            words = [tokenizer.vocab.token(i) for i in tokenizer.encode(board, move)]
            text = NOTATIONS[name].render(board, move)
            assert words == [*text, *["<end>"] * (tokenizer.slots - len(text))]


def test_spelling() -> None:
    board = Board()
    cannon = Move.from_iccs("h2e2")
    spelled = {}
    for name in NAMES:
        tokenizer = create_tokenizer(name)
        spelled[name] = " ".join(tokenizer.vocab.token(i) for i in tokenizer.encode(board, cannon))
    assert spelled == {
        "move": "h2e2",
        "square": "h2 e2",
        "iccs": "h 2 e 2",
        "wxf": "C 2 = 5",
        "chinese": "炮 二 平 五 <end>",
    }


def test_the_possible_moves() -> None:
    assert len(POSSIBLE_MOVES) == 2086
    seen_from_black = {8099 - index for index in POSSIBLE_MOVES.tolist()}
    mirrored = {mirror(i // 90) * 90 + mirror(i % 90) for i in POSSIBLE_MOVES.tolist()}
    assert seen_from_black == mirrored == set(POSSIBLE_MOVES.tolist())
    legal = {m.index for boards in (played(400, 8), stacked(400, 9)) for b in boards for m in b.legal_moves()}
    assert legal <= set(POSSIBLE_MOVES.tolist())


def test_where_the_words_for_moves_and_squares_begin() -> None:
    move, square = MoveTokenizer("mover"), SquareTokenizer("mover")
    assert move.vocab.token(move.first_move_id) == MOVES[int(POSSIBLE_MOVES[0])].iccs
    assert square.vocab.token(square.first_square_id) == "a0"


def test_move_tokens_by_view() -> None:
    board = Board()
    board.push(Move.from_iccs("h2e2"))
    reply = Move.from_iccs("h9g7")
    for view, word in (("mover", "b0c2"), ("red", "h9g7")):
        tokenizer = create_tokenizer("move", view)  # type: ignore[arg-type]
        assert [tokenizer.vocab.token(i) for i in tokenizer.encode(board, reply)] == [word]
        assert len(tokenizer.vocab) == 2089


# Four red horses in two stacks: nothing that a game could reach, and the one case of five characters.
STACKS = "4k4/9/9/2N3N2/9/9/2N3N2/9/9/3K5 w - - 0 1"


def test_a_text_of_five_characters_takes_the_place_of_end() -> None:
    board = Board(STACKS, strict=False)
    assert check(["chinese"], [board]) > 20
    tokenizer = create_tokenizer("chinese")
    words = [tokenizer.vocab.token(i) for i in tokenizer.encode(board, Move.from_iccs("c6d8"))]
    assert words == list("前马七进六")


def test_what_a_notation_cannot_tell_apart_is_refused() -> None:
    board = Board("4k4/9/R8/R8/R8/9/9/9/9/3K5 w - - 0 1", strict=False)
    with pytest.raises(MoveError, match="'wxf' notation writes two legal moves alike"):
        legal_tree(board, create_tokenizer("wxf"))
    assert len(legal_tree(board, create_tokenizer("chinese"))) == len(board.legal_moves())


def spell(tokenizer: Tokenizer, words: Iterable[str]) -> list[int]:
    return [tokenizer.vocab.id(word) for word in words]


def test_what_is_no_text_of_a_move() -> None:
    board = Board()
    wxf, chinese, move = (create_tokenizer(name) for name in ("wxf", "chinese", "move"))
    with pytest.raises(MoveError, match="expected a WXF move"):
        wxf.decode(board, spell(wxf, "2=5C"))
    with pytest.raises(MoveError):  # readable, but nothing a game of this tokenizer would hold
        chinese.decode(board, spell(chinese, ["炮", "2", "平", "5", "<end>"]))
    with pytest.raises(MoveError):
        chinese.decode(board, spell(chinese, ["炮", "二", "平", "五"]))
    with pytest.raises(MoveError, match="expected the 1 tokens of a move in 'move' notation"):
        move.decode(board, [move.vocab.bos_id])
    with pytest.raises(MoveError, match="a move that some piece can make, found 'a0b5'"):
        move.encode(board, MOVES[46])
    with pytest.raises(MoveError, match="expected a move of a red piece"):
        wxf.encode(board, Move.from_iccs("e4e5"))
    with pytest.raises(MoveError, match="expected a move of a red piece"):
        wxf.encode(board, Move.from_iccs("h7e7"))
    with pytest.raises(ConfigError, match="view: expected 'mover', the only one that 'wxf' has, found 'red'"):
        create_tokenizer("wxf", "red")
