"""The window: events in, frames out. What happens is in `actions`, how it looks in `render`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pygame

from xiangqi_gpt.gui.ink import Ink
from xiangqi_gpt.gui.render import Renderer, Slide
from xiangqi_gpt.gui.sprites import Sprites
from xiangqi_gpt.gui.theme import THEMES
from xiangqi_gpt.gui.window_layout import (
    DEFAULT_SIZE,
    SMALLEST_SIZE,
    Layout,
    make_layout,
    menu_layout,
    offer_layout,
)
from xiangqi_gpt.play import actions, commands
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.game_state import GameState, Menu, Notice
from xiangqi_gpt.play.opening import open_game, paste
from xiangqi_gpt.play.saving import save_game
from xiangqi_gpt.play.settings import Settings, save_settings
from xiangqi_gpt.play.thinker import Answer, Create, Thinker, ThreadThinker
from xiangqi_gpt.play.wording import TITLE, error_text
from xiangqi_gpt.rules import FenError, Move, PlayerError, RecordError, Square, XiangqiError

FRAME_MS = 12  # between two frames of an animation
IDLE_MS = 1000  # longest wait for an event
CARRIED = 0.45  # u from its point at which a pressed piece follows the mouse


UNSEEN = ("offscreen", "dummy")  # drivers of SDL that show nothing


class DisplayError(XiangqiError):
    """No window can be opened here."""


@dataclass
class _Motion:
    """A move being animated: which, what it took, and when it began (milliseconds)."""

    move: Move
    captured: int
    began: int


@dataclass
class _Press:
    """The mouse button is down on a piece: from which square, and whether it was picked up by this press."""

    square: Square
    was_selected: bool


class App:
    """The window without its loop, so that a test can hand it events and look at what follows.

    Args:
        state: the game to show.
        thinker: where questions go.
        surface: what frames are drawn on.
        window: what the surface belongs to; without one there is no full screen.
        save: called with the settings when they have changed.
        autosave: keeps the game; without one it is not kept.
    """

    def __init__(
        self,
        state: GameState,
        thinker: Thinker,
        surface: pygame.Surface,
        *,
        window: pygame.Window | None = None,
        save: Callable[[Settings], None] = save_settings,
        autosave: Autosave | None = None,
    ) -> None:
        self.state = state
        self.surface = surface
        self._window = window
        self.running = True
        self.failure: Exception | None = None
        self._thinker = thinker
        self._renderer = Renderer()
        self._save = save
        self._autosave = autosave
        self._tell_problem()
        self._saved = state.settings
        self._motion: _Motion | None = None
        self._press: _Press | None = None
        self._hover: tuple[int, int] | None = None
        self._scroll: int | None = None
        self._version = state.tree.version
        self._first_load = True
        self._full_screen = False
        self._dirty = True
        self._own: dict[str, Callable[[], object]] = {
            "save": self._save_game,
            "copy": self._copy,
            "paste": self._paste,
            "full_screen": self._toggle_full_screen,
            "cancel": self._cancel,
            "quit": self._quit,
        }

    @property
    def layout(self) -> Layout:
        """The layout of the window as it is."""
        return make_layout(*self.surface.get_size())

    @property
    def is_moving(self) -> bool:
        """Whether a move is being animated."""
        return self._motion is not None

    def advance(self, now: int) -> None:
        """Let time pass: end the animation, exchange questions and answers. `now` is in milliseconds."""
        if self._motion is not None:
            self._dirty = True
            if now - self._motion.began >= self.state.settings.animation_ms:
                self._motion = None
        if self._motion is None:
            # Answers wait for the end of the animation, so that a quick reply does not cut it short.
            before = self.state.work
            counted = actions.exchange(self.state, self._thinker)
            self._look_at(counted)
            self._dirty = self._dirty or bool(counted) or before != self.state.work
        self._begin_motion(now)
        if self.state.tree.version != self._version:
            self._version = self.state.tree.version
            self._scroll = None
            self._dirty = True
            if self._autosave is not None:
                self._autosave.keep(self.state)
                self._tell_problem()
        if self.state.settings != self._saved:
            self._saved = self.state.settings
            self._save(self._saved)

    def _tell_problem(self) -> None:
        if self._autosave is not None and self._autosave.problem is not None:
            self.state.notice = Notice(self._autosave.problem, "warn")

    def _look_at(self, counted: list[Answer]) -> None:
        for answer in counted:
            if answer.question.kind == "load":
                if self._first_load and answer.error is not None:
                    # The opponent asked for on the command line cannot be had: the command has failed.
                    self.failure = answer.error
                    self.running = False
                self._first_load = False

    def _begin_motion(self, now: int) -> None:
        move, self.state.fresh = self.state.fresh, None
        if move is None or self.state.settings.animation_ms <= 0:
            return
        before = self.state.board.copy()
        before.pop()
        self._motion = _Motion(move, before.squares[move.to_square], now)
        self._dirty = True

    def draw(self, now: int) -> bool:
        """Draw a frame if something has changed; False if nothing has."""
        if not self._dirty:
            return False
        slide = None
        if self._motion is not None and self.state.is_live and self.state.last_move == self._motion.move:
            share = (now - self._motion.began) / max(1, self.state.settings.animation_ms)
            slide = Slide(self._motion.move, self._motion.captured, max(0.0, min(1.0, share)))
        self._renderer.draw(
            self.surface,
            self.state,
            self.layout,
            hover=self._hover,
            slide=slide,
            scroll=self._scroll,
            held=self._held(),
        )
        self._dirty = self._motion is not None
        return True

    def _held(self) -> tuple[int, int] | None:
        """Where the pressed piece is carried; None while it has hardly moved, as in a click."""
        if self._press is None or self._hover is None or self.state.selected != self._press.square:
            return None
        x, y = self.layout.point(self._press.square, self.state.flipped)
        away = (self._hover[0] - x) ** 2 + (self._hover[1] - y) ** 2
        return self._hover if away > (CARRIED * self.layout.u) ** 2 else None

    def handle(self, event: pygame.event.Event) -> None:
        """Take one event."""
        kind = event.type
        if kind == pygame.MOUSEMOTION:
            self._hover = (int(event.pos[0]), int(event.pos[1]))
        elif kind == pygame.QUIT:
            self.running = False
        elif kind == pygame.KEYDOWN:
            self._key(event)
        elif kind == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._mouse_down(*event.pos)
        elif kind == pygame.MOUSEBUTTONUP and event.button == 1:
            self._mouse_up(*event.pos)
        elif kind == pygame.MOUSEWHEEL:
            self._wheel(event.y)
        elif kind == pygame.WINDOWSIZECHANGED and self._window is not None:
            self.surface = self._window.get_surface()
        elif kind == pygame.DROPFILE:
            self._open(Path(event.file))
        elif kind == pygame.WINDOWLEAVE:
            self._hover = None
        self._dirty = True

    def _key(self, event: pygame.event.Event) -> None:
        command = commands.of_key(self.state, key_name(event))
        if command is not None:
            self.press(command.id)

    def press(self, button: str) -> None:
        """Do what a command of the table says: a button, a key or a row of a menu stands for it."""
        before = self.state.tree.cursor
        commands.perform(self.state, commands.COMMANDS[button], self._own)
        if self.state.tree.cursor is not before:
            self._scroll = None

    def _mouse_down(self, x: int, y: int) -> None:
        state, layout = self.state, self.layout
        self._hover = (x, y)
        if state.menu is not None:
            self._click_menu(x, y, state.menu)
            return
        if state.offer is not None:
            self._click_offer(x, y)
            return
        button = layout.button_at(x, y)
        if button is not None:
            self.press(button)
            return
        sq = layout.square_at(x, y, state.flipped)
        if sq is not None:
            was_selected = state.selected == sq
            if not was_selected:
                actions.click_square(state, sq)
            if state.selected == sq:
                self._press = _Press(sq, was_selected)
            return
        if state.announce:
            state.announce = False
        elif layout.move_rows.contains(x, y):
            self._click_moves(x, y)
        elif layout.board.contains(x, y):
            state.selected = None

    def _mouse_up(self, x: int, y: int) -> None:
        press, self._press = self._press, None
        if press is None:
            return
        sq = self.layout.square_at(x, y, self.state.flipped)
        if sq == press.square:
            if press.was_selected:
                actions.click_square(self.state, sq)
        elif sq is not None and self.state.selected == press.square:
            actions.click_square(self.state, sq)
            self.state.fresh = None  # the piece was carried there: it has nothing left to slide

    def _click_offer(self, x: int, y: int) -> None:
        places = offer_layout(self.layout)
        if places.go_on.contains(x, y):
            actions.resume(self.state)
        elif places.leave.contains(x, y):
            self.state.offer = None

    def _click_menu(self, x: int, y: int, menu: Menu) -> None:
        places = menu_layout(self.layout, self.state)
        if places.start.contains(x, y):
            actions.start_from_menu(self.state)
        elif places.cancel.contains(x, y) or not places.box.contains(x, y):
            self.state.menu = None
        for chip in places.chips:
            if chip.rect.contains(x, y) and not (chip.row == "menu.style" and not self.state.has_styles):
                if chip.row == "menu.side":
                    menu.side = chip.number
                elif chip.row == "menu.opponent":
                    menu.opponent = chip.number
                elif chip.row == "menu.style":
                    menu.style = chip.number
                else:
                    actions.choose_pieces(self.state, chip.number)

    @property
    def first_row(self) -> int:
        """The row of the move list at its top."""
        if self._scroll is not None:
            return self._scroll
        return self._renderer.move_list.first_row(self.state, self.layout)

    def _click_moves(self, x: int, y: int) -> None:
        first = self.first_row
        node = self._renderer.move_list.node_at(self.state, self.layout, first, x, y)
        if node is not None:
            self._scroll = first
            actions.look_at(self.state, node)

    def _wheel(self, up: int) -> None:
        rows = len(self._renderer.move_list.rows(self.state, self.layout))
        last = max(0, rows - self.layout.visible_move_rows)
        self._scroll = max(0, min(last, self.first_row - up))

    def _paste(self) -> None:
        try:
            paste(self.state, pygame.scrap.get_text())
        except FenError as error:
            self.state.notice = Notice.of("window.bad_paste", "warn", error=error_text(error))

    def _open(self, path: Path) -> None:
        try:
            open_game(self.state, path)
        except RecordError as error:
            self.state.notice = Notice.of("game.not_opened", "warn", error=error_text(error))

    def _copy(self) -> None:
        pygame.scrap.put_text(self.state.shown_board.fen())
        self.state.notice = Notice.of("window.copied")

    def _save_game(self) -> None:
        try:
            path = save_game(self.state)
        except XiangqiError as error:
            self.state.notice = Notice.of("game.not_saved", "warn", error=error_text(error))
        else:
            self.state.notice = Notice.of("game.saved", file=path)

    def _cancel(self) -> None:
        if not actions.escape(self.state) and self._full_screen:
            self._toggle_full_screen()

    def _quit(self) -> None:
        self.running = False

    def _toggle_full_screen(self) -> None:
        if self._window is None:
            return
        self._full_screen = not self._full_screen
        if self._full_screen:
            self._window.set_fullscreen(True)
        else:
            self._window.set_windowed()
        self.surface = self._window.get_surface()


def key_name(event: pygame.event.Event) -> str:
    """The key of an event as the table of commands writes it: "u", "ctrl+shift+z", "left"."""
    if event.unicode == "?":
        return "?"
    ctrl = event.mod & (pygame.KMOD_CTRL | pygame.KMOD_META)
    shift = event.mod & pygame.KMOD_SHIFT
    name = "return" if event.key == pygame.K_KP_ENTER else pygame.key.name(event.key)
    return "ctrl+" * bool(ctrl) + "shift+" * bool(shift) + name


def run(
    state: GameState,
    create: Create,
    *,
    save: Callable[[Settings], None] = save_settings,
    autosave: Autosave | None = None,
) -> None:
    """Open the window and play until it is closed.

    Args:
        state: the game to begin with.
        create: builds a player from its spec; called on the worker thread.
        save: called with the settings when they have changed.
        autosave: keeps the game; without one it is not kept.

    Raises:
        DisplayError: no window can be opened.
        XiangqiError: the opponent of `state.spec` cannot be had.
    """
    window = open_window()
    wake = pygame.event.custom_type()

    def wake_up() -> None:
        with suppress(pygame.error):  # the window may be gone by now
            pygame.event.post(pygame.event.Event(wake))

    thinker = ThreadThinker(create, wake_up)
    app = App(state, thinker, window.get_surface(), window=window, save=save, autosave=autosave)
    try:
        while app.running:
            _wait(app)
            app.advance(milliseconds())
            if app.draw(milliseconds()):
                window.flip()
    except KeyboardInterrupt:
        pass
    finally:
        window.destroy()
        pygame.quit()
        thinker.close()
    if app.failure is not None:
        if isinstance(app.failure, XiangqiError):
            raise app.failure
        raise PlayerError(f"The player {state.spec!r} failed: {app.failure}") from app.failure


def milliseconds() -> int:
    """A clock for the animation. (That of pygame stands still where only its display is initialised.)"""
    return time.monotonic_ns() // 1_000_000


def _wait(app: App) -> None:
    event = pygame.event.wait(FRAME_MS if app.is_moving else IDLE_MS)
    if event.type != pygame.NOEVENT:
        app.handle(event)
    for event in pygame.event.get():
        app.handle(event)


def open_window(size: tuple[int, int] = DEFAULT_SIZE) -> pygame.Window:
    """Open a window that can be resized, not larger than the screen; DisplayError where there is none."""
    # Without this, Windows scales the window as a picture and the lines go soft.
    os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        if driver in UNSEEN and os.environ.get("SDL_VIDEODRIVER") != driver:
            # What SDL falls back to where no display answers: a window that nobody sees.
            raise pygame.error(f"no display found (only the {driver!r} driver)")
        screen = pygame.display.get_desktop_sizes()[0]
        room = (screen[0] - 40, screen[1] - 90)  # frame, title and task bar
        width, height = (
            max(least, min(want, have)) for want, have, least in zip(size, room, SMALLEST_SIZE, strict=True)
        )
        window = pygame.Window(TITLE, (width, height), resizable=True)
        window.get_surface()
    except pygame.error as error:
        pygame.quit()
        raise DisplayError(
            f"The window cannot be opened: {error}. On a machine without a display use play --terminal."
        ) from error
    window.minimum_size = SMALLEST_SIZE
    window.set_icon(_icon())
    return window


def _icon() -> pygame.Surface:
    """The red king, with straight alpha as window managers want it."""
    piece = Sprites(Ink(), THEMES["light"], "chinese", 58).piece(1)
    icon = pygame.Surface((64, 64), pygame.SRCALPHA)
    icon.fill((*THEMES["light"].rim, 0))
    icon.blit(piece, piece.get_rect(center=(32, 32)))
    return icon
