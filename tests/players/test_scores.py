"""Scores of engines as points, and back."""

from __future__ import annotations

import pytest

from xiangqi_gpt.players.scores import FAIRY_STOCKFISH, PIKAFISH, TEACHER, curve_of


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
