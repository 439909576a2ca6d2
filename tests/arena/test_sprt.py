from __future__ import annotations

import math
import random

import pytest

from tests.arena.scripts import opening
from xiangqi_gpt.arena.referee import PlayedGame
from xiangqi_gpt.arena.sprt import Sprt, SprtProgress
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.pieces import Color

START = opening("h2e2")


def game(number: int, points: float) -> PlayedGame:
    """A game as Red for the first player, won, drawn or lost."""
    winner = {1.0: Color.RED, 0.5: None, 0.0: Color.BLACK}[points]
    return PlayedGame(number, START, START.moves, "a", "b", True, winner, "capped", "")


def test_bounds_are_those_of_wald() -> None:
    low, high = Sprt(elo0=0, elo1=5).bounds
    assert (low, high) == pytest.approx((-math.log(19), math.log(19)))


def test_the_ratio_is_near_that_of_a_normal_distribution() -> None:
    # Many pairs and close hypotheses: the exact ratio comes close to (s1 - s0)(2 mean - s0 - s1) / (2 variance) * n.
    counts, test = [40, 200, 420, 260, 80], Sprt(elo0=0, elo1=5)
    n, scores = sum(counts), (0, 0.25, 0.5, 0.75, 1)
    mean = sum(c * s for c, s in zip(counts, scores, strict=True)) / n
    variance = sum(c * (s - mean) ** 2 for c, s in zip(counts, scores, strict=True)) / n
    s0, s1 = 0.5, 1 / (1 + 10 ** (-5 / 400))
    near = n * (s1 - s0) * (2 * mean - s0 - s1) / (2 * variance)
    assert test.llr(counts) == pytest.approx(near, rel=0.05)
    assert near > 2


def test_exchanged_players_exchange_the_hypotheses() -> None:
    counts = [3, 8, 20, 11, 5]
    assert Sprt(elo0=-10, elo1=0).llr(counts[::-1]) == pytest.approx(-Sprt(elo0=0, elo1=10).llr(counts))
    assert Sprt(elo0=0, elo1=10).llr([0, 0, 0, 0, 0]) == 0


def test_games_count_in_their_order_and_pairs_as_a_whole() -> None:
    test = Sprt(elo0=0, elo1=300)
    won = {number: game(number, 1.0) for number in range(1, 41)}
    whole = SprtProgress(test).look(won)
    assert (whole.accepted, whole.games < 40) == ("H1", True)
    assert "H1 accepted, Elo +300" in str(whole)
    # The first pair is not complete: whatever else is finished does not count yet.
    late = {number: won[number] for number in won if number != 2}
    progress = SprtProgress(test)
    assert (progress.look(late).games, progress.state.accepted) == (0, None)
    assert progress.look(won) == whole
    lost = {number: game(number, 0.0) for number in range(1, 41)}
    assert SprtProgress(test).look(lost).accepted == "H0"


def test_errors_are_as_rare_as_promised() -> None:
    draw = random.Random(3)
    accepted = {"H0": 0, "H1": 0, None: 0}
    for _ in range(60):
        games = {n: game(n, 1.0 if draw.random() < 0.5 else 0.0) for n in range(1, 401)}
        accepted[SprtProgress(Sprt(elo0=0, elo1=100)).look(games).accepted] += 1
    assert accepted["H0"] >= 54


@pytest.mark.parametrize("text", ["", "5", "5,0", "0,0", "a,b", "0,5,9", "nan,5", "0,5000"])
def test_other_tests_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--sprt: expected two Elo differences"):
        Sprt.parse(text)
