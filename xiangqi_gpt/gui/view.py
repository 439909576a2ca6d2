"""What the window shows besides the game: tab, scroll, dialogs, the mouse; and what its parts may ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

import pygame

from xiangqi_gpt.records.game_tree import Node
from xiangqi_gpt.rules import Move

if TYPE_CHECKING:
    from xiangqi_gpt.gui.canvas import Canvas
    from xiangqi_gpt.gui.window_layout import Layout
    from xiangqi_gpt.play.game_state import GameState
    from xiangqi_gpt.play.library_desk import LibraryDesk

Tab: TypeAlias = Literal["moves", "analysis", "library", "game"]
TABS: tuple[Tab, ...] = get_args(Tab)


@dataclass(frozen=True)
class Slide:
    """A move under way on the screen; `share` 0..1 of the time gone."""

    move: Move
    captured: int
    share: float


class Front(Protocol):
    """The window as its parts see it."""

    state: GameState
    view: View
    library: LibraryDesk

    def press(self, command: str) -> None:
        """Do what a command of the table says."""

    def open(self, dialog: Dialog) -> None:
        """Put a dialog over the window."""

    def close(self, dialog: Dialog) -> None:
        """Take a dialog away."""

    def look_at(self, node: Node) -> None:
        """Look at a position of the tree, leaving the list of moves where it is."""

    def scroll_moves(self, up: int) -> None:
        """Scroll the list of moves."""

    def try_move(self, move: Move) -> None:
        """Play a move in the position shown: in the game where a person is to move there, else as a variation."""

    def play_out(self, node: Node, moves: Sequence[Move]) -> None:
        """Play a line below a position out on the board, as a variation."""

    def open_collection(self, path: Path) -> None:
        """Show another collection in the library."""

    def collect(self, sources: Sequence[Path]) -> None:
        """Add the games of files and folders to the collection, or to a new one."""


class Dialog:
    """Something over the window that takes all events until it is closed.

    Attributes:
        takes_text: whether an input method may compose text for it.
        closes_beside: whether a click beside its card cancels it.
    """

    takes_text = False
    closes_beside = True

    def __init__(self, front: Front) -> None:
        self.front = front

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw it, over a veil."""
        raise NotImplementedError

    def key(self, event: pygame.event.Event) -> bool:
        """Take a key; False for one that it has no use for."""
        return False

    def type_text(self, text: str) -> None:
        """Take characters that were typed."""

    def compose(self, text: str) -> None:
        """Show what an input method is composing."""

    def drop(self, path: Path) -> bool:
        """Take a file that was dropped on the window; False where it has no use for one."""
        return False

    def confirm(self) -> None:
        """What Enter does."""
        self.cancel()

    def cancel(self) -> None:
        """What Escape and a click beside it do."""
        self.front.close(self)

    @property
    def is_busy(self) -> bool:
        """Whether news may come without an event."""
        return False

    def advance(self) -> bool:
        """Look for news; whether there was any."""
        return False


@dataclass
class View:
    """The state of the window.

    Attributes:
        tab: the tab of the panel that is open.
        hover: where the mouse is, None outside.
        held: where the selected piece is carried by the mouse.
        slide: the move being animated; the game already stands after it.
        scroll: first row of the move list, None to follow the game.
        game_row: first row of buttons in the tab of the game.
        focus: name of the control that the keyboard would press.
        dialogs: those that are open, the last one on top.
    """

    tab: Tab = "moves"
    hover: tuple[int, int] | None = None
    held: tuple[int, int] | None = None
    slide: Slide | None = None
    scroll: int | None = None
    game_row: int = 0
    focus: str = ""
    dialogs: list[Dialog] = field(default_factory=list)
