"""Candidate moves as numbered arrows on the board; shafts that would lie on each other are set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

import pygame

from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.ink import faded, stamp, supersample
from xiangqi_gpt.gui.sprites import arrow_sprite
from xiangqi_gpt.gui.theme import Rgb
from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.players.base import Line
from xiangqi_gpt.rules import Move, file_of, rank_of

ARROWS = 4
FAINT = 0.02  # candidates under this probability get no arrow
APART = 0.22  # u between the shafts of arrows on one line
_BY_RANK = (0.5, 0.25, 0.12, 0.06)  # widths of arrows, as probabilities, where a search has ordered them
_KEPT = 4 * ARROWS  # sprites; a long one takes megabytes
_OWN_LINE = (0, 1, -1, 2, -2, 3, -3)  # order of the places beside a line


@dataclass(frozen=True)
class Arrow:
    """An arrow: its rank from 1, its line of play, and how many places its shaft stands aside."""

    number: int
    line: Line
    aside: int

    @property
    def move(self) -> Move:
        """The move."""
        return self.line.move


def arrows_of(lines: Sequence[Line]) -> list[Arrow]:
    """The arrows of the best candidates, the best first."""
    shown = [
        line
        for i, line in enumerate(lines[:ARROWS])
        if i == 0 or line.points is not None or line.prob is None or line.prob >= FAINT
    ]
    found: list[Arrow] = []
    if any(line.points is not None for line in lines):
        # What a search has found orders them, and may differ much from what the policy thought at first.
        shown = [replace(line, prob=share) for line, share in zip(shown, _BY_RANK, strict=False)]
    for number, line in enumerate(shown, 1):
        taken = {arrow.aside for arrow in found if overlaps(arrow.move, line.move)}
        aside = next(place for place in _OWN_LINE if place not in taken)
        found.append(Arrow(number, line, aside))
    return found


def overlaps(a: Move, b: Move) -> bool:
    """Whether the straight ways of two moves share more than one point of the board."""
    return len(set(_points(a)) & set(_points(b))) > 1


def _points(move: Move) -> list[tuple[int, int]]:
    x, y = file_of(move.from_square), rank_of(move.from_square)
    dx, dy = file_of(move.to_square) - x, rank_of(move.to_square) - y
    steps = gcd(dx, dy)
    return [(x + dx // steps * i, y + dy // steps * i) for i in range(steps + 1)] if steps else [(x, y)]


class ArrowArt:
    """Draws arrows, keeping their sprites."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], tuple[pygame.Surface, tuple[int, int]]] = {}

    def draw(self, canvas: Canvas, layout: Layout, lines: Sequence[Line], flipped: bool) -> None:
        """Draw the arrows of the best candidates, the best on top, then their numbers."""
        arrows = arrows_of(lines)
        badges: list[tuple[int, int, str]] = []
        for arrow in reversed(arrows):
            start = layout.point(arrow.move.from_square, flipped)
            end = layout.point(arrow.move.to_square, flipped)
            dx, dy = end[0] - start[0], end[1] - start[1]
            length = max(1.0, (dx * dx + dy * dy) ** 0.5)
            # Aside is measured from one end of the line, whichever way the arrow points.
            turn = 1 if (dx, dy) > (0, 0) else -1
            shift = arrow.aside * APART * layout.u * turn
            ox, oy = round(-dy / length * shift), round(dx / length * shift)
            prob = arrow.line.prob or 0.0
            width = (0.06 + 0.22 * prob) * layout.u
            sprite, (mx, my) = self._sprite(dx, dy, layout.u, width, canvas.theme.arrow)
            shown = sprite if arrow.number == 1 else faded(sprite, 0.45 + 0.4 * min(1.0, 2 * prob))
            stamp(canvas.surface, shown, start[0] + mx + ox, start[1] + my + oy)
            share = max(0.35, min(0.62, 1 - 0.42 * layout.u / length))
            badges.append(
                (round(start[0] + dx * share) + ox, round(start[1] + dy * share) + oy, str(arrow.number))
            )
        if len(arrows) > 1:
            for x, y, number in badges:
                _badge(canvas, layout.u, x, y, number)

    def _sprite(
        self, dx: int, dy: int, u: int, width: float, color: Rgb
    ) -> tuple[pygame.Surface, tuple[int, int]]:
        key = (dx, dy, u, round(width), color)
        if key not in self._made:
            if len(self._made) >= _KEPT:
                self._made.clear()
            self._made[key] = arrow_sprite(dx, dy, u, width, color)
        return self._made[key]


def _badge(canvas: Canvas, u: int, x: int, y: int, number: str) -> None:
    theme = canvas.theme
    radius = max(8, round(0.15 * u))

    def paint(big: pygame.Surface, scale: int) -> None:
        middle = big.get_width() / 2
        pygame.draw.circle(big, theme.arrow_text, (middle, middle), radius * scale)
        pygame.draw.circle(big, theme.arrow, (middle, middle), radius * scale * 0.88)

    side = 2 * radius + 2
    stamp(canvas.surface, supersample(side, side, paint), x, y)
    canvas.ink.write(canvas.surface, number, x, y, max(12, round(0.22 * u)), theme.arrow_text, align=0.5)
