"""The empty board as a picture: paper, grid, palaces, marked points, river, labels."""

from __future__ import annotations

from functools import lru_cache

import pygame

from xiangqi_gpt.gui.ink import Ink, mix, stamp, supersample, thick_line
from xiangqi_gpt.gui.scale import PAPER_MARGIN
from xiangqi_gpt.gui.theme import Theme
from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.play.settings import Labels
from xiangqi_gpt.play.wording import BLACK_FILES, RED_FILES, RIVER
from xiangqi_gpt.rules import file_of, rank_of, square

MARKED_POINTS = [square(f, r) for f, r in ((1, 2), (7, 2), (1, 7), (7, 7))] + [
    square(f, r) for r in (3, 6) for f in range(0, 9, 2)
]
"""Where cannons and soldiers begin."""
LINE = 0.03  # u
FRAME = 0.06
FRAME_AT = 0.52  # u from the outer lines: outside the discs
LABEL_AT = (FRAME_AT + FRAME + PAPER_MARGIN) / 2  # between the frame and the edge of the paper


@lru_cache(maxsize=4)
def paint_board(theme: Theme, layout: Layout, labels: Labels, flipped: bool) -> pygame.Surface:
    """The board without its pieces, as large as the paper; not to be changed."""
    ink = Ink()
    u, margin = layout.u, layout.margin
    art = pygame.Surface((layout.board.w, layout.board.h))
    art.fill(mix(theme.board, theme.line, 0.22))
    art.fill(theme.board, art.get_rect().inflate(-2, -2))
    width = max(1, round(LINE * u))
    half = width // 2

    def at(steps: float) -> int:
        return margin + round(steps * u)

    def bar(x: int, y: int, w: int, h: int) -> None:
        art.fill(theme.line, (x, y, w, h))

    for row in range(10):
        bar(at(0) - half, at(row) - half, 8 * u + width, width)
    for column in range(9):
        for top, bottom in ((0, 9),) if column in (0, 8) else ((0, 4), (5, 9)):
            bar(at(column) - half, at(top) - half, width, (bottom - top) * u + width)
    frame, away = max(2, round(FRAME * u)), round(FRAME_AT * u)
    left = margin - half - away - frame
    w, h = 8 * u + width + 2 * (away + frame), 9 * u + width + 2 * (away + frame)
    bar(left, left, w, frame)
    bar(left, left + h - frame, w, frame)
    bar(left, left, frame, h)
    bar(left + w - frame, left, frame, h)

    def palace(big: pygame.Surface, scale: int) -> None:
        end = 2 * u * scale
        for a, b in (((0, 0), (end, end)), ((0, end), (end, 0))):
            thick_line(big, theme.line, a, b, width * scale)

    cross = supersample(2 * u, 2 * u, palace)
    stamp(art, cross, at(4), at(1))
    stamp(art, cross, at(4), at(8))
    _point_marks(art, theme, layout, half, width)
    _river(ink, art, theme, layout)
    _labels(ink, art, theme, layout, labels, flipped)
    return art


def _point_marks(art: pygame.Surface, theme: Theme, layout: Layout, half: int, width: int) -> None:
    u, margin = layout.u, layout.margin
    reach, away = max(3, round(0.12 * u)), max(2, round(0.06 * u))
    thin = max(1, round(0.022 * u))
    for sq in MARKED_POINTS:
        cx, cy = margin + file_of(sq) * u, margin + (9 - rank_of(sq)) * u
        for sx in (-1, 1):
            if (sx < 0 and file_of(sq) == 0) or (sx > 0 and file_of(sq) == 8):
                continue
            for sy in (-1, 1):
                # Corners stand clear of the line, which covers [-half, width - half) around the point.
                x = cx + width - half + away if sx > 0 else cx - half - away
                y = cy + width - half + away if sy > 0 else cy - half - away
                art.fill(theme.line, (x if sx > 0 else x - reach, y if sy > 0 else y - thin, reach, thin))
                art.fill(theme.line, (x if sx > 0 else x - thin, y if sy > 0 else y - reach, thin, reach))


def _river(ink: Ink, art: pygame.Surface, theme: Theme, layout: Layout) -> None:
    u, margin = layout.u, layout.margin
    color = mix(theme.board, theme.line, 0.62)
    size = round(0.56 * u)
    for text, column in zip(RIVER, (2, 6), strict=True):
        for char, aside in zip(text, (-0.5, 0.5), strict=True):
            glyph = ink.ink(char, size, color, "pieces")
            x, y = margin + (column + aside) * u, margin + 4.5 * u
            art.blit(glyph, (round(x - glyph.get_width() / 2), round(y - glyph.get_height() / 2)))


def _labels(
    ink: Ink, art: pygame.Surface, theme: Theme, layout: Layout, labels: Labels, flipped: bool
) -> None:
    u, margin = layout.u, layout.margin
    size = max(12, round(0.27 * u))
    color = mix(theme.board, theme.line, 0.85)
    far, near = margin - LABEL_AT * u, margin + 9 * u + LABEL_AT * u
    right = margin + 8 * u + LABEL_AT * u

    def put(text: str, x: float, y: float) -> None:
        # Centred as characters, not on their ink, of which numerals such as 一 have hardly any.
        ink.write(art, text, round(x), round(y), size, color, face="pieces", align=0.5)

    for file in range(9):
        x = margin + (8 - file if flipped else file) * u
        if labels == "iccs":
            put("abcdefghi"[file], x, near)
            put("abcdefghi"[file], x, far)
            continue
        put(RED_FILES[file], x, far if flipped else near)
        put(BLACK_FILES[file], x, near if flipped else far)
    if labels == "iccs":
        for rank in range(10):
            y = margin + (rank if flipped else 9 - rank) * u
            for edge in (far, right):
                put(str(rank), edge, y)
