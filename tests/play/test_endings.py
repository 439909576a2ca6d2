"""Resigning, draws, rematches, pauses, premoves, odds, two machines and the adaptive level."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.play.players import FirstMovePlayer, create_first
from xiangqi_gpt.play import actions, endings
from xiangqi_gpt.play.autosave import Autosave, encode
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.handicaps import HANDICAPS, handicap_fen
from xiangqi_gpt.play.premove import premove_targets
from xiangqi_gpt.play.thinker import InlineThinker, Question
from xiangqi_gpt.players.base import Analysis, Line, Player, Value
from xiangqi_gpt.rules import START_FEN, Board, Color, Move, Termination, parse_square

BOTH = frozenset(Color)


def played(*texts: str, humans: frozenset[Color] = frozenset((Color.RED,))) -> GameState:
    state = GameState(player_ready=True, humans=humans)
    for text in texts:
        actions.play(state, Move.from_iccs(text))
    return state


def settle(state: GameState, thinker: InlineThinker, rounds: int = 4) -> None:
    for _ in range(rounds):
        actions.exchange(state, thinker)


def squares(*names: str) -> tuple[int, ...]:
    return tuple(sorted(parse_square(name) for name in names))


# Ends of games ---------------------------------------------------------------------------------------


def test_resigning_ends_the_game_and_can_be_undone() -> None:
    state = played("h2e2", "h9g7")
    endings.resign(state)
    assert state.outcome is not None
    assert (state.outcome.result, state.outcome.termination) == ("0-1", Termination.RESIGNATION)
    assert state.outcome_text() == "Red resigned. Black wins."
    assert state.announce
    assert not state.is_human_turn
    assert '"over":true' in encode(state)
    assert actions.undo(state)
    assert state.outcome is None
    assert len(state.history) == 2
    assert actions.redo(state)
    assert state.outcome_text() == "Red resigned. Black wins."
    actions.go_to(state, 1)
    actions.play_on_from_here(state)
    assert state.outcome is None, "the game that goes on from an earlier position is not resigned"


def test_of_two_persons_the_side_to_move_resigns() -> None:
    state = played("h2e2", humans=BOTH)
    endings.resign(state)
    assert state.outcome is not None
    assert state.outcome.winner is Color.RED


def test_without_a_game_there_is_nothing_to_resign() -> None:
    for state in (played(), played("h2e2", humans=frozenset())):
        endings.resign(state)
        endings.offer_draw(state)
        assert state.outcome is None
        assert state.notice is not None
        assert state.notice.text("en") == "There is no game to end"


def long_game(win: float) -> GameState:
    """A game of 20 plies whose last moves the machine, Black, made with this chance of winning and as many draws."""
    state = GameState(player_ready=True)
    moves = ["a0a1", "a9a8", "a1a0", "a8a9"]
    for i in range(20):
        move = Move.from_iccs(moves[i % 4] if i < 4 else ["b0a2", "b9a7", "a2b0", "a7b9"][i % 4])
        if i == 18:
            move = Move.from_iccs("h2e2")
        if i == 19:
            move = Move.from_iccs("h9g7")
        analysis = Analysis((Line((move,)),), Value(win, 0.2, 0.8 - win))
        thought = Thought(state.board.copy(), analysis, move) if state.board.turn is Color.BLACK else None
        actions.play(state, move, thought)
    assert state.outcome is None
    return state


def test_a_machine_takes_a_draw_if_it_expects_no_more() -> None:
    state = long_game(0.4)
    endings.offer_draw(state)
    assert state.outcome is not None
    assert state.outcome.result == "1/2-1/2"
    assert state.outcome_text() == "Draw by agreement."
    state = long_game(0.7)
    endings.offer_draw(state)
    assert state.outcome is None
    assert state.status() == ("GPT declines: it expects 80 % of the points", "warn")


def test_a_draw_that_comes_too_early_is_declined() -> None:
    state = played("h2e2")
    endings.offer_draw(state)
    assert state.status()[0] == "GPT declines: it is too early for a draw"
    friends = played("h2e2", humans=BOTH)
    endings.offer_draw(friends)
    assert friends.outcome is not None


def test_the_analyst_speaks_for_a_machine_without_an_opinion() -> None:
    state = played("h2e2", "h9g7")
    assert endings.opponent_value(state) is None
    analysis = Analysis((Line((Move.from_iccs("h0g2"),)),), Value(0.7, 0.2, 0.1))
    state.evaluations[state.tree.live] = Thought(state.board, analysis)
    assert endings.opponent_value(state) == Value(0.1, 0.2, 0.7)


def test_a_rematch_swaps_the_colours() -> None:
    state = played("h2e2", "h9g7")
    endings.rematch(state)
    assert (state.humans, state.flipped, state.history) == ({Color.BLACK}, True, [])
    endings.rematch(state)
    assert (state.humans, state.flipped) == ({Color.RED}, False)
    odds = handicap_fen("horse", Color.BLACK)
    actions.new_game(state, fen=odds)
    endings.rematch(state)
    assert (state.humans, state.tree.start_fen) == ({Color.RED}, odds)


def test_nobody_moves_in_a_pause() -> None:
    state, thinker = played("h2e2"), InlineThinker(create_first)
    thinker.ask(Question(kind="load", generation=0, spec="gpt"))
    endings.toggle_pause(state)
    settle(state, thinker)
    assert len(state.history) == 1
    assert state.status()[0] == "Paused"
    actions.click_square(state, parse_square("h0"))
    assert state.selected is None
    assert state.notice is not None
    endings.toggle_pause(state)
    settle(state, thinker)
    assert len(state.history) == 2
    assert state.is_human_turn


# Premoves --------------------------------------------------------------------------------------------


def test_targets_of_premoves_include_own_pieces_and_nothing_behind_a_blocked_way() -> None:
    board = Board()
    board.push(Move.from_iccs("h2e2"))
    assert premove_targets(board, parse_square("h0")) == squares("g2", "i2")
    assert set(squares("g0", "h1", "a0")).isdisjoint(premove_targets(board, parse_square("a4")))
    # A piece of one's own may have been captured by then.
    assert parse_square("b0") in premove_targets(board, parse_square("a0"))
    assert parse_square("c0") not in premove_targets(board, parse_square("a0"))
    # A cannon takes over one piece, whoever stands there by then.
    assert parse_square("e6") in premove_targets(board, parse_square("e2"))
    assert premove_targets(board, parse_square("e5")) == ()


def test_a_premove_is_played_when_the_opponent_has_moved() -> None:
    state, thinker = played("h2e2"), InlineThinker(create_first)
    thinker.ask(Question(kind="load", generation=0, spec="gpt"))
    for name in ("h0", "g2"):
        actions.click_square(state, parse_square(name))
    assert state.premove == Move.from_iccs("h0g2")
    assert state.selected is None
    actions.exchange(state, thinker)
    actions.exchange(state, thinker)
    assert [ply.move.iccs for ply in state.history][::2] == ["h2e2", "h0g2"]
    assert state.premove is None


def test_a_premove_that_has_become_illegal_is_dropped() -> None:
    state, thinker = played("h2e2"), InlineThinker(create_first)
    thinker.ask(Question(kind="load", generation=0, spec="gpt"))
    for name in ("a0", "b0"):  # its own horse is still there
        actions.click_square(state, parse_square(name))
    assert state.premove is not None
    settle(state, thinker)
    assert len(state.history) == 2
    assert state.status() == ("Your premove was not possible", "warn")


@pytest.mark.parametrize("how", ["escape", "click", "undo", "other"])
def test_a_premove_can_be_taken_back(how: str) -> None:
    state = played("h2e2")
    for name in ("h0", "g2"):
        actions.click_square(state, parse_square(name))
    if how == "escape":
        actions.escape(state)
    elif how == "undo":
        actions.undo(state)
    else:
        actions.click_square(state, parse_square("e5" if how == "click" else "b0"))
    assert state.premove is None
    assert (state.selected is not None) == (how == "other")


def test_a_click_that_is_no_premove_tells_whose_turn_it_is() -> None:
    state = played("h2e2")
    actions.click_square(state, parse_square("a9"))
    assert state.status() == ("It is the opponent's turn", "warn")


# New games -------------------------------------------------------------------------------------------


def test_odds_take_pieces_from_their_giver() -> None:
    counts = {name: sum(map(str.isalpha, handicap_fen(name, Color.RED).split()[0])) for name in HANDICAPS}
    assert counts == {"none": 32, "horse": 31, "two_horses": 30, "nine": 23}
    assert handicap_fen("none", Color.RED) == START_FEN
    assert handicap_fen("horse", Color.RED).startswith("rnbakabnr/")
    assert "/R1BAKABNR w" in handicap_fen("horse", Color.RED)
    assert handicap_fen("nine", Color.BLACK).startswith("r3k3r/9/9/p1p3p1p/")
    for name in HANDICAPS:
        for giver in Color:
            assert Board(handicap_fen(name, giver)).legal_moves()


def test_the_menu_starts_games_with_odds_and_a_clock() -> None:
    state = GameState()
    actions.open_menu(state)
    assert state.menu is not None
    state.menu.handicap, state.menu.clock = "two_horses", "5m+3s"
    actions.start_from_menu(state)
    assert state.board.fen() == handicap_fen("two_horses", Color.BLACK), "the machine gives them"
    assert state.clock is not None
    actions.open_menu(state)
    assert state.menu is not None
    assert (state.menu.clock, state.menu.handicap) == ("5m+3s", "none")
    state.menu.clock = ""
    actions.start_from_menu(state)
    assert state.clock is None
    actions.undo(state)
    assert state.clock is not None


def test_two_machines_play_each_other() -> None:
    made: list[str] = []

    def create(spec: str) -> Player:
        made.append(spec)
        return FirstMovePlayer()

    state, thinker = GameState(), InlineThinker(create)
    actions.open_menu(state)
    assert state.menu is not None
    state.menu.side = 3
    actions.start_from_menu(state)
    actions.new_game(state, second="other")
    settle(state, thinker, 10)
    assert len(state.history) > 4
    assert sorted(made) == ["gpt", "other"]
    actions.open_menu(state)
    assert state.menu is not None
    assert state.menu.side == 3
    count = len(state.history)
    endings.toggle_pause(state)
    settle(state, thinker)
    assert len(state.history) == count


def test_the_second_player_is_kept_with_the_game(tmp_path: Path) -> None:
    state = played(humans=frozenset())
    actions.new_game(state, second="random")
    actions.play(state, Move.from_iccs("h2e2"))
    keeper = Autosave(tmp_path)
    keeper.keep(state)
    saved = keeper.find_unfinished()
    assert saved is not None
    fresh = GameState(offer=saved)
    actions.resume(fresh)
    assert (fresh.second, fresh.humans, fresh.clock) == ("random", frozenset(), None)
