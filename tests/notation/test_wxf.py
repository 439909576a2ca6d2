"""WXF: spellings, tandem pieces, the two soldier dialects and how a file's dialect is found."""

from __future__ import annotations

import pytest

from tests.notation.boards import BLACK_START, FIVE, FOUR, START, THREE, THREE_AND_TWO
from xiangqi_gpt.notation import Dialect, detect_dialect, wxf
from xiangqi_gpt.rules import Board, IllegalMoveError, Move, MoveError

FIRST_FILE = Board("3k5/9/2P5P/2P5P/8P/9/9/9/9/4K4 w - - 0 1")


@pytest.mark.parametrize("text", ["C2=5", "C2.5", "c2.5", "Ｃ２＝５", " C2=5", "62.5"])
def test_spellings(text: str) -> None:
    assert wxf.parse(START, text).iccs == "h2e2"


@pytest.mark.parametrize(
    ("text", "move"),
    [("H8+7", "h9g7"), ("h8+7", "h9g7"), ("N8+7", "h9g7"), ("B3+5", "c9e7"), ("e3+5", "c9e7")],
)
def test_black_and_other_letters(text: str, move: str) -> None:
    assert wxf.parse(BLACK_START, text).iccs == move


@pytest.mark.parametrize(
    ("fen", "text", "move"),
    [
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "C+-1", "b4b3"),
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "C--1", "b2b1"),
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "C−.5", "b2e2"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "A6+5", "d0e1"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "A6-5", "d2e1"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "A+-5", "d2e1"),
    ],
)
def test_two_on_a_file(fen: str, text: str, move: str) -> None:
    assert wxf.parse(Board(fen), text).iccs == move


@pytest.mark.parametrize(
    ("board", "text", "move"),
    [
        (THREE, "P+.4", "g7f7"),
        (THREE, "P3.4", "g6f6"),
        (THREE, "P-.4", "g5f5"),
        (THREE, "P..4", "g6f6"),
        (THREE, "13=4", "g7f7"),
        (THREE, "23=4", "g6f6"),
        (THREE, "33=4", "g5f5"),
        (THREE, "33.4", "g5f5"),
        (THREE, "Pa=4", "g7f7"),
        (THREE_AND_TWO, "3+.4", "g7f7"),
        (THREE_AND_TWO, "3-.4", "g5f5"),
        (THREE_AND_TWO, "7+.8", "c7b7"),
        (THREE_AND_TWO, "7-=8", "c6b6"),
        (THREE_AND_TWO, "17=8", "c7b7"),
        (THREE_AND_TWO, "23=4", "g6f6"),
        (THREE_AND_TWO, "Pd=8", "c7b7"),
        (THREE_AND_TWO, "pe=8", "c6b6"),
        (FOUR, "++.4", "g8f8"),
        (FOUR, "P+.4", "g7f7"),
        (FOUR, "P-.4", "g6f6"),
        (FOUR, "--.4", "g5f5"),
        (FOUR, "43=4", "g5f5"),
        (FIVE, "++.4", "g9f9"),
        (FIVE, "P+.4", "g8f8"),
        (FIVE, "P3.4", "g7f7"),
        (FIVE, "P-.4", "g6f6"),
        (FIVE, "--.4", "g5f5"),
        (FIVE, "53=4", "g5f5"),
    ],
)
def test_soldiers(board: Board, text: str, move: str) -> None:
    assert wxf.parse(board, text).iccs == move


@pytest.mark.parametrize(
    ("board", "text", "dialect", "move"),
    [
        (THREE_AND_TWO, "33=4", "numbered", "g5f5"),
        (THREE_AND_TWO, "33=4", "official", "g6f6"),
        (THREE_AND_TWO, "33.4", "numbered", "g5f5"),
        (THREE_AND_TWO, "33.4", "official", "g6f6"),
        (THREE_AND_TWO, "33=4", None, "g5f5"),
        (THREE_AND_TWO, "33.4", None, "g6f6"),
        (FIRST_FILE, "11=2", "numbered", "i7h7"),
        (FIRST_FILE, "11=2", "official", "i6h6"),
        (FIRST_FILE, "31.2", "official", "i5h5"),
        (THREE_AND_TWO, "3+.4", "numbered", "g7f7"),
    ],
)
def test_where_the_dialects_differ(board: Board, text: str, dialect: Dialect | None, move: str) -> None:
    assert wxf.parse(board, text, dialect=dialect).iccs == move


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["C2=5", "23=4", "33=4"], "numbered"),
        (["C2=5", "3+.4", "33.4"], "official"),
        (["++.4"], "official"),
        (["C2=5", "H8+7"], None),
        (["33=4"], None),
    ],
)
def test_dialect_by_the_texts(texts: list[str], found: str | None) -> None:
    assert detect_dialect(texts) == found


def test_dialect_by_replaying() -> None:
    # Only the middle soldier, then only the rear one, has a free point before it.
    board = Board("3k5/2P3P2/2P6/6P2/6P2/9/9/9/9/4K4 w - - 0 1")
    assert detect_dialect(["33+1"], board) == "official"
    board = Board("3k5/2P3P2/2P3P2/9/6P2/9/9/9/9/4K4 w - - 0 1")
    assert detect_dialect(["33+1"], board) == "numbered"
    assert detect_dialect(["33=4"], board) is None


def test_mixed_dialects_are_an_error() -> None:
    with pytest.raises(MoveError, match=r"'23=4'.*'3\+\.4'"):
        detect_dialect(["23=4", "3+.4"])


@pytest.mark.parametrize(
    ("board", "move", "text"),
    [
        (START, "h2e2", "C2=5"),
        (BLACK_START, "h9g7", "H8+7"),
        (THREE, "g7g8", "13+1"),
        (THREE, "g6f6", "23=4"),
        (THREE_AND_TWO, "c6b6", "27=8"),
        (Board("3k5/9/6P2/6P2/9/9/9/9/9/4K4 w - - 0 1"), "g6f6", "P-=4"),
    ],
)
def test_written_form(board: Board, move: str, text: str) -> None:
    assert wxf.render(board, Move.from_iccs(move)) == text


@pytest.mark.parametrize(
    "text", ["", "C2", "C2=", "C2=55", "X2=5", "C2*5", "C0=5", "h2e2", "炮二平五", "+C=5"]
)
def test_other_shapes_are_refused(text: str) -> None:
    with pytest.raises(MoveError, match="expected a WXF move"):
        wxf.parse(START, text)


@pytest.mark.parametrize(
    ("board", "text"),
    [(START, "C+=5"), (START, "R2+1"), (START, "H2=3"), (THREE, "43=4"), (START, "++=4"), (START, "1+=4")],
)
def test_text_without_a_piece_or_a_move_of_it(board: Board, text: str) -> None:
    with pytest.raises(MoveError) as caught:
        wxf.parse(board, text)
    assert not isinstance(caught.value, IllegalMoveError)
    assert repr(text) in str(caught.value)
    assert board.fen() in str(caught.value)


def test_illegal_move_says_why() -> None:
    with pytest.raises(IllegalMoveError, match="leg") as caught:
        wxf.parse(START, "H2+4")
    assert caught.value.reason == START.explain(Move.from_iccs("h0f1"))


def test_ambiguous_text_lists_the_candidates() -> None:
    with pytest.raises(MoveError, match="g8f8, g7f7, g6f6, g5f5"):
        wxf.parse(FOUR, "P3=4")


@pytest.mark.parametrize(
    ("text", "move"),
    [("+C-1", "b4b3"), ("-C-1", "b2b1"), ("-C=5", "b2e2"), ("＋Ｃ－１", "b4b3"), ("-c.5", "b2e2")],
)
def test_the_mark_in_front_of_the_letter(text: str, move: str) -> None:
    assert wxf.parse(Board("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1"), text).iccs == move


def test_marks_in_front_of_other_letters() -> None:
    horses = Board("3k5/9/9/9/9/2N6/9/2N6/9/4K4 w - - 0 1")
    assert wxf.parse(horses, "+H+8").iccs == "c4b6"
    soldiers = Board("3k5/9/2P6/2P6/9/9/9/9/9/4K4 w - - 0 1")
    assert wxf.parse(soldiers, "-P=6").iccs == "c6d6"
    assert wxf.parse(soldiers, "+P+1").iccs == "c7c8"


def test_a_sideways_move_without_a_sign() -> None:
    assert wxf.parse(START, "C25").iccs == "h2e2"
    assert wxf.parse(BLACK_START, "c85").iccs == "h7e7"
