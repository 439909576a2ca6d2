"""Whatever somebody does at the board, nothing breaks, and the game can always be replayed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.play.players import create_first
from xiangqi_gpt.play import actions
from xiangqi_gpt.play import puzzle_book as puzzles
from xiangqi_gpt.play.autosave import Autosave, decode, encode
from xiangqi_gpt.play.commands import COMMANDS, perform
from xiangqi_gpt.play.game_state import GameState, destinations
from xiangqi_gpt.play.pasting import copy_game, copy_moves, paste
from xiangqi_gpt.play.thinker import InlineThinker
from xiangqi_gpt.rules import FenError
from xiangqi_gpt.safe_json import parse_json
from xiangqi_gpt.texts import LANGUAGES

ACTIONS = 400


def act(state: GameState, rng: random.Random, thinker: InlineThinker) -> None:
    """One random thing that a person can do."""
    choice = rng.random()
    if choice < 0.35:
        dests = list(destinations(state.shown_board).items())
        if dests:
            start, ends = rng.choice(dests)
            actions.click_square(state, start)
            actions.click_square(state, rng.choice(ends))
    elif choice < 0.45:
        actions.click_square(state, rng.randrange(90))
    elif choice < 0.65:
        actions.exchange(state, thinker)
    elif choice < 0.70:
        text = rng.choice((copy_moves(state), copy_game(state), state.shown_board.fen(), "nothing"))
        try:
            paste(state, text)
        except FenError:
            state.notice = None
    elif choice < 0.75:
        actions.open_menu(state)
        if state.menu is not None:
            state.menu.side = rng.randrange(4)
            state.menu.clock = rng.choice(("", "3m+2s"))
            state.menu.handicap = rng.choice(("none", "nine"))
        actions.start_from_menu(state)
    else:
        names = [name for name, command in COMMANDS.items() if command.act is not None]
        perform(state, COMMANDS[rng.choice(names)], {"cancel": lambda: actions.escape(state)})
        if rng.random() < 0.5:
            actions.escape(state)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_actions(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(puzzles, "progress_path", lambda: tmp_path / "puzzles.json")
    rng = random.Random(seed)
    state, thinker, keeper = GameState(), InlineThinker(create_first), Autosave(tmp_path / "games")
    for number in range(ACTIONS):
        act(state, rng, thinker)
        assert state.board.fen() == state.tree.board().fen()
        assert [ply.move for ply in state.history] == state.board.move_stack
        assert all(state.status()[0] for _ in LANGUAGES)
        assert len(state.curve) == len(state.line)
        assert state.tree.cursor in set(state.tree.root.walk())
        if number % 20 == 0:
            keeper.keep(state)
            kept = decode(parse_json(encode(state)))
            assert kept.tree.board().fen() == state.board.fen()
    assert keeper.problem is None
