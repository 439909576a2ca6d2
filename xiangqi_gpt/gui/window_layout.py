"""Where everything stands in a window of a given size. Whole pixels, no pygame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from xiangqi_gpt.gui.scale import FREE_MARGIN, PAPER_MARGIN, Scale, make_scale
from xiangqi_gpt.rules import Square, file_of, rank_of, square

DEFAULT_SIZE = (1180, 820)
SMALLEST_SIZE = (800, 600)
STATUS_LINES = 3
CURVE_EMS = 5.5  # height of the curve


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

    def holds(self, other: Rect) -> bool:
        """Whether another rectangle lies inside."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def inset(self, dx: int, dy: int) -> Rect:
        """The rectangle without a border."""
        return Rect(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)

    def top(self, height: int) -> Rect:
        """Its upper part."""
        return Rect(self.x, self.y, self.w, height)

    def below(self, height: int) -> Rect:
        """What is left under the upper `height` pixels."""
        return Rect(self.x, self.y + height, self.w, max(0, self.h - height))

    def left_part(self, width: int) -> Rect:
        """Its left part."""
        return Rect(self.x, self.y, width, self.h)

    def right_of(self, width: int) -> Rect:
        """What is left beside the left `width` pixels."""
        return Rect(self.x + width, self.y, max(0, self.w - width), self.h)

    def columns(self, count: int, gap: int = 0) -> list[Rect]:
        """Parts of one width side by side."""
        width = (self.w - (count - 1) * gap) // count
        return [Rect(self.x + i * (width + gap), self.y, width, self.h) for i in range(count)]


@dataclass(frozen=True)
class Layout:
    """Rectangles of one window size.

    Attributes:
        size: width and height of the window.
        scale: sizes of board, texts and controls.
        board: the paper, 10.3u x 11.3u.
        value: the evaluation bar left of it.
        plates: of the players, upper and lower.
        tabs: the row of tabs on the panel.
        content: what the chosen tab shows.
        curve: the curve of the game, below it.
        status: the status line, of up to three lines.
        toolbar: the row of icons.
    """

    size: tuple[int, int]
    scale: Scale
    board: Rect
    value: Rect
    plates: tuple[Rect, Rect]
    tabs: Rect
    content: Rect
    curve: Rect
    status: Rect
    toolbar: Rect

    @property
    def u(self) -> int:
        """Distance between two lines of the grid."""
        return self.scale.u

    @property
    def text(self) -> int:
        """Height of plain text."""
        return self.scale.text

    @property
    def row(self) -> int:
        """Height of a line of text with its air."""
        return self.scale.row

    @property
    def margin(self) -> int:
        """From the edge of the paper to the outer lines."""
        return round(PAPER_MARGIN * self.u)

    @property
    def origin(self) -> tuple[int, int]:
        """The top left point of the grid."""
        return self.board.x + self.margin, self.board.y + self.margin

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

    @property
    def move_rows(self) -> Rect:
        """The list of moves."""
        return self.content

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

    def with_card(self, height: int) -> tuple[Rect, Layout]:
        """A card of this height at the top of the content, and the layout with what is left below it."""
        height = min(height, self.content.h)
        return self.content.top(height), replace(self, content=self.content.below(height + self.scale.gap))


@lru_cache(maxsize=16)
def make_layout(width: int, height: int, percent: int = 100, ratio: float = 1.0) -> Layout:
    """The layout of a window; sizes under the smallest are laid out as the smallest."""
    width, height = max(width, SMALLEST_SIZE[0]), max(height, SMALLEST_SIZE[1])
    scale = make_scale(width, height, percent=percent, ratio=ratio)
    u, gap = scale.u, scale.gap
    free = max(1, round(FREE_MARGIN * u))
    margin = round(PAPER_MARGIN * u)
    paper_w, paper_h = 8 * u + 2 * margin, 9 * u + 2 * margin
    panel = Rect(width - gap - scale.panel, gap, scale.panel, height - 2 * gap)
    room = panel.x - gap  # the board and its bar stand in the middle of what the panel leaves
    x = max(gap, (room - scale.bar - free - paper_w) // 2)
    board = Rect(x + scale.bar + free, (height - paper_h) // 2, paper_w, paper_h)
    value = Rect(x, board.y, scale.bar, paper_h)
    plate_gap = max(2, min(free, board.y - scale.plate - 2))
    upper = Rect(board.x, board.y - plate_gap - scale.plate, paper_w, scale.plate)
    lower = Rect(board.x, board.bottom + plate_gap, paper_w, scale.plate)
    tabs = panel.top(scale.button)
    toolbar = Rect(panel.x, panel.bottom - scale.button, panel.w, scale.button)
    step = round(scale.text * 1.35)
    status_h = STATUS_LINES * step + gap // 2
    status = Rect(panel.x, toolbar.y - gap // 2 - status_h, panel.w, status_h)
    curve_h = round(CURVE_EMS * scale.text)
    curve = Rect(panel.x, status.y - curve_h, panel.w, curve_h)
    content = Rect(panel.x, tabs.bottom + gap // 2, panel.w, curve.y - gap // 2 - tabs.bottom - gap // 2)
    return Layout((width, height), scale, board, value, (upper, lower), tabs, content, curve, status, toolbar)
