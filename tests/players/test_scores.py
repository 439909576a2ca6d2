"""Scores of engines as points, and back."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from xiangqi_gpt.evaluation.reviewers import compare_moves
from xiangqi_gpt.play.thinker import InlineThinker, Question
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.base import NO_LIMIT, Analysis, Line, Value
from xiangqi_gpt.players.scores import (
    FAIRY_STOCKFISH,
    PIKAFISH,
    TEACHER,
    EngineCurve,
    curve_of,
    with_chances,
)
from xiangqi_gpt.rules import Board, Move


@pytest.mark.parametrize("curve", [TEACHER, FAIRY_STOCKFISH])
@pytest.mark.parametrize("cp", [-900, -70, 0, 15, 70, 400])
def test_points_and_back(curve: object, cp: int) -> None:
    assert curve.centipawns_of_points(curve.points(cp)) == pytest.approx(cp)  # type: ignore[attr-defined]


def test_points_are_those_of_the_chances() -> None:
    win, draw, _loss = PIKAFISH.chances(200.0)
    assert TEACHER.points(200) == pytest.approx(win + draw / 2)
    assert TEACHER.points(200) + TEACHER.points(-200) == pytest.approx(1)
    # An even position looks better by the tempo to whoever is to move.
    assert FAIRY_STOCKFISH.points(35) == pytest.approx(0.5)
    assert (TEACHER.centipawns_of_points(0.0), TEACHER.centipawns_of_points(1.0)) == (-2000, 2000)


def test_the_curve_is_that_of_the_engine() -> None:
    assert curve_of("Fairy-Stockfish[nodes=100]") is FAIRY_STOCKFISH
    assert curve_of("pikafish") is TEACHER


@pytest.mark.parametrize(
    ("mode", "name", "curve"), [("fairy", "Boss", FAIRY_STOCKFISH), ("good", "my fairy", TEACHER)]
)
def test_another_name_does_not_change_what_the_scores_of_an_engine_mean(
    mode: str, name: str, curve: EngineCurve
) -> None:
    script = Path(__file__).with_name("fake_engine.py")
    spec = f"engine:{shlex.join([sys.executable, str(script), mode])},nodes=1,name={name}"
    board, move = Board(), Move.from_iccs("h2e2")
    player = create_player(spec)
    compared = compare_moves(player, board, move, NO_LIMIT).best
    player.close()
    assert (player.name, compared.cp) == (name, 17)
    assert compared.points == pytest.approx(curve.points(17))
    thinker = InlineThinker(create_player)
    thinker.ask(Question(kind="load", generation=0, spec=spec))
    thinker.ask(Question(kind="hint", generation=0, board=board))
    thinker.ask(Question(kind="move", generation=0, board=board))
    _, hint, played = thinker.answers()
    thinker.close()
    assert hint.analysis is not None
    assert played.result is not None
    assert played.result.analysis is not None
    for analysis in (hint.analysis, played.result.analysis):
        assert analysis.lines[0].points == pytest.approx(curve.points(17))


def test_every_line_with_a_score_gets_chances_by_the_curve_of_its_player() -> None:
    move = Move.from_iccs("h2e2")
    scored, bare = Line((move,), score_cp=200), Line((move,), prob=0.4)
    known = Line((move,), score_cp=200, value=Value(0.9, 0.1, 0.0))
    found = with_chances(Analysis((scored, bare, known)), "pikafish")
    assert found.lines[0].value is not None
    assert found.lines[0].points == pytest.approx(TEACHER.points(200))
    assert found.lines[1:] == (bare, known)
    assert found.value == found.lines[0].value
    other = with_chances(Analysis((scored,), Value(0.1, 0.8, 0.1)), "Fairy-Stockfish")
    assert other.lines[0].points == pytest.approx(FAIRY_STOCKFISH.points(200))
    assert other.value == Value(0.1, 0.8, 0.1)
    mate = with_chances(Analysis((Line((move,), score_cp=29_999),)), "pikafish").lines[0]
    assert mate.points == pytest.approx(1.0)
    assert with_chances(Analysis((bare,)), "random").value is None
