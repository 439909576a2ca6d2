"""Every command of the board, once: its name, its keys, its words, when it can be used and what it does.

The keys, buttons, menus, tooltips and the help page of the window come from this table, and so do the words of the
terminal. A widget needs nothing but the id of its command::

    command = COMMANDS["undo"]
    command.label.text(language)     # "Undo": what stands on a button or in a menu
    command.help.text(language)      # "Take back your last move ...": its line in the help
    command.key                      # "U": the key that a button shows, "" where it has none
    command.tooltip(language)        # "Undo (U)"
    command.enabled(state)           # False: draw it grey
    command.is_on(state)             # True: draw it pressed
    perform(state, command, own)     # what a click does
    of_key(state, "ctrl+z")          # the command of a key that was pressed, or None
    in_group("game")                 # the commands of a menu, in their order

A command with an `act` changes the state alone. What needs a front (a clipboard, a dialog, a screen) has none: the
front gives its own function under the id of the command in `own`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from xiangqi_gpt.play import actions, endings, mind, opening
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.texts import Language, Message

Group: TypeAlias = Literal["game", "moves", "file", "view", "mind", "program", "dialog"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""The menus, in their order; commands of "dialog" belong to an open dialog and stand in no menu."""

_KEY_NAMES = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "delete": "Del",
    "escape": "Esc",
    "end": "End",
    "return": "Enter",
}
_COMMAND_KEY = "Cmd" if sys.platform == "darwin" else "Ctrl"


def is_dialog_open(state: GameState) -> bool:
    """Whether a dialog stands over the board, so that only its own commands count."""
    return state.menu is not None or state.offer is not None


def _always(state: GameState) -> bool:
    return True


def _never(state: GameState) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        id: its name in the sources and in the catalogue (`command.ID`, `command_help.ID`).
        group: the menu that holds it.
        act: what it does to the state; None where the front does it itself.
        keys: the keys of the window, the one that is shown first: "u", "ctrl+shift+z", "left", "f11", "?".
        words: what may be typed in the terminal, the word that is shown first; none: not in the terminal.
        chinese: its words in simplified and in traditional characters.
        arguments: what may follow the word in the terminal, as its help shows it.
        in_window: whether the window has it.
        is_enabled: whether it would do something now, where no dialog is open.
        in_dialog: whether an open dialog leaves it usable.
        is_on: whether what it switches is switched on.
    """

    id: str
    group: Group
    act: Callable[[GameState], object] | None = None
    keys: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    chinese: tuple[str, str] | None = None
    arguments: str = ""
    in_window: bool = True
    is_enabled: Callable[[GameState], bool] = _always
    in_dialog: bool = False
    is_on: Callable[[GameState], bool] = _never

    @property
    def label(self) -> Message:
        """Its name, as on a button."""
        return Message.of(f"command.{self.id}")

    @property
    def help(self) -> Message:
        """What it does, in a line."""
        return Message.of(f"command_help.{self.id}")

    @property
    def key(self) -> str:
        """The key that is shown beside its name, "" where it has none."""
        return key_text(self.keys[0]) if self.keys else ""

    def tooltip(self, language: Language) -> str:
        """Its name with all its keys."""
        keys = ", ".join(key_text(key) for key in self.keys)
        return f"{self.label.text(language)} ({keys})" if keys else self.label.text(language)

    def enabled(self, state: GameState) -> bool:
        """Whether it would do something now."""
        return (self.in_dialog or not is_dialog_open(state)) and self.is_enabled(state)

    def usage(self, language: Language) -> str:
        """What is typed for it in the terminal: "hint [N] (h)", "hint [N] 提示"."""
        typed = " ".join(filter(None, (self.words[0], self.arguments)))
        if language == "en" or self.chinese is None:
            others = ", ".join(self.words[1:])
            return f"{typed} ({others})" if others else typed
        return f"{typed} {self.chinese[language == 'zh-TW']}"


_TABLE: tuple[Command, ...] = (
    # A game: begin it, play it, end it.
    Command(
        id="new",
        group="game",
        act=actions.open_menu,
        keys=("n",),
        words=("new", "n"),
        chinese=("新局", "新局"),
        arguments="[red|black]",
    ),
    Command(
        id="level",
        group="game",
        words=("level",),
        chinese=("级别", "級別"),
        arguments="[1-10|adaptive]",
        in_window=False,
    ),
    Command(
        id="undo",
        group="game",
        act=actions.undo,
        keys=("u", "ctrl+z"),
        words=("undo", "u"),
        chinese=("悔棋", "悔棋"),
        is_enabled=actions.can_undo,
    ),
    Command(
        id="redo",
        group="game",
        act=actions.redo,
        keys=("y", "ctrl+shift+z", "ctrl+y"),
        words=("redo", "r"),
        chinese=("恢复", "恢復"),
        is_enabled=lambda state: bool(state.tree.journal.undone),
    ),
    Command(
        id="hint",
        group="game",
        act=actions.toggle_hint,
        keys=("h",),
        words=("hint", "h"),
        chinese=("提示", "提示"),
        arguments="[N]",
        is_enabled=lambda state: state.shows_hint or state.may_hint,
        is_on=lambda state: state.shows_hint,
    ),
    Command(
        id="analysis",
        group="game",
        act=actions.toggle_analysis,
        keys=("a",),
        is_on=lambda state: state.settings.analysis,
    ),
    Command(
        id="review",
        group="game",
        act=actions.toggle_review,
        keys=("r",),
        words=("review",),
        chinese=("复盘", "復盤"),
        is_enabled=lambda state: bool(state.tree.live.path),
        is_on=lambda state: state.review is not None,
    ),
    Command(
        id="pause",
        group="game",
        act=endings.toggle_pause,
        keys=("space",),
        is_enabled=endings.can_pause,
        is_on=lambda state: state.is_paused,
    ),
    Command(
        id="draw",
        group="game",
        act=endings.offer_draw,
        words=("draw",),
        chinese=("求和", "求和"),
        is_enabled=endings.can_resign,
    ),
    Command(
        id="resign",
        group="game",
        act=endings.resign,
        words=("resign",),
        chinese=("认输", "認輸"),
        is_enabled=endings.can_resign,
    ),
    Command(
        id="rematch",
        group="game",
        act=endings.rematch,
        words=("rematch",),
        chinese=("再来一局", "再來一局"),
        is_enabled=lambda state: bool(state.tree.live.path),
    ),
    Command(
        id="puzzle",
        group="game",
        act=opening.start_next_puzzle,
        keys=("z",),
        words=("puzzle",),
        chinese=("残局", "殘局"),
        arguments="[N|FILE]",
    ),
    Command(id="puzzles", group="game", keys=("shift+z",)),
    Command(
        id="retry",
        group="game",
        act=opening.retry_puzzle,
        words=("retry",),
        chinese=("重试", "重試"),
        is_enabled=lambda state: state.puzzle is not None,
    ),
    # The moves of the game and its variations.
    Command(
        id="first",
        group="moves",
        act=lambda state: actions.go_to(state, 0),
        keys=("home",),
        is_enabled=lambda state: state.ply > 0,
    ),
    Command(
        id="back",
        group="moves",
        act=lambda state: actions.go_to(state, state.ply - 1),
        keys=("left",),
        is_enabled=lambda state: state.ply > 0,
    ),
    Command(
        id="forward",
        group="moves",
        act=lambda state: actions.go_to(state, state.ply + 1),
        keys=("right",),
        is_enabled=lambda state: state.ply < len(state.line),
    ),
    Command(
        id="last",
        group="moves",
        act=actions.go_live,
        keys=("end",),
        is_enabled=lambda state: not state.is_live,
    ),
    Command(
        id="previous_variation",
        group="moves",
        act=lambda state: actions.next_variation(state, -1),
        keys=("up",),
        is_enabled=actions.has_variations,
    ),
    Command(
        id="next_variation",
        group="moves",
        act=lambda state: actions.next_variation(state, 1),
        keys=("down",),
        is_enabled=actions.has_variations,
    ),
    Command(
        id="play_on",
        group="moves",
        act=actions.play_on_from_here,
        keys=("b",),
        is_enabled=lambda state: not state.is_live,
    ),
    Command(
        id="remove_variation",
        group="moves",
        act=actions.remove_variation,
        keys=("delete",),
        is_enabled=actions.is_variation,
    ),
    Command(id="moves", group="moves", words=("moves",), chinese=("着法", "著法"), in_window=False),
    Command(
        id="comment",
        group="moves",
        words=("comment",),
        chinese=("注释", "註解"),
        arguments="TEXT",
        in_window=False,
    ),
    Command(
        id="mark",
        group="moves",
        words=("mark",),
        chinese=("标记", "標記"),
        arguments="! ? !! ?? !? ?!",
        in_window=False,
    ),
    # Games and positions, in and out.
    Command(
        id="open",
        group="file",
        keys=("o", "ctrl+o"),
        words=("open",),
        chinese=("打开", "打開"),
        arguments="FILE [N]",
    ),
    Command(
        id="save",
        group="file",
        keys=("s", "ctrl+s"),
        words=("save",),
        chinese=("保存", "儲存"),
        arguments="[FILE]",
    ),
    Command(id="save_as", group="file", keys=("ctrl+shift+s",)),
    Command(id="library", group="file", keys=("ctrl+l",)),
    Command(id="library_games", group="file", keys=("ctrl+f",)),
    Command(id="collect", group="file", keys=("ctrl+shift+o",)),
    Command(id="editor", group="file", keys=("e",)),
    Command(id="copy", group="file", keys=("ctrl+c",)),
    Command(
        id="copy_moves",
        group="file",
        keys=("ctrl+shift+c",),
        is_enabled=lambda state: state.ply > 0,
    ),
    Command(id="copy_game", group="file", keys=("ctrl+g",)),
    Command(id="paste", group="file", keys=("ctrl+v",)),
    Command(
        id="position",
        group="file",
        words=("fen",),
        chinese=("局面", "局面"),
        arguments="[FEN]",
        in_window=False,
    ),
    # How it looks.
    Command(
        id="flip",
        group="view",
        act=actions.flip,
        keys=("f",),
        words=("flip", "f"),
        chinese=("翻转", "翻轉"),
    ),
    Command(id="board", group="view", words=("board", "b"), chinese=("棋盘", "棋盤"), in_window=False),
    Command(
        id="pieces",
        group="view",
        act=actions.next_pieces,
        keys=("p",),
        words=("pieces",),
        chinese=("棋子", "棋子"),
        arguments="chinese|simplified|letters",
    ),
    Command(id="labels", group="view", act=actions.next_labels, keys=("c",)),
    Command(id="theme", group="view", act=actions.next_theme, keys=("t",)),
    Command(
        id="language",
        group="view",
        act=actions.next_language,
        keys=("l",),
        words=("lang",),
        chinese=("语言", "語言"),
        arguments="en|zh|zh-TW",
    ),
    Command(
        id="attention",
        group="mind",
        act=mind.toggle_attention,
        keys=("w",),
        is_on=lambda state: state.mind.shows == "attention",
    ),
    Command(
        id="belief",
        group="mind",
        act=mind.toggle_belief,
        keys=("k",),
        is_on=lambda state: state.mind.shows == "belief",
    ),
    Command(
        id="next_layer", group="mind", act=mind.next_layer, keys=("shift+j",), is_enabled=mind.shows_attention
    ),
    Command(id="next_head", group="mind", act=mind.next_head, keys=("j",), is_enabled=mind.shows_attention),
    Command(id="sound", group="view", keys=("m",), is_on=lambda state: state.settings.sound),
    Command(id="full_screen", group="view", keys=("f11",), in_dialog=True),
    # The program.
    Command(id="menu", group="program", keys=("f10",)),
    Command(id="engines", group="program", keys=("ctrl+e",)),
    Command(id="settings", group="program", keys=("ctrl+,",)),
    Command(id="help", group="program", keys=("?", "f1"), words=("help", "?"), chinese=("帮助", "說明")),
    Command(
        id="quit",
        group="program",
        keys=("ctrl+q",),
        words=("quit", "exit", "q"),
        chinese=("退出", "離開"),
        in_dialog=True,
    ),
    # What an open dialog asks.
    Command(
        id="start",
        group="dialog",
        act=actions.start_from_menu,
        keys=("return",),
        is_enabled=lambda state: state.menu is not None,
        in_dialog=True,
    ),
    Command(
        id="resume",
        group="dialog",
        act=actions.resume,
        keys=("return",),
        words=("continue",),
        chinese=("继续", "繼續"),
        is_enabled=lambda state: state.offer is not None and state.menu is None,
        in_dialog=True,
    ),
    Command(id="cancel", group="dialog", keys=("escape",), in_dialog=True),
)

COMMANDS: dict[str, Command] = {command.id: command for command in _TABLE}
"""All commands by their id, in the order of the menus."""

WORDS: dict[str, Command] = {
    word: command for command in _TABLE for word in (*command.words, *(command.chinese or ()))
}
"""What may be typed in the terminal, and the command that it means."""


def in_group(group: Group) -> tuple[Command, ...]:
    """The commands of a menu of the window, in their order."""
    return tuple(command for command in _TABLE if command.group == group and command.in_window)


def of_key(state: GameState, key: str) -> Command | None:
    """The command of a key of the window: among several the one that would do something; None for other keys."""
    found = [command for command in _TABLE if key in command.keys]
    return next((command for command in found if command.enabled(state)), found[0] if found else None)


def perform(state: GameState, command: Command, own: Mapping[str, Callable[[], object]]) -> None:
    """Do what a command says. One that is not enabled tells why in the status line; behind a dialog it does nothing.

    Args:
        own: what the front does itself, by the id of the command.
    """
    if is_dialog_open(state) and not command.enabled(state):
        return
    if command.group != "dialog":
        state.announce = False
    if command.id in own:
        own[command.id]()
    elif command.act is not None:
        command.act(state)


def key_text(key: str) -> str:
    """A key as people read it: "Ctrl+Shift+Z", "←", "F11"."""
    *modifiers, name = key.split("+")
    names = [_COMMAND_KEY if part == "ctrl" else part.capitalize() for part in modifiers]
    return "+".join([*names, _KEY_NAMES.get(name, name.upper() if len(name) < 4 else name.capitalize())])
