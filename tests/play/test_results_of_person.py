"""Games against the adaptive level count once for the person."""

from __future__ import annotations

from pathlib import Path

import pytest

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.results_of_person import ResultsOfPerson
from xiangqi_gpt.players.adaptive import PersonRating, load_rating
from xiangqi_gpt.rules import Board, Color, Move

MATE_IN_ONE = "4k4/R8/9/9/9/9/9/9/1R7/3K5 w - - 0 40"
MATE = Move.from_iccs("b1b9")


def game(spec: str = "gpt:level=adaptive", humans: frozenset[Color] = frozenset((Color.RED,))) -> GameState:
    return GameState(player_ready=True, spec=spec, humans=humans, board=Board(MATE_IN_ONE))


def test_a_finished_game_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "rating.json"
    keeper, state = Autosave(tmp_path / "games", ResultsOfPerson(path)), game()
    actions.play(state, Move.from_iccs("b1b2"))
    keeper.keep(state)
    assert not path.exists()
    actions.undo(state)
    for _ in range(2):
        actions.play(state, MATE)
        keeper.keep(state)
        keeper.keep(state)
        actions.undo(state)
        keeper.keep(state)
    rating = load_rating(path)
    assert rating.games == 1
    assert rating == PersonRating().after(PersonRating().level, 1)


def test_a_lost_game_counts_for_black(tmp_path: Path) -> None:
    path = tmp_path / "rating.json"
    state = game(humans=frozenset((Color.BLACK,)))
    actions.play(state, MATE)
    ResultsOfPerson(path).note(state)
    assert load_rating(path).elo < PersonRating().elo


@pytest.mark.parametrize(
    ("spec", "humans"),
    [
        ("gpt:level=3", {Color.RED}),
        ("greedy", {Color.RED}),
        ("gpt:level=adaptive", set(Color)),
        ("gpt:", {Color.RED}),
    ],
)
def test_other_games_do_not_count(tmp_path: Path, spec: str, humans: set[Color]) -> None:
    path = tmp_path / "rating.json"
    state = game(spec, frozenset(humans))
    actions.play(state, MATE)
    assert state.outcome is not None
    ResultsOfPerson(path).note(state)
    assert not path.exists()
