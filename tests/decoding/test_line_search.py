"""Searches of many positions together: the same as one by one, and what is told of played moves."""

from __future__ import annotations

import threading

import pytest

from tests.decoding.lines import after, random_line
from tests.model.tiny import tiny
from xiangqi_gpt.decoding import Lookahead, LookaheadConfig, Scorer
from xiangqi_gpt.decoding.line_search import CHUNK, JudgedMove, search_line
from xiangqi_gpt.decoding.lookahead import search_together
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def boards_of(start: Board, moves: list[Move]) -> list[Board]:
    boards = [start.copy()]
    for move in moves:
        boards.append(boards[-1].copy())
        boards[-1].push(move)
    return boards


def judged(
    start: Board, moves: list[Move], nodes: int = 12, plies: list[int] | None = None
) -> dict[int, JudgedMove]:
    scorer = Scorer(tiny(board="bag"))
    boards, scores = boards_of(start, moves), scorer.score_line(start, moves)
    found = search_line(
        scorer,
        LookaheadConfig(),
        boards,
        moves,
        scores,
        nodes=nodes,
        plies=range(len(moves)) if plies is None else plies,
    )
    return dict(found)


def test_searches_together_find_what_each_finds_alone() -> None:
    scorer = Scorer(tiny(board="bag"))
    boards = [after(random_line(6 + seed, seed), 6 + seed) for seed in range(5)]
    nodes = [1, 5, 12, 20, 20]  # they end one after the other
    alone = [
        Lookahead(scorer, LookaheadConfig()).search(board, nodes=n)
        for board, n in zip(boards, nodes, strict=True)
    ]
    steps = [
        Lookahead(scorer, LookaheadConfig()).steps(board, nodes=n)
        for board, n in zip(boards, nodes, strict=True)
    ]
    for one, other in zip(alone, search_together(scorer, steps, batch=3), strict=True):
        assert [(c.move, c.visits) for c in one.candidates] == [(c.move, c.visits) for c in other.candidates]
        assert one.nodes == other.nodes
    assert search_together(scorer, []) == []


def test_every_move_of_a_game_is_judged() -> None:
    moves = random_line(CHUNK + 5)
    found = judged(Board(), moves)
    assert list(found) == [*range(CHUNK, CHUNK + 5), *range(CHUNK)]  # the end of the game first
    for ply, one in found.items():
        assert one.played.move == moves[ply]
        assert one.played.pv[0] == moves[ply]
        assert (one.best is one.played) == (one.best.move == moves[ply])
        assert one.best.value is not None
        assert one.played.value is not None
        assert one.best.value >= one.played.value
        assert 0 < one.prob < 1


def test_a_move_is_judged_alike_whichever_others_are() -> None:
    moves = random_line(CHUNK + 5)
    whole = judged(Board(), moves)
    part = judged(Board(), moves, plies=[3, CHUNK + 1])
    assert set(part) == {3, CHUNK + 1}
    assert all(whole[ply] == one for ply, one in part.items())


def test_a_missed_mate_and_an_allowed_one() -> None:
    # Red could mate by b0b9; it moves its king and leaves the mate for later.
    start = Board("4k4/R8/9/9/9/9/9/9/9/1R3K3 w - - 0 1")
    found = judged(start, [Move.from_iccs("f0f1"), Move.from_iccs("e9d9")])
    assert found[0].best.move.iccs == "b0b9"
    assert found[0].best.mate == 1
    assert found[0].best.value == 1
    assert found[1].best.mate is not None
    assert found[1].played.mate is not None
    assert found[1].played.mate < 0  # rooks against a bare king


def test_the_last_move_may_end_the_game() -> None:
    start = Board("4k4/R8/9/9/9/9/9/9/9/1R3K3 w - - 0 1")
    (one,) = judged(start, [Move.from_iccs("b0b9")]).values()
    assert one.played.mate == 1
    assert one.best is one.played


def test_a_search_that_is_stopped_still_judges() -> None:
    scorer = Scorer(tiny(board="bag"))
    moves = random_line(4)
    stop = threading.Event()
    stop.set()
    boards = boards_of(Board(), moves)
    found = search_line(
        scorer,
        LookaheadConfig(),
        boards,
        moves,
        scorer.score_line(Board(), moves),
        nodes=50,
        plies=range(4),
        stop=stop,
    )
    assert [ply for ply, _ in found] == [0, 1, 2, 3]


@pytest.mark.parametrize("plies", [[], [2]])
def test_only_the_chunks_that_are_needed_are_searched(plies: list[int]) -> None:
    assert list(judged(Board(), random_line(6), plies=plies)) == plies
