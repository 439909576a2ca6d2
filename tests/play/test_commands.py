"""The table of commands: complete for both fronts, its keys and words unambiguous."""

from __future__ import annotations

import inspect
from collections import Counter

import pygame
import pytest

from tests.gui.desk import Desk
from tests.play.players import create_first
from xiangqi_gpt.gui import app as app_module
from xiangqi_gpt.play import actions, commands
from xiangqi_gpt.play.commands import COMMANDS, GROUPS, WORDS, Command, in_group, key_text, of_key, perform
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.rules import Move
from xiangqi_gpt.terminal import game as terminal_module
from xiangqi_gpt.terminal.command_help import help_text
from xiangqi_gpt.texts import LANGUAGES


def played(*texts: str) -> GameState:
    state = GameState(player_ready=True)
    for text in texts:
        actions.play(state, Move.from_iccs(text))
    return state


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_has_a_name_a_line_of_help_and_a_way_to_it(command: Command) -> None:
    for language in LANGUAGES:
        assert command.label.text(language)
        assert command.help.text(language)
    assert command.keys or command.words
    assert command.in_window or command.words
    assert command.group in GROUPS


@pytest.mark.parametrize("front", [app_module, terminal_module], ids=["window", "terminal"])
def test_each_front_does_itself_what_the_state_alone_cannot(front: object) -> None:
    source = inspect.getsource(front)  # type: ignore[arg-type]
    for command in COMMANDS.values():
        offered = command.in_window if front is app_module else bool(command.words) and command.id != "quit"
        if offered and (command.act is None or front is terminal_module):
            assert f'"{command.id}":' in source, command.id


def test_no_word_means_two_commands() -> None:
    words = Counter(
        word
        for command in COMMANDS.values()
        for word in {*command.words, *(command.chinese if command.words and command.chinese else ())}
    )
    assert [word for word, count in words.items() if count > 1] == []
    assert WORDS["悔棋"] is WORDS["u"] is COMMANDS["undo"]


def test_a_key_means_one_command_on_the_board_and_one_in_a_dialog() -> None:
    keys = Counter((key, c.group == "dialog") for c in COMMANDS.values() for key in c.keys)
    assert [key for (key, dialog), count in keys.items() if count > 1 and not dialog] == []
    state = played("h2e2")
    assert of_key(state, "u") is COMMANDS["undo"]
    assert of_key(state, "shift+u") is None
    actions.open_menu(state)
    assert of_key(state, "return") is COMMANDS["start"]


def test_keys_as_people_read_them() -> None:
    assert [key_text(key) for key in ("u", "left", "f11", "home", "delete", "?")] == [
        "U",
        "←",
        "F11",
        "Home",
        "Del",
        "?",
    ]
    assert COMMANDS["undo"].key == "U"
    assert COMMANDS["moves"].key == ""
    assert COMMANDS["flip"].tooltip("zh") == "翻转 (F)"
    assert COMMANDS["board"].tooltip("en") == "Board"


def test_the_key_of_shortcuts_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Ctrl", "Cmd"):
        monkeypatch.setattr(commands, "_COMMAND_KEY", name)
        assert COMMANDS["redo"].tooltip("en") == f"Redo (Y, {name}+Shift+Z, {name}+Y)"


def test_commands_are_enabled_where_they_would_do_something() -> None:
    def enabled(state: GameState) -> set[str]:
        return {id for id, command in COMMANDS.items() if command.enabled(state)}

    always = enabled(GameState())
    assert {"new", "flip", "quit", "cancel", "save"} <= always
    assert always.isdisjoint({"undo", "redo", "back", "first", "last", "play_on", "start", "resume"})
    state = played("h2e2", "h9g7")
    assert {"undo", "back", "first"} <= enabled(state)
    actions.go_to(state, 0)
    assert {"forward", "last", "play_on"} <= enabled(state)
    assert "back" not in enabled(state)
    actions.add_variation(state, Move.from_iccs("b2e2"))
    assert {"previous_variation", "next_variation", "remove_variation"} <= enabled(state)
    actions.undo(state)
    assert "redo" in enabled(state)
    actions.open_menu(state)
    assert enabled(state) == {"start", "cancel", "quit", "full_screen"}


def test_a_hint_is_switched_on() -> None:
    state = played()
    assert not COMMANDS["hint"].is_on(state)
    perform(state, COMMANDS["hint"], {})
    assert COMMANDS["hint"].is_on(state)


def test_a_command_that_cannot_be_used_says_why_on_the_board_and_nothing_in_a_dialog() -> None:
    state = GameState()
    perform(state, COMMANDS["undo"], {})
    assert state.notice is not None
    state.notice = None
    actions.open_menu(state)
    perform(state, COMMANDS["undo"], {})
    perform(state, COMMANDS["flip"], {})
    assert state.notice is None
    assert not state.flipped


def test_a_front_gives_what_it_does_itself() -> None:
    done = []
    perform(GameState(), COMMANDS["save"], {"save": lambda: done.append("save")})
    assert done == ["save"]


def test_menus_hold_every_command_of_the_window_once() -> None:
    shown = [command for group in GROUPS for command in in_group(group)]
    assert Counter(c.id for c in shown) == Counter(c.id for c in COMMANDS.values() if c.in_window)


def test_every_key_of_the_table_reaches_its_command_in_the_window() -> None:
    names = {pygame.key.name(code): code for code in range(128)} | {
        pygame.key.name(getattr(pygame, name)): getattr(pygame, name)
        for name in (
            "K_LEFT",
            "K_RIGHT",
            "K_UP",
            "K_DOWN",
            "K_HOME",
            "K_END",
            "K_F1",
            "K_F10",
            "K_F11",
            "K_DELETE",
        )
    }
    for command in COMMANDS.values():
        for key in command.keys:
            *modifiers, name = key.split("+")
            mod = pygame.KMOD_LCTRL * ("ctrl" in modifiers) | pygame.KMOD_LSHIFT * ("shift" in modifiers)
            if name == "?":
                continue  # by its character, below
            event = pygame.event.Event(pygame.KEYDOWN, key=names[name], mod=mod, unicode="")
            assert app_module.key_name(event) == key
    keypad = pygame.event.Event(pygame.KEYDOWN, key=pygame.K_KP_ENTER, mod=0, unicode="")
    assert app_module.key_name(keypad) == "return"
    slash = pygame.event.Event(pygame.KEYDOWN, key=pygame.K_SLASH, mod=pygame.KMOD_LSHIFT, unicode="?")
    assert app_module.key_name(slash) == "?"


def test_keys_that_mean_nothing_do_nothing() -> None:
    desk = Desk()
    for key in (pygame.K_x, pygame.K_LSHIFT, pygame.K_1):
        desk.key(key)
    assert desk.state.notice is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help_of_the_terminal_names_every_word_it_shows(language: str) -> None:
    lines = help_text(language).splitlines()[1:]  # type: ignore[arg-type]
    typed = [command for command in COMMANDS.values() if command.words]
    assert len(lines) == len(typed)
    for line, command in zip(lines, typed, strict=True):
        assert line.startswith(command.words[0])
        assert line.endswith(command.help.text(language))  # type: ignore[arg-type]


def test_the_terminal_does_every_command_that_can_be_typed() -> None:
    from rich.console import Console

    game = terminal_module.TerminalGame(GameState(), create_first, Console(quiet=True), lambda prompt: None)
    assert {"quit", *game._own} == {command.id for command in COMMANDS.values() if command.words}
