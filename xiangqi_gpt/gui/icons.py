"""Icons as outlines in a square of 24 units, drawn for the size that is needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

import pygame

from xiangqi_gpt.gui.ink import stamp, supersample, thick_line
from xiangqi_gpt.gui.theme import Rgb
from xiangqi_gpt.gui.window_layout import Rect

GRID = 24
STROKE = 2.0

Point: TypeAlias = tuple[float, float]


class _Pen:
    """Draws in units of the grid."""

    def __init__(self, surface: pygame.Surface, unit: float, color: Rgb) -> None:
        self._surface, self._unit, self._color = surface, unit, color

    def line(self, *points: Point, width: float = STROKE) -> None:
        scaled = [(x * self._unit, y * self._unit) for x, y in points]
        for a, b in pairwise(scaled):
            thick_line(self._surface, self._color, a, b, width * self._unit)
        for point in scaled:
            pygame.draw.circle(self._surface, self._color, point, width * self._unit / 2)

    def shape(self, *points: Point) -> None:
        pygame.draw.polygon(self._surface, self._color, [(x * self._unit, y * self._unit) for x, y in points])

    def dot(self, x: float, y: float, radius: float) -> None:
        pygame.draw.circle(self._surface, self._color, (x * self._unit, y * self._unit), radius * self._unit)

    def arc(self, x: float, y: float, radius: float, start: float, stop: float) -> None:
        """Degrees, clockwise from the right."""
        steps = 28
        angles = [math.radians(start + (stop - start) * i / steps) for i in range(steps + 1)]
        self.line(*((x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles))


def _back(p: _Pen) -> None:
    p.line((14.5, 5), (8, 12), (14.5, 19))


def _forward(p: _Pen) -> None:
    p.line((9.5, 5), (16, 12), (9.5, 19))


def _first(p: _Pen) -> None:
    p.line((17, 5), (10.5, 12), (17, 19))
    p.line((6.5, 5), (6.5, 19))


def _last(p: _Pen) -> None:
    p.line((7, 5), (13.5, 12), (7, 19))
    p.line((17.5, 5), (17.5, 19))


def _undo(p: _Pen) -> None:
    p.line((8.5, 4.5), (4, 9), (8.5, 13.5))
    p.line((4.5, 9), (14, 9))
    p.arc(14, 14, 5, -90, 90)
    p.line((14, 19), (8, 19))


def _redo(p: _Pen) -> None:
    p.line((15.5, 4.5), (20, 9), (15.5, 13.5))
    p.line((19.5, 9), (10, 9))
    p.arc(10, 14, 5, -90, -270)
    p.line((10, 19), (16, 19))


def _hint(p: _Pen) -> None:
    p.arc(12, 9.5, 6, 125, 415)
    p.line((9, 14.5), (9, 17), (15, 17), (15, 14.5))
    p.line((10, 20.5), (14, 20.5))


def _flip(p: _Pen) -> None:
    p.line((8, 20), (8, 4.5))
    p.line((4, 8.5), (8, 4.5), (12, 8.5))
    p.line((16, 4), (16, 19.5))
    p.line((12, 15.5), (16, 19.5), (20, 15.5))


def _speaker(p: _Pen) -> None:
    p.shape((3, 9.5), (7, 9.5), (12, 5), (12, 19), (7, 14.5), (3, 14.5))


def _sound(p: _Pen) -> None:
    _speaker(p)
    p.arc(12, 12, 4.5, -45, 45)
    p.arc(12, 12, 8.5, -45, 45)


def _mute(p: _Pen) -> None:
    _speaker(p)
    p.line((15.5, 9), (21.5, 15))
    p.line((21.5, 9), (15.5, 15))


def _menu(p: _Pen) -> None:
    for y in (6, 12, 18):
        p.line((4, y), (20, y))


def _folder(p: _Pen) -> None:
    p.line((3.5, 18.5), (3.5, 5.5), (9.5, 5.5), (11.5, 8), (20.5, 8), (20.5, 18.5), (3.5, 18.5))


def _file(p: _Pen) -> None:
    p.line((6, 3.5), (14, 3.5), (18, 7.5), (18, 20.5), (6, 20.5), (6, 3.5))
    p.line((9, 12), (15, 12))
    p.line((9, 16), (15, 16))


def _up(p: _Pen) -> None:
    p.line((12, 20), (12, 5))
    p.line((6, 11), (12, 5), (18, 11))


def _tick(p: _Pen) -> None:
    p.line((5, 12.5), (10, 17.5), (19, 7), width=3)


def _close(p: _Pen) -> None:
    p.line((6, 6), (18, 18))
    p.line((18, 6), (6, 18))


def _warn(p: _Pen) -> None:
    p.line((12, 3.5), (21.5, 20), (2.5, 20), (12, 3.5))
    p.line((12, 9.5), (12, 14))
    p.dot(12, 17, 1.3)


def _ring(p: _Pen) -> None:
    p.arc(12, 12, 6, 0, 360)


def _pause(p: _Pen) -> None:
    p.line((8.5, 5), (8.5, 19), width=3)
    p.line((15.5, 5), (15.5, 19), width=3)


_ICONS: dict[str, Callable[[_Pen], None]] = {
    "first": _first,
    "back": _back,
    "forward": _forward,
    "last": _last,
    "undo": _undo,
    "redo": _redo,
    "hint": _hint,
    "flip": _flip,
    "sound": _sound,
    "mute": _mute,
    "menu": _menu,
    "folder": _folder,
    "file": _file,
    "up": _up,
    "tick": _tick,
    "close": _close,
    "warn": _warn,
    "pause": _pause,
    "ring": _ring,
}


@lru_cache(maxsize=256)
def icon(name: str, side: int, color: Rgb) -> pygame.Surface:
    """An icon as a sprite, `side` pixels wide and high."""

    def paint(big: pygame.Surface, scale: int) -> None:
        _ICONS[name](_Pen(big, side * scale / GRID, color))

    return supersample(side, side, paint)


def draw_icon(surface: pygame.Surface, name: str, rect: Rect, color: Rgb) -> None:
    """Draw an icon in the middle of a rectangle, at most as large as three quarters of its height."""
    side = max(10, round(min(rect.w, rect.h) * 0.75))
    stamp(surface, icon(name, side, color), *rect.center)
