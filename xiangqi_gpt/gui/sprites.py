"""Pieces, marks and arrows as sprites, drawn from numbers for one size, theme and piece set."""

from __future__ import annotations

import math
from functools import lru_cache

import pygame

from xiangqi_gpt.gui.ink import Ink, supersample, thick_line
from xiangqi_gpt.gui.piece_art import PieceArt
from xiangqi_gpt.gui.theme import Rgb, Theme
from xiangqi_gpt.play.settings import Look
from xiangqi_gpt.play.wording import PieceSet

_WIDE = ("check", "refused")  # marks that reach beyond a piece
PIECE_EXTENT = 1.1  # side of a piece's sprite, in u


class Sprites:
    """Pieces and marks for lines `u` pixels apart."""

    def __init__(self, ink: Ink, theme: Theme, pieces: PieceSet, look: Look, u: int) -> None:
        self._theme = theme
        self._art = PieceArt(ink, theme, pieces, look)
        self._u = u
        self._made: dict[tuple[str, int], pygame.Surface] = {}

    def piece(self, code: int) -> pygame.Surface:
        """The piece with this code."""
        return self._sprite("piece", code)

    def mark(self, name: str) -> pygame.Surface:
        """ "from", "last", "selected", "target", "capture", "check", "refused" or "premove"."""
        return self._sprite(name, 0)

    def _sprite(self, name: str, code: int) -> pygame.Surface:
        key = (name, code)
        if key not in self._made:
            extent = round((1.5 if name in _WIDE else PIECE_EXTENT) * self._u)
            extent += extent % 2  # even, so that the centre lies between two pixels as the lines do
            painters = {
                "from": self._paint_from,
                "last": self._paint_last,
                "selected": self._paint_selected,
                "target": self._paint_target,
                "capture": self._paint_capture,
                "check": self._paint_check,
                "refused": self._paint_refused,
                "premove": self._paint_premove,
            }

            def paint(big: pygame.Surface, scale: int) -> None:
                if code:
                    self._art.paint(big, self._u * scale, code)
                else:
                    painters[name](big, self._u * scale)

            self._made[key] = supersample(extent, extent, paint)
        return self._made[key]

    def _paint_from(self, big: pygame.Surface, u: float) -> None:
        c = big.get_width() / 2
        pygame.draw.circle(big, (*self._theme.last, 80), (c, c), 0.30 * u)

    def _paint_last(self, big: pygame.Surface, u: float) -> None:
        # The outer edge stays under half a step, so that corners never touch those of a neighbour.
        c, reach, arm, width = big.get_width() / 2, 0.455 * u, 0.15 * u, 0.05 * u
        color = self._theme.last
        for sx in (-1, 1):
            for sy in (-1, 1):
                x, y = c + sx * reach, c + sy * reach
                thick_line(big, color, (x + sx * width / 2, y), (x - sx * arm, y), width)
                thick_line(big, color, (x, y + sy * width / 2), (x, y - sy * arm), width)

    def _paint_premove(self, big: pygame.Surface, u: float) -> None:
        """A ring of eight dashes."""
        self._dashes(big, u, 8, 0.12, self._theme.premove)

    def _paint_selected(self, big: pygame.Surface, u: float) -> None:
        c = big.get_width() / 2
        pygame.draw.circle(big, self._theme.select, (c, c), 0.505 * u, round(0.055 * u))

    def _paint_target(self, big: pygame.Surface, u: float) -> None:
        c = big.get_width() / 2
        pygame.draw.circle(big, self._theme.target, (c, c), 0.11 * u)

    def _paint_capture(self, big: pygame.Surface, u: float) -> None:
        """A ring with four gaps, so that its shape differs from the closed ring of the selected piece."""
        self._dashes(big, u, 4, 0.28, self._theme.target)

    @staticmethod
    def _dashes(big: pygame.Surface, u: float, count: int, gap: float, color: Rgb) -> None:
        """A ring of `count` arcs with gaps of 2 x `gap` radians between them."""
        c, radius, width = big.get_width() / 2, 0.49 * u, 0.055 * u
        steps = 24
        for part in range(count):
            start = 2 * math.pi / count * part + gap
            stop = start + 2 * math.pi / count - 2 * gap
            angles = [start + (stop - start) * i / steps for i in range(steps + 1)]
            outer = [(c + radius * math.cos(a), c + radius * math.sin(a)) for a in angles]
            inner = [
                (c + (radius - width) * math.cos(a), c + (radius - width) * math.sin(a))
                for a in reversed(angles)
            ]
            pygame.draw.polygon(big, color, outer + inner)

    def _paint_refused(self, big: pygame.Surface, u: float) -> None:
        """A diamond round the piece that stands in the way of a move."""
        c, reach, width = big.get_width() / 2, 0.62 * u, 0.06 * u
        corners = [(c, c - reach), (c + reach, c), (c, c + reach), (c - reach, c)]
        for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
            thick_line(big, self._theme.warn, start, end, width)

    def _paint_check(self, big: pygame.Surface, u: float) -> None:
        c, color = big.get_width() / 2, self._theme.check
        inner, outer, steps = 0.44, 0.70, 40
        for i in range(steps):
            share = i / (steps - 1)
            alpha = round(215 * share**1.6)
            pygame.draw.circle(big, (*color, alpha), (c, c), (outer - (outer - inner) * share) * u)


@lru_cache(maxsize=8)
def sprites_of(theme: Theme, pieces: PieceSet, look: Look, u: int) -> Sprites:
    """The sprites of a set at a size, kept for as long as they are likely to be used again."""
    return Sprites(Ink(), theme, pieces, look, u)


def arrow_sprite(
    dx: int, dy: int, u: int, width: float, color: Rgb
) -> tuple[pygame.Surface, tuple[int, int]]:
    """An arrow to a point `dx` and `dy` pixels away, and the offset of its centre from its start.

    `width` is the width of the shaft in pixels.
    """
    length = math.hypot(dx, dy)
    head = max(0.24 * u, 1.25 * width + 0.1 * u)
    pad = round(head + 2)
    w, h = abs(dx) + 2 * pad, abs(dy) + 2 * pad

    def paint(big: pygame.Surface, scale: int) -> None:
        ax = (pad if dx >= 0 else pad - dx) * scale
        ay = (pad if dy >= 0 else pad - dy) * scale
        ux, uy = dx / length, dy / length
        begin, neck, tip = 0.30 * u, length - 0.08 * u - head, length - 0.08 * u

        def at(along: float, aside: float) -> tuple[float, float]:
            return ax + (ux * along - uy * aside) * scale, ay + (uy * along + ux * aside) * scale

        if neck > begin:
            thick_line(big, color, at(begin, 0), at(neck + 1, 0), width * scale)
        pygame.draw.polygon(big, color, [at(neck, head * 0.62), at(tip, 0), at(neck, -head * 0.62)])

    return supersample(w, h, paint), (round(dx / 2), round(dy / 2))
