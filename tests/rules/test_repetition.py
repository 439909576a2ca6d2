"""Verdicts on repetitions: published diagrams, published cases, rule texts, and pyffish on random cycles."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rules.repetition_cases import KINDS, our_verdict, pyffish_verdict, random_cases
from xiangqi_gpt.rules import Board, Move, RuleSet, Termination

DATA = Path(__file__).parent / "data"
DIAGRAMS: list[dict[str, Any]] = json.loads((DATA / "repetition_diagrams.json").read_text())


def play(fen: str, moves: list[str]) -> Board:
    # one published diagram has a soldier where none can stand
    board = Board(fen, strict=False)
    for text in moves:
        move = Move.from_iccs(text)
        assert board.is_legal(move), f"{text} in {board.fen()}"
        board.push(move)
    return board


def winner(board: Board, rules: str | RuleSet) -> str | None:
    outcome = board.outcome(rules)
    assert outcome is not None
    return None if outcome.winner is None else outcome.winner.name.lower()


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda d: d["id"])
def test_published_diagrams(diagram: dict[str, Any]) -> None:
    board = play(diagram["fen"], diagram["moves"].split())
    assert winner(board, "asian") == diagram["winner"]
    assert winner(board, "simple") is None


SWAP = str.maketrans("abcdefghi0123456789", "ihgfedcba9876543210")


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda d: d["id"])
def test_verdicts_do_not_depend_on_the_colour(diagram: dict[str, Any]) -> None:
    placement, turn = diagram["fen"].split()[:2]
    turned = "/".join(row[::-1] for row in reversed(placement.swapcase().split("/")))
    board = play(f"{turned} {'w' if turn == 'b' else 'b'}", diagram["moves"].translate(SWAP).split())
    other = {"red": "black", "black": "red", None: None}[diagram["winner"]]
    assert winner(board, "asian") == other
    straight = play(diagram["fen"], diagram["moves"].split())
    assert (
        winner(board, "chinese") == {"red": "black", "black": "red", None: None}[winner(straight, "chinese")]
    )


def diagram(name: str) -> Board:
    found = next(d for d in DIAGRAMS if d["id"] == name)
    return play(found["fen"], found["moves"].split())


@pytest.mark.parametrize(
    ("name", "asian", "chinese", "termination"),
    [
        ("axf_03", "black", "black", "perpetual_check"),
        ("axf_04", None, None, "repetition"),  # mutual check
        ("axf_07", None, "black", "perpetual_attack"),  # perpetual threat of mate
        ("axf_15", None, "black", "perpetual_attack"),  # check and chase in turn
        ("axf_26", None, "black", "perpetual_attack"),  # two rooks chased in turn
        ("axf_78", None, "black", "perpetual_attack"),  # three pieces chased in turn
        ("axf_29", None, None, "repetition"),  # the cannon is protected
        ("axf_60", None, None, "repetition"),  # a soldier that has not crossed
        ("axf_67", None, None, "repetition"),  # a king may chase
        ("axf_69", None, None, "repetition"),  # a soldier may chase
        ("axf_34", "black", None, "repetition"),  # chase against threats of mate: both are forbidden
        ("axf_74", "black", None, "repetition"),  # a soldier's attack counts where both attack
        ("axf_49", "black", "black", "perpetual_chase"),
        ("axf_a1", "black", "black", "perpetual_attack"),  # protection taken away again and again
    ],
)
def test_where_chinese_rules_differ(
    name: str, asian: str | None, chinese: str | None, termination: str
) -> None:
    board = diagram(name)
    assert winner(board, "asian") == asian
    assert winner(board, "chinese") == chinese
    outcome = board.outcome("chinese")
    assert outcome is not None
    assert outcome.termination is Termination(termination)


def test_only_chinese_rules_excuse_a_retreat() -> None:
    # The rook draws back along the file on which the advisor has just stepped into its fire.
    board = play("3k5/6N2/3a5/4R4/9/9/9/4K4/4A4/2BA5 w", ["e6e7", "d7e8", "e7e6", "e8d7"] * 2)
    assert winner(board, "asian") == "black"
    assert winner(board, "chinese") is None


def test_a_capture_that_allows_mate_is_no_chase_under_chinese_rules() -> None:
    cycle = ["a5a3", "g3h5", "a3a5", "h5g3"] * 2
    harmless = play("3k5/9/9/9/R8/9/6n2/4p4/9/4K4 w", cycle)
    assert winner(harmless, "chinese") == winner(harmless, "asian") == "black"
    # with two black rooks, whatever the red rook takes is answered by mate on the back rank
    poisoned = play("3k5/1r1r5/9/9/R8/9/6n2/4p4/9/4K4 w", cycle)
    assert winner(poisoned, "asian") == "black"
    assert winner(poisoned, "chinese") is None


@pytest.mark.parametrize(
    "case",
    [c for c in json.loads((DATA / "rule_cases.json").read_text()) if c["question"] == "repetition_verdict"],
    ids=lambda c: c["id"],
)
def test_published_cases(case: dict[str, Any]) -> None:
    board = play(case["fen"], case["moves_to_third_occurrence"])
    answer = case["answer"]
    assert winner(board, "asian") == answer.get("winner")
    outcome = board.outcome("asian")
    assert outcome is not None
    assert outcome.termination.value == answer.get("reason", "repetition")
    for color in ("red", "black"):
        assert outcome.text_en.startswith(color.title()) == (answer.get("offender") == color)


def test_agrees_with_pyffish_on_random_cycles() -> None:
    pytest.importorskip("pyffish", reason="pyffish is the oracle; install the dev extra")
    cases = list(islice(random_cases(Random(7)), 80))
    assert {case.kind for case in cases} == set(KINDS)
    differing = [
        str(case.board.move_stack) for case in cases if our_verdict(case.board) != pyffish_verdict(case.board)
    ]
    assert len(differing) <= 1, differing


@pytest.mark.slow
def test_agrees_with_pyffish_on_twenty_thousand_cycles() -> None:
    pytest.importorskip("pyffish", reason="pyffish is the oracle; install the dev extra")
    equal = sum(
        our_verdict(c.board) == pyffish_verdict(c.board) for c in islice(random_cases(Random(1)), 20_000)
    )
    assert equal >= 19_800
