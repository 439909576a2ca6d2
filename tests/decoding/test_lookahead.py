"""Lookahead: what the rules decide is found, the bare policy is its smallest case, and it stops when told."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

from tests.decoding.test_scorer import after, random_line
from tests.model.tiny import MODES, tiny
from xiangqi_gpt.decoding import Lookahead, LookaheadConfig, MoveScores, Scorer, choose
from xiangqi_gpt.decoding.lookahead import SearchResult
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.mates import Loading
from xiangqi_gpt.rules.move import Move

MATE_IN_TWO = "4k4/9/R8/9/9/9/9/9/9/1R3K3 w - - 0 1"  # one rook to the eighth rank, the other to the ninth


def lookahead(scorer: Scorer | None = None, **config: Any) -> Lookahead:
    return Lookahead(scorer or Scorer(tiny(board="bag")), LookaheadConfig(**config))


def test_one_move_one_ply_deep_is_the_bare_policy() -> None:
    scorer = Scorer(tiny(board="bag"))
    for ply in (0, 5, 9):
        board = after(random_line(ply), ply)
        found = lookahead(scorer, k=1, depth=1).search(board)
        scores = scorer.score(board)
        assert found.complete
        assert found.candidates[0].move == scores.moves[choose(board, scores)]
        assert len(found.candidates) == 1


def test_a_mate_in_two_is_found_and_played_to_the_end() -> None:
    board = Board(MATE_IN_TWO)
    searcher = lookahead(nodes=3000, k=50)
    found = searcher.search(board)
    best = found.candidates[0]
    assert best.mate == 2
    assert best.value == 1
    assert found.value == (1, 0, 0)
    assert len(best.pv) == 3
    for move in best.pv:
        assert board.is_legal(move)
        board.push(move)
    assert not board.legal_moves()
    assert board.is_check()


def test_a_mate_in_one_needs_no_search() -> None:
    board = Board("4k4/R8/9/9/9/9/9/9/9/1R3K3 w - - 0 1")
    found = lookahead(nodes=60, k=50).search(board)
    assert found.candidates[0].move.iccs == "b0b9"
    assert found.candidates[0].mate == 1


def test_being_mated_is_known_and_put_off() -> None:
    board = Board(MATE_IN_TWO.replace(" w ", " b "))
    board.push(board.legal_moves()[0])
    red = lookahead(nodes=4000, k=50).search(board)
    board.push(red.candidates[0].move)
    if red.candidates[0].mate == 2:
        black = lookahead(nodes=500, k=50).search(board)
        assert all(c.mate is not None and c.mate < 0 for c in black.candidates)
        assert black.value == (0, 0, 1)


class Judge(Scorer):
    """A scorer whose values count material, for the side to move; its policy knows nothing."""

    def _judged(self, board: Board) -> MoveScores:
        worth = (0, 0, 2, 2, 4, 9, 4.5, 1)
        own = sum(
            (1 if (c > 7) == bool(board.turn) else -1) * worth[c if c < 8 else c - 7] for c in board.squares
        )
        win = 1 / (1 + np.exp(-own))
        moves = tuple(board.legal_moves())
        return MoveScores(moves, np.zeros(len(moves)), np.array([win, 0.0, 1 - win]), None, None)

    def score(self, board: Board) -> MoveScores:
        return self._judged(board)

    def score_leaves(self, boards: Any) -> list[MoveScores]:
        return [self._judged(board) for board in boards]


HANGING = "3k5/9/9/4r4/9/9/9/4R4/n8/5K3 w - - 0 1"


@pytest.mark.parametrize("limit", [{"nodes": 800}, {"depth": 2}])
def test_values_are_backed_up_from_the_side_that_moves(limit: dict[str, int]) -> None:
    """The rook takes the rook: a horse is nothing beside it, and standing still loses the rook."""
    board = Board(HANGING)
    judge = Judge(tiny(board="bag"))
    found = lookahead(judge, k=40, **limit).search(board)
    assert found.candidates[0].move.iccs == "e2e6"
    assert found.candidates[0].value is not None
    assert found.candidates[0].value > 0.5
    worst = {c.move.iccs: c.value for c in found.candidates if c.value is not None}
    assert worst["e2d2"] < worst["e2e6"]


def test_depth_two_is_minimax_over_all_replies() -> None:
    board = Board(HANGING)
    judge = Judge(tiny(board="bag"))
    found = lookahead(judge, k=100, depth=2, guard=False).search(board)
    assert found.complete
    for candidate in found.candidates:
        reached = board.copy()
        reached.push(candidate.move)
        worst = 1.0
        for reply in reached.legal_moves():
            last = reached.copy()
            last.push(reply)
            outcome = last.outcome()
            if outcome is not None:
                value = 0.0 if outcome.winner is None else 1.0 if outcome.winner == board.turn else -1.0
            else:
                win, _, loss = judge.score(last).value
                value = win - loss
                for third in last.legal_moves():
                    mated = last.copy()
                    mated.push(third)
                    if mated.is_check() and not mated.legal_moves():
                        value = 1.0
            worst = min(worst, value)
        if reached.outcome() is None and candidate.mate is None:
            assert candidate.value == pytest.approx(worst, abs=1e-9)


def test_a_stop_is_obeyed_between_batches_and_an_answer_is_there_all_the_same() -> None:
    stop = threading.Event()
    stop.set()
    board = Board()
    found = lookahead(seconds=1e6).search(board, stop=stop)
    assert found.candidates[0].move in board.legal_moves()
    assert found.nodes == 1

    scorer = Scorer(tiny(board="bag"))
    many, calls = scorer.score_leaves, []

    def counted(boards: Any) -> list[MoveScores]:
        calls.append(len(boards))
        if len(calls) == 3:
            stop.set()
        return many(boards)

    stop.clear()
    scorer.score_leaves = counted  # type: ignore[method-assign]
    lookahead(scorer).search(board, stop=stop)
    assert len(calls) == 3
    assert max(calls) <= 8


def test_no_time_is_the_policy() -> None:
    found = lookahead(seconds=0.0).search(Board())
    assert found.nodes == 1
    scores = found.scores
    assert found.candidates[0].move == scores.moves[scores.ranked()[0]]


def test_the_tree_is_kept_where_the_game_goes_on_in_it() -> None:
    searcher = lookahead(nodes=120)
    board = Board()
    found = searcher.search(board)
    best = found.candidates[0]
    board.push(best.pv[0])
    board.push(best.pv[1])
    again = searcher.search(board, nodes=1)
    assert sum(c.visits for c in again.candidates) > 0
    board.pop()
    assert (
        sum(c.visits for c in searcher.search(board, nodes=1).candidates) == 0
    )  # the tree is of the game after it


def test_a_draw_by_repetition_is_taken_by_the_weaker_side() -> None:
    board = Board("3k5/7r1/9/8r/9/9/9/9/9/R4K3 w - - 10 30")
    for text in ("a0a1", "d9d8", "a1a0", "d8d9"):
        board.push(Move.from_iccs(text))
    judge = Judge(tiny(board="bag"))
    best = lookahead(judge, nodes=400, k=40, guard=False).search(board).candidates[0]
    assert best.move.iccs == "a0a1"
    assert best.value == 0


def test_limits_of_the_context_bound_the_depth() -> None:
    scorer = Scorer(tiny(**MODES["none"]))
    board = after(random_line(59), 59)
    found = lookahead(scorer, nodes=50).search(board)
    assert found.nodes == 1
    assert found.complete
    board = after(random_line(57), 57)
    assert lookahead(scorer, nodes=50).search(board).depth <= 2
    with pytest.raises(ConfigError, match="must see the whole game"):
        lookahead(scorer, nodes=50).search(after(random_line(60), 60))


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="There are no legal moves"):
        lookahead(nodes=5).search(Board("3k5/3R5/3R5/9/9/9/9/9/9/4K4 b - - 0 1"))
    for wrong in ({"k": 0}, {"seconds": -1.0}, {"depth": 0}, {"nodes": 0}, {"seconds": float("nan")}):
        with pytest.raises(ConfigError, match=rf"{next(iter(wrong))}: expected at least"):
            LookaheadConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="rules: expected one of simple, asian, chinese, found 'fide'"):
        LookaheadConfig(rules="fide")


def test_many_positions_at_once_score_as_each_alone() -> None:
    for mode in MODES:
        model = tiny(**MODES[mode])
        boards = [after(random_line(ply, seed), ply) for ply, seed in ((0, 0), (7, 1), (12, 2), (13, 2))]
        for board, scores in zip(boards, Scorer(model).score_many(boards), strict=True):
            alone = Scorer(model).score(board)
            assert scores.moves == alone.moves
            assert np.abs(scores.logprobs - alone.logprobs).max() < 1e-5
            assert np.abs(scores.value - alone.value).max() < 1e-5


def test_the_model_is_asked_in_small_batches_only(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = Scorer(tiny(board="bag"), leaf_precision="float32")
    sizes = []
    forward = scorer.model.forward

    def counted(*args: Any, **kwargs: Any) -> Any:
        sizes.append(len(kwargs["input_ids"]))
        return forward(*args, **kwargs)

    monkeypatch.setattr(scorer.model, "forward", counted)
    with torch.inference_mode():
        lookahead(scorer, nodes=60, batch=3).search(Board())
    assert max(sizes) <= 3


def test_a_move_is_one_of_the_moves() -> None:
    assert Move.from_iccs("h2e2") in {c.move for c in lookahead(nodes=30, k=60).search(Board()).candidates}


def test_only_the_moves_asked_for_are_looked_at_and_progress_is_reported() -> None:
    board = Board()
    asked = [Move.from_iccs(text) for text in ("a0a1", "h2e2", "a0a5")]  # the last one is not legal
    seen: list[SearchResult] = []
    scorer = Scorer(tiny(board="bag"))
    leaves = scorer.score_leaves

    def slow(boards: Any) -> list[MoveScores]:
        time.sleep(0.1)
        return leaves(boards)

    scorer.score_leaves = slow  # type: ignore[method-assign]
    found = lookahead(scorer, nodes=60).search(board, root_moves=asked, on_progress=seen.append)
    assert {c.move.iccs for c in found.candidates} == {"a0a1", "h2e2"}
    assert sum(c.visits for c in found.candidates) == 59
    assert len(seen) >= 2
    assert [f.nodes for f in seen] == sorted({f.nodes for f in seen})
    assert all({c.move.iccs for c in f.candidates} == {"a0a1", "h2e2"} for f in seen)
    with pytest.raises(ValueError, match="None of the moves to search is legal"):
        lookahead(nodes=5).search(board, root_moves=[Move.from_iccs("a0a5")])
    with pytest.raises(ValueError, match="None of the moves to search is legal"):
        lookahead(nodes=5).search(board, root_moves=[])


def test_a_mate_that_may_not_be_played_is_not() -> None:
    board = Board("4k4/R8/9/9/9/9/9/9/9/1R3K3 w - - 0 1")
    quiet = Move.from_iccs("b0b1")
    found = lookahead(nodes=20, k=50).search(board, root_moves=[quiet])
    assert [c.move for c in found.candidates] == [quiet]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), 1e-9])
def test_no_time_at_all_has_a_legal_move_at_once(seconds: float) -> None:
    scorer = Scorer(tiny(board="bag"))

    def never(board: Board) -> MoveScores:
        raise AssertionError("there is no time for this")

    found = lookahead(scorer).search(Board(), seconds=seconds, score=never)
    assert found.nodes == 1
    assert found.candidates[0].move in Board().legal_moves()


def test_time_without_end_is_not_counted() -> None:
    found = lookahead().search(Board(), seconds=float("inf"), nodes=30)
    assert found.nodes == 30


def test_a_search_by_descents_does_not_depend_on_the_clock() -> None:
    board = after(random_line(6), 6)
    scorer = Scorer(tiny(board="bag"))
    leaves, sizes = scorer.score_leaves, []

    def slow(boards: Any) -> list[MoveScores]:
        sizes.append(len(boards))
        time.sleep(0.06)
        return leaves(boards)

    quick = lookahead(scorer, nodes=80).search(board)
    scorer.score_leaves = slow  # type: ignore[method-assign]
    found = lookahead(scorer, nodes=80).search(board)
    assert [(c.move, c.visits) for c in found.candidates] == [(c.move, c.visits) for c in quick.candidates]
    assert min(sizes[:-1]) >= 4


def test_a_forced_reply_under_way_does_not_end_the_batch() -> None:
    """The policy wants a move with one reply: while that is being scored, the other leaves come from elsewhere."""
    sizes: list[int] = []

    class Wanting(Judge):
        def _judged(self, board: Board) -> MoveScores:
            scores = super()._judged(board)
            wanted = np.array([move.iccs == "a0a9" for move in scores.moves])
            return dataclasses.replace(scores, logprobs=np.where(wanted, 0.0, -9.0))

        def score_leaves(self, boards: Any) -> list[MoveScores]:
            sizes.append(len(boards))
            return super().score_leaves(boards)

    board = Board("3k5/9/9/9/4p4/9/9/9/9/R3K4 w - - 0 1")
    board.push(Move.from_iccs("a0a9"))
    assert len(board.legal_moves()) == 1
    board.pop()
    lookahead(Wanting(tiny(board="bag")), nodes=33).search(board)
    assert sizes[:3] == [4, 4, 4]


def test_one_legal_move_is_not_thought_about() -> None:
    board = Board("3k5/9/9/9/9/9/9/9/3r5/3K5 w - - 0 1")
    assert len(board.legal_moves()) == 1
    assert lookahead().search(board, seconds=60.0).nodes <= 5


def test_a_move_far_ahead_ends_a_search_by_the_clock() -> None:
    board = Board(HANGING)
    judge = Judge(tiny(board="bag"))
    began = time.monotonic()
    found = lookahead(judge, exploration=0.1).search(board, seconds=4.0)
    assert found.candidates[0].move.iccs == "e2e6"
    assert time.monotonic() - began < 3.5


def test_more_moves_are_looked_at_as_visits_grow() -> None:
    few = lookahead(nodes=10, exploration=50).search(Board())
    many = lookahead(nodes=300, exploration=50).search(Board())
    tried = [sum(c.visits > 0 for c in found.candidates) for found in (few, many)]
    assert tried[0] <= 12 < tried[1]
    assert len(many.candidates) == 44


def test_another_order_of_moves_is_not_scored_again() -> None:
    scorer = Scorer(tiny(board="bag"))
    leaves, scored = scorer.score_leaves, []

    def counted(boards: Any) -> list[MoveScores]:
        scored.extend(boards)
        return leaves(boards)

    scorer.score_leaves = counted  # type: ignore[method-assign]
    found = lookahead(scorer, nodes=400, exploration=20).search(Board())
    assert found.depth >= 3
    assert len(scored) < 399


def let_sleep(scorer: Scorer, seconds: list[float]) -> None:
    """Let each batch of leaves sleep first, for the last of *seconds*, which it takes away."""
    leaves = scorer.score_leaves

    def sleeping(boards: Any) -> list[MoveScores]:
        time.sleep(seconds.pop() if seconds else 0.0)
        return leaves(boards)

    scorer.score_leaves = sleeping  # type: ignore[method-assign]


def test_a_hiccup_of_the_machine_is_not_remembered_for_ever() -> None:
    scorer = Scorer(tiny(board="bag"), leaf_precision="float32")
    slow = [2.0]
    let_sleep(scorer, slow)
    searcher = lookahead(scorer)
    searcher.search(Board(), nodes=2)
    assert not slow
    counts = [searcher.search(Board(), seconds=1.0).nodes for _ in range(3)]
    assert counts[0] == 1
    assert counts[-1] > 1


def test_a_hiccup_ends_with_the_search_that_it_came_in() -> None:
    scorer = Scorer(tiny(board="bag"), leaf_precision="float32")
    slow = [0.0, 2.0, 0.0]
    let_sleep(scorer, slow)
    searcher = lookahead(scorer)
    searcher.search(Board(), nodes=13)
    assert not slow
    assert searcher.search(Board(), seconds=1.0).nodes > 1


def test_a_search_of_some_moves_leaves_no_tree() -> None:
    board = Board(MATE_IN_TWO)
    searcher = lookahead(nodes=60, k=50)
    slow = Move.from_iccs("f0f1")
    found = searcher.search(board, root_moves=[slow])
    assert [candidate.move for candidate in found.candidates] == [slow]
    # The restricted tree is not taken for that of the whole position.
    assert searcher.search(board, nodes=3000).candidates[0].mate == 2


LONG_MATE = "r1b1k4/c1PPaRc2/r2ab3n/4C4/7RC/9/9/9/4p4/3K5 w - - 0 1"  # by eleven plies of checks


def test_a_long_mate_by_checks_is_found_before_anything_is_searched() -> None:
    board = Board(LONG_MATE)
    found = lookahead().search(board, nodes=100)
    best = found.candidates[0]
    assert best.mate == 6
    assert found.value == (1.0, 0.0, 0.0)
    for move in best.pv:
        assert board.is_legal(move)
        board.push(move)
    assert board.is_check()
    assert not board.legal_moves()


def test_a_mate_of_the_opponent_is_seen_at_the_leaves() -> None:
    found = lookahead().search(Board(MATE_IN_TWO.replace(" w ", " b ")), nodes=8)
    assert any(c.mate is not None and c.mate <= -2 for c in found.candidates)


def test_a_search_by_the_clock_does_not_wait_for_the_search_for_mates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def loading(*, wait: bool, stop: threading.Event | None) -> bool:
        asked.append(wait)
        return False

    monkeypatch.setattr(Loading, "is_done", loading)
    assert lookahead().search(Board(LONG_MATE), seconds=0.05).candidates[0].mate != 6
    in_one = Board("3k5/9/1R7/R8/9/9/9/9/9/4K4 w - - 0 1", strict=False)
    assert lookahead().search(in_one, seconds=0.05).candidates[0].mate == 1
    lookahead().search(Board(), nodes=2)
    assert asked == [False, False, True]


def test_no_mate_is_longer_than_the_natural_limit_allows() -> None:
    board = Board(LONG_MATE.replace("0 1", "112 60"))
    best = lookahead().search(board, nodes=2).candidates[0]
    assert best.mate is None or best.mate <= 4
