"""Draws a `GameState` on a surface: board, pieces and marks here, the panel in `panel`."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

from xiangqi_gpt.gui.cards import Cards
from xiangqi_gpt.gui.ink import Ink, faded, mix, stamp, supersample, thick_line
from xiangqi_gpt.gui.move_list import MoveList
from xiangqi_gpt.gui.panel import Panel
from xiangqi_gpt.gui.sprites import Sprites, arrow_sprite
from xiangqi_gpt.gui.theme import THEMES, Theme
from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Labels
from xiangqi_gpt.play.wording import (
    BLACK_FILES,
    RED_FILES,
    RIVER,
    PieceSet,
)
from xiangqi_gpt.rules import Move, file_of, rank_of, square

MARKED_POINTS = [square(f, r) for f, r in ((1, 2), (7, 2), (1, 7), (7, 7))] + [
    square(f, r) for r in (3, 6) for f in range(0, 9, 2)
]
"""Where cannons and soldiers begin."""
ARROWS = 4
FAINT = 0.02  # candidates under this probability get no arrow


@dataclass(frozen=True)
class Slide:
    """A move under way on the screen; `share` 0..1 of the time gone."""

    move: Move
    captured: int
    share: float


class Renderer:
    """Draws frames; keeps what can be used again for the next one."""

    def __init__(self) -> None:
        self._ink = Ink()
        self._panel = Panel(self._ink)
        self._cards = Cards(self._ink)
        self._sprites_key: tuple[object, ...] = ()
        self._sprites: Sprites | None = None
        self._board_key: tuple[object, ...] = ()
        self._board_art: pygame.Surface | None = None
        self._arrows: dict[tuple[object, ...], tuple[pygame.Surface, tuple[int, int]]] = {}

    def draw(
        self,
        surface: pygame.Surface,
        state: GameState,
        layout: Layout,
        *,
        hover: tuple[int, int] | None = None,
        slide: Slide | None = None,
        scroll: int | None = None,
        held: tuple[int, int] | None = None,
    ) -> None:
        """Draw one frame.

        Args:
            hover: where the mouse is.
            slide: the move being animated; the state already stands after it.
            scroll: first row of the move list, None to follow the game.
            held: where the selected piece is carried by the mouse.
        """
        theme = THEMES[state.settings.theme]
        surface.fill(theme.table)
        surface.blit(self._board(theme, layout, state.settings.labels, state.flipped), layout.board[:2])
        self._pieces(surface, state, layout, theme, slide, held)
        self._panel.draw(surface, state, layout, theme, hover=hover, scroll=scroll)
        self._cards.draw(surface, state, layout, theme, hover)

    @property
    def move_list(self) -> MoveList:
        """The rows of the move list."""
        return self._panel.move_list

    def _board(self, theme: Theme, layout: Layout, labels: Labels, flipped: bool) -> pygame.Surface:
        key = (theme, layout, labels, flipped)
        if key != self._board_key or self._board_art is None:
            self._board_art = paint_board(self._ink, theme, layout, labels, flipped)
            self._board_key = key
        return self._board_art

    def _set(self, theme: Theme, pieces: PieceSet, u: int) -> Sprites:
        key = (theme, pieces, u)
        if key != self._sprites_key or self._sprites is None:
            self._sprites = Sprites(self._ink, theme, pieces, u)
            self._sprites_key = key
            self._arrows.clear()
        return self._sprites

    def _pieces(
        self,
        surface: pygame.Surface,
        state: GameState,
        layout: Layout,
        theme: Theme,
        slide: Slide | None,
        held: tuple[int, int] | None,
    ) -> None:
        sprites = self._set(theme, state.settings.pieces, layout.u)
        squares = state.shown_board.squares
        flipped = state.flipped
        last = state.last_move
        if last is not None:
            for sq in (last.from_square, last.to_square):
                stamp(surface, sprites.mark("last"), *layout.point(sq, flipped))
        checked = state.checked_square
        if checked is not None:
            stamp(surface, sprites.mark("check"), *layout.point(checked, flipped))
        sliding = slide.move.to_square if slide is not None else None
        for sq, code in enumerate(squares):
            if code and sq != sliding and not (held is not None and sq == state.selected):
                stamp(surface, sprites.piece(code), *layout.point(sq, flipped))
        if state.selected is not None:
            stamp(surface, sprites.mark("selected"), *layout.point(state.selected, flipped))
        for sq in state.targets:
            name = "capture" if squares[sq] else "target"
            stamp(surface, sprites.mark(name), *layout.point(sq, flipped))
        if state.notice is not None and state.notice.square is not None:
            stamp(surface, sprites.mark("refused"), *layout.point(state.notice.square, flipped))
        if state.hint is not None and state.is_live and slide is None:
            self._draw_arrows(surface, state, layout, theme)
        if slide is not None:
            if slide.captured:
                stamp(surface, sprites.piece(slide.captured), *layout.point(slide.move.to_square, flipped))
            (ax, ay), (bx, by) = (
                layout.point(sq, flipped) for sq in (slide.move.from_square, slide.move.to_square)
            )
            eased = 1 - (1 - slide.share) ** 3
            x, y = round(ax + (bx - ax) * eased), round(ay + (by - ay) * eased)
            stamp(surface, sprites.piece(squares[slide.move.to_square]), x, y)

        if held is not None and state.selected is not None:
            stamp(surface, sprites.piece(squares[state.selected]), *held)

    def _draw_arrows(self, surface: pygame.Surface, state: GameState, layout: Layout, theme: Theme) -> None:
        if state.hint is None:
            return
        lines = list(state.hint.analysis.lines[:ARROWS])
        shown = [
            (i, line)
            for i, line in enumerate(lines)
            if i == 0 or (line.prob is not None and line.prob >= FAINT)
        ]
        for i, line in reversed(shown):
            start = layout.point(line.move.from_square, state.flipped)
            end = layout.point(line.move.to_square, state.flipped)
            dx, dy = end[0] - start[0], end[1] - start[1]
            width = (0.06 + 0.22 * (line.prob or 0.0)) * layout.u
            key = (dx, dy, layout.u, round(width), theme.arrow)
            if key not in self._arrows:
                self._arrows[key] = arrow_sprite(dx, dy, layout.u, width, theme.arrow)
            sprite, (ox, oy) = self._arrows[key]
            stamp(surface, sprite if i == 0 else faded(sprite, 0.5), start[0] + ox, start[1] + oy)


def paint_board(ink: Ink, theme: Theme, layout: Layout, labels: Labels, flipped: bool) -> pygame.Surface:
    """The empty board: paper, grid, palaces, point marks, river, labels."""
    u = layout.u
    art = pygame.Surface((10 * u, 11 * u))
    art.fill(mix(theme.board, theme.line, 0.22))
    art.fill(theme.board, art.get_rect().inflate(-2, -2))
    width, frame = max(1, round(0.03 * u)), max(2, round(0.06 * u))

    def x_of(file: float) -> int:
        return round((1 + file) * u)

    def bar(x: int, y: int, w: int, h: int) -> None:
        art.fill(theme.line, (x, y, w, h))

    half = width // 2
    for row in range(10):
        bar(x_of(0) - half, x_of(row) - half, 8 * u + width, width)
    for column in range(9):
        for top, bottom in ((0, 9),) if column in (0, 8) else ((0, 4), (5, 9)):
            bar(x_of(column) - half, x_of(top) - half, width, (bottom - top) * u + width)
    gap = round(0.14 * u)
    left, top = x_of(0) - half - gap - frame, x_of(0) - half - gap - frame
    w, h = 8 * u + width + 2 * (gap + frame), 9 * u + width + 2 * (gap + frame)
    for x, y, bw, bh in ((left, top, w, frame), (left, top + h - frame, w, frame)):
        bar(x, y, bw, bh)
    for x in (left, left + w - frame):
        bar(x, top, frame, h)

    def palace(big: pygame.Surface, scale: int) -> None:
        end = 2 * u * scale
        for a, b in (((0, 0), (end, end)), ((0, end), (end, 0))):
            thick_line(big, theme.line, a, b, width * scale)

    cross = supersample(2 * u, 2 * u, palace)
    stamp(art, cross, x_of(4), x_of(1))
    stamp(art, cross, x_of(4), x_of(8))
    _point_marks(art, theme, u, half, width)
    _river(ink, art, theme, u)
    _labels(ink, art, theme, u, labels, flipped)
    return art


def _point_marks(art: pygame.Surface, theme: Theme, u: int, half: int, width: int) -> None:
    reach, away = max(3, round(0.12 * u)), max(2, round(0.06 * u))
    thin = max(1, round(0.022 * u))
    for sq in MARKED_POINTS:
        cx, cy = (1 + file_of(sq)) * u, (1 + 9 - rank_of(sq)) * u
        for sx in (-1, 1):
            if (sx < 0 and file_of(sq) == 0) or (sx > 0 and file_of(sq) == 8):
                continue
            for sy in (-1, 1):
                # Corners stand clear of the line, which covers [-half, width - half) around the point.
                x = cx + width - half + away if sx > 0 else cx - half - away
                y = cy + width - half + away if sy > 0 else cy - half - away
                art.fill(theme.line, (x if sx > 0 else x - reach, y if sy > 0 else y - thin, reach, thin))
                art.fill(theme.line, (x if sx > 0 else x - thin, y if sy > 0 else y - reach, thin, reach))


def _river(ink: Ink, art: pygame.Surface, theme: Theme, u: int) -> None:
    color = mix(theme.board, theme.line, 0.82)
    size = round(0.56 * u)
    for text, column in zip(RIVER, (2, 6), strict=True):
        for char, aside in zip(text, (-0.5, 0.5), strict=True):
            glyph = ink.ink(char, size, color, "pieces")
            x, y = (1 + column + aside) * u, 5.5 * u
            art.blit(glyph, (round(x - glyph.get_width() / 2), round(y - glyph.get_height() / 2)))


def _labels(ink: Ink, art: pygame.Surface, theme: Theme, u: int, labels: Labels, flipped: bool) -> None:
    size = max(12, round(0.27 * u))
    color = mix(theme.board, theme.line, 0.85)
    near, far = round(10.7 * u), round(0.3 * u)

    def put(text: str, x: float, y: float) -> None:
        # Centred as characters, not on their ink, of which numerals such as 一 have hardly any.
        ink.write(art, text, round(x), round(y), size, color, face="pieces", align=0.5)

    for file in range(9):
        column = 8 - file if flipped else file
        x = (1 + column) * u
        if labels == "iccs":
            put("abcdefghi"[file], x, near)
            put("abcdefghi"[file], x, far)
            continue
        put(RED_FILES[file], x, far if flipped else near)
        put(BLACK_FILES[file], x, near if flipped else far)
    if labels == "iccs":
        for rank in range(10):
            row = rank if flipped else 9 - rank
            for x in (far, 10 * u - far):
                put(str(rank), x, (1 + row) * u)
