from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.arena.scripts import opening
from xiangqi_gpt.arena.match import MatchResult
from xiangqi_gpt.arena.referee import MatchConfig, PlayedGame
from xiangqi_gpt.arena.series import GameTask, Place, match_tasks, play_series

FAKE = Path(__file__).parents[1] / "players" / "fake_engine.py"
OPENINGS = (opening("h2e2"), opening("b2e2 h9g7"), opening("c3c4 c6c5"))
SHORT = MatchConfig(seed=4, max_plies=40)


def tasks(first: str, second: str, games: int = 4) -> list[GameTask]:
    return list(match_tasks(first, second, games, OPENINGS, SHORT.seed))


def lines(games: tuple[PlayedGame, ...]) -> list[tuple[object, ...]]:
    """All that may not depend on where a game was played."""
    return [(g.number, g.moves, g.red, g.black, g.result, g.ending, g.first_is_red) for g in games]


def test_games_do_not_depend_on_the_number_of_workers() -> None:
    alone = play_series(tasks("random", "greedy"), SHORT, Place())
    assert [game.number for game in alone] == [1, 2, 3, 4]
    together = play_series(tasks("random", "greedy"), SHORT, Place(concurrency=3))
    assert lines(together) == lines(alone)
    # Nor on which games are played at all.
    assert lines(play_series(tasks("random", "greedy")[2:], SHORT, Place())) == lines(alone)[2:]


def test_games_of_players_of_chance_differ() -> None:
    games = play_series(tasks("random", "random", games=12), SHORT, Place())
    assert len({game.moves for game in games}) == 12
    assert all(a.opening == b.opening for a, b in zip(games[::2], games[1::2], strict=True))


@pytest.mark.parametrize("concurrency", [1, 2])
def test_bad_engines_cost_their_own_games(concurrency: int) -> None:
    def engine(mode: str) -> str:
        return f"engine:{shlex.join([sys.executable, '-S', str(FAKE), mode])},timeout=4"

    players = [engine("crash"), engine("illegal"), "engine:/no/such/program", "random"]
    schedule = [
        GameTask(number=n, first=player, second="greedy", opening=OPENINGS[0], first_is_red=True)
        for n, player in enumerate(players, start=1)
    ]
    games = play_series(schedule, SHORT, Place(concurrency=concurrency))
    assert [game.ending for game in games[:3]] == ["crash", "illegal", "crash"]
    assert [game.points for game in games[:3]] == [0.0, 0.0, 0.0]
    assert games[3].ending not in ("crash", "illegal", "timeout")
    assert MatchResult(games).faults(first=True) == {"illegal": 1, "crashes": 2, "timeouts": 0, "flags": 0}
    assert not any(MatchResult(games).faults(first=False).values())


def test_a_hanging_engine_costs_its_own_game() -> None:
    hanging = f"engine:{shlex.join([sys.executable, '-S', str(FAKE), 'hang'])},timeout=1"
    schedule = [
        GameTask(number=1, first=hanging, second="greedy", opening=OPENINGS[0], first_is_red=False),
        *tasks("random", "greedy")[1:],
    ]
    games = play_series(schedule, SHORT, Place())
    assert (games[0].ending, games[0].points) == ("timeout", 0.0)
    assert lines(games[1:]) == lines(play_series(tasks("random", "greedy")[1:], SHORT, Place()))


def test_a_decided_series_plays_no_more() -> None:
    seen: list[int] = []
    games = play_series(
        tasks("random", "greedy", games=6),
        SHORT,
        Place(),
        on_game=lambda game: seen.append(game.number),
        last_game=lambda played: 2 if len(played) >= 3 else None,
    )
    assert seen == [1, 2, 3]
    assert [game.number for game in games] == [1, 2]
