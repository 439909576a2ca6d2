"""The library: the games of the collection, searched while one types; and which games to add to it."""

from __future__ import annotations

from pathlib import Path

import pygame

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.file_dialogs import OpenDialog
from xiangqi_gpt.gui.dialogs.frame import FieldDialog, Foot, confirm_buttons, draw_foot, open_card
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.widgets import ChoiceList, Item
from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.play.game_files import ListedGame
from xiangqi_gpt.play.library_desk import Search

RESULTS = {
    "": "library.any_result",
    "1-0": "library.red_wins",
    "1/2-1/2": "library.drawn",
    "0-1": "library.black_wins",
}
"""Results that can be searched for, and their names; the first one stands for any."""


class LibraryGames(FieldDialog):
    """The games of the collection: by words, result and the position at the board."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._position = front.state.shown_board.copy()
        self._result = 0
        self._by_position = 0
        self._list = ChoiceList()

    @property
    def search(self) -> Search:
        """What is looked for."""
        return Search(
            tuple(self.field.text.split()),
            list(RESULTS)[self._result],
            self._position if self._by_position else None,
        )

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the field, the choices, the games and the buttons."""
        t, scale, desk = canvas.t, canvas.scale, self.front.library
        inner = open_card(canvas, layout, self, t("command.library_games"), ems=(58, 44))
        has_games = bool(self._games())
        buttons = confirm_buttons(canvas, self, t("files.open_it"), "library:open", is_enabled=has_games)
        space = draw_foot(canvas, inner, buttons)
        step = scale.button + scale.text // 2
        self.field.draw(canvas, space.top(scale.button), is_focused=True, hint=t("library.filter"))
        choices = space.below(step).top(scale.button)
        left = choices.left_part(choices.w * 3 // 5 - scale.text // 2)
        results = [t(key) for key in RESULTS.values()]
        widgets.choice(canvas, left, results, self._result, self._choose_result, name="library:result")
        positions = [t("library.any_position"), t("library.this_position")]
        right = choices.right_of(choices.w * 3 // 5)
        widgets.choice(
            canvas, right, positions, self._by_position, self._choose_position, name="library:position"
        )
        rest = space.below(2 * step)
        line = rest.top(scale.row)
        if desk.problem is not None:
            canvas.text(line, desk.problem.text(canvas.language), color=canvas.theme.warn, is_given=True)
        else:
            found = desk.found
            if found is None or found.search != self.search:
                desk.search(self.search)
                canvas.text(line, t("library.searching"), color=canvas.theme.secondary_text)
            else:
                key = "library.found" if found.count == len(found.games) else "library.found_first"
                text = t(key, count=f"{found.count:,}", shown=f"{len(found.games):,}")
                canvas.text(line, text, color=canvas.theme.secondary_text)
        items = [Item(game.title, game.detail(canvas.language)) for game in self._games()]
        self._list.draw_choice(canvas, rest.below(scale.row), items, self.confirm, name="library:game")

    def _games(self) -> list[ListedGame]:
        found = self.front.library.found
        if found is None:
            return []
        return [
            ListedGame(game.id, game.red, game.black, game.event, game.date, game.result, game.plies)
            for game in found.games
        ]

    def _choose_result(self, number: int) -> None:
        self._result, self._list.chosen = number, 0

    def _choose_position(self, number: int) -> None:
        self._by_position, self._list.chosen = number, 0

    def key(self, event: pygame.event.Event) -> bool:
        """Move through the list, or edit the words."""
        return self._list.key(event, len(self._games())) or super().key(event)

    def edited(self) -> None:
        """Choose the first of the games that are found now."""
        self._list.chosen = 0

    def confirm(self) -> None:
        """Open the chosen game, at the position that was searched for."""
        found = self.front.library.found
        if found is not None and found.search == self.search and self._list.chosen < len(found.games):
            game = found.games[self._list.chosen]
            self.front.close(self)
            self.front.library.load(game.id, game.ply)


class CollectDialog(OpenDialog):
    """Chooses a file or a folder of games that are added to the collection."""

    title = "command.collect"
    also = ""

    def foot(self, canvas: Canvas) -> list[Foot]:
        """Cancel, the whole folder, the file that is named."""
        cancel, choose = super().foot(canvas)
        folder = Foot(canvas.t("library.whole_folder"), self._take_folder, "files:folder")
        return [cancel, folder, Foot(canvas.t("library.add"), choose.act, choose.name, is_main=True)]

    def take(self, path: Path) -> None:
        """Add the games of the file."""
        self.front.close(self)
        self.front.collect([path])

    def drop(self, path: Path) -> bool:
        """Add the games of a file or a folder."""
        self.take(path)
        return True

    def _take_folder(self) -> None:
        self.front.close(self)
        self.front.collect([self.folder])
