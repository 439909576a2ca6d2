"""Drawing moves: temperature, top-k, top-p, min-p; repetitions that lose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.decoding.test_scorer import scores_of
from xiangqi_gpt.decoding import Sampling, choose, open_moves
from xiangqi_gpt.decoding.sampling import loses_by_repetition
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.rulesets import RULE_SETS

LOGS = np.log([0.1, 0.4, 0.2, 0.3])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.1, 0.4, 0.2, 0.3]),
        ({"top_k": 1}, [0, 1, 0, 0]),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_k": 9}, [0.1, 0.4, 0.2, 0.3]),
        ({"top_p": 0.3}, [0, 1, 0, 0]),
        ({"top_p": 0.69}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.71}, [0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_p": 1.0}, [0.1, 0.4, 0.2, 0.3]),
        ({"min_p": 0.51}, [0, 4 / 7, 0, 3 / 7]),
        ({"min_p": 1.0}, [0, 1, 0, 0]),
        ({"min_p": 0.0}, [0.1, 0.4, 0.2, 0.3]),
        ({"top_k": 3, "top_p": 0.7, "min_p": 0.1}, [0, 4 / 7, 0, 3 / 7]),
        ({"temperature": 0.5}, [1 / 30, 16 / 30, 4 / 30, 9 / 30]),
        ({"temperature": 0.5, "top_p": 0.8}, [0, 16 / 25, 0, 9 / 25]),
    ],
    ids=str,
)
def test_shares(options: dict[str, Any], expected: list[float]) -> None:
    shares = Sampling(**{"temperature": 1.0, **options}).shares(LOGS)
    assert shares == pytest.approx(np.array(expected))


def test_impossible_moves_are_never_drawn_and_ties_stay_in_order() -> None:
    logs = np.array([-np.inf, -1.0, -1.0, -1.0])
    assert Sampling(temperature=1.0, top_k=2).shares(logs) == pytest.approx(np.array([0, 0.5, 0.5, 0]))
    assert Sampling(temperature=1.0).shares(logs)[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k: expected at least 1 move, found 0"),
        ({"top_p": 0.0}, "top_p: expected a share above 0"),
        ({"top_p": float("nan")}, "top_p: expected a share above 0"),
        ({"min_p": 1.5}, "min_p: expected a share from 0 to 1"),
        ({"temperature": -1.0}, "temperature: expected a number from 0 to 100"),
        ({"temperature": 0.0, "top_k": 3}, "temperature: expected a number above 0 with top_k, found 0"),
    ],
)
def test_nonsense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Sampling(**{"temperature": 1.0, **options})


def test_the_seed_decides_what_is_drawn() -> None:
    board = Board()
    scores = scores_of(board, {"h2e2": 0.4, "b0c2": 0.3, "c3c4": 0.3}, (0.3, 0.4, 0.3))
    sampling = Sampling(temperature=1.0, top_k=3)

    def drawn(seed: int) -> list[int]:
        rng = np.random.default_rng(seed)
        return [choose(board, scores, rng=rng, sampling=sampling) for _ in range(20)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert {scores.moves[i].iccs for i in drawn(3)} <= {"h2e2", "b0c2", "c3c4"}


CHECKS = ("a8a9", "d9d8", "a9a8", "d8d9")


def test_moves_to_avoid_are_chosen_only_if_no_others_are_left() -> None:
    board = Board()
    scores = scores_of(board, {"h2e2": 0.6, "b0c2": 0.3, "c3c4": 0.1}, (0.3, 0.4, 0.3))
    texts = [move.iccs for move in scores.moves]
    best = np.array([text == "h2e2" for text in texts])
    assert texts[choose(board, scores)] == "h2e2"
    assert texts[choose(board, scores, avoid=best)] == "b0c2"
    assert texts[choose(board, scores, avoid=~best)] == "h2e2"
    assert texts[choose(board, scores, avoid=np.ones(len(texts), bool))] == "h2e2"


def after_checks(plies: int) -> Board:
    """Red's rook checks on every move, from its first on."""
    board = Board("3k5/R8/9/9/9/9/9/9/9/4K4 w - - 0 1")
    for text in (CHECKS * 3)[:plies]:
        board.push(Move.from_iccs(text))
    return board


def test_a_loss_by_perpetual_check_is_seen_before_the_reply_that_completes_it() -> None:
    board = after_checks(6)
    bad = {m.iccs for m in board.legal_moves() if loses_by_repetition(board, m, RULE_SETS["asian"])}
    assert bad == {"a9a8"}  # Black's d8d9 then brings the position up for the third time
    assert not any(loses_by_repetition(board, m, RULE_SETS["simple"]) for m in board.legal_moves())
    assert not any(
        loses_by_repetition(after_checks(4), m, RULE_SETS["asian"]) for m in after_checks(4).legal_moves()
    )
    assert board == after_checks(6)


def test_a_loss_by_perpetual_chase_is_seen_coming() -> None:
    # A diagram of the WXF manual: Red's rook chases an unprotected cannon to and fro.
    board = Board("4k4/4a4/4b4/6c2/9/3R5/4c4/4C4/4N4/3AKA3 w - - 0 1")
    for text in ("d4g4", "g6c6", "g4c4", "c6g6", "c4g4", "g6c6", "g4c4", "c6g6"):
        board.push(Move.from_iccs(text))
    bad = {
        name: {m.iccs for m in board.legal_moves() if loses_by_repetition(board, m, RULE_SETS[name])}
        for name in ("asian", "simple")
    }
    assert bad == {"asian": {"c4g4"}, "simple": set()}
    scores = scores_of(board, {"c4g4": 0.9, "c4c5": 0.1}, (0.4, 0.2, 0.4))
    best = choose(board, scores, guard=False, rules=RULE_SETS["asian"])
    assert scores.moves[best].iccs == "c4c5"


def test_rules_leave_out_what_loses_even_for_a_losing_side() -> None:
    board = after_checks(6)
    scores = scores_of(board, {"a9a8": 0.9, "a9a7": 0.1}, (0.1, 0.1, 0.8))
    assert scores.moves[choose(board, scores)].iccs == "a9a8"  # to a side that loses a repetition looks fine
    assert scores.moves[choose(board, scores, rules=RULE_SETS["asian"])].iccs == "a9a7"
    only = open_moves(board, scores, rules=RULE_SETS["asian"], guard=False)
    assert [m.iccs for m, is_open in zip(scores.moves, only, strict=True) if not is_open] == ["a9a8"]


def test_where_all_moves_lose_one_is_played_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    board = after_checks(6)
    scores = scores_of(board, {"a9a8": 0.9}, (0.1, 0.1, 0.8))
    monkeypatch.setattr("xiangqi_gpt.decoding.sampling.loses_by_repetition", lambda *_: True)
    assert open_moves(board, scores, rules=RULE_SETS["asian"], guard=False).all()
