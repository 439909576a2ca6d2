"""How a game ends by the players: resigning, offers of a draw, and the game after it. And the pause."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState, Notice
from xiangqi_gpt.play.wording import player_name
from xiangqi_gpt.players.base import Value
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.rules import START_FEN, Color, Outcome, Termination
from xiangqi_gpt.texts import Message

LEAST_PLIES: Final = 20
"""A machine takes no draw before."""

MOST_POINTS: Final = 0.52
"""A machine that expects more than this (0..1) plays on."""


def can_resign(state: GameState) -> bool:
    """Whether there is a game that a person can give up."""
    return state.outcome is None and bool(state.humans) and bool(state.tree.live.path)


def resign(state: GameState) -> None:
    """Give the game up: the person against a machine, else the side to move. `undo` takes it back."""
    if not can_resign(state):
        state.notice = Notice.of("game.nothing_to_resign", "warn")
        return
    loser = state.board.turn if state.person is None else state.person
    message = Message.of("end.resignation", loser=loser)
    actions.end_game(state, Outcome(loser.other, Termination.RESIGNATION, state.rules, message))
    state.notice = Notice.of("game.resigned")


def offer_draw(state: GameState) -> None:
    """Offer a draw. Two persons agree by it; a machine takes it if it expects no more than a draw."""
    state.notice = None
    if not can_resign(state):
        state.notice = Notice.of("game.nothing_to_resign", "warn")
        return
    if state.person is not None:
        name = player_name(state.spec, state.language)
        value = opponent_value(state)
        if state.board.ply < LEAST_PLIES or value is None:
            state.notice = Notice.of("game.no_draw_yet", "warn", player=name)
            return
        if value.expectation > MOST_POINTS:
            percent = round(100 * value.expectation)
            state.notice = Notice.of("game.no_draw", "warn", player=name, percent=percent)
            return
    message = Message.of("end.agreement")
    actions.end_game(state, Outcome(None, Termination.AGREEMENT, state.rules, message))


def opponent_value(state: GameState) -> Value | None:
    """What the machine can expect: by its own newest estimate, else by the analyst's; None where nobody has one."""
    person = state.person
    if person is None:
        return None
    for ply in reversed(state.history):
        if ply.color is not person and ply.thought is not None and ply.thought.analysis.value is not None:
            return ply.thought.analysis.value
    known = state.evaluations.get(state.tree.live)
    if known is None or known.analysis.value is None:
        return None
    value = known.analysis.value
    return Value(value.loss, value.draw, value.win) if known.board.turn is person else value


def rematch(state: GameState) -> None:
    """The same game again: from the standard start with the colours swapped, from other positions with the same."""
    setup, swaps = state.setup.anew(), state.tree.start_fen == START_FEN
    if swaps:
        setup = replace(
            setup,
            humans=frozenset(side.other for side in setup.humans),
            flipped=setup.flipped != (len(setup.humans) == 1),
        )
        if not setup.humans and setup.second:
            setup = replace(setup, spec=setup.second, second=setup.spec)
    actions.start_game(state, GameTree(state.tree.start_fen), setup)


def toggle_pause(state: GameState) -> None:
    """Stop the clock and the machine, or go on."""
    if state.outcome is not None:
        return
    state.is_paused = not state.is_paused
    state.generation += 1  # a move that is being looked for would come in the pause
    state.work = "load" if state.work == "load" else ""
    state.selected = None
    if state.clock is not None:
        if state.is_paused or not state.tree.live.path:
            state.clock.stop()
        else:
            state.clock.start(state.board.turn)


def can_pause(state: GameState) -> bool:
    """Whether there is anything to stop: a clock, or machines that play by themselves."""
    has_machines = len(state.humans) < len(tuple(Color))
    return state.outcome is None and (state.clock is not None or has_machines)
