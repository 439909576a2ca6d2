"""Pieces and marks as sprites, drawn from numbers for one size, theme and piece set."""

from __future__ import annotations

import math

import pygame

from xiangqi_gpt.gui.ink import Ink, mix, supersample, thick_line
from xiangqi_gpt.gui.theme import Rgb, Theme
from xiangqi_gpt.play.wording import PIECE_SETS, PieceSet

DISC = 0.44  # radius of a piece, in u
RIM = 0.38  # radius of the ring on it
GLYPH = 0.55  # height of a Chinese glyph
LETTER = 0.44  # height of a capital
SHADOW = 0.03  # how far the shadow falls
SOFTNESS = 12  # shades in it


class Sprites:
    """Pieces and marks for lines `u` pixels apart."""

    def __init__(self, ink: Ink, theme: Theme, pieces: PieceSet, u: int) -> None:
        self._ink = ink
        self._theme = theme
        self._glyphs = PIECE_SETS[pieces]
        self._letters = pieces == "letters"
        self._u = u
        self._made: dict[tuple[str, int], pygame.Surface] = {}

    def piece(self, code: int) -> pygame.Surface:
        """The piece with this code."""
        return self._sprite("piece", code)

    def mark(self, name: str) -> pygame.Surface:
        """ "last", "selected", "target", "capture", "check" or "refused"."""
        return self._sprite(name, 0)

    def _sprite(self, name: str, code: int) -> pygame.Surface:
        key = (name, code)
        if key not in self._made:
            extent = round((1.5 if name in ("check", "refused") else 1.1) * self._u)
            extent += extent % 2  # even, so that the centre lies between two pixels as the lines do
            painters = {
                "last": self._paint_last,
                "selected": self._paint_selected,
                "target": self._paint_target,
                "capture": self._paint_capture,
                "check": self._paint_check,
                "refused": self._paint_refused,
            }

            def paint(big: pygame.Surface, scale: int) -> None:
                if code:
                    self._paint_piece(big, self._u * scale, code)
                else:
                    painters[name](big, self._u * scale)

            self._made[key] = supersample(extent, extent, paint)
        return self._made[key]

    def _paint_piece(self, big: pygame.Surface, u: float, code: int) -> None:
        theme = self._theme
        cx, cy = big.get_width() / 2, big.get_height() / 2
        black = code > 7
        square = black and theme.square_rim
        for i in range(SOFTNESS):  # from the faint edge inwards; each disc replaces what lies under it
            share = (i + 1) / SOFTNESS
            reach = DISC + SHADOW * (1 - 1.5 * share)
            self._disc(big, (0, 0, 0, round(110 * share**1.5)), cx, cy + SHADOW * u, reach * u, square)
        self._disc(big, mix(theme.face, theme.rim, 0.75), cx, cy, DISC * u, square)
        self._disc(big, theme.face, cx, cy, (DISC - 0.016) * u, square)
        self._disc(big, theme.rim, cx, cy, (RIM + 0.011) * u, square)
        self._disc(big, theme.face, cx, cy, (RIM - 0.011) * u, square)
        glyph = self._glyph(u, code, theme.black if black else theme.red)
        big.blit(glyph, (round(cx - glyph.get_width() / 2), round(cy - glyph.get_height() / 2)))

    @staticmethod
    def _disc(
        big: pygame.Surface,
        color: Rgb | tuple[int, int, int, int],
        cx: float,
        cy: float,
        radius: float,
        square: bool,
    ) -> None:
        if square:
            side = radius * 1.8
            area = pygame.Rect(round(cx - side / 2), round(cy - side / 2), round(side), round(side))
            pygame.draw.rect(big, color, area, border_radius=round(0.1 * side))
        else:
            pygame.draw.circle(big, color, (cx, cy), radius)

    def _glyph(self, u: float, code: int, color: Rgb) -> pygame.Surface:
        # One size for the whole set, set by its tallest glyph: scaling each to the same height would make 士
        # heavier than 車.
        trial = 100
        ratio = max(self._ink.ink(g, trial, color, "pieces").get_height() for g in self._glyphs[1:]) / trial
        height = LETTER if self._letters else GLYPH
        return self._ink.ink(self._glyphs[code], round(height * u / ratio), color, "pieces")

    def _paint_last(self, big: pygame.Surface, u: float) -> None:
        c, reach, arm, width = big.get_width() / 2, 0.475 * u, 0.15 * u, 0.05 * u
        color = self._theme.last
        for sx in (-1, 1):
            for sy in (-1, 1):
                x, y = c + sx * reach, c + sy * reach
                thick_line(big, color, (x + sx * width / 2, y), (x - sx * arm, y), width)
                thick_line(big, color, (x, y + sy * width / 2), (x, y - sy * arm), width)

    def _paint_selected(self, big: pygame.Surface, u: float) -> None:
        c = big.get_width() / 2
        pygame.draw.circle(big, self._theme.select, (c, c), 0.505 * u, round(0.055 * u))

    def _paint_target(self, big: pygame.Surface, u: float) -> None:
        c = big.get_width() / 2
        pygame.draw.circle(big, self._theme.target, (c, c), 0.11 * u)

    def _paint_capture(self, big: pygame.Surface, u: float) -> None:
        """A ring with four gaps: told apart from the closed ring of the selected piece by its shape."""
        c, radius, width = big.get_width() / 2, 0.485 * u, 0.05 * u
        for quarter in range(4):
            start = math.pi / 2 * quarter + 0.28
            stop = start + math.pi / 2 - 0.56
            steps = 24
            angles = [start + (stop - start) * i / steps for i in range(steps + 1)]
            outer = [(c + radius * math.cos(a), c + radius * math.sin(a)) for a in angles]
            inner = [
                (c + (radius - width) * math.cos(a), c + (radius - width) * math.sin(a))
                for a in reversed(angles)
            ]
            pygame.draw.polygon(big, self._theme.target, outer + inner)

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
