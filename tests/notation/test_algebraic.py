"""The algebraic text of XBoard and PyChess, and Vietnamese notation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiangqi_gpt.errors import NoPieceError
from xiangqi_gpt.notation import parse_any, san, vietnamese
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules import Board, IllegalMoveError, Move, MoveError

from .positions import played, stacked

XBOARD = "Cbe2 Hc7 Hc2 Rb9 Rb0 c5 g4 Ch3 Hg2 Hg7 Rb4 Cxc3 Ea2 Rh9 Rh0 Rh3 Hf4 Ca7 Rxb9 Hxb9"
XBOARD_MOVES = (
    "b2e2 b9c7 b0c2 a9b9 a0b0 c6c5 g3g4 h7h3 h0g2 h9g7 b0b4 h3c3 c0a2 i9h9 i0h0 h9h3 g2f4 b7a7 b4b9 c7b9"
)
PYCHESS = "Cbe3 Cbe8 Hc3 Hc8 Rb1 Chg8 Rb8 Cxb8 Ch8 Ege8 Pe5 Hf9 Ch7 Rh10"
PYCHESS_MOVES = "b2e2 b7e7 b0c2 b9c7 a0b0 h7g7 b0b7 e7b7 h2h7 g9e7 e3e4 h9f8 h7h6 i9h9"


@pytest.mark.parametrize(
    ("ranks", "texts", "moves"), [("0-9", XBOARD, XBOARD_MOVES), ("1-10", PYCHESS, PYCHESS_MOVES)]
)
def test_games_of_other_programs(ranks: RankConvention, texts: str, moves: str) -> None:
    board = Board()
    for text, name in zip(texts.split(), moves.split(), strict=True):
        move = san.parse(board, text, ranks=ranks)
        assert move.iccs == name
        assert san.render(board, move, ranks=ranks) == text.removeprefix("P")
        board.push(move)


@pytest.mark.parametrize("ranks", ["0-9", "1-10"])
def test_every_legal_move_reads_back(ranks: RankConvention) -> None:
    seen = 0
    for board in [*played(200, seed=3), *stacked(200, seed=4)]:
        moves = board.legal_moves()
        texts = [san.render(board, move, ranks=ranks) for move in moves]
        assert len(set(texts)) == len(moves)
        for text, move in zip(texts, moves, strict=True):
            assert san.parse(board, text, ranks=ranks) is move
        seen += len(moves)
    assert seen > 5000


def test_letters_and_marks() -> None:
    for text in ("Nc2", "Hc2", "Hbc2", "Hb0c2", "H0c2"):
        assert san.parse(Board(), text).iccs == "b0c2"
    assert parse_any(Board(), "Cbe2+").iccs == "b2e2"
    assert parse_any(Board(), "1. Hc2").iccs == "b0c2"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Ce2", MoveError),
        ("Hc3", IllegalMoveError),
        ("Hic2", NoPieceError),
        ("Cbe10", MoveError),
        ("Xc2", MoveError),
        ("", MoveError),
    ],
)
def test_what_is_no_such_move(text: str, error: type[MoveError]) -> None:
    with pytest.raises(error):
        san.parse(Board(), text)
    with pytest.raises(MoveError):
        san.render(Board(), Move.from_iccs("b9c7"))


VIETNAMESE = "P2-5 M8.7 M2.3 X9-8 C7.1 P8.2 X1-2 P8/1"
VIETNAMESE_MOVES = "h2e2 h9g7 h0g2 i9h9 c3c4 h7h5 i0h0 h5h6"


def test_a_vietnamese_game() -> None:
    board = Board()
    for text, name in zip(VIETNAMESE.split(), VIETNAMESE_MOVES.split(), strict=True):
        move = vietnamese.parse(board, text)
        assert move.iccs == name
        assert vietnamese.render(board, move) == text.replace("C", "B")
        board.push(move)


@pytest.mark.parametrize(
    ("fen", "text", "move"),
    [
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "Pt/1", "b4b3"),
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "Ps/1", "b2b1"),
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "ps-5", "b2e2"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "S6.5", "d0e1"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "S6/5", "d2e1"),
        ("3k5/9/9/9/9/9/9/9/9/2B1K4 w - - 0 1", "T7.9", "c0a2"),
        ("3k5/9/9/9/9/9/9/9/9/4K4 w - - 0 1", "Tg5.1", "e0e1"),
        ("3k5/9/9/9/4P4/9/9/9/9/4K4 w - - 0 1", "B5.1", "e5e6"),
        ("3k5/9/9/9/4P4/9/9/9/9/4K4 w - - 0 1", "C5-4", "e5f5"),
    ],
)
def test_vietnamese_letters(fen: str, text: str, move: str) -> None:
    assert vietnamese.parse(Board(fen), text).iccs == move


def test_vietnamese_text_is_told_by_its_letters() -> None:
    assert parse_any(Board(), "M2.3").iccs == "h0g2"
    assert not vietnamese.looks_like("C2.5", only=True)
    for text in ("C2/5", "X1.1", "Tg5.1", "S4.5", "T3.5"):
        assert vietnamese.looks_like(text, only=True)
    with pytest.raises(MoveError):
        vietnamese.parse(Board(), "P2=5")


@pytest.mark.parametrize(
    "text",
    [
        "1. h2e2",
        "1.h2e2",
        "12... h2e2",
        "h2e2+",
        "1、炮二平五",
        "炮二平五!",
        "1. C2=5",
        "C25",
        "3．62.5",
        "C2=5#",
    ],
)
def test_a_number_in_front_and_a_check_behind(text: str) -> None:
    assert parse_any(Board(), text).iccs == "h2e2"


def test_a_number_that_belongs_to_the_move() -> None:
    board = Board("3k5/9/2P5P/2P5P/8P/9/9/9/9/4K4 w - - 0 1")
    assert parse_any(board, "27=6").iccs == "c6d6"
    with pytest.raises(MoveError):
        parse_any(Board(), "12. ")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.text(max_size=8),
        st.text("KAEBHNRCPabcdefghi0123456789x+", min_size=2, max_size=7),
        st.text("TgSXPMBCtsg123456789./-", min_size=4, max_size=5),
    )
)
def test_any_text_is_a_legal_move_or_a_move_error(text: str) -> None:
    for board in (Board(), *stacked(3, seed=1)):
        for parse in (
            lambda b, t: san.parse(b, t),
            lambda b, t: san.parse(b, t, ranks="1-10"),
            vietnamese.parse,
            parse_any,
        ):
            try:
                move = parse(board, text)
            except MoveError:
                continue
            assert board.is_legal(move)
