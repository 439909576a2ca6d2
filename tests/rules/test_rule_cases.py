"""The published cases about legality, ends of games and material; repetitions and notations are tested elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xiangqi_gpt.rules import BLACK, RED, Board, Color, Move, Termination, parse_square, square_name

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "rule_cases.json").read_text())
ELSEWHERE = {"repetition_verdict", "notation", "parse_move", "move_to_wxf", "moves_to_wxf", "move_to_fsf_san"}


def terminal(board: Board, answer: Any) -> None:
    outcome = board.outcome("asian")
    assert outcome is not None
    assert outcome.winner is board.turn.other
    assert board.is_check() == answer["in_check"]
    assert len(board.legal_moves()) == answer["legal_moves"]
    expected = Termination.CHECKMATE if answer["in_check"] else Termination.STALEMATE
    assert outcome.termination is expected


def insufficient(board: Board, answer: Any) -> None:
    assert {color.name.lower(): not board.can_attack(color) for color in Color} == answer


def no_attackers(board: Board, answer: Any) -> None:
    outcome = board.outcome("asian")
    assert (outcome is not None and outcome.termination is Termination.INSUFFICIENT_MATERIAL) == answer


def mating_material(board: Board, answer: Any) -> None:
    assert (board.can_attack(RED) or board.can_attack(BLACK)) == answer


def moves_from(board: Board, answer: Any) -> None:
    start = parse_square(answer["square"])
    found = [square_name(m.to_square) for m in board.legal_moves() if m.from_square == start]
    assert found == answer["moves"]


def legality(board: Board, answer: Any) -> None:
    for text in answer["legal"] + answer["illegal"]:
        move = Move.from_iccs(text)
        assert board.is_legal(move) == (text in answer["legal"])
        assert (board.explain(move) is None) == (text in answer["legal"])


def earlier(board: Board, answer: Any) -> None:
    assert board.repetitions() - 1 == answer


def repeated(board: Board, answer: Any) -> None:
    seen = False
    while board.ply and not seen:
        seen = board.repetitions() > 1
        board.pop()
    assert seen == answer


def third(board: Board, answer: Any) -> None:
    assert (board.repetitions() >= 3) == answer
    assert (board.outcome("simple") is not None) == answer


def natural_limit(board: Board, answer: Any) -> None:
    outcome = board.outcome("asian")
    assert outcome is not None
    assert outcome.termination is Termination.NATURAL_LIMIT


def game_result(board: Board, answer: Any) -> None:
    # the arena stopped the game a ply after the offender had come back to the position for the third time
    while board.outcome("asian") is None:
        board.pop()
    outcome = board.outcome("asian")
    assert outcome is not None
    assert outcome.result == answer["result"]
    assert outcome.termination is Termination.PERPETUAL_CHASE


QUESTIONS: dict[str, Callable[[Board, Any], None]] = {
    "terminal": terminal,
    "insufficient_material": insufficient,
    "no_attacking_material_draw": no_attackers,
    "has_mating_material": mating_material,
    "legal_moves_from_square": moves_from,
    "move_legality": legality,
    "earlier_occurrences_of_final_position": earlier,
    "any_position_repeated_since_last_capture": repeated,
    "is_third_occurrence": third,
    "natural_move_limit": natural_limit,
    "game_result": game_result,
}


def test_every_question_has_a_test() -> None:
    assert {case["question"] for case in CASES} == set(QUESTIONS) | ELSEWHERE


@pytest.mark.parametrize("case", [c for c in CASES if c["question"] in QUESTIONS], ids=lambda c: c["id"])
def test_published_cases(case: dict[str, Any]) -> None:
    # some of these positions cannot occur in a game
    board = Board(case["fen"], strict=False)
    for text in case["moves"]:
        move = Move.from_iccs(text)
        assert board.is_legal(move)
        board.push(move)
    QUESTIONS[case["question"]](board, case["answer"])
