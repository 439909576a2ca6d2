"""The clock of a game at the board, with a time that the tests move."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.play.players import create_first
from xiangqi_gpt.arena.clocks import GameClock, TimeControl
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.play import actions, endings
from xiangqi_gpt.play.autosave import Autosave, encode, load
from xiangqi_gpt.play.clock import CLOCKS, MOST_SECONDS, PlayClock
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.thinker import InlineThinker
from xiangqi_gpt.rules import Color, Move, Termination


class Time:
    """A time in seconds that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def clock(text: str, time: Time) -> PlayClock:
    return PlayClock(TimeControl.parse(text), now=time)


def game(text: str, time: Time, humans: frozenset[Color] = frozenset(Color)) -> GameState:
    return GameState(player_ready=True, humans=humans, clock=clock(text, time))


def move(state: GameState, text: str) -> None:
    actions.play(state, Move.from_iccs(text))


@pytest.mark.parametrize("text", [text for text in CLOCKS if text])
def test_clocks_on_offer_can_be_read_and_written(text: str) -> None:
    control = TimeControl.parse(text)
    assert TimeControl.parse(str(control)) == control


@pytest.mark.parametrize("text", ["", "30s/game", "30s/", "/move", "0s/move", "soon"])
def test_texts_that_are_no_clock(text: str) -> None:
    with pytest.raises(ConfigError):
        TimeControl.parse(text)


def test_a_side_is_charged_and_gets_its_increment(time: Time) -> None:
    found = clock("60s+5s", time)
    assert found.both == (60, 60)
    found.start(Color.RED)
    time.now += 20
    assert found.both == (40, 60)
    found.moved(Color.RED)
    assert found.both == (45, 60)
    time.now += 10
    assert found.both == (45, 50)
    found.stop()
    time.now += 1000
    assert found.both == (45, 50)
    assert found.fallen is None


def test_time_for_each_move_is_renewed(time: Time) -> None:
    found = clock("30s/move", time)
    found.start(Color.RED)
    time.now += 29
    found.moved(Color.RED)
    assert found.both == (30, 30)
    time.now += 30
    assert found.fallen is Color.BLACK
    assert found.left(Color.BLACK) == 0
    arena = GameClock(TimeControl.parse("30s/move"), 0.0)
    assert arena.allotment(Color.RED) == 30
    assert not arena.charge(Color.RED, 31)


def test_the_clock_runs_from_the_first_move_and_falls(time: Time) -> None:
    state, thinker = game("60s+0s", time), InlineThinker(create_first)
    time.now += 500
    move(state, "h2e2")
    assert state.clock is not None
    assert state.clock.both == (60, 60)
    time.now += 30
    move(state, "h9g7")
    time.now += 59
    actions.exchange(state, thinker)
    assert state.outcome is None
    assert state.clock.both == (1, 30)
    time.now += 2
    actions.exchange(state, thinker)
    assert state.outcome is not None
    assert (state.outcome.winner, state.outcome.termination) == (Color.BLACK, Termination.TIME)
    assert state.outcome_text() == "Red ran out of time. Black wins."
    assert state.clock.running is None


def test_a_pause_stops_the_clock(time: Time) -> None:
    state = game("60s+0s", time)
    move(state, "h2e2")
    time.now += 10
    endings.toggle_pause(state)
    time.now += 100
    assert state.clock is not None
    assert state.clock.both == (60, 50)
    endings.toggle_pause(state)
    time.now += 5
    assert state.clock.both == (60, 45)


def test_undo_brings_the_time_back(time: Time) -> None:
    state = game("60s+0s", time)
    for text, seconds in (("h2e2", 0), ("h9g7", 10), ("h0g2", 20)):
        time.now += seconds
        move(state, text)
    time.now += 7
    actions.undo(state)
    assert state.clock is not None
    assert state.clock.both == (60, 50)
    assert state.clock.running is Color.RED


def test_a_machine_gets_its_share_and_no_more_than_a_person_waits_for(time: Time) -> None:
    limit = clock("60s+2s", time).limit(Color.RED)
    assert limit.time == pytest.approx(60 / 25 + 1.5 - 0.25)
    assert limit.clock is not None
    assert limit.clock.red == 60
    assert clock("30m", time).limit(Color.BLACK).time == MOST_SECONDS
    short = clock("60s+0s", time)
    short.start(Color.RED)
    time.now += 59.9
    assert short.limit(Color.RED).time == 0.01


def test_the_clock_of_a_kept_game_goes_on_where_it_was(time: Time, tmp_path: Path) -> None:
    state = game("5m+3s", time)
    move(state, "h2e2")
    time.now += 100
    move(state, "h9g7")
    keeper = Autosave(tmp_path)
    keeper.keep(state)
    saved = keeper.find_unfinished()
    assert saved is not None
    fresh = GameState(offer=saved)
    actions.resume(fresh)
    assert fresh.clock is not None
    assert str(fresh.clock.control) == "300s+3s"
    assert fresh.clock.both == pytest.approx((300, 203), abs=0.5)


@pytest.mark.parametrize(
    ("old", "new"), [("[300.0,300.0]", "[-1,300.0]"), ("[300.0,300.0]", "null"), ("300s+3s", "soon")]
)
def test_a_kept_game_with_a_broken_clock_is_refused(old: str, new: str, time: Time, tmp_path: Path) -> None:
    state = game("5m+3s", time)
    move(state, "h2e2")
    path = tmp_path / "game.json"
    text = encode(state)
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RecordError):
        load(path)


def test_a_new_game_has_a_fresh_clock_and_undo_the_old_one(time: Time) -> None:
    state = game("60s+0s", time)
    move(state, "h2e2")
    time.now += 10
    actions.new_game(state)
    assert state.clock is not None
    assert state.clock.both == (60, 60)
    actions.undo(state)
    assert state.clock.both == (60, 60)
    with pytest.raises(ConfigError):
        actions.new_game(state, clock="soon")
    assert len(state.history) == 1
