"""Scores of engines as points, and back."""

from __future__ import annotations

import pytest

from xiangqi_gpt.players.base import Analysis, Line, Value
from xiangqi_gpt.players.scores import FAIRY_STOCKFISH, PIKAFISH, TEACHER, curve_of, with_chances
from xiangqi_gpt.rules import Move


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
