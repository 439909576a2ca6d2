"""The window: events in, frames out. What a command does is in `play`, how it looks in `render` and `dialogs`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pygame

from xiangqi_gpt.gui.canvas import Canvas, Region
from xiangqi_gpt.gui.dialogs.command_menu import CommandMenu, HelpPage
from xiangqi_gpt.gui.dialogs.editor_dialog import EditorDialog
from xiangqi_gpt.gui.dialogs.engine_list import EngineList
from xiangqi_gpt.gui.dialogs.file_dialogs import OpenDialog, open_path
from xiangqi_gpt.gui.dialogs.library_dialogs import CollectDialog, LibraryGames
from xiangqi_gpt.gui.dialogs.new_game_dialog import NewGameDialog, OfferDialog
from xiangqi_gpt.gui.dialogs.puzzle_list import PuzzleList
from xiangqi_gpt.gui.dialogs.save_dialog import SaveDialog
from xiangqi_gpt.gui.dialogs.settings_dialog import SettingsDialog
from xiangqi_gpt.gui.display import open_window, pixel_ratio
from xiangqi_gpt.gui.plates import seconds_text
from xiangqi_gpt.gui.render import Renderer
from xiangqi_gpt.gui.sounds import Sound, SoundBox
from xiangqi_gpt.gui.view import Dialog, Slide, View
from xiangqi_gpt.gui.window_layout import Layout, make_layout
from xiangqi_gpt.play import actions, commands
from xiangqi_gpt.play.analysis import ProcessThinker
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.game_state import GameState, Notice
from xiangqi_gpt.play.library_desk import COLLECTION_SUFFIX, LibraryDesk
from xiangqi_gpt.play.opening import show_record
from xiangqi_gpt.play.pasting import copy_game, copy_moves, paste
from xiangqi_gpt.play.saving import games_folder, save_and_tell
from xiangqi_gpt.play.settings import Settings, save_settings
from xiangqi_gpt.play.thinker import Answer, Create, Thinker
from xiangqi_gpt.play.wording import error_text
from xiangqi_gpt.records.game_tree import Node
from xiangqi_gpt.rules import FenError, Move, PlayerError, Square, XiangqiError

FRAME_MS = 12  # between two frames of an animation
IDLE_MS = 1000  # longest wait for an event
BUSY_MS = 60  # while a dialog waits for news, or a clock runs
STEP_MS = 700  # between two moves of a line that is played out
LOOK_S = 0.008  # between two looks for events, in seconds: less than a frame
DOUBLE_MS = 500  # longest time between the clicks of a double click
CARRIED = 0.45  # u from its point at which a pressed piece follows the mouse


@dataclass
class _Motion:
    """A move being animated: which, the node it leads to, what it took, and when it began (milliseconds)."""

    move: Move
    node: Node
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
        sounds: plays sounds; without it the window is silent.
        wake: has the window look for answers; may be called on any thread.
        clock: the time of a click, in milliseconds.

    Attributes:
        library: the collection that the library shows.
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
        sounds: SoundBox | None = None,
        wake: Callable[[], None] = lambda: None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.state = state
        self._clock = milliseconds if clock is None else clock
        self.library = LibraryDesk(wake)
        if state.settings.collection:
            self.library.open(Path(state.settings.collection))
        self._problem_told: object = None
        self._line: list[Node] = []  # nodes of a line that is played out, the one shown first
        self._next_step = 0
        self.view = View()
        self.surface = surface
        self._window = window
        self.running = True
        self.failure: Exception | None = None
        self._thinker = thinker
        self._renderer = Renderer()
        self._save = save
        self._autosave = autosave
        self._sounds = sounds
        self._tell_problem()
        self._saved = state.settings
        self._motion: _Motion | None = None
        self._press: _Press | None = None
        self._dragged: Region | None = None
        self._clicked: tuple[int, Region] | None = None  # when, and what, if a second click may follow
        self._opened_by = ""  # the letter of the shortcut that has opened a dialog and is still held down
        self._version = state.tree.version
        self._live = state.tree.live
        self._times: tuple[str, ...] = ()
        self._now = 0
        self._first_load = True
        self._full_screen = False
        self._dirty = True
        self._canvas: Canvas | None = None
        self._own: dict[str, Callable[[], object]] = {
            "save": self._save_game,
            "copy": self._copy,
            "copy_moves": lambda: self._copy(copy_moves(self.state), "window.copied_moves"),
            "copy_game": lambda: self._copy(copy_game(self.state), "window.copied_game"),
            "paste": self._paste,
            "full_screen": self._toggle_full_screen,
            "cancel": self._cancel,
            "quit": self._quit,
            "menu": lambda: self.open(CommandMenu(self)),
            "help": lambda: self.open(HelpPage(self)),
            "sound": self._toggle_sound,
            "open": lambda: self.open(OpenDialog(self)),
            "save_as": lambda: self.open(SaveDialog(self)),
            "engines": lambda: self.open(EngineList(self)),
            "puzzles": lambda: self.open(PuzzleList(self)),
            "editor": lambda: self.open(EditorDialog(self)),
            "settings": lambda: self.open(SettingsDialog(self)),
            "library": self._show_library,
            "library_games": self._search_games,
            "collect": lambda: self.open(CollectDialog(self)),
        }

    # What is drawn ---------------------------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        """The layout of the window as it is."""
        ratio = pixel_ratio(self._window, self.surface)
        return make_layout(*self.surface.get_size(), self.state.settings.scale, ratio)

    @property
    def canvas(self) -> Canvas:
        """The frame as it would be drawn now: what can be pressed where."""
        return self._redraw() if self._dirty or self._canvas is None else self._canvas

    @property
    def is_moving(self) -> bool:
        """Whether a move is being animated."""
        return self._motion is not None

    @property
    def patience(self) -> int:
        """Milliseconds to wait for an event before time passes again."""
        if self.is_moving:
            return FRAME_MS
        clock = self.state.clock
        if (clock is not None and clock.running is not None) or self._line or self.library.is_busy:
            return BUSY_MS
        return BUSY_MS if any(dialog.is_busy for dialog in self.view.dialogs) else IDLE_MS

    def draw(self, now: int) -> bool:
        """Draw a frame if something has changed; False if nothing has."""
        if not self._dirty:
            return False
        self._now = now
        self._redraw()
        self._dirty = self._motion is not None
        return True

    def _redraw(self) -> Canvas:
        self._update_view()
        self._canvas = self._renderer.draw(self.surface, self, self.layout)
        return self._canvas

    def _update_view(self) -> None:
        """Bring what is drawn besides the state up to it: the move under way, the piece that is carried, dialogs."""
        motion, view = self._motion, self.view
        view.slide = None
        if motion is not None and self.state.tree.cursor is motion.node:
            share = (self._now - motion.began) / max(1, self.state.settings.animation_ms)
            view.slide = Slide(motion.move, motion.captured, max(0.0, min(1.0, share)))
        view.held = self._held()
        self._sync_dialogs()

    def _held(self) -> tuple[int, int] | None:
        """Where the pressed piece is carried; None while it has hardly moved, as in a click."""
        hover = self.view.hover
        if self._press is None or hover is None or self.state.selected != self._press.square:
            return None
        x, y = self.layout.point(self._press.square, self.state.flipped)
        away = (hover[0] - x) ** 2 + (hover[1] - y) ** 2
        return hover if away > (CARRIED * self.layout.u) ** 2 else None

    # Time ------------------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Let time pass: end the animation, exchange questions and answers. `now` is in milliseconds."""
        if self._motion is not None:
            self._dirty = True
            if now - self._motion.began >= self.state.settings.animation_ms:
                self._motion = None
        if self._motion is None:
            # Answers wait for the end of the animation, so that a quick reply does not cut it short.
            before = self.state.work, self.state.request
            counted = actions.exchange(self.state, self._thinker)
            self._look_at_answers(counted)
            self._dirty = self._dirty or bool(counted) or before != (self.state.work, self.state.request)
            self._step_on(now)
        self._begin_motion(now)
        if self.state.tree.version != self._version:
            self._version = self.state.tree.version
            self.view.scroll = None
            self._dirty = True
            self._sound_of_move()
            if self._autosave is not None:
                self._autosave.keep(self.state)
                self._tell_problem()
        if self.state.clock is not None:
            shown = tuple(seconds_text(seconds) for seconds in self.state.clock.both)
            self._dirty = self._dirty or shown != self._times
            self._times = shown
        for dialog in tuple(self.view.dialogs):
            self._dirty = dialog.advance() or self._dirty
        self._look_at_library()
        if self.state.settings != self._saved:
            self._saved = self.state.settings
            self._save(self._saved)

    def _tell_problem(self) -> None:
        if self._autosave is not None and self._autosave.problem is not None:
            self.state.notice = Notice(self._autosave.problem, "warn")

    def _look_at_answers(self, counted: list[Answer]) -> None:
        for answer in counted:
            if answer.question.kind == "load" and not answer.is_partial:
                if self._first_load and answer.error is not None and not self.state.fallback:
                    # The opponent asked for on the command line cannot be had: the command has failed.
                    self.failure = answer.error
                    self.running = False
                self._first_load = False

    def _begin_motion(self, now: int) -> None:
        move, self.state.fresh = self.state.fresh, None
        if move is None or self.state.settings.animation_ms <= 0:
            return
        before = self.state.shown_board.copy()
        before.pop()
        self._motion = _Motion(move, self.state.tree.cursor, before.squares[move.to_square], now)
        self._dirty = True

    def _step_on(self, now: int) -> None:
        """Show the next move of the line that is played out, unless something else is looked at by now."""
        if not self._line:
            return
        if self._line[0] is not self.state.tree.cursor or len(self._line) == 1:
            self._line = []
        elif now >= self._next_step:
            self._line.pop(0)
            self._next_step = now + STEP_MS
            actions.look_at(self.state, self._line[0])
            self.state.fresh = self._line[0].move
            self.view.scroll = None
            self._dirty = True

    # The library -----------------------------------------------------------------------------------

    def open_collection(self, path: Path) -> None:
        """Show another collection in the library, and remember it."""
        self.library.open(path)
        self._problem_told = None
        self.state.settings = replace(self.state.settings, collection=str(path.absolute()))
        self.view.tab = "library"
        self._dirty = True

    def collect(self, sources: Sequence[Path]) -> None:
        """Add the games of files and folders to the collection, or to a new one among the documents."""
        if self.library.collector is not None:
            return
        out = self.library.path
        if out is None or self.library.problem is not None:
            out = games_folder() / f"xiangqi-gpt{COLLECTION_SUFFIX}"
        self.library.collect(sources, out)
        self.view.tab = "library"
        self._dirty = True

    def _show_library(self) -> None:
        self.view.tab = "library"

    def _search_games(self) -> None:
        self.view.tab = "library"
        if self.library.path is not None and self.library.problem is None and not self.library.collector:
            self.open(LibraryGames(self))

    def _look_at_library(self) -> None:
        """Take in what the library has found, the game that was asked for, and how the adding of games goes."""
        desk, state = self.library, self.state
        self._dirty = desk.advance() or self._dirty
        loaded, desk.loaded = desk.loaded, None
        if loaded is not None:
            show_record(state, loaded.record, loaded.ply)
            self.view.tab = "moves"
        if desk.problem is not None and desk.problem is not self._problem_told and desk.path is not None:
            self._problem_told = desk.problem
            if self.view.tab != "library":  # which shows it itself
                key, file = "library.not_opened", desk.path.name
                state.notice = Notice.of(key, "warn", file=file, error=desk.problem)
            self._play("refused")
        collector = desk.collector
        if collector is None:
            return
        self._dirty = True
        if not collector.is_done:
            return
        desk.collector = None
        result = collector.result
        if result is not None:
            self.open_collection(collector.out)
            state.notice = Notice.of(
                "library.added",
                "good",
                new=f"{result.new:,}",
                duplicates=f"{result.duplicates:,}",
                refused=f"{result.refused:,}",
            )
        elif collector.error is not None:
            state.notice = Notice.of("library.not_added", "warn", error=collector.error)
        else:
            state.notice = Notice.of("library.stopped")

    def _sound_of_move(self) -> None:
        state, before = self.state, self._live
        self._live = live = state.tree.live
        if live.parent is not before or live.move is None:
            return
        sound: Sound = "move"
        if state.outcome is not None:
            sound = "end"
        elif state.board.is_check():
            sound = "check"
        else:
            board = state.board.copy()
            board.pop()
            if board.squares[live.move.to_square]:
                sound = "capture"
        self._play(sound)

    def _play(self, sound: Sound) -> None:
        if self._sounds is not None and self.state.settings.sound:
            self._sounds.play(sound)

    # Events ----------------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> None:
        """Take one event."""
        kind = event.type
        notice = self.state.notice
        if kind == pygame.MOUSEMOTION:
            self._mouse_move(*self._pixels(event.pos))
            return
        self._dirty = True
        if kind == pygame.QUIT:
            self.running = False
        elif kind == pygame.KEYDOWN:
            self._key_down(event)
        elif kind == pygame.KEYUP:
            if pygame.key.name(event.key) == self._opened_by:
                self._opened_by = ""
        elif kind == pygame.TEXTINPUT and self.view.dialogs:
            if event.text.lower() != self._opened_by:
                self.view.dialogs[-1].type_text(event.text)
        elif kind == pygame.TEXTEDITING and self.view.dialogs:
            self.view.dialogs[-1].compose(event.text)
        elif kind == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._mouse_down(*self._pixels(event.pos))
        elif kind == pygame.MOUSEBUTTONDOWN and event.button == 3:
            self._other_button(*self._pixels(event.pos))
        elif kind == pygame.MOUSEBUTTONUP and event.button == 1:
            self._mouse_up(*self._pixels(event.pos))
        elif kind == pygame.MOUSEWHEEL:
            self._wheel(event.y)
        elif kind == pygame.WINDOWSIZECHANGED and self._window is not None:
            self.surface = self._window.get_surface()
        elif kind == pygame.DROPFILE:
            if not (self.view.dialogs and self.view.dialogs[-1].drop(Path(event.file))):
                open_path(self, Path(event.file))
        elif kind == pygame.WINDOWLEAVE:
            self.view.hover = None
        now = self.state.notice
        if now is not None and now is not notice and now.tone == "warn":
            self._play("refused")

    def _pixels(self, pos: tuple[float, float]) -> tuple[int, int]:
        ratio = pixel_ratio(self._window, self.surface)
        return round(pos[0] * ratio), round(pos[1] * ratio)

    def _key_down(self, event: pygame.event.Event) -> None:
        """Take a key; the letter of one that opens a dialog is no text for its field, though the key is held down."""
        letter, count = pygame.key.name(event.key), len(self.view.dialogs)
        self._key(event)
        self._sync_dialogs()
        if len(self.view.dialogs) > count:
            self._opened_by = letter
        elif letter != self._opened_by:  # the same one is repeated while it is held down
            self._opened_by = ""

    def _key(self, event: pygame.event.Event) -> None:
        name = key_name(event)
        self._sync_dialogs()
        if self.view.dialogs:
            top = self.view.dialogs[-1]
            if top.key(event):
                return
            if name == "tab" or name == "shift+tab":
                self._move_focus(-1 if name.startswith("shift") else 1)
            elif name == "return" or (name == "space" and self.view.focus):
                focused = self._region_named(self.view.focus)
                if focused is not None and focused.press is not None:
                    focused.press()
                else:
                    top.confirm()
            elif name == "escape":
                top.cancel()
            else:
                command = commands.of_key(self.state, name)
                if command is not None and command.in_dialog:
                    self.press(command.id)
            return
        command = commands.of_key(self.state, name)
        if command is not None:
            self.press(command.id)

    def press(self, command: str) -> None:
        """Do what a command of the table says: a button, a key or a row of a menu stands for it."""
        before = self.state.tree.cursor
        commands.perform(self.state, commands.COMMANDS[command], self._own)
        if self.state.tree.cursor is not before:
            self.view.scroll = None
        if (
            (command == "hint" and self.state.wants_hint)
            or (command == "analysis" and self.state.settings.analysis)
            or (command in ("attention", "belief") and self.state.mind.shows)
        ):
            self.view.tab = "analysis"
        self._dirty = True

    def open(self, dialog: Dialog) -> None:
        """Put a dialog over the window."""
        self.view.dialogs.append(dialog)
        self.view.focus = ""
        self._press = None
        self._dirty = True
        self._listen_to_text()

    def close(self, dialog: Dialog) -> None:
        """Take a dialog away."""
        if dialog in self.view.dialogs:
            self.view.dialogs.remove(dialog)
        self.view.focus = ""
        self._dragged = None
        self._dirty = True
        self._listen_to_text()

    def _listen_to_text(self) -> None:
        """Have an input method compose text only where a dialog takes it: elsewhere it would swallow keys."""
        if self._window is None:
            return
        if self.view.dialogs and self.view.dialogs[-1].takes_text:
            pygame.key.start_text_input()
        else:
            pygame.key.stop_text_input()

    def _sync_dialogs(self) -> None:
        """Show the dialogs that the state of the game asks for, and no others of their kind."""
        for wanted, kind in ((self.state.menu, NewGameDialog), (self.state.offer, OfferDialog)):
            shown = next((dialog for dialog in self.view.dialogs if type(dialog) is kind), None)
            if wanted is not None and shown is None:
                self.open(kind(self))
            elif wanted is None and shown is not None:
                self.close(shown)

    def _move_focus(self, step: int) -> None:
        regions = self.canvas.regions
        start = max((i for i, region in enumerate(regions) if region.is_veil), default=0)
        names = [region.name for region in regions[start:] if region.name and region.press is not None]
        names = [name for name in names if name != "veil"]
        if names:
            at = names.index(self.view.focus) + step if self.view.focus in names else min(0, -step // 2)
            self.view.focus = names[at % len(names)]

    def _region_named(self, name: str) -> Region | None:
        return next(
            (region for region in reversed(self.canvas.regions) if name and region.name == name), None
        )

    def _mouse_move(self, x: int, y: int) -> None:
        if self._dragged is not None and self._dragged.drag is not None:
            self.view.hover = (x, y)
            self._dragged.drag(x, y)
            self._dirty = True
            return
        before = self._under(self.view.hover)
        self.view.hover = (x, y)
        if self._press is not None or before is not self._under(self.view.hover):
            self._dirty = True

    def _under(self, point: tuple[int, int] | None) -> Region | None:
        """The region of the last frame under a point."""
        if point is None or self._canvas is None:
            return None
        return next(
            (region for region in reversed(self._canvas.regions) if region.rect.contains(*point)), None
        )

    def _mouse_down(self, x: int, y: int) -> None:
        state, layout = self.state, self.layout
        self.view.hover = (x, y)
        self._sync_dialogs()
        for region in reversed(self.canvas.regions):
            if not region.rect.contains(x, y):
                continue
            if region.drag is not None:
                self._dragged = region
                region.drag(x, y)
                return
            if region.press is not None:
                self._click(region)
                return
            if region.is_veil or region.name == "card":
                return
        sq = layout.square_at(x, y, state.flipped)
        if sq is not None:
            was_selected = state.selected == sq
            if not was_selected:
                actions.click_square(state, sq)
            if state.selected == sq:
                self._press = _Press(sq, was_selected)
        elif layout.board.contains(x, y):
            state.selected = None

    def _click(self, region: Region) -> None:
        """Press a region, and where it is the second of two quick clicks there, what stands for both."""
        now, before = self._clock(), self._clicked
        is_second = before is not None and now - before[0] <= DOUBLE_MS and same_place(before[1], region)
        self._clicked = None if is_second or region.double is None else (now, region)
        if region.press is not None:
            region.press()
        if is_second and region.double is not None:
            region.double()

    def _other_button(self, x: int, y: int) -> None:
        """What the right button does."""
        self.view.hover = (x, y)
        under = self._under((x, y))
        if under is not None and under.other is not None:
            under.other()
        elif not self.view.dialogs:
            self._clear()

    def _mouse_up(self, x: int, y: int) -> None:
        self._dragged = None
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

    def _clear(self) -> None:
        """Put the piece down, the hint and the notice away."""
        self._press = None
        self.state.selected = None
        self.state.notice = None
        actions.forget_hint(self.state)

    def _wheel(self, up: int) -> None:
        if self.view.hover is None:
            return
        for region in reversed(self.canvas.regions):
            if region.rect.contains(*self.view.hover):
                if region.wheel is not None:
                    region.wheel(up)
                    return
                if region.is_veil:
                    return
        if self.layout.board.contains(*self.view.hover):
            self.press("back" if up > 0 else "forward")

    # The list of moves -----------------------------------------------------------------------------

    @property
    def first_row(self) -> int:
        """The row of the move list at its top."""
        if self.view.scroll is not None:
            return self.view.scroll
        layout = self._renderer.panel_layout(self.state, self.layout)
        return self._renderer.move_list.first_row(self.state, layout)

    def look_at(self, node: Node) -> None:
        """Look at a position of the tree, leaving the list of moves where it is."""
        first = self.first_row
        actions.look_at(self.state, node)
        self.view.scroll = first

    def try_move(self, move: Move) -> None:
        """Play a move in the position shown: in the game where a person is to move there, else as a variation."""
        actions.play_or_try(self.state, move)
        self.view.scroll = None

    def play_out(self, node: Node, moves: Sequence[Move]) -> None:
        """Play a line below a position out on the board, as a variation: undo takes it out, Escape leads back."""
        self._line = actions.try_line(self.state, node, moves)
        self._next_step = milliseconds() + STEP_MS
        self.view.scroll = None
        if self._line:
            self.state.fresh = self._line[0].move
            self.state.notice = Notice.of("window.playing_out", plies=len(self._line))

    def scroll_moves(self, up: int) -> None:
        """Scroll the list of moves, within its bounds."""
        layout = self._renderer.panel_layout(self.state, self.layout)
        rows = len(self._renderer.move_list.rows(self.state, layout))
        last = max(0, rows - layout.visible_move_rows)
        self.view.scroll = max(0, min(last, self.first_row - up))

    # What commands need the window for -------------------------------------------------------------

    def _paste(self) -> None:
        try:
            paste(self.state, pygame.scrap.get_text())
        except FenError as error:
            self.state.notice = Notice.of("window.bad_paste", "warn", error=error_text(error))

    def _copy(self, text: str = "", key: str = "window.copied") -> None:
        pygame.scrap.put_text(text or self.state.shown_board.fen())
        self.state.notice = Notice.of(key)

    def _save_game(self) -> None:
        try:
            save_and_tell(self.state)
        except XiangqiError as error:
            self.state.notice = Notice.of("game.not_saved", "warn", error=error_text(error))

    def _toggle_sound(self) -> None:
        self.state.settings = replace(self.state.settings, sound=not self.state.settings.sound)
        self._play("move")

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

    def remember_place(self) -> None:
        """Put the place of the window into the settings and save them."""
        if self._window is not None and not self._full_screen:
            place = (*self._window.position, *self._window.size)
            self.state.settings = replace(self.state.settings, window=tuple(max(0, n) for n in place))
        if self.state.settings != self._saved:
            self._save(self.state.settings)


def same_place(first: Region, second: Region) -> bool:
    """Whether two regions, perhaps of different frames, are the same control."""
    return (first.rect, first.name) == (second.rect, second.name)


def key_name(event: pygame.event.Event) -> str:
    """The key of an event as the table of commands writes it: "u", "ctrl+shift+z", "left"."""
    # Without an input method the text of a key may be missing; on most keyboards this one is the question mark.
    is_slash = event.key == pygame.K_SLASH and event.mod & pygame.KMOD_SHIFT
    if event.unicode == "?" or is_slash:
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
        create: builds a player from its spec; called in processes of their own, to which it is
            pickled: a function of a module, or a partial of one.
        save: called with the settings when they have changed.
        autosave: keeps the game; without one it is not kept.

    Raises:
        DisplayError: no window can be opened.
        XiangqiError: the opponent of `state.spec` cannot be had.
    """
    window = open_window(place=state.settings.window)
    wake = pygame.event.custom_type()

    def wake_up() -> None:
        with suppress(pygame.error):  # the window may be gone by now
            pygame.event.post(pygame.event.Event(wake))

    thinker = ProcessThinker(create, wake_up)
    app = App(
        state,
        thinker,
        window.get_surface(),
        window=window,
        save=save,
        autosave=autosave,
        sounds=SoundBox(),
        wake=wake_up,
    )
    try:
        # The first frame comes before the player is loaded, which keeps the processor busy.
        app.draw(milliseconds())
        window.flip()
        pygame.key.stop_text_input()
        while app.running:
            _wait(app)
            app.advance(milliseconds())
            if app.draw(milliseconds()):
                window.flip()
    except KeyboardInterrupt:
        pass
    finally:
        app.remember_place()
        window.destroy()
        pygame.quit()
        thinker.close()
        app.library.close()
    if app.failure is not None:
        if isinstance(app.failure, XiangqiError):
            raise app.failure
        raise PlayerError(f"The player {state.spec!r} failed: {app.failure}") from app.failure


def milliseconds() -> int:
    """A clock for the animation. (That of pygame stands still where only its display is initialised.)"""
    return time.monotonic_ns() // 1_000_000


def _wait(app: App) -> None:
    """Wait for events as long as the window is patient, and hand them over.

    The wait of pygame looks for events a thousand times a second, which alone costs some percent of a core.
    """
    end = time.monotonic() + app.patience / 1000
    while not (events := pygame.event.get()):
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(LOOK_S, left))
    for event in events:
        app.handle(event)
