"""Opening and saving games: a browser of folders, the games of a file, a name and a format."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pygame

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import FieldDialog, Foot, draw_foot, open_card
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.widgets import ChoiceList, Item, ListBox
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.game_files import SAVE_FORMATS, FolderEntry, GameLister, ListedGame, list_folder
from xiangqi_gpt.play.game_state import Notice
from xiangqi_gpt.play.library_desk import COLLECTION_SUFFIX
from xiangqi_gpt.play.opening import open_game
from xiangqi_gpt.play.saving import games_folder, save_game
from xiangqi_gpt.play.wording import error_text
from xiangqi_gpt.texts import Details, Message

_PATIENCE = 0.15  # seconds in which a small file is read, so that no list appears for it
_SUFFIXES = {"pgn": ".pgn", "xqf": ".xqf", "dhtmlxq": ".ubb", "jsonl": ".jsonl", "parquet": ".parquet"}


class FolderView:
    """A folder that a person walks through; `problem` is why it cannot be shown.

    Args:
        folder: where it begins.
        also: a suffix of files that are listed beside those of games.
    """

    def __init__(self, folder: Path, also: str = "") -> None:
        self.folder = folder
        self._also = also
        self.entries: list[FolderEntry] = []
        self.problem: Message | None = None
        self.list = ListBox(top=0)
        self.go(folder)

    def go(self, folder: Path) -> None:
        """Show another folder."""
        try:
            self.entries = list_folder(folder, self._also)
        except OSError as error:
            self.problem = Message.of(
                "error.no_folder_read",
                folder=folder,
                reason=Details(str(error.strerror or error), Message.of("error.system")),
            )
            return
        self.folder, self.problem = folder, None
        self.list.top = 0

    def up(self) -> None:
        """Show the folder above."""
        self.go(self.folder.parent)

    def items(self) -> list[Item]:
        """The rows of the list."""
        return [
            Item(entry.path.name, entry.size_text, "folder" if entry.is_folder else "file")
            for entry in self.entries
        ]


def start_folder() -> Path:
    """Where the browser begins: the documents, or the home folder where there are none."""
    folder = games_folder()
    return folder if folder.is_dir() else Path.home()


class OpenDialog(FieldDialog):
    """Chooses a file of games or a collection, by the list or by its name.

    Attributes:
        title: key of what stands at its top.
        also: suffix of files that are listed beside those of games.
    """

    title = "files.open"
    also = COLLECTION_SUFFIX

    def __init__(self, front: Front, folder: Path | None = None) -> None:
        self._view = FolderView(start_folder() if folder is None else folder, self.also)
        super().__init__(front, str(self._view.folder))

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the path, the list and the buttons."""
        t = canvas.t
        inner = open_card(canvas, layout, self, t(self.title), ems=(52, 40))
        space = draw_foot(canvas, inner, self.foot(canvas))
        scale = canvas.scale
        line = space.top(scale.button)
        widgets.icon_button(
            canvas, line.left_part(line.h), "up", self._up, tip=t("files.up"), name="files:up"
        )
        self.field.draw(canvas, line.right_of(line.h + scale.text // 3), is_focused=True)
        rest = space.below(scale.button + scale.text // 2)
        if self._view.problem is not None:
            words = rest.top(2 * scale.row)
            problem = self._view.problem.text(canvas.language)
            canvas.paragraph(words, problem, color=canvas.theme.warn, lines=2)
            rest = rest.below(words.h)
        else:
            note = rest.top(scale.row)
            canvas.text(note, t("files.drop"), size=scale.small, color=canvas.theme.secondary_text)
            rest = rest.below(scale.row)
        self._view.list.draw(canvas, rest, self._view.items(), None, self._choose, name="files")
        if not self._view.entries:
            canvas.text(rest, t("files.empty"), color=canvas.theme.secondary_text, align=0.5)

    def foot(self, canvas: Canvas) -> list[Foot]:
        """Its buttons."""
        return [
            Foot(canvas.t("dialog.cancel"), self.cancel, "files:cancel"),
            Foot(canvas.t("files.open_it"), self.confirm, "files:open", is_main=True),
        ]

    def take(self, path: Path) -> None:
        """Do what the file was chosen for."""
        open_path(self.front, path)

    def drop(self, path: Path) -> bool:
        """Take the file as if it had been chosen."""
        self.front.close(self)
        self.take(path)
        return True

    @property
    def folder(self) -> Path:
        """The folder that is shown."""
        return self._view.folder

    def _go(self, folder: Path) -> None:
        self._view.go(folder)
        self.field.set(str(self._view.folder))

    def _up(self) -> None:
        self._go(self._view.folder.parent)

    def _choose(self, number: int) -> None:
        entry = self._view.entries[number]
        if entry.is_folder:
            self._go(entry.path)
        else:
            self.front.close(self)
            self.take(entry.path)

    def key(self, event: pygame.event.Event) -> bool:
        """Edit the path; the arrow key leads up."""
        if event.key == pygame.K_UP:
            self._up()
            return True
        return super().key(event)

    def confirm(self) -> None:
        """Go to the folder that is named, or open the file."""
        path = Path(self.field.text.strip()).expanduser()
        if path.is_dir():
            self._go(path)
        else:
            self.front.close(self)
            self.take(path)


def open_path(front: Front, path: Path) -> None:
    """Open a file: a collection, its game, or a list to choose from where it holds several."""
    from xiangqi_gpt.library.collection_file import (
        is_database,  # brings sqlite3, which the start can do without
    )

    if is_database(path):
        front.open_collection(path)
        return
    dialog = GameListDialog(front, path)
    dialog.lister.wait(_PATIENCE)
    if not dialog.settle():
        front.open(dialog)


def open_one(front: Front, path: Path, number: int) -> None:
    """Open a game of a file; a file that cannot be read is a notice."""
    try:
        open_game(front.state, path, number)
    except (XiangqiError, OSError) as error:
        front.state.notice = Notice.of("game.not_opened", "warn", error=error_text(error))
    else:
        front.view.tab = "moves"
        front.state.notice = Notice.of("files.opened", file=path.name)


class GameListDialog(FieldDialog):
    """The games of a file; they appear while it is being read."""

    def __init__(self, front: Front, path: Path) -> None:
        super().__init__(front)
        self._path = path
        self.lister = GameLister(path).start()
        self._seen = (0, False)
        self._list = ChoiceList()

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the field that filters, the games and the buttons."""
        t = canvas.t
        inner = open_card(canvas, layout, self, t("files.games"), ems=(56, 40))
        space = draw_foot(
            canvas,
            inner,
            [
                Foot(t("dialog.cancel"), self.cancel, "games:cancel"),
                Foot(t("files.open_it"), self.confirm, "games:open", is_main=True),
            ],
        )
        scale = canvas.scale
        count = len(self.lister.games)
        key = "files.count" if self.lister.is_done else "files.counting"
        text = t(key, file=self._path.name, count=count)
        canvas.text(space.top(scale.row), text, color=canvas.theme.secondary_text, is_given=True)
        space = space.below(scale.row)
        self.field.draw(canvas, space.top(scale.button), is_focused=True, hint=t("files.filter"))
        rest = space.below(scale.button + scale.text // 2)
        items = [Item(f"{game.number}.  {game.title}", game.detail) for game in self._games()]
        self._list.draw_choice(canvas, rest, items, self.confirm, name="games")

    def _games(self) -> list[ListedGame]:
        wanted = self.field.text.casefold().split()
        return [
            game
            for game in self.lister.games
            if all(word in f"{game.title} {game.detail}".casefold() for word in wanted)
        ]

    def key(self, event: pygame.event.Event) -> bool:
        """Move through the list, or edit the words that filter it."""
        return self._list.key(event, len(self._games())) or super().key(event)

    def edited(self) -> None:
        """Choose the first of the games that remain."""
        self._list.chosen = 0

    def settle(self) -> bool:
        """Open the game of a file that holds only one, or tell why there is none; False where there is a choice."""
        if not self.lister.is_done or len(self.lister.games) > 1:
            return False
        self.front.close(self)
        if self.lister.error is not None:
            error = error_text(self.lister.error)
            self.front.state.notice = Notice.of("game.not_opened", "warn", error=error)
        else:
            open_one(self.front, self._path, 1)
        return True

    @property
    def is_busy(self) -> bool:
        """Whether games are still being read."""
        return not self.lister.is_done

    def advance(self) -> bool:
        """Look whether more games have been read."""
        if self.settle():
            return True
        now = (len(self.lister.games), self.lister.is_done)
        changed, self._seen = now != self._seen, now
        return changed

    def confirm(self) -> None:
        """Open the chosen game."""
        games = self._games()
        if self._list.chosen < len(games):
            self.front.close(self)
            self.lister.cancel()
            open_one(self.front, self._path, games[self._list.chosen].number)

    def cancel(self) -> None:
        """Stop reading."""
        self.lister.cancel()
        super().cancel()


class SaveDialog(FieldDialog):
    """Chooses folder, name and format."""

    closes_beside = False

    def __init__(self, front: Front, folder: Path | None = None) -> None:
        super().__init__(front, f"xiangqi-{datetime.now():%Y%m%d-%H%M%S}.pgn")
        self._view = FolderView(start_folder() if folder is None else folder)
        self._format = 0
        self._problem: Message | Details | None = None

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the folder, the name, the formats and the buttons."""
        t = canvas.t
        inner = open_card(canvas, layout, self, t("command.save_as"), ems=(52, 40))
        space = draw_foot(
            canvas,
            inner,
            [
                Foot(t("dialog.cancel"), self.cancel, "save:cancel"),
                Foot(t("command.save"), self.confirm, "save:save", is_main=True),
            ],
        )
        scale = canvas.scale
        step = scale.button + scale.text // 2
        line = space.top(scale.button)
        widgets.icon_button(
            canvas, line.left_part(line.h), "up", self._view.up, tip=t("files.up"), name="files:up"
        )
        canvas.text(line.right_of(line.h + scale.text // 2), str(self._view.folder), is_given=True)
        formats = Rect(space.x, space.bottom - scale.button, space.w, scale.button)
        field = Rect(space.x, formats.y - step, space.w, scale.button)
        message_h = 2 * scale.row if self._problem is not None else 0
        files = Rect(space.x, space.y + step, space.w, field.y - scale.text // 2 - space.y - step - message_h)
        self._view.list.draw(canvas, files, self._view.items(), None, self._choose, name="files")
        problem = self._problem or self._view.problem
        if problem is not None:
            place = Rect(space.x, files.bottom, space.w, 2 * scale.row)
            canvas.paragraph(place, problem.text(canvas.language), color=canvas.theme.warn, lines=2)
        self.field.is_error = self._problem is not None
        self.field.draw(canvas, field, is_focused=True)
        names = ["PGN", "XQF", "UBB", "JSON", "Parquet"]
        widgets.choice(canvas, formats, names, self._format, self._choose_format, name="save:format")

    def _choose(self, number: int) -> None:
        entry = self._view.entries[number]
        if entry.is_folder:
            self._view.go(entry.path)
        else:
            self.field.set(entry.path.name)

    def _choose_format(self, number: int) -> None:
        self._format = number
        name = self.field.text
        stem = Path(name).stem if Path(name).suffix in _SUFFIXES.values() else name
        self.field.set(stem + _SUFFIXES[SAVE_FORMATS[number]])

    def key(self, event: pygame.event.Event) -> bool:
        """Edit the name; any key takes the problem away."""
        self._problem = None
        return super().key(event)

    def edited(self) -> None:
        """Another name is another try."""
        self._problem = None

    def confirm(self) -> None:
        """Write the file; what is wrong stands above the name."""
        name = self.field.text.strip()
        if not name:
            return
        path = self._view.folder / name
        if not path.suffix:
            path = path.with_name(path.name + _SUFFIXES[SAVE_FORMATS[self._format]])
        try:
            saved = save_game(self.front.state, path)
        except (XiangqiError, OSError) as error:
            self._problem = error_text(error)
        else:
            self.front.close(self)
            self.front.state.notice = Notice.of("game.saved", file=saved)
