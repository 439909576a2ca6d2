"""The library tab: the moves that games of a collection played in the position shown, and how to get a collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.ink import mix
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.widgets import percent
from xiangqi_gpt.gui.window_layout import Rect
from xiangqi_gpt.notation.move_text import move_text
from xiangqi_gpt.play.collector import Collector
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.library_desk import Explored
from xiangqi_gpt.play.wording import whole_percents
from xiangqi_gpt.rules import Move

if TYPE_CHECKING:
    from xiangqi_gpt.library.collection import ExplorerRow

DrawButton: TypeAlias = Callable[[Canvas, GameState, Rect, str, Front], None]
"""Draws the button of a command."""

_STEPS = {"read": "library.read", "compare": "library.compare", "index": "library.index"}
_HEADS = (
    ("library.move", 0.0),
    ("library.count", 1.0),
    ("library.results", 0.5),
    ("library.year", 1.0),
    ("library.model", 1.0),
)
"""Head of each column, and whether it stands at the left (0) or right (1)."""


class LibraryPane:
    """Draws the tab; keeps how far its rows are scrolled and the rows shown last.

    Args:
        button: draws the button of a command.
    """

    def __init__(self, button: DrawButton) -> None:
        self._button = button
        self._shown: Explored | None = None
        self._top = 0

    def draw(self, canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
        """Draw it."""
        desk = front.library
        if desk.collector is not None:
            self._adding(canvas, desk.collector, rect)
            return
        if desk.path is None or desk.problem is not None:
            self._invite(canvas, state, rect, front)
            return
        found = desk.explore(state.shown_board)
        if desk.problem is not None:
            self._invite(canvas, state, rect, front)
            return
        if found is not None and found is not self._shown:
            self._shown, self._top = found, 0
        gap = canvas.scale.gap // 2
        head = rect.top(canvas.scale.row)
        count = "" if desk.count is None else canvas.t("library.games", count=f"{desk.count:,}")
        small, color = canvas.scale.small, canvas.theme.secondary_text
        used = canvas.text(head, count, size=small, color=color, align=1)
        name = Rect(head.x, head.y, max(0, head.w - used - small), head.h)
        canvas.text(name, desk.path.name, size=small, color=color, is_given=True)
        buttons = Rect(rect.x, rect.bottom - canvas.scale.button, rect.w, canvas.scale.button)
        for place, command in zip(buttons.columns(2, gap), ("library_games", "collect"), strict=True):
            self._button(canvas, state, place, command, front)
        rows = Rect(rect.x, head.bottom, rect.w, buttons.y - gap - head.bottom)
        self._rows(canvas, state, rows, front, is_current=found is not None)

    def _invite(self, canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
        """What a collection is, or why the one of the settings cannot be read, and the ways to one."""
        desk, gap = front.library, canvas.scale.gap // 2
        y = rect.y
        if desk.problem is not None and desk.path is not None:
            problem = canvas.t("library.not_opened", file=desk.path.name, error=desk.problem)
            y += canvas.paragraph(rect, problem, color=canvas.theme.warn, lines=4, is_given=True) + gap
        words = Rect(rect.x, y, rect.w, max(0, rect.bottom - y))
        y += (
            canvas.paragraph(words, canvas.t("library.none"), color=canvas.theme.secondary_text, lines=5)
            + gap
        )
        for command in ("open", "collect"):
            place = Rect(rect.x, y, rect.w, canvas.scale.button)
            self._button(canvas, state, place, command, front)
            y += canvas.scale.button + gap

    @staticmethod
    def _adding(canvas: Canvas, collector: Collector, rect: Rect) -> None:
        """How far the adding of games is, and the button that stops it."""
        theme, scale, progress = canvas.theme, canvas.scale, collector.progress
        share = min(1.0, progress.count / progress.of) if progress.of else 1.0
        done = percent(share) if progress.of else f"{progress.count:,}"
        text = canvas.t(_STEPS[progress.what], done=done)
        canvas.text(rect.top(scale.row), collector.out.name, color=theme.secondary_text, is_given=True)
        canvas.text(rect.below(scale.row).top(scale.row), text)
        bar = Rect(rect.x, rect.y + 2 * scale.row + scale.text // 2, rect.w, max(6, scale.text // 2))
        canvas.box(bar, mix(theme.raised, theme.line, 0.2))
        canvas.box(bar.left_part(round(bar.w * share)), theme.arrow)
        place = Rect(rect.x, bar.bottom + scale.gap, rect.w, scale.button)
        widgets.button(canvas, place, canvas.t("dialog.cancel"), collector.stop, name="library:stop")

    def _rows(self, canvas: Canvas, state: GameState, rect: Rect, front: Front, *, is_current: bool) -> None:
        shown = self._shown
        if shown is None:
            return
        theme, row = canvas.theme, canvas.scale.row
        if not shown.rows:
            text = canvas.t("library.no_moves" if is_current else "library.searching")
            canvas.paragraph(rect, text, color=theme.secondary_text, lines=3)
            return
        shares = state.shares if is_current else {}
        area = rect.below(row)
        visible = max(1, area.h // row)
        last = max(0, len(shown.rows) - visible)
        self._top = min(self._top, last)
        bar = round(canvas.scale.text * 0.5) if last else 0
        columns = _Columns(
            canvas,
            rect.left_part(rect.w - bar),
            with_years=any(each.year is not None for each in shown.rows),
            with_shares=bool(shares),
        )
        columns.head()

        def wheel(up: int) -> None:
            self._top = max(0, min(last, self._top - 3 * up))

        canvas.region(area, wheel=wheel)
        for number, each in enumerate(shown.rows[self._top : self._top + visible]):
            place = Rect(area.x, area.y + number * row, area.w - bar, row)
            if is_current and canvas.over(place):
                canvas.box(place, mix(theme.table, theme.divider, 0.5))
            share = shares.get(each.move)
            if share is not None and shown.symmetric and each.move.mirrored() != each.move:
                share += shares.get(each.move.mirrored(), 0.0)
            columns.row(place, move_text(canvas.language, shown.board, each.move), each, share)
            if is_current:

                def play(move: Move = each.move) -> None:
                    front.try_move(move)

                canvas.region(
                    place, play, wheel=wheel, tip=_tip(canvas, each, share), name=f"library:{each.move.iccs}"
                )
        if last:
            widgets.scroll_bar(canvas, area, self._top, visible, len(shown.rows))


class _Columns:
    """Move, games, results, and where they are known the average year and the model's probability."""

    def __init__(self, canvas: Canvas, rect: Rect, *, with_years: bool, with_shares: bool) -> None:
        self._canvas, self._rect = canvas, rect
        small = canvas.scale.small
        self._gap = max(3, small // 3)
        self._move = max(canvas.width("炮二平五"), canvas.width(canvas.t("library.move"), small))
        self._games = max(canvas.width("99,999", small), canvas.width(canvas.t("library.count"), small))
        year = max(canvas.width("2026", small), canvas.width(canvas.t("library.year"), small))
        self._year = year if with_years else 0
        model = max(canvas.width("<0.1 %", small), canvas.width(canvas.t("library.model"), small))
        self._model = model if with_shares else 0

    def _places(self, row: Rect) -> tuple[Rect, Rect, Rect, Rect, Rect]:
        gap = self._gap
        move = row.left_part(self._move)
        games = Rect(move.right + gap, row.y, self._games, row.h)
        model = Rect(row.right - self._model, row.y, self._model, row.h)
        year = Rect(model.x - (gap if self._model else 0) - self._year, row.y, self._year, row.h)
        end = year.x - (gap if self._year else 0)
        bar = Rect(games.right + gap, row.y, max(0, end - games.right - gap), row.h)
        return move, games, bar, year, model

    def head(self) -> None:
        canvas = self._canvas
        places = self._places(self._rect.top(canvas.scale.row))
        for (key, align), place in zip(_HEADS, places, strict=True):
            if place.w:
                text = canvas.t(key)
                fits = canvas.width(text, canvas.scale.small) <= place.w
                if fits:
                    canvas.text(
                        place, text, size=canvas.scale.small, color=canvas.theme.secondary_text, align=align
                    )

    def row(self, place: Rect, name: str, row: ExplorerRow, share: float | None) -> None:
        canvas, small, color = self._canvas, self._canvas.scale.small, self._canvas.theme.secondary_text
        move, games, bar, year, model = self._places(place)
        canvas.text(move, name)
        canvas.text(games, f"{row.games:,}", size=small, align=1)
        self._results(bar, row)
        if row.year is not None:
            canvas.text(year, f"{row.year:.0f}", size=small, color=color, align=1)
        if self._model and share is not None:
            canvas.text(model, percent(share), size=small, align=1)

    def _results(self, rect: Rect, row: ExplorerRow) -> None:
        """The results as a bar: Red at the left, draws, Black."""
        canvas, theme = self._canvas, self._canvas.theme
        known = row.red_wins + row.draws + row.black_wins
        if not known or rect.w < 4:
            return
        small = canvas.scale.small
        high = min(rect.h - 2, round(1.2 * small))
        x, counts = rect.x, (row.red_wins, row.draws, row.black_wins)
        canvas.fill(Rect(rect.x, rect.center[1] - high // 2, rect.w, high), theme.divider)
        shares = whole_percents([count / known for count in counts])
        done = 0
        for count, share, fill, ink in zip(
            counts,
            shares,
            (theme.side_red, theme.side_draw, theme.side_black),
            ((255, 255, 255), theme.text, (255, 255, 255)),
            strict=True,
        ):
            done += count
            part = Rect(x, rect.center[1] - high // 2, rect.x + round(rect.w * done / known) - x, high)
            canvas.fill(part, fill)
            if part.w >= canvas.width(f"{share}", small) + 4:
                canvas.text(part, f"{share}", size=small, color=ink, align=0.5)
            x = part.right


def _tip(canvas: Canvas, row: ExplorerRow, share: float | None) -> str:
    """The row in words."""
    known = row.red_wins + row.draws + row.black_wins
    red, draw, black = whole_percents([n / max(1, known) for n in (row.red_wins, row.draws, row.black_wins)])
    parts = [canvas.t("library.tip", games=f"{row.games:,}", red=red, draw=draw, black=black)]
    if row.year is not None:
        parts.append(canvas.t("library.tip_year", year=f"{row.year:.0f}"))
    if share is not None:
        parts.append(canvas.t("library.tip_model", share=percent(share)))
    return canvas.t("library.tip_join").join(parts)
