from __future__ import annotations

import re
from dataclasses import replace

import pytest

from xiangqi_gpt.rules import (
    BLACK,
    RED,
    RULE_SETS,
    Board,
    ConfigError,
    Move,
    Outcome,
    RuleSet,
    Termination,
    get_rule_set,
)

CJK = re.compile(r"[\u4e00-\u9fff]")
IDLE = ["h0g2", "h9g7", "g2h0", "g7h9"]


def board_after(moves: list[str], fen: str | None = None) -> Board:
    board = Board() if fen is None else Board(fen)
    for text in moves:
        move = Move.from_iccs(text)
        assert board.is_legal(move), (text, board.explain(move))
        board.push(move)
    return board


def outcome(board: Board, rules: str | RuleSet = "simple") -> Outcome:
    found = board.outcome(rules)
    assert found is not None
    assert CJK.search(found.text_zh)
    assert not CJK.search(found.text_en)
    return found


@pytest.mark.parametrize("rules", list(RULE_SETS))
@pytest.mark.parametrize(
    ("fen", "winner", "termination"),
    [
        ("5kC2/4a1N2/3a5/9/9/9/9/r3C4/4p4/2rK4R w - - 0 8", BLACK, "checkmate"),
        ("4k4/3R1R3/9/9/9/9/9/9/9/3K5 b - - 0 1", RED, "stalemate"),
        ("3k5/9/b8/9/9/9/9/9/4A4/4K4 w - - 0 1", None, "insufficient_material"),
        ("3k5/9/9/9/9/9/9/9/9/R3K4 w - - 120 61", None, "natural_limit"),
    ],
)
def test_ends_of_any_rule_set(rules: str, fen: str, winner: object, termination: str) -> None:
    found = outcome(Board(fen), rules)
    assert (found.winner, found.termination) == (winner, Termination(termination))
    assert found.rule_set == rules
    assert found.result == {RED: "1-0", BLACK: "0-1", None: "1/2-1/2"}[found.winner]


@pytest.mark.parametrize("rules", list(RULE_SETS))
def test_a_game_that_goes_on(rules: str) -> None:
    assert Board().outcome(rules) is None
    assert board_after(IDLE).outcome(rules) is None
    assert Board("3k5/9/9/9/9/9/9/9/9/P3K4 w - - 119 61", strict=False).outcome(rules) is None


def test_mate_counts_before_the_natural_limit() -> None:
    board = Board("5kC2/4a1N2/3a5/9/9/9/9/r3C4/4p4/2rK4R w - - 130 80")
    assert outcome(board).termination is Termination.CHECKMATE


def test_natural_limit_is_an_option() -> None:
    league = replace(RULE_SETS["asian"], name="league", natural_limit=50)
    board = Board("3k5/9/9/9/9/9/9/9/9/R3K4 w - - 100 61")
    assert board.outcome("asian") is None
    assert outcome(board, league).termination is Termination.NATURAL_LIMIT
    assert "50 moves" in outcome(board, league).text_en
    assert board.outcome(replace(league, natural_limit=0)) is None
    assert Board("3k5/9/9/9/9/9/9/9/9/4K4 w").outcome(replace(league, insufficient_material=False)) is None


def test_idle_repetition_is_a_draw_and_says_so() -> None:
    for rules in RULE_SETS:
        found = outcome(board_after(IDLE * 2), rules)
        assert (found.winner, found.termination) == (None, Termination.REPETITION)
        assert "3 times" in found.text_en
        assert "3 次" in found.text_zh


def test_repetitions_needed_are_an_option() -> None:
    four = replace(RULE_SETS["simple"], repetitions=4)
    assert board_after(IDLE * 2).outcome(four) is None
    assert "4 times" in outcome(board_after(IDLE * 3), four).text_en


CHECKS = "3k5/9/9/9/9/9/9/3R5/9/5K3 b - - 0 1"
CHECK_CYCLE = ["d9e9", "d2e2", "e9d9", "e2d2"]


def test_perpetual_check_loses_and_is_explained() -> None:
    board = board_after(CHECK_CYCLE * 2, CHECKS)
    for rules in ("asian", "chinese"):
        found = outcome(board, rules)
        assert (found.winner, found.termination) == (BLACK, Termination.PERPETUAL_CHECK)
        assert found.text_en.startswith("Red gave check on each of the last 4 moves")
        assert "红方最近 4 着步步将军" in found.text_zh
    assert outcome(board, "simple").winner is None


def test_perpetual_chase_names_its_victim() -> None:
    board = board_after(["g6h6", "g2h2", "h6g6", "h2g2"] * 2, "3k5/9/9/6c2/9/9/9/6R2/9/5K3 b - - 0 1")
    for rules in ("asian", "chinese"):
        found = outcome(board, rules)
        assert (found.winner, found.termination) == (BLACK, Termination.PERPETUAL_CHASE)
        assert "Red chased the black cannon (now on g6) on each of the last 4 moves" in found.text_en
        assert "黑方的炮" in found.text_zh


def test_the_judge_sees_only_the_last_three_occurrences() -> None:
    # idle moves before the cycle do not excuse it, and a fourth round is judged like the third
    board = Board(CHECKS)
    for text in ["d9d8", "f0f1", "d8d9", "f1f0", *CHECK_CYCLE * 2]:
        board.push(Move.from_iccs(text))
    assert outcome(board, "asian").termination is Termination.PERPETUAL_CHECK
    for text in CHECK_CYCLE:
        board.push(Move.from_iccs(text))
    assert outcome(board, "asian").termination is Termination.PERPETUAL_CHECK


def test_a_board_without_kings_is_not_judged() -> None:
    board = Board("3k5/9/9/9/9/9/9/3R5/9/9 b", strict=False)
    for text in CHECK_CYCLE * 2:
        board.push(Move.from_iccs(text))
    assert outcome(board, "asian").winner is None


def test_rule_sets_by_name() -> None:
    assert get_rule_set("asian") is RULE_SETS["asian"]
    assert {rules.name for rules in RULE_SETS.values()} == set(RULE_SETS)
    with pytest.raises(ConfigError, match=r"simple, asian, chinese.*'fide'"):
        Board().outcome("fide")


@pytest.mark.parametrize("change", [{"judge": "fide"}, {"repetitions": 1}, {"natural_limit": -1}])
def test_impossible_rule_sets(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        replace(RULE_SETS["asian"], **change)  # type: ignore[arg-type]
