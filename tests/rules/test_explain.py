from __future__ import annotations

import re
from random import Random

import pytest

from rules.positions import play_random
from xiangqi_gpt.rules import MOVES, Board, Move, Reason

CJK = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("fen", "text", "reason", "en", "zh"),
    [
        ("", "e4e5", "empty_square", "no piece on e4", "e4 没有棋子"),
        ("", "h9g7", "wrong_side", "Red's turn", "轮到红方"),
        ("", "a0b0", "own_piece", "own horse", "己方的马"),
        ("", "e0e0", "not_a_move", "king on e0 does not reach e0", "走不到"),
        ("", "e0g2", "not_a_move", "one point along a line", "走一格"),
        ("", "d0d1", "not_a_move", "one point diagonally", "斜线"),
        ("", "c0c1", "not_a_move", "two points diagonally", "斜线"),
        ("", "b0b3", "not_a_move", "then one diagonally", "日字"),
        ("", "a0b1", "not_a_move", "along a line", "直线"),
        ("", "h2g3", "own_piece", "own soldier", "己方的兵"),
        ("", "h2g4", "not_a_move", "along a line", "直线"),
        ("", "a3a5", "not_a_move", "one point forward", "一格"),
        ("", "a3b4", "not_a_move", "one point forward", "一格"),
        ("", "a3a2", "not_a_move", "one point forward", "后退"),
        ("", "a3b3", "river", "only after it has crossed", "尚未过河"),
        ("", "b0d1", "horse_leg", "leg on c0", "蹩马腿"),
        ("3k5/9/9/9/9/9/9/9/3P5/2B1K4 w", "c0e2", "elephant_eye", "eye on d1", "塞象眼"),
        ("3k5/9/9/9/9/2B6/9/9/9/4K4 w", "c4e6", "river", "may not cross the river", "不能过河"),
        ("3k5/9/9/9/9/9/9/9/9/5K3 w", "f0g0", "palace", "leave the palace", "九宫"),
        ("3k5/9/9/9/9/9/9/5A3/9/5K3 w", "f2g3", "palace", "leave the palace", "九宫"),
        ("", "h2h7", "cannon_screen", "there are 0", "有 0 个"),
        ("3k5/9/7p1/7p1/7p1/9/9/7C1/9/5K3 w", "h2h7", "cannon_screen", "there are 2", "有 2 个"),
        ("", "a0a5", "path_blocked", "blocked on a3", "被 a3"),
        ("3k5/9/9/7p1/9/9/9/7C1/9/5K3 w", "h2h8", "path_blocked", "blocked on h6", "被 h6"),
        ("4k4/9/9/9/9/9/9/9/4R4/4K4 w", "e1d1", "facing_kings", "face each other", "照面"),
        ("3k5/9/9/9/9/9/9/9/9/4K4 w", "e0d0", "facing_kings", "face each other", "照面"),
        ("3k5/9/9/9/9/9/9/4r4/4A4/4K4 w", "e1d2", "king_in_check", "left in check", "走后红方被将军"),
        ("3k5/9/9/9/9/9/9/4r4/9/4K4 w", "e0e1", "king_in_check", "stay in check", "仍被将军"),
        ("3k5/9/9/9/9/9/9/4r4/9/R3K4 w", "a0a1", "king_in_check", "stay in check", "仍被将军"),
        ("4k4/9/9/9/9/9/9/9/9/3K4r w", "d0d1", None, "", ""),
        ("4k4/9/9/9/9/9/9/9/9/3K4r b", "e9e8", None, "", ""),
        ("4k4/9/9/9/4p4/9/9/9/9/4K4 b", "e5d5", "river", "only after it has crossed", "尚未过河"),
    ],
)
def test_reasons(fen: str, text: str, reason: str | None, en: str, zh: str) -> None:
    board = Board(fen, strict=False) if fen else Board()
    before = board.fen()
    found = board.explain(Move.from_iccs(text))
    assert board.fen() == before
    if reason is None:
        assert found is None
        return
    assert found is not None
    assert found.reason == Reason(reason)
    assert en in found.text_en
    assert zh in found.text_zh
    assert not CJK.search(found.text_en)


def test_every_reason_is_covered_above() -> None:
    marks = next(m for m in test_reasons.pytestmark if m.name == "parametrize")
    assert {case[2] for case in marks.args[1]} - {None} == {r.value for r in Reason}


def test_explains_exactly_the_illegal_moves() -> None:
    rng = Random(17)
    for seed in range(6):
        for board in play_random(Random(seed), 90):
            legal = set(board.legal_moves())
            for move in legal:
                assert board.explain(move) is None
            starts = [sq for sq in range(90) if board.squares[sq]]
            for _ in range(60):
                move = MOVES[rng.choice(starts) * 90 + rng.randrange(90)]
                assert (board.explain(move) is None) == (move in legal), f"{move} in {board.fen()}"
            pseudo = set(board.pseudo_legal_moves())
            for move in pseudo - legal:
                found = board.explain(move)
                assert found is not None
                assert found.reason in (Reason.KING_IN_CHECK, Reason.FACING_KINGS)
