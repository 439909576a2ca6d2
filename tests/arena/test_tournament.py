from __future__ import annotations

from collections import Counter

import pytest

from tests.arena.scripts import opening
from xiangqi_gpt.arena.elo import estimate_from_pairs
from xiangqi_gpt.arena.referee import PlayedGame
from xiangqi_gpt.arena.tournament import Schedule, links, rate
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.pieces import Color

OPENINGS = (opening("h2e2"), opening("b2e2 h9g7"), opening("c3c4 c6c5"))


@pytest.mark.parametrize(("games", "gauntlet"), [(4, False), (5, False), (1, True), (6, True)])
def test_schedules(games: int, gauntlet: bool) -> None:
    schedule = Schedule(players=("a", "b", "c", "d"), games=games, gauntlet=gauntlet)
    tasks = list(schedule.tasks(OPENINGS, 0))
    assert [task.number for task in tasks] == list(range(1, schedule.total + 1))
    met = Counter((task.first, task.second) for task in tasks)
    assert set(met) == ({("a", x) for x in "bcd"} if gauntlet else {("a", "b"), ("a", "c"), ("a", "d"),
                                                                  ("b", "c"), ("b", "d"), ("c", "d")})  # fmt: skip
    assert set(met.values()) == {games}
    for task in tasks:
        first, second = schedule.pairing_of(task.number)
        assert (schedule.players[first], schedule.players[second]) == (task.first, task.second)
    # All pairings of a round have one opening; the colours change.
    whole = 2 * len(schedule.pairings)
    for begun in range(0, len(tasks), whole):
        assert len({task.opening for task in tasks[begun : begun + whole]}) == 1
    assert abs(sum(1 if task.first_is_red else -1 for task in tasks)) == games % 2 * len(schedule.pairings)


@pytest.mark.parametrize("games", [1, 4, 5])
def test_in_a_chain_neighbours_meet(games: int) -> None:
    schedule = Schedule(players=("a", "b", "c", "d"), games=games, chain=True)
    tasks = list(schedule.tasks(OPENINGS, 0))
    met = Counter((task.first, task.second) for task in tasks)
    assert met == {("a", "b"): games, ("b", "c"): games, ("c", "d"): games}
    assert [(schedule.players[i], schedule.players[j]) for i, j in map(schedule.pairing_of, range(1, 4))]
    with pytest.raises(ConfigError, match="--gauntlet and --chain"):
        Schedule(players=("a", "b"), games=1, chain=True, gauntlet=True)


def test_links_of_a_chain() -> None:
    schedule = Schedule(players=("a", "b", "c"), games=4, chain=True)
    assert [schedule.pairing_of(n) for n in range(1, 9)] == [(0, 1), (0, 1), (1, 2), (1, 2)] * 2
    games = [
        game(1, Color.BLACK, "checkmate", True),  # b beats a
        game(2, Color.RED, "checkmate", False),  # b beats a
        game(3, Color.RED, "checkmate", True),  # b beats c
        game(4, Color.RED, "checkmate", False),  # c beats b
        game(5, Color.BLACK, "checkmate", True),  # b beats a
    ]
    first, second = links(schedule, games)
    assert (first.weaker, first.stronger, first.games) == ("a", "b", 3)
    assert (second.weaker, second.stronger, second.games) == ("b", "c", 2)
    assert first.elo == estimate_from_pairs([1, 1, 1], [2])
    assert second.elo == estimate_from_pairs([0, 1], [1])
    assert first.elo.elo > 200 > second.elo.elo == 0


@pytest.mark.parametrize(
    ("players", "words"), [(("a",), "at least 2 players"), (("a", "b", "a"), "'a' is named twice")]
)
def test_bad_fields_are_refused(players: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Schedule(players=players, games=2)


def game(number: int, winner: Color | None, ending: str, first_is_red: bool) -> PlayedGame:
    start = OPENINGS[0]
    return PlayedGame(number, start, start.moves, "x", "y", first_is_red, winner, ending, "")


def test_scores_faults_and_order() -> None:
    schedule = Schedule(players=("a", "b", "c"), games=2)
    games = [
        game(1, Color.BLACK, "checkmate", True),  # b beats a
        game(2, Color.RED, "crash", False),  # b beats a, which has crashed
        game(3, None, "capped", True),  # a draws c
        game(6, Color.BLACK, "illegal", False),  # b beats c, whose move was illegal
    ]
    result = rate(schedule, games, {"a": 100.0})
    assert result.standings[0].player == "b"
    by_name = {one.player: one for one in result.standings}
    assert (by_name["a"].wins, by_name["a"].draws, by_name["a"].losses) == (0, 1, 2)
    assert (by_name["b"].wins, by_name["b"].score, by_name["b"].games) == (3, 1.0, 3)
    assert by_name["a"].faults == {"illegal": 0, "crashes": 1, "timeouts": 0, "flags": 0}
    assert by_name["c"].faults == {"illegal": 1, "crashes": 0, "timeouts": 0, "flags": 0}
    assert not any(by_name["b"].faults.values())
    assert (by_name["a"].rating.elo, by_name["a"].is_anchor) == (100.0, True)
    assert result.points.tolist() == [[0, 0, 0.5], [2, 0, 1], [0.5, 0, 0]]
    with pytest.raises(ConfigError, match="'z' is not among the players a, b, c"):
        rate(schedule, games, {"z": 0.0})
