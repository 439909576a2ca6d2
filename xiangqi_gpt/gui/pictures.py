"""The pictorial piece set: seven outlines in a square from -50 to 50, y downwards.

A crown, an official's hat, an elephant, a horse's head, a tower, a cannon and a foot soldier, for readers who do not
read Chinese characters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

import pygame

from xiangqi_gpt.gui.ink import thick_line
from xiangqi_gpt.gui.theme import Rgb

Point: TypeAlias = tuple[float, float]


class _Brush:
    """Paints outlines of one piece: `ink` on `paper`."""

    def __init__(self, surface: pygame.Surface, unit: float, ink: Rgb, paper: Rgb) -> None:
        self._surface, self._unit = surface, unit
        self._cx, self._cy = surface.get_width() / 2, surface.get_height() / 2
        self.ink, self.paper = ink, paper

    def _at(self, point: Point) -> Point:
        return self._cx + point[0] * self._unit, self._cy + point[1] * self._unit

    def shape(self, *points: Point) -> None:
        pygame.draw.polygon(self._surface, self.ink, [self._at(point) for point in points])

    def box(self, x: float, y: float, w: float, h: float) -> None:
        self.shape((x, y), (x + w, y), (x + w, y + h), (x, y + h))

    def disc(self, x: float, y: float, radius: float, *, is_hole: bool = False) -> None:
        color = self.paper if is_hole else self.ink
        pygame.draw.circle(self._surface, color, self._at((x, y)), radius * self._unit)

    def oval(self, x: float, y: float, rx: float, ry: float, *, is_hole: bool = False) -> None:
        points = [
            self._at((x + rx * math.cos(a), y + ry * math.sin(a)))
            for a in (2 * math.pi * i / 48 for i in range(48))
        ]
        pygame.draw.polygon(self._surface, self.paper if is_hole else self.ink, points)

    def line(self, *points: Point, width: float, is_hole: bool = False) -> None:
        color = self.paper if is_hole else self.ink
        scaled = [self._at(point) for point in points]
        for a, b in pairwise(scaled):
            thick_line(self._surface, color, a, b, width * self._unit)
        for point in scaled:
            pygame.draw.circle(self._surface, color, point, width * self._unit / 2)


def _king(b: _Brush) -> None:
    b.shape((-27, 14), (-34, -16), (-17, -1), (0, -27), (17, -1), (34, -16), (27, 14))
    for x, y in ((-34, -18), (0, -30), (34, -18)):
        b.disc(x, y, 5.5)
    b.box(-27, 19, 54, 9)


def _advisor(b: _Brush) -> None:
    b.oval(0, -4, 19, 22)
    b.box(-22, 4, 44, 16)
    b.line((-40, 10), (-22, 11), width=9)
    b.line((22, 11), (40, 10), width=9)
    b.line((-13, 4), (13, 4), width=3, is_hole=True)
    b.disc(0, -10, 4.5, is_hole=True)
    b.box(-15, 24, 30, 5)


def _elephant(b: _Brush) -> None:
    b.oval(-7, -2, 26, 18)
    for x in (-29, -16, 2):
        b.box(x, 6, 10, 22)
    b.disc(20, -8, 15)
    b.line((31, -4), (35, 8), (33, 20), (28, 25), width=8)
    b.line((-32, -4), (-37, 10), width=4)
    b.oval(12, -7, 8, 11, is_hole=True)
    b.oval(11, -8, 6, 9)
    b.disc(25, -11, 2.4, is_hole=True)
    b.line((22, 6), (27, 10), width=3, is_hole=True)


def _horse(b: _Brush) -> None:
    b.shape(
        (-22, 26), (-17, 14), (-4, 4), (-3, 0), (-13, 3), (-22, 12), (-29, 10), (-32, 3), (-24, -10),
        (-18, -21), (-9, -27), (-7, -36), (0, -29), (10, -25), (19, -14), (24, 2), (24, 26),
    )  # fmt: skip
    b.disc(-12, -14, 3, is_hole=True)
    b.line((4, -20), (13, -10), (17, 4), width=2.6, is_hole=True)
    b.box(-26, 24, 54, 6)


def _rook(b: _Brush) -> None:
    b.shape(
        (-25, -29), (-14, -29), (-14, -21), (-5.5, -21), (-5.5, -29), (5.5, -29), (5.5, -21), (14, -21),
        (14, -29), (25, -29), (25, -13), (17, -6), (17, 13), (25, 20), (25, 30), (-25, 30), (-25, 20),
        (-17, 13), (-17, -6), (-25, -13),
    )  # fmt: skip
    b.line((-17, -4), (17, -4), width=2.6, is_hole=True)
    b.line((-17, 13), (17, 13), width=2.6, is_hole=True)


def _cannon(b: _Brush) -> None:
    b.line((-12, 6), (26, -17), width=16)
    b.line((22, -27), (32, -10), width=5)
    b.line((-6, 12), (-36, 26), width=7)
    b.disc(-6, 12, 19, is_hole=True)
    b.disc(-6, 12, 17)
    b.disc(-6, 12, 11.5, is_hole=True)
    for i in range(4):
        angle = math.pi * i / 4
        dx, dy = 13 * math.cos(angle), 13 * math.sin(angle)
        b.line((-6 - dx, 12 - dy), (-6 + dx, 12 + dy), width=3)
    b.disc(-6, 12, 4.5)


def _pawn(b: _Brush) -> None:
    b.disc(-2, -14, 10)
    b.shape((-21, -15), (-2, -34), (17, -15))
    b.shape((-10, -4), (6, -4), (15, 22), (-19, 22))
    b.box(-24, 22, 44, 7)
    b.line((25, -16), (25, 29), width=3.6)
    b.shape((20, -15), (25, -33), (30, -15))


_PICTURES: tuple[Callable[[_Brush], None], ...] = (
    _king, _advisor, _elephant, _horse, _rook, _cannon, _pawn,
)  # fmt: skip


def paint_picture(big: pygame.Surface, code: int, height: float, ink: Rgb, paper: Rgb) -> None:
    """Paint the picture of a piece in the middle of a surface; `height` of the square in its pixels."""
    _PICTURES[(code - 1) % 7](_Brush(big, height / 100, ink, paper))
