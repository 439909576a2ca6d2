"""Reviews by a lookahead, which judges many moves at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.decoding.lines import random_line
from tests.model.tiny import tiny
from xiangqi_gpt.decoding.line_search import CHUNK
from xiangqi_gpt.evaluation.review import review
from xiangqi_gpt.evaluation.reviewers import Comparison, compare_moves
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.base import Analysis, Limit
from xiangqi_gpt.players.gpt_player import GPTPlayer
from xiangqi_gpt.players.scores import GPT_SEARCH
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tiny(board="bag").save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def player(model: Path) -> GPTPlayer:
    found = create_player(f"gpt:model={model},lookahead=6,threads=1")
    assert isinstance(found, GPTPlayer)
    return found


def game(plies: int) -> GameRecord:
    return GameRecord(moves=tuple(random_line(plies)), result="*")


def test_a_resumed_review_equals_a_whole_one(player: GPTPlayer) -> None:
    record = game(CHUNK + 4)
    done: list[int] = []
    new: dict[int, Comparison] = {}
    whole = review(player, record, on_ply=done.append, on_comparison=new.__setitem__)
    assert done == list(range(1, CHUNK + 5))
    assert {one.ply: one.comparison for one in whole} == new
    known = {ply: one for ply, one in new.items() if ply >= CHUNK or ply == 3}
    done.clear()
    assert review(player, record, known=known, on_ply=done.append) == whole
    assert done == [5, *range(6, CHUNK + 5)]


def test_points_are_those_of_the_curve(player: GPTPlayer) -> None:
    for one in review(player, game(6)):
        assert 0 <= one.comparison.played.points <= one.comparison.best.points <= 1
        assert one.comparison.played.move == one.move
        assert one.prob is not None


def test_the_curve_of_a_search() -> None:
    assert GPT_SEARCH.points(0.0) == 0.5
    assert (GPT_SEARCH.points(-1.0), GPT_SEARCH.points(1.0)) == (0.0, 1.0)
    assert GPT_SEARCH.points(0.4) == pytest.approx(1 - GPT_SEARCH.points(-0.4))
    assert GPT_SEARCH.points(0.4) > 0.7  # means shrink towards the middle


@pytest.mark.parametrize("limit", [Limit(time=0.01), Limit(depth=1), Limit(nodes=3, time=1.0)])
def test_other_limits_search_move_by_move(player: GPTPlayer, limit: Limit) -> None:
    record = game(2)
    boards = [Board()]
    assert player.judge_line(boards, record.moves, limit, [0, 1]) is None
    assert len(review(player, record, limit)) == 2


@pytest.mark.parametrize("settings", ["lookahead=0", "level=7", "lookahead=50ms"])
def test_some_players_judge_move_by_move(model: Path, settings: str) -> None:
    player = create_player(f"gpt:model={model},threads=1,{settings}")
    assert isinstance(player, GPTPlayer)
    assert player.judge_line([Board()], [], Limit(), []) is None


def test_a_search_without_the_time_to_try_the_move_gives_way_to_values(
    player: GPTPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse = player.analyse

    def hasty(
        board: Board, limit: Limit, multipv: int = 1, root_moves: Sequence[Move] | None = None
    ) -> Analysis:
        found = analyse(board, limit, multipv, root_moves=root_moves)
        if root_moves is None:
            return found
        lines = tuple(dataclasses.replace(line, value=None, score_cp=None) for line in found.lines)
        return dataclasses.replace(found, lines=lines)

    monkeypatch.setattr(player, "analyse", hasty)
    board = Board()
    best = analyse(board, Limit(nodes=20)).lines[0].move
    played = next(move for move in board.legal_moves() if move != best)
    found = compare_moves(player, board, played, Limit(nodes=20, time=60.0))
    assert found.played.move == played
    assert 0 <= found.played.points <= found.best.points <= 1
