"""Opening games: a browser of folders, and the games of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pygame

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import (
    FieldDialog,
    Foot,
    confirm_buttons,
    draw_foot,
    draw_problem,
    open_card,
)
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.widgets import ChoiceList, Item
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.game_files import (
    FolderEntry,
    GameLister,
    ListedGame,
    list_folder,
    open_problem,
)
from xiangqi_gpt.play.game_state import Notice
from xiangqi_gpt.play.library_desk import COLLECTION_SUFFIX
from xiangqi_gpt.play.opening import open_game
from xiangqi_gpt.play.saving import games_folder
from xiangqi_gpt.texts import Details, Message

_PATIENCE = 0.15  # seconds in which a small file is read, so that no list appears for it


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
        self.list = ChoiceList(top=0, chosen=-1)
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
        self.list.top, self.list.chosen = 0, -1

    def up(self) -> None:
        """Show the folder above."""
        self.go(self.folder.parent)

    @property
    def chosen(self) -> FolderEntry | None:
        """The entry that is chosen."""
        number = self.list.chosen
        return self.entries[number] if 0 <= number < len(self.entries) else None

    def items(self) -> list[Item]:
        """The rows of the list."""
        return [
            Item(entry.path.name, entry.size_text, "folder" if entry.is_folder else "file")
            for entry in self.entries
        ]

    def draw(
        self, canvas: Canvas, rect: Rect, choose: Callable[[int], object], take: Callable[[], object]
    ) -> None:
        """Draw the list; a click calls *choose* with the number of the entry, a second one *take*."""
        self.list.draw(canvas, rect, self.items(), self.list.chosen, choose, double=take, name="files")


def start_folder() -> Path:
    """Where the browser begins: the documents, or the home folder where there are none."""
    folder = games_folder()
    return folder if folder.is_dir() else Path.home()


class OpenDialog(FieldDialog):
    """Chooses a file of games or a collection, by the list or by its name. What cannot be opened is told in it.

    Attributes:
        title: key of what stands at its top.
        also: suffix of files that are listed beside those of games.
    """

    title = "files.open"
    also = COLLECTION_SUFFIX

    def __init__(self, front: Front, folder: Path | None = None) -> None:
        self._view = FolderView(start_folder() if folder is None else folder, self.also)
        self._problem: Message | Details | None = None
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
        problem = self._problem or self._view.problem
        if problem is not None:
            rest = draw_problem(canvas, rest, problem)
        else:
            note = rest.top(scale.row)
            canvas.text(note, t("files.drop"), size=scale.small, color=canvas.theme.secondary_text)
            rest = rest.below(scale.row)
        self._view.draw(canvas, rest, self._choose, self.confirm)
        if not self._view.entries:
            canvas.text(rest, t("files.empty"), color=canvas.theme.secondary_text, align=0.5)

    def foot(self, canvas: Canvas) -> list[Foot]:
        """Its buttons."""
        return confirm_buttons(canvas, self, canvas.t("files.open_it"), "files:open")

    def take(self, path: Path) -> None:
        """Do what the file was chosen for."""
        open_path(self.front, path, self)

    def refuse(self, problem: Message | Details | None) -> None:
        """Tell why the file cannot be had, and stay open for another; None takes the words away."""
        self._problem = problem
        self.field.is_error = problem is not None

    def drop(self, path: Path) -> bool:
        """Take the file as if it had been chosen."""
        self.field.set(str(path))
        self.confirm()
        return True

    @property
    def folder(self) -> Path:
        """The folder that is shown."""
        return self._view.folder

    def _go(self, folder: Path) -> None:
        self.refuse(None)
        self._view.go(folder)
        self.field.set(str(self._view.folder))

    def _up(self) -> None:
        self._go(self._view.folder.parent)

    def _choose(self, number: int) -> None:
        self._view.list.chosen = number
        self.refuse(None)
        self.field.set(str(self._view.entries[number].path))

    def key(self, event: pygame.event.Event) -> bool:
        """Edit the path, or move through the list; with Alt the arrow key leads to the folder above."""
        if event.key == pygame.K_UP and event.mod & pygame.KMOD_ALT:
            self._up()
            return True
        if self._view.entries and self._view.list.key(event, len(self._view.entries)):
            self._choose(self._view.list.chosen)
            return True
        return super().key(event)

    def edited(self) -> None:
        """Another path is another try."""
        self._view.list.chosen = -1
        self.refuse(None)

    def confirm(self) -> None:
        """Go to the folder that is named, or open the file."""
        path = Path(self.field.text.strip()).expanduser()
        if path.is_dir():
            self._go(path)
        elif path.exists():
            self.take(path)
        else:
            self.refuse(Message.of("error.no_file", file=path.name))


def open_path(front: Front, path: Path, chooser: OpenDialog | None = None) -> None:
    """Open a file: a collection, its game, or a list to choose from where it holds several.

    Args:
        chooser: where the file was chosen; it is closed once there is something to see, and told what is wrong.
    """
    from xiangqi_gpt.library.collection_file import (
        is_database,  # brings sqlite3, which the start can do without
    )

    if is_database(path):
        if chooser is not None:
            front.close(chooser)
        front.open_collection(path)
        return
    dialog = GameListDialog(front, path, chooser)
    dialog.lister.wait(_PATIENCE)
    if not dialog.settle():
        front.open(dialog)


def open_one(front: Front, path: Path, number: int, chooser: OpenDialog | None = None) -> None:
    """Open a game of a file."""
    try:
        open_game(front.state, path, number)
    except (XiangqiError, OSError) as error:
        _refuse(front, open_problem(error, path), chooser)
        return
    if chooser is not None:
        front.close(chooser)
    front.view.tab = "moves"
    if front.state.notice is None or front.state.notice.tone != "warn":
        front.state.notice = Notice.of("files.opened", file=path.name)


def _refuse(front: Front, problem: Message | Details, chooser: OpenDialog | None) -> None:
    """Tell why a file cannot be opened: where it was chosen, else as a notice."""
    if chooser is not None:
        chooser.refuse(problem)
    else:
        front.state.notice = Notice.of("game.not_opened", "warn", error=problem)


class GameListDialog(FieldDialog):
    """The games of a file; they appear while it is being read."""

    def __init__(self, front: Front, path: Path, chooser: OpenDialog | None = None) -> None:
        super().__init__(front)
        self._path = path
        self._chooser = chooser
        self.lister = GameLister(path).start()
        self._seen = (0, False)
        self._list = ChoiceList()

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the field that filters, the games and the buttons."""
        t = canvas.t
        inner = open_card(canvas, layout, self, t("files.games"), ems=(56, 40))
        space = draw_foot(canvas, inner, confirm_buttons(canvas, self, t("files.open_it"), "games:open"))
        scale = canvas.scale
        count = len(self.lister.games)
        key = "files.count" if self.lister.is_done else "files.counting" if count else "files.reading"
        text = t(key, file=self._path.name, count=count)
        canvas.text(space.top(scale.row), text, color=canvas.theme.secondary_text, is_given=True)
        space = space.below(scale.row)
        self.field.draw(canvas, space.top(scale.button), is_focused=True, hint=t("files.filter"))
        rest = space.below(scale.button + scale.text // 2)
        items = [
            Item(f"{game.number}.  {game.title}", game.detail(canvas.language)) for game in self._games()
        ]
        self._list.draw_choice(canvas, rest, items, self.confirm, name="games")

    def _games(self) -> list[ListedGame]:
        wanted = self.field.text.casefold().split()
        return [
            game
            for game in self.lister.games
            if all(word in f"{game.title} {game.date} {game.result}".casefold() for word in wanted)
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
            _refuse(self.front, open_problem(self.lister.error, self._path), self._chooser)
        else:
            open_one(self.front, self._path, 1, self._chooser)
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
            open_one(self.front, self._path, games[self._list.chosen].number, self._chooser)

    def cancel(self) -> None:
        """Stop reading."""
        self.lister.cancel()
        super().cancel()
