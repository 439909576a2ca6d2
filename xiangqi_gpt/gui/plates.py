"""The plates of the two players above and below the board, and the evaluation bar beside it."""

from __future__ import annotations

import math
from collections import Counter

import pygame

from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.ink import mix, stamp
from xiangqi_gpt.gui.sprites import PIECE_EXTENT, Sprites
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.actions import level_of
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.sides import player_spec, side_name
from xiangqi_gpt.players.levels import LEVELS
from xiangqi_gpt.rules import Board, Color

_CAPTURED_ORDER = (5, 4, 6, 7, 3, 2, 1)
"""Piece codes of Red in the order in which captured pieces are shown: rooks first."""


SHORT_OF_TIME = 20.0
"""Seconds under which the clock shows tenths, in amber."""


def seconds_text(seconds: float) -> str:
    """What is left on a clock: "1:05:00", "4:59", "0:09.4"."""
    if seconds < SHORT_OF_TIME:
        return f"0:{int(seconds * 10) / 10:04.1f}"
    whole = math.ceil(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def captured(state: GameState, by: Color) -> list[int]:
    """Codes of the pieces that a side has taken in the position shown, the strongest first."""
    start = Counter(Board(state.tree.start_fen, strict=False).squares)
    now = Counter(state.shown_board.squares)
    base = 7 if by is Color.RED else 0  # codes 8-14 are Black's
    found: list[int] = []
    for kind in _CAPTURED_ORDER:
        found += [base + kind] * max(0, start[base + kind] - now[base + kind])
    return found


class Plates:
    """Draws the plates; keeps the small pieces on them."""

    def __init__(self) -> None:
        self._small: dict[tuple[int, int], pygame.Surface] = {}
        self._of: Sprites | None = None

    def draw(self, canvas: Canvas, state: GameState, layout: Layout, sprites: Sprites) -> None:
        """Draw both plates: the side that is at the top of the board has the upper one."""
        if sprites is not self._of:
            self._small.clear()
            self._of = sprites
        upper = Color.RED if state.flipped else Color.BLACK
        for side, rect in zip((upper, upper.other), layout.plates, strict=True):
            self._plate(canvas, state, rect, side, sprites)

    def _plate(self, canvas: Canvas, state: GameState, rect: Rect, side: Color, sprites: Sprites) -> None:
        theme, scale, language = canvas.theme, canvas.scale, canvas.language
        is_turn = state.outcome is None and state.shown_board.turn is side
        thickness = max(2, round(scale.text * 0.14)) if is_turn else scale.hair
        canvas.box(rect, theme.raised, theme.glow if is_turn else theme.divider, thickness)
        inner = rect.inset(round(scale.text * 0.6), thickness)
        side_px = round(scale.text * 1.5)
        king = self._piece(sprites, 1 if side is Color.RED else 8, side_px)
        stamp(canvas.surface, king, inner.x + side_px // 2, inner.center[1])
        inner = inner.right_of(side_px + scale.text // 2)
        right = inner.right
        if state.clock is not None:
            right -= self._clock(canvas, Rect(inner.x, inner.y, inner.w, inner.h), state, side)
        doing = self._doing(canvas, state, side)
        if doing:
            width = canvas.width(doing, scale.small)
            box = Rect(right - width, inner.y, width, inner.h)
            canvas.text(box, doing, size=scale.small, color=theme.secondary_text, align=1)
            right -= width + scale.text // 2
        pieces = captured(state, side)
        step, small = round(scale.text * 0.62), round(scale.text * 1.25)
        taken = step * (len(pieces) - 1) + small if pieces else 0
        taken = min(taken, (right - inner.x) * 6 // 10)
        person = canvas.t("window.you") if len(state.humans) == 1 else side.message.text(language)
        # The level of a GPT stands beside its name.
        is_level = side not in state.humans and level_of(player_spec(state, side))
        name = "GPT" if is_level else side_name(state, side, of_person=person)
        room = Rect(inner.x, inner.y, max(0, right - inner.x - taken - scale.text // 2), inner.h)
        used = canvas.text(room, name, face="serif", is_given=True)
        level = "" if side in state.humans else _level_text(canvas, player_spec(state, side))
        beside = room.right_of(used + scale.text)
        if level and canvas.width(level, scale.small) <= beside.w:
            canvas.text(beside, level, size=scale.small, color=theme.secondary_text)
        if pieces:
            step = min(step, max(1, (taken - small) // max(1, len(pieces) - 1)))
            x = right - taken + small // 2
            for i, code in enumerate(pieces):
                stamp(canvas.surface, self._piece(sprites, code, small), x + i * step, inner.center[1])

    @staticmethod
    def _clock(canvas: Canvas, rect: Rect, state: GameState, side: Color) -> int:
        """What is left to a side, at the right end; returns the width taken."""
        clock, theme, scale = state.clock, canvas.theme, canvas.scale
        if clock is None:
            return 0
        left = clock.left(side)
        width = canvas.width("00:00:00" if left >= 3600 else "00:00.0", scale.text) + scale.text
        box = Rect(rect.right - width, rect.y + scale.text // 4, width, rect.h - 2 * (scale.text // 4))
        runs = clock.running is side
        if runs:
            canvas.box(box, mix(theme.raised, theme.glow, 0.35))
        color = theme.warn if left < SHORT_OF_TIME else theme.text if runs else theme.secondary_text
        canvas.text(box.inset(scale.text // 3, 0), seconds_text(left), color=color, align=1)
        return width + scale.text // 2

    def _doing(self, canvas: Canvas, state: GameState, side: Color) -> str:
        if side not in state.humans and state.work in ("load", "move"):
            return canvas.t("game.loading" if state.work == "load" else "game.thinking") + " …"
        return ""

    def _piece(self, sprites: Sprites, code: int, size: int) -> pygame.Surface:
        key = (code, size)
        if key not in self._small:
            side = round(size * PIECE_EXTENT)
            self._small[key] = pygame.transform.smoothscale(sprites.piece(code), (side, side))
        return self._small[key]


def _level_text(canvas: Canvas, spec: str) -> str:
    """Name and rating of a GPT's level, "" for a player without one."""
    number = level_of(spec)
    if not number:
        return ""
    level = LEVELS[number - 1]
    name = level.message.text(canvas.language)
    return canvas.t("menu.level_text", number=number, name=name, elo=level.elo)


def draw_value(canvas: Canvas, state: GameState, layout: Layout) -> None:
    """The evaluation bar, with the percentage of the side at the bottom; nothing where no value is known."""
    value = state.red_value
    if value is None:
        return
    theme, rect, hair = canvas.theme, layout.value, canvas.scale.hair
    edge = mix(theme.divider, theme.secondary_text, 0.5)
    canvas.fill(rect, edge)
    inner = rect.inset(hair, hair)
    red, draw, black = value
    colors = (theme.side_red, theme.side_black)
    top, bottom = (red, black) if state.flipped else (black, red)
    top_color, bottom_color = colors if state.flipped else colors[::-1]
    total = red + draw + black or 1.0
    top_h, bottom_h = round(inner.h * top / total), round(inner.h * bottom / total)
    canvas.fill(inner, theme.side_draw)
    canvas.fill(inner.top(top_h), top_color)
    canvas.fill(Rect(inner.x, inner.bottom - bottom_h, inner.w, bottom_h), bottom_color)
    middle = rect.center[1]
    canvas.fill(Rect(rect.x - 2 * hair, middle - hair, rect.w + 4 * hair, 2 * hair), theme.secondary_text)
    percent = round(100 * (bottom + draw / 2) / total)
    size = canvas.scale.small
    box = Rect(rect.center[0] - 3 * size, rect.bottom + size // 4, 6 * size, round(size * 1.4))
    box = Rect(max(0, box.x), box.y, box.w, box.h)
    tip = canvas.t("window.value_tip", percent=percent)
    canvas.text(
        Rect(rect.center[0] - round(1.5 * size), box.y, 3 * size, box.h),
        f"{percent}%",
        size=size,
        color=theme.secondary_text,
        align=0.5,
    )
    canvas.region(rect, tip=tip)
