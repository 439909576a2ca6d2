"""The benchmark of the ladder: games of a link that are played at the same time."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks import ladder
from tests.model.tiny import tiny
from xiangqi_gpt.players.levels import LEVELS
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def test_all_kinds_of_players_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(board="bag").save_pretrained(tmp_path)
    monkeypatch.setattr(ladder, "MAX_PLIES", 16)
    weaker, stronger = (f"gpt:level={level},model={tmp_path},threads=1" for level in (1, 7))
    assert ladder.play_link(weaker, stronger, 0, 3, seed=0, at_once=2) == [0.5] * 3
    assert ladder.play_link("random", stronger, 2, 2, seed=0, at_once=2) == [0.5] * 2


def test_points_are_those_of_the_stronger_player() -> None:
    for red, points in ((1, 1.0), (0, 0.0)):
        game = ladder.Game(Board("4k4/R8/9/9/9/9/9/9/9/1R3K3 w - - 0 1"), red)
        assert game.mover == red
        game.board.push(Move.from_iccs("b0b9"))
        game.advance()
        assert game.points == points


def test_a_link_counts_its_games() -> None:
    link = ladder.link_of("a", "b", [1.0, 1.0, 0.5, 0.0])
    assert (link["wins"], link["draws"], link["losses"]) == (2, 1, 1)
    assert link["elo"] == 89  # 62.5 %
    assert link["elo_ci"][0] < 89 < link["elo_ci"][1]


def test_the_page_calls_wide_links_provisional() -> None:
    from tools import figures

    link = ladder.link_of("a", "b", [1.0, 0.5] * 2)
    narrow = {**link, "elo": 100, "elo_ci": [40, 160]}
    wide, sure = figures.ladder([link, narrow]).splitlines()[2:]
    assert wide.startswith("| `b` | `a` | 4 | +2 =2 -0 | +191 (")
    assert wide.endswith("| yes |")
    assert sure.endswith("| +100 (+40 to +160) |  |")
    assert "No link" in figures.ladder([])


def test_ratings_add_up_the_links() -> None:
    from tools import figures

    won, even = [1.0] * 15 + [0.0] * 5, [0.5] * 20  # 75 % is 191 Elo
    chain = ("random", figures.MIDDLE, "gpt:level=1")
    links = [ladder.link_of(*pair, points) for pair, points in zip(pairwise(chain), (won, won), strict=True)]
    links.append(ladder.link_of("gpt:level=1", "gpt", even))
    ratings = figures.ladder_ratings(links)
    assert [name for name, _ in ratings[2:]] == [figures.MIDDLE, "random"]
    assert [round(rating.elo, -1) for _, rating in ratings] == [380, 380, 190, 0]
    middle, weakest = (rating for _, rating in ratings[2:])
    assert weakest.elo == 0
    assert middle.low == middle.high
    assert weakest.low < weakest.elo < weakest.high
    assert "| Fairy-Stockfish, 100 nodes | 190 |" in figures.ratings_table(links).splitlines()


def test_the_levels_have_their_rating_on_the_ladder() -> None:
    from tools import figures

    links = json.loads(figures.LADDER.read_text(encoding="utf-8"))
    ratings = dict(figures.ladder_ratings(links))
    measured = [level for level in LEVELS if level.spec in ratings]
    for level in measured:
        assert abs(level.elo - ratings[level.spec].elo) <= 10, level
    for lower, higher in pairwise(measured):
        assert 100 <= ratings[higher.spec].elo - ratings[lower.spec].elo <= 250
