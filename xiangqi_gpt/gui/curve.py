"""The curve of the game: Red's expected score after each ply of the line shown; a click jumps there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pygame

from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.ink import mix, supersample, thick_line
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.window_layout import Rect
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.wording import MARKS

_BAD = {MARKS["?!"]: 0.5, MARKS["?"]: 0.75, MARKS["??"]: 1.0}
"""Marks that stand on the curve as dots, and how large."""


def expectations(state: GameState) -> list[float | None]:
    """Red's expected score 0..1 before the first move and after each ply of the line shown; None: not known.

    What a review or the analyst found comes first, then what the players themselves thought before their moves.
    """
    line = state.line
    found: list[float | None] = [None, *state.curve]
    for i, ply in enumerate(state.plies(line[-1]) if line else []):
        if found[i] is None and ply.thought is not None and ply.thought.red_value is not None:
            red, draw, black = ply.thought.red_value
            found[i] = (red + draw / 2) / (red + draw + black or 1.0)
    return found


class Curve:
    """Draws the curve; keeps the picture until a value changes."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._art: pygame.Surface | None = None

    def draw(self, canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
        """Draw it and let it be clicked."""
        theme, scale = canvas.theme, canvas.scale
        values = expectations(state)
        line = state.line
        canvas.rule(rect.x, rect.y, rect.w)
        area = rect.inset(0, scale.gap // 2)
        known = sum(value is not None for value in values)
        if known < 2:
            box = Rect(area.x, area.y, area.w, area.h)
            text = canvas.t("window.no_curve")
            canvas.paragraph(box, text, size=scale.small, color=theme.secondary_text, lines=3)
            return
        dots = tuple(
            (i, max(_BAD[nag] for nag in node.nags if nag in _BAD))
            for i, node in enumerate(line, 1)
            if any(nag in _BAD for nag in node.nags)
        )
        key = (tuple(values), dots, area.w, area.h, theme)
        if key != self._key or self._art is None:
            self._art = _paint(values, dots, area, canvas)
            self._key = key
        canvas.surface.blit(self._art, area[:2], special_flags=pygame.BLEND_PREMULTIPLIED)
        steps = max(1, len(values) - 1)

        def x_of(ply: int) -> int:
            return area.x + round(ply / steps * (area.w - 1))

        at = x_of(min(state.ply, steps))
        canvas.fill(Rect(at - scale.hair, area.y, 2 * scale.hair, area.h), theme.last)

        def jump(x: int, _: int) -> None:
            ply = max(0, min(len(line), round((x - area.x) / max(1, area.w - 1) * steps)))
            front.look_at(line[ply - 1] if ply else state.tree.root)

        canvas.region(area, drag=jump, tip=canvas.t("window.curve_tip"), name="curve")


def _paint(
    values: Sequence[float | None], dots: Sequence[tuple[int, float]], area: Rect, canvas: Canvas
) -> pygame.Surface:
    theme = canvas.theme
    known = [(i, value) for i, value in enumerate(values) if value is not None]
    steps = max(1, len(values) - 1)

    def paint(big: pygame.Surface, scale: int) -> None:
        w, h = big.get_width(), big.get_height()
        points = [(i / steps * (w - 1), h - 1 - value * (h - 1)) for i, value in known]
        below = [(points[0][0], h), *points, (points[-1][0], h)]
        above = [(points[0][0], 0), *points, (points[-1][0], 0)]
        pygame.draw.polygon(big, mix(theme.table, theme.side_red, 0.30), below)
        pygame.draw.polygon(big, mix(theme.table, theme.side_black, 0.30), above)
        pygame.draw.rect(big, theme.divider, (0, h // 2 - scale // 2, w, scale))
        for a, b in pairwise(points):
            thick_line(big, theme.text, a, b, 1.6 * canvas.scale.dp * scale)
        for ply, weight in dots:
            value = next((v for v in values[ply : ply + 2] if v is not None), 0.5)
            center = (ply / steps * (w - 1), h - 1 - value * (h - 1))
            pygame.draw.circle(big, theme.warn, center, (0.18 + 0.12 * weight) * canvas.scale.text * scale)

    return supersample(max(2, area.w), max(2, area.h), paint)
