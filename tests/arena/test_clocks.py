from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests.arena.scripts import Scorer, opening
from xiangqi_gpt.arena.clocks import GameClock, TimeControl
from xiangqi_gpt.arena.referee import MatchConfig, play_game
from xiangqi_gpt.engines.process import find_engine
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.players import Limit, create_player
from xiangqi_gpt.players.engine_player import EnginePlayer
from xiangqi_gpt.rules.pieces import Color

START = opening("h2e2")
FAKE = Path(__file__).parents[1] / "players" / "fake_engine.py"


@pytest.mark.parametrize(
    ("text", "seconds", "increment"),
    [
        ("10s+0.1s", 10, 0.1),
        ("10+0.1", 10, 0.1),
        ("5m+3s", 300, 3),
        ("1:30+1", 90, 1),
        ("2m", 120, 0),
    ],
)
def test_time_controls(text: str, seconds: float, increment: float) -> None:
    assert TimeControl.parse(text) == TimeControl(seconds=seconds, increment=increment)
    assert TimeControl.parse(str(TimeControl.parse(text))) == TimeControl.parse(text)


@pytest.mark.parametrize(
    "text", ["", "fast", "0+1", "10+", "-5", "40/10+0.1", "1e9", "nan", "inf+1", "90000"]
)
def test_other_time_controls_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        TimeControl.parse(text)


def test_a_clock_charges_its_mover_but_not_the_overhead() -> None:
    clock = GameClock(TimeControl(seconds=10, increment=1), overhead=0.5)
    assert clock.charge(Color.RED, 3.5)
    assert clock.charge(Color.BLACK, 0.2)
    state = clock.state()
    assert (state.red, state.black, state.increment) == (8, 11, 1)
    assert clock.charge(Color.RED, 8.5)  # exactly all that was left
    assert not clock.charge(Color.RED, 1.6)


def test_the_suggested_time_never_takes_all() -> None:
    clock = GameClock(TimeControl(seconds=1, increment=5), overhead=0.1)
    assert clock.allotment(Color.RED) == pytest.approx(0.9)
    slow = GameClock(TimeControl(seconds=100, increment=1), overhead=0.1)
    assert slow.allotment(Color.RED) == pytest.approx(100 / 25 + 0.75)


def test_players_are_shown_the_clock_and_a_fallen_flag_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each look at the time is 2 s later; a turn looks three times, and its move takes the last 2 s.
    times = iter(range(0, 1000, 2))
    monkeypatch.setattr("xiangqi_gpt.arena.referee.time.monotonic", lambda: next(times))
    first, second = Scorer(lambda n: 0, "one"), Scorer(lambda n: 0, "two")
    config = MatchConfig(clock=TimeControl(seconds=5, increment=0.5), move_overhead=0.0, limit=Limit(nodes=7))
    game = play_game(first, second, 1, START, True, config)
    # Black moves first behind the opening: 5, 3.5, 2 s are left before its moves.
    assert [limit.clock.black for limit in second.limits if limit.clock] == [5, 3.5, 2, 0.5]
    assert second.limits[0].nodes == 7
    assert second.limits[0].time == pytest.approx(5 / 25 + 0.75 * 0.5)
    assert (game.ending, game.result) == ("flag", "1-0")
    assert "two: the flag fell after 2.00 s" in game.detail
    assert [info.seconds for info in game.infos] == [2] * 6


def test_no_clock_pays_for_what_an_engine_loads() -> None:
    # The engine is loading for a second, which is more than the clock has.
    engine = EnginePlayer(shlex.join([sys.executable, "-S", str(FAKE), "loading", "h7e7"]), timeout=60)
    try:
        config = MatchConfig(clock=TimeControl(seconds=0.9), max_plies=2, move_overhead=0)
        game = play_game(Scorer(lambda n: 0), engine, 1, START, True, config)
        assert (game.ending, game.moves[1].iccs) == ("capped", "h7e7")
    finally:
        engine.close()


def test_a_silent_engine_loses_on_time() -> None:
    engine = EnginePlayer(shlex.join([sys.executable, "-S", str(FAKE), "hang"]), timeout=2)
    try:
        config = MatchConfig(clock=TimeControl(seconds=0.1))
        game = play_game(Scorer(lambda n: 0), engine, 1, START, True, config)
    finally:
        engine.close()
    assert (game.ending, game.result) == ("flag", "1-0")


@pytest.mark.skipif(
    find_engine("fairy-stockfish") is None, reason="the engine fairy-stockfish is not installed"
)
def test_an_engine_plays_by_the_clock() -> None:
    engine, opponent = create_player("engine:fairy-stockfish,Hash=1"), create_player("random")
    try:
        config = MatchConfig(clock=TimeControl(seconds=2, increment=0.02), max_plies=24)
        game = play_game(engine, opponent, 1, START, True, config)
    finally:
        engine.close()
    assert game.ending in ("capped", "checkmate")
    infos = game.infos[1::2]
    assert all(info.depth and info.score_cp is not None for info in infos)
    # It plans: more than no time, and far from all of it.
    assert 0.05 < sum(info.seconds for info in infos) < 3


def test_a_clock_and_a_limit_of_time_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="not both"):
        MatchConfig(clock=TimeControl(seconds=1), limit=Limit(time=1))
