"""Chinese notation: spellings, tandem pieces, the three soldier conventions, refusals."""

from __future__ import annotations

import pytest

from tests.notation.boards import BLACK_START, FIVE, FOUR, START, THREE, THREE_AND_TWO
from xiangqi_gpt.notation import chinese
from xiangqi_gpt.rules import Board, Color, IllegalMoveError, Move, MoveError

BLACK_TWO_AND_TWO = Board("4k4/9/9/9/9/p1p6/p1p6/4p4/9/3K5 b - - 0 1")


@pytest.mark.parametrize(
    "text",
    [
        "炮二平五",
        "砲二平五",
        "包二平五",
        "炮2平5",
        "炮２平５",
        "炮二平5",
        " 炮二平五 ",
        "炮 二 平 五",
        "炮\u3000二平五",
    ],
)
def test_spellings_of_red(text: str) -> None:
    assert chinese.parse(START, text).iccs == "h2e2"


@pytest.mark.parametrize(
    ("text", "move"), [("馬８進７", "h9g7"), ("马8上7", "h9g7"), ("傌八进七", "h9g7"), ("俥1進1", "a9a8")]
)
def test_spellings_of_black(text: str, move: str) -> None:
    assert chinese.parse(BLACK_START, text).iccs == move


@pytest.mark.parametrize(
    ("fen", "text", "move"),
    [
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "后炮进一", "b2b3"),
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "後砲进1", "b2b3"),
        ("3k5/9/9/9/9/1C7/9/1C7/9/4K4 w - - 0 1", "炮前平五", "b4e4"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "仕六进五", "d0e1"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "仕六退五", "d2e1"),
        ("3k5/9/9/9/9/9/9/3A5/9/3AK4 w - - 0 1", "前士退五", "d2e1"),
        ("3k5/9/9/9/9/2B6/9/9/9/2B1K4 w - - 0 1", "相七退五", "c4e2"),
        ("5k3/9/9/9/9/9/9/9/3R5/3RK4 w - - 0 1", "车六进一", "d1d2"),
    ],
)
def test_two_on_a_file(fen: str, text: str, move: str) -> None:
    assert chinese.parse(Board(fen), text).iccs == move


@pytest.mark.parametrize(
    ("board", "text", "move"),
    [
        (THREE, "前兵平四", "g7f7"),
        (THREE, "中兵平四", "g6f6"),
        (THREE, "后兵平四", "g5f5"),
        (THREE, "二兵平四", "g6f6"),
        (THREE, "三兵平四", "g5f5"),
        (THREE, "兵三进一", "g7g8"),
        (THREE_AND_TWO, "一兵平四", "g7f7"),
        (THREE_AND_TWO, "三兵平四", "g5f5"),
        (THREE_AND_TWO, "四兵平八", "c7b7"),
        (THREE_AND_TWO, "五兵平八", "c6b6"),
        (THREE_AND_TWO, "前三平四", "g7f7"),
        (THREE_AND_TWO, "中三平四", "g6f6"),
        (THREE_AND_TWO, "后三平四", "g5f5"),
        (THREE_AND_TWO, "二三平四", "g6f6"),
        (THREE_AND_TWO, "后七平八", "c6b6"),
        (THREE_AND_TWO, "后兵七平八", "c6b6"),
        (THREE_AND_TWO, "後卒7平8", "c6b6"),
        (FOUR, "前兵平四", "g8f8"),
        (FOUR, "一兵平四", "g8f8"),
        (FOUR, "二兵平四", "g7f7"),
        (FOUR, "三兵平四", "g6f6"),
        (FOUR, "四兵平四", "g5f5"),
        (FOUR, "后兵平四", "g5f5"),
        (FIVE, "中兵平四", "g7f7"),
        (FIVE, "五兵平四", "g5f5"),
        (FIVE, "后兵平四", "g5f5"),
        (BLACK_TWO_AND_TWO, "一卒平2", "a3b3"),
        (BLACK_TWO_AND_TWO, "前1平2", "a3b3"),
        (BLACK_TWO_AND_TWO, "后３平４", "c4d4"),
        (BLACK_TWO_AND_TWO, "四卒平4", "c4d4"),
    ],
)
def test_soldier_conventions(board: Board, text: str, move: str) -> None:
    assert chinese.parse(board, text).iccs == move


@pytest.mark.parametrize(
    ("board", "move", "text"),
    [
        (THREE, "g6f6", "中兵平四"),
        (THREE_AND_TWO, "g6f6", "中三平四"),
        (THREE_AND_TWO, "c6b6", "后七平八"),
        (FOUR, "g8f8", "前兵平四"),
        (FOUR, "g7f7", "二兵平四"),
        (FOUR, "g5f5", "四兵平四"),
        (FIVE, "g5f5", "五兵平四"),
        (BLACK_TWO_AND_TWO, "a3b3", "前1平2"),
        (BLACK_TWO_AND_TWO, "e2e1", "卒5进1"),
        (START, "h2e2", "炮二平五"),
        (BLACK_START, "h9g7", "马8进7"),
    ],
)
def test_written_form(board: Board, move: str, text: str) -> None:
    assert chinese.render(board, Move.from_iccs(move)) == text


def test_written_script_and_digits() -> None:
    move = Move.from_iccs("h9g7")
    assert chinese.render(BLACK_START, move, script="traditional") == "馬8進7"
    assert chinese.render(BLACK_START, move, digits="full") == "马８进７"
    board = Board("3k5/9/9/9/9/1R7/9/1R7/9/4K4 w - - 0 1")
    assert chinese.render(board, Move.from_iccs("b2b1"), script="traditional") == "後車退一"


def test_more_pieces_than_a_set_has() -> None:
    board = Board("3k5/9/2R3R2/2R3R2/9/9/9/9/9/4K4 w - - 0 1", strict=False)
    for move, text in (("g6f6", "后车三平四"), ("c7c8", "前车七进一")):
        assert chinese.render(board, Move.from_iccs(move)) == text
        assert chinese.parse(board, text).iccs == move


def test_ambiguous_text_lists_the_candidates() -> None:
    with pytest.raises(MoveError, match="g7f7, g6f6, g5f5") as caught:
        chinese.parse(THREE, "兵三平四")
    assert not isinstance(caught.value, IllegalMoveError)
    with pytest.raises(MoveError, match="c7d7"):
        chinese.parse(Board("3k5/9/2P1P4/2P1P4/9/9/9/9/9/4K4 w - - 0 1"), "前兵平六")


@pytest.mark.parametrize(
    ("board", "text"),
    [
        (START, "前炮平五"),
        (START, "车二进一"),
        (THREE, "四兵平四"),
        (THREE, "前七平八"),
        (FOUR, "中兵平四"),
        (START, "马二平三"),
        (START, "相三进三"),
        (START, "炮二平二"),
    ],
)
def test_text_without_a_piece_or_a_move_of_it(board: Board, text: str) -> None:
    with pytest.raises(MoveError) as caught:
        chinese.parse(board, text)
    assert not isinstance(caught.value, IllegalMoveError)
    assert repr(text) in str(caught.value)
    assert board.fen() in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "炮", "炮二平", "炮二平五五", "二炮平零", "C2=5", "fC=5", "前前平五", "炮平二五", "h2e2"]
)
def test_other_shapes_are_refused(text: str) -> None:
    with pytest.raises(MoveError, match="Chinese notation"):
        chinese.parse(START, text)


def test_illegal_move_says_why() -> None:
    with pytest.raises(IllegalMoveError, match="leg") as caught:
        chinese.parse(START, "马二进四")
    assert caught.value.reason == START.explain(Move.from_iccs("h0f1"))
    with pytest.raises(IllegalMoveError, match=r"g6g5: .*; g5g4: ") as several:
        chinese.parse(Board("3k5/9/9/6P2/6P2/6p2/9/9/9/4K4 w - - 0 1"), "兵三退一")
    assert several.value.reason is not None


def test_rendering_needs_a_piece_of_the_mover() -> None:
    with pytest.raises(MoveError, match="'h9g7'"):
        chinese.render(START, Move.from_iccs("h9g7"))
    with pytest.raises(MoveError, match="'e4e5'"):
        chinese.render(START, Move.from_iccs("e4e5"))


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("炮二平五", Color.RED), ("前车退一", Color.RED), ("马8进7", Color.BLACK), ("砲２平５", Color.BLACK),
        ("前炮退2", Color.BLACK), ("h2e2", None), ("C2=5", None), ("炮", None), ("", None), ("五" * 1000, Color.RED),
    ],
)  # fmt: skip
def test_the_side_of_the_digits(text: str, side: Color | None) -> None:
    assert chinese.digits_side(text) is side
