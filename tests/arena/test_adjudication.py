from __future__ import annotations

import pytest

from tests.arena.scripts import Scorer, opening
from xiangqi_gpt.arena.adjudication import Adjudication, Adjudicator
from xiangqi_gpt.arena.match_records import info_text, match_records
from xiangqi_gpt.arena.referee import MatchConfig, MoveInfo, PlayedGame, play_game
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.pieces import Color


def test_texts_and_their_rules() -> None:
    assert str(Adjudication()) == str(Adjudication.parse(None, None)) == "off"
    rules = Adjudication.parse("600", "10,4,30")
    assert str(rules) == "resign at -600 cp for 3 moves, draw at 10 cp for 4 moves from move 30"


@pytest.mark.parametrize(
    "pair", [("x", None), ("0", None), ("600,0", None), ("6,3,1", None), (None, "1,2,3,4"), (None, "-1")]
)
def test_other_texts_are_refused(pair: tuple[str | None, str | None]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Adjudication.parse(*pair)


def test_moves_in_a_row_count_each_side_by_itself() -> None:
    judge = Adjudicator(Adjudication(resign_score=500, resign_moves=2))
    assert judge.after(Color.RED, -500, 1) is None
    assert judge.after(Color.BLACK, -900, 1) is None
    assert judge.after(Color.RED, -499, 2) is None  # begins again
    assert judge.after(Color.BLACK, None, 2) is None  # so does a move without a score
    assert judge.after(Color.BLACK, -900, 3) is None
    ruling = judge.after(Color.BLACK, -900, 4)
    assert ruling is not None
    assert ruling.winner is Color.RED


def test_draws_need_both_sides_and_the_move_number() -> None:
    judge = Adjudicator(Adjudication(draw_score=10, draw_moves=2, draw_from=9))
    scores = [(5, 0), (6, 10), (7, -10), (8, 3)]
    assert all(judge.after(side, cp, move) is None for move, cp in scores for side in Color)
    ruling = judge.after(Color.RED, 0, 9)
    assert ruling is not None
    assert ruling.winner is None
    again = Adjudicator(Adjudication(draw_score=10, draw_moves=1, draw_from=1))
    assert again.after(Color.RED, 11, 1) is None
    assert again.after(Color.BLACK, 0, 1) is None
    assert again.after(Color.RED, 0, 2) is not None


def played(rules: Adjudication, red: int | None = -700, black: int | None = 650) -> PlayedGame:
    config = MatchConfig(max_plies=30, adjudication=rules)
    first, second = Scorer(lambda n: red, "one"), Scorer(lambda n: black, "two")
    return play_game(first, second, 1, opening("h2e2 h9g7"), True, config)


def test_games_end_as_asked_and_never_otherwise() -> None:
    assert played(Adjudication()).ending == "capped"
    game = played(Adjudication(resign_score=600, resign_moves=3))
    assert (game.ending, game.result, len(game.moves)) == ("resigned", "0-1", 2 + 5)
    assert game.detail == "Red resigns at -700 cp"
    level = played(Adjudication(draw_score=20, draw_moves=2, draw_from=1), red=-20, black=20)
    assert (level.ending, level.result, len(level.moves)) == ("adjudicated_draw", "1/2-1/2", 2 + 4)
    assert played(Adjudication(draw_score=20, draw_moves=2, draw_from=1), black=None).ending == "capped"


def test_records_tell_of_each_move() -> None:
    rules = Adjudication(resign_score=600, resign_moves=1)
    game = played(rules)
    (record,) = match_records([game], MatchConfig(adjudication=rules))
    assert record.tags["Adjudication"] == "resign at -600 cp for 1 moves"
    assert list(record.notes) == [3]
    assert record.notes[3].comment.startswith("-7.00 0.0")


@pytest.mark.parametrize(
    ("info", "text"),
    [
        (MoveInfo(1.2, 35, 12), "+0.35/12 1.200s"),
        (MoveInfo(0.01, 29997, 5), "+M3/5 0.010s"),
        (MoveInfo(0.01, -29998), "-M2 0.010s"),
        (MoveInfo(0.5), "0.500s"),
    ],
)
def test_move_comments(info: MoveInfo, text: str) -> None:
    assert info_text(info) == text
