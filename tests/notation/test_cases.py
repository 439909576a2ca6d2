"""Published notation cases, and the functions that know all notations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiangqi_gpt.notation import NOTATIONS, chinese, parse_any, wxf
from xiangqi_gpt.rules import Board, IllegalMoveError, Move, MoveError

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "notation_cases.json").read_text(encoding="utf-8")
)

FUZZED = [Board(), Board("3k5/9/2P3P2/2P3P2/6P2/9/9/9/9/4K4 w - - 0 1")]


def cases(question: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in CASES if case["question"] == question]


@pytest.mark.parametrize("case", cases("notation"))
def test_published_notation(case: dict[str, Any]) -> None:
    board = Board(case["fen"], strict=False)  # some published diagrams have soldiers behind their start
    answer = case["answer"]
    move = Move.from_iccs(answer["move"])
    texts = [answer["chinese"], *answer["chinese_also_accepted"]]
    assert chinese.render(board, move) in texts
    for text in texts:
        assert chinese.parse(board, text) is move
        assert parse_any(board, text) is move
    if answer["wxf"] is not None:
        texts = [answer["wxf"], *answer["wxf_also_accepted"]]
        assert wxf.render(board, move) in texts
        assert wxf.parse(board, answer["wxf"]) is move
        for text in texts:
            # 33=4 is the middle soldier in one dialect and the rear one in the other.
            assert wxf.parse(board, text, dialect="official" if text == "33=4" else None) is move


@pytest.mark.parametrize("case", cases("parse_move"))
def test_published_texts(case: dict[str, Any]) -> None:
    board, answer = Board(case["fen"]), case["answer"]
    if answer["move"] is None:
        with pytest.raises(MoveError):
            parse_any(board, answer["text"])
    else:
        assert parse_any(board, answer["text"]).iccs == answer["move"]


@pytest.mark.parametrize("case", cases("move_to_wxf"))
def test_published_wxf(case: dict[str, Any]) -> None:
    board, move = Board(case["fen"]), Move.from_iccs(case["answer"]["move"])
    assert wxf.render(board, move) == case["answer"]["text"]
    assert wxf.parse(board, case["answer"]["text"]) is move


@pytest.mark.parametrize("case", cases("moves_to_wxf"))
def test_published_wxf_line(case: dict[str, Any]) -> None:
    board = Board(case["fen"])
    for name, text in zip(case["moves"], case["answer"], strict=True):
        move = Move.from_iccs(name)
        assert wxf.render(board, move) == text
        assert wxf.parse(board, text) is move
        board.push(move)


@pytest.mark.parametrize("text", ["H2-E2", "h2e2", "H2–E2", "C2=5", "C2.5", "62.5", "炮二平五", "砲２平５"])
def test_any_notation(text: str) -> None:
    assert parse_any(Board(), text).iccs == "h2e2"


def test_any_notation_guesses_no_rank_convention() -> None:
    with pytest.raises(IllegalMoveError):
        parse_any(Board(), "h3e3")
    board = Board("rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR b - - 0 1")
    assert parse_any(board, "b10c8").iccs == "b9c7"


@pytest.mark.parametrize("text", ["", "xx", "e4", "Nf3", "炮", "1-0", "a" * 10000])
def test_no_notation(text: str) -> None:
    with pytest.raises(MoveError):
        parse_any(Board(), text)


@pytest.mark.parametrize("name", list(NOTATIONS))
def test_endless_text_is_refused_in_a_short_message(name: str) -> None:
    for text in ("h2e2" * 1_000_000, "炮二平五" + " " * 1_000_000, "\u3000" * 1_000_000):
        with pytest.raises(MoveError) as caught:
            NOTATIONS[name].parse(Board(), text)
        assert len(str(caught.value)) < 1000


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.text(max_size=8),
        st.text("abcdefghi0123456789-", min_size=3, max_size=7),
        st.text("KAEBHNRCP123456789+-=.abcde", min_size=4, max_size=4),
        st.text("帅仕相马车炮兵卒前中后一二三四五六七八九1239进退平上下", min_size=4, max_size=5),
    )
)
def test_any_text_is_a_legal_move_or_a_move_error(text: str) -> None:
    for board in FUZZED:
        for parse in (parse_any, *(notation.parse for notation in NOTATIONS.values())):
            try:
                move = parse(board, text)
            except MoveError:
                continue
            assert board.is_legal(move)


def test_notations_by_name() -> None:
    assert list(NOTATIONS) == ["iccs", "uci", "wxf", "chinese"]
    move = Move.from_iccs("h2e2")
    written = {name: notation.render(Board(), move) for name, notation in NOTATIONS.items()}
    assert written == {"iccs": "h2e2", "uci": "h2e2", "wxf": "C2=5", "chinese": "炮二平五"}
    for name, notation in NOTATIONS.items():
        assert notation.name == name
        assert notation.parse(Board(), written[name]) is move
