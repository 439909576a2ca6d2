"""The classical compositions as a list: what each is called, how long it takes, and whether it is solved."""

from __future__ import annotations

import pygame

from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import confirm_buttons, draw_foot, open_card
from xiangqi_gpt.gui.view import Dialog, Front
from xiangqi_gpt.gui.widgets import ChoiceList, Item
from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.play.opening import start_puzzle
from xiangqi_gpt.play.puzzle_book import classical_puzzles, load_progress, next_puzzle


class PuzzleList(Dialog):
    """Chooses a puzzle."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._puzzles = classical_puzzles()
        self._results = load_progress()
        current = front.state.puzzle
        at = current if current is not None else next_puzzle(self._puzzles)
        first = next((i for i, puzzle in enumerate(self._puzzles) if puzzle.id == at.id), 0)
        self._list = ChoiceList(chosen=first)

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the list and the buttons."""
        t = canvas.t
        inner = open_card(canvas, layout, self, t("command.puzzles"), ems=(46, 40))
        space = draw_foot(canvas, inner, confirm_buttons(canvas, self, t("menu.start"), "puzzles:start"))
        solved = sum(self._results.get(puzzle.id) == "solved" for puzzle in self._puzzles)
        count = t("puzzle_list.solved", solved=solved, count=len(self._puzzles))
        canvas.text(space.top(canvas.scale.row), count, color=canvas.theme.secondary_text)
        items = []
        for puzzle in self._puzzles:
            result = self._results.get(puzzle.id)
            moves = "" if puzzle.plies is None else t("puzzle_list.moves", count=(puzzle.plies + 1) // 2)
            icon = "tick" if result == "solved" else "close" if result == "failed" else "ring"
            items.append(Item(puzzle.title.text(canvas.language), moves, icon, is_given=False))
        self._list.draw_choice(canvas, space.below(canvas.scale.row), items, self.confirm, name="puzzles")

    def key(self, event: pygame.event.Event) -> bool:
        """Move through the list."""
        return self._list.key(event, len(self._puzzles))

    def confirm(self) -> None:
        """Begin the chosen puzzle."""
        self.front.close(self)
        start_puzzle(self.front.state, self._puzzles[self._list.chosen])
