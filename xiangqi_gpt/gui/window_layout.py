"""Where everything stands in a window of a given size. Whole pixels, no pygame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from xiangqi_gpt.play.actions import SIDES, STYLES
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.wording import PIECE_SETS
from xiangqi_gpt.rules import Square, file_of, rank_of, square

DEFAULT_SIZE = (1180, 820)
SMALLEST_SIZE = (800, 600)
BUTTONS = ("undo", "redo", "hint", "flip", "new", "save", "language", "theme")
COLUMNS = 4  # of the buttons


class Rect(NamedTuple):
    """A rectangle in pixels."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        """First column right of it."""
        return self.x + self.w

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.y + self.h

    @property
    def center(self) -> tuple[int, int]:
        """Its middle."""
        return self.x + self.w // 2, self.y + self.h // 2

    def contains(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def inset(self, dx: int, dy: int) -> Rect:
        """The rectangle without a border."""
        return Rect(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)


class Chip(NamedTuple):
    """A choice in the menu: row name, number in the row, where it stands."""

    row: str
    number: int
    rect: Rect


@dataclass(frozen=True)
class Layout:
    """Rectangles of one window size.

    Attributes:
        size: width and height of the window.
        u: distance between two lines of the grid.
        text: height of the plain text.
        board: the paper, 10u x 11u.
        value: the value bar left of it.
        players: two rows, upper and lower side.
        status, candidates, moves, buttons: parts of the panel, top to bottom.
        candidate_rows: how many candidates there is room for.
    """

    size: tuple[int, int]
    u: int
    text: int
    board: Rect
    value: Rect
    players: Rect
    status: Rect
    candidates: Rect
    moves: Rect
    buttons: tuple[Rect, ...]
    candidate_rows: int

    @property
    def row(self) -> int:
        """Height of a line of text with its air."""
        return round(self.text * 1.6)

    @property
    def origin(self) -> tuple[int, int]:
        """The top left point of the grid."""
        return self.board.x + self.u, self.board.y + self.u

    def point(self, sq: Square, flipped: bool) -> tuple[int, int]:
        """Centre of a square."""
        file, rank = file_of(sq), rank_of(sq)
        column, row = (8 - file, rank) if flipped else (file, 9 - rank)
        return self.origin[0] + column * self.u, self.origin[1] + row * self.u

    def square_at(self, x: float, y: float, flipped: bool) -> Square | None:
        """The square whose piece would lie under a point, or None."""
        column, dx = divmod((x - self.origin[0]) / self.u + 0.5, 1)
        row, dy = divmod((y - self.origin[1]) / self.u + 0.5, 1)
        if not (0 <= column <= 8 and 0 <= row <= 9) or (dx - 0.5) ** 2 + (dy - 0.5) ** 2 > 0.48**2:
            return None
        c, r = int(column), int(row)
        return square(8 - c, r) if flipped else square(c, 9 - r)

    def button_at(self, x: float, y: float) -> str | None:
        """Name of the button under a point."""
        return next((name for name, r in zip(BUTTONS, self.buttons, strict=True) if r.contains(x, y)), None)

    @property
    def move_rows(self) -> Rect:
        """The list below the heading of the moves."""
        return Rect(self.moves.x, self.moves.y + self.row, self.moves.w, self.moves.h - self.row)

    def list_row(self, row: int, first_row: int) -> Rect | None:
        """Where a row of the move list scrolled to `first_row` stands; None if out of sight."""
        area = self.move_rows
        y = area.y + (row - first_row) * self.row
        return Rect(area.x, y, area.w, self.row) if row >= first_row and y + self.row <= area.bottom else None

    def move_cell(self, ply: int, first_row: int, black_first: bool) -> Rect | None:
        """Where ply `ply` (from 0) stands in a move list of pairs without variations; None if out of sight."""
        row, column = divmod(ply + black_first, 2)
        whole = self.list_row(row, first_row)
        if whole is None:
            return None
        number = round(self.text * 2.2)
        width = (whole.w - number) // 2
        return Rect(whole.x + number + column * width, whole.y, width, whole.h)

    @property
    def visible_move_rows(self) -> int:
        """Rows of the move list that are in sight."""
        return max(1, self.move_rows.h // self.row)


@lru_cache(maxsize=8)
def make_layout(width: int, height: int) -> Layout:
    """The layout of a window; sizes under the smallest are laid out as the smallest."""
    width, height = max(width, SMALLEST_SIZE[0]), max(height, SMALLEST_SIZE[1])
    panel_w = max(320, min(420, round(width * 0.345)))
    text = max(13, min(height // 48, panel_w // 24))
    gap = max(10, text * 3 // 4)
    bar = max(12, text * 7 // 8)
    u = min(height // 11, (width - panel_w - bar - 4 * gap) // 10)
    spare = width - panel_w - bar - 4 * gap - 10 * u
    panel_w = min(420, panel_w + spare)
    spare = max(0, width - panel_w - bar - 4 * gap - 10 * u)
    top = (height - 11 * u) // 2
    x = gap + spare // 2
    value = Rect(x, top + u // 2, bar, 10 * u)
    board = Rect(x + bar + gap, top, 10 * u, 11 * u)
    panel_x = board.right + gap
    margin = max(gap, min(top, 2 * gap))
    row = round(text * 1.6)
    players = Rect(panel_x, margin, panel_w, round(2.3 * row))
    status = Rect(panel_x, players.bottom + gap // 2, panel_w, round(2.9 * row))
    button_h = round(text * 2.1)
    button_gap = max(6, gap // 2)
    buttons_y = height - margin - 2 * button_h - button_gap
    rows = max(4, min(8, (buttons_y - status.bottom - 2 * gap) // row - 8))
    candidates = Rect(panel_x, status.bottom + gap // 2, panel_w, (rows + 3) * row)
    moves_y = candidates.bottom + gap // 2
    moves = Rect(panel_x, moves_y, panel_w, buttons_y - gap - moves_y)
    button_w = (panel_w - (COLUMNS - 1) * button_gap) // COLUMNS
    buttons = tuple(
        Rect(
            panel_x + (i % COLUMNS) * (button_w + button_gap),
            buttons_y + (i // COLUMNS) * (button_h + button_gap),
            button_w,
            button_h,
        )
        for i in range(len(BUTTONS))
    )
    return Layout((width, height), u, text, board, value, players, status, candidates, moves, buttons, rows)


@dataclass(frozen=True)
class MenuLayout:
    """The new-game menu over the board: its box, the labels of its rows, its choices, its two buttons."""

    box: Rect
    labels: tuple[tuple[str, Rect], ...]
    chips: tuple[Chip, ...]
    start: Rect
    cancel: Rect


def menu_layout(layout: Layout, state: GameState) -> MenuLayout:
    """Where the menu stands. Nothing moves while one chooses."""
    rows = (
        ("menu.side", len(SIDES)),
        ("menu.opponent", len(state.specs)),
        ("menu.style", len(STYLES)),
        ("menu.pieces", len(PIECE_SETS)),
    )
    text, row = layout.text, round(layout.text * 2.9)
    width = min(layout.board.w - 2 * text, 36 * text)
    height = row * (len(rows) + 2) + 2 * text
    cx, cy = layout.board.center
    box = Rect(cx - width // 2, cy - height // 2, width, height)
    inner = box.inset(round(text * 1.4), text)
    label_w = round(text * 5.2)
    labels, chips = [], []
    for i, (name, count) in enumerate(rows):
        y = inner.y + row * (i + 1)
        labels.append((name, Rect(inner.x, y, label_w, round(text * 2.1))))
        step = (inner.w - label_w + text // 2) // count
        for number in range(count):
            x = inner.x + label_w + number * step
            chips.append(Chip(name, number, Rect(x, y, step - text // 2, round(text * 2.1))))
    y = inner.y + row * (len(rows) + 1) + text // 2
    half = (inner.w - text) // 2
    start = Rect(inner.x + half + text, y, half, round(text * 2.1))
    cancel = Rect(inner.x, y, half, round(text * 2.1))
    return MenuLayout(box, tuple(labels), tuple(chips), start, cancel)


@dataclass(frozen=True)
class OfferLayout:
    """The offer to resume a game: its box and its two buttons."""

    box: Rect
    go_on: Rect
    leave: Rect


def offer_layout(layout: Layout) -> OfferLayout:
    """Where the offer stands."""
    text = layout.text
    width, height = min(layout.board.w - 2 * text, 30 * text), 11 * text
    cx, cy = layout.board.center
    box = Rect(cx - width // 2, cy - height // 2, width, height)
    inner = box.inset(round(text * 1.4), text)
    half, button_h = (inner.w - text) // 2, round(text * 2.1)
    y = inner.bottom - button_h
    go_on = Rect(inner.x + half + text, y, half, button_h)
    return OfferLayout(box, go_on, Rect(inner.x, y, half, button_h))
