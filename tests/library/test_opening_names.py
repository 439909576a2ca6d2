"""Names of openings: main lines by their textbook names, mirror images, other orders of moves, what has no name."""

from __future__ import annotations

import pytest

from xiangqi_gpt.library.opening_names import OPENING_PLIES, name_opening
from xiangqi_gpt.rules import Board, Move
from xiangqi_gpt.texts import LANGUAGES

LINES = {
    "h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 g3g4 c6c5 h0h6 h7i7 h6g6 i7i8": "中炮过河车对屏风马平炮兑车",
    "h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 g3g4 c6c5 b0c2 g7f5": "中炮对屏风马左马盘河",
    "h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 g3g4 c6c5 b2b6": "五八炮对屏风马",
    "h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 c3c4 g6g5 b0a2 a6a5 b2c2": "五七炮对屏风马",
    "h2e2 b9c7 h0g2 h7f7 i0h0 h9g7 b2d2": "五六炮对反宫马",
    "h2e2 h7e7 h0g2 h9g7 i0i1": "中炮横车对顺炮",
    "h2e2 b7e7": "中炮对列炮",
    "h2e2 h9g7 h0g2 i9h9 i0h0 h7h3 b0c2 b7e7": "中炮对左炮封车转列炮",
    "h2e2 h9g7 h0g2 i9h9 c3c4 h7i7 b0c2 b7e7": "中炮对三步虎转列炮",
    "h2e2 b9c7 h0g2 h9i7": "中炮对单提马",
    "h2e2 h9g7 h0g2 i9h9 c3c4 h7i7": "中炮对三步虎",
    "c3c4 b7c7 h2e2": "仙人指路转中炮对卒底炮",
    "c3c4 g6g5": "对兵局",
    "c3c4 g6g5 b0c2 h9g7 h2e2": "对兵局转中炮",
    "g0e2 h7e7": "飞相局对中炮",
    "h0g2 g6g5": "起马局对进卒",
    "h2d2": "过宫炮局",
}


def moves(text: str) -> list[Move]:
    board = Board()
    found = [Move.from_iccs(word) for word in text.split()]
    for move in found:
        board.push(move)  # an illegal one raises
    return found


@pytest.mark.parametrize("line", LINES)
def test_main_lines(line: str) -> None:
    found = name_opening(moves(line))
    assert found is not None
    assert found.message.text("zh") == LINES[line]


@pytest.mark.parametrize("line", LINES)
def test_a_mirrored_game_has_the_same_name(line: str) -> None:
    assert name_opening([move.mirrored() for move in moves(line)]) == name_opening(moves(line))


def test_another_order_of_moves_has_the_same_name() -> None:
    first = "h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 g3g4 c6c5 h0h6 h7i7"
    second = "h2e2 b9c7 h0g2 h9g7 i0h0 i9h9 h0h6 c6c5 g3g4 h7i7"
    assert name_opening(moves(first)) == name_opening(moves(second))


def test_all_languages() -> None:
    found = name_opening(moves("h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 g3g4 c6c5 h0h6"))
    assert found is not None
    assert [found.message.text(language) for language in LANGUAGES] == [
        "Central cannon with crossing rook against screen horses",
        "中炮过河车对屏风马",
        "中炮過河車對屏風馬",
    ]


def test_what_has_no_name() -> None:
    assert name_opening([]) is None
    assert name_opening(moves("e0e1")) is None
    assert name_opening(moves("h2e2"), "3k5/9/9/9/9/9/9/7C1/9/4K4 w") is None


def test_only_the_opening_is_read() -> None:
    rooks = "i0i1 i9i8 i1i0 i8i9 " * 5
    begun = moves("h2e2 a6a5 a3a4 a5a4 " + rooks)
    assert len(begun) == OPENING_PLIES
    horses = [Move.from_iccs(word) for word in ("h0g2", "h9g7", "b0c2", "b9c7")]
    found = name_opening([*begun, *horses])
    assert found is not None
    assert found.reply == "edge_pawn"
    earlier = name_opening([*begun[:-4], *horses])
    assert earlier is not None
    assert earlier.reply == "screen_horses"
