"""Draws a frame: board, pieces and marks here, what stands beside them in `plates` and `panel`, dialogs on top."""

from __future__ import annotations

import pygame

from xiangqi_gpt.gui.arrows import ArrowArt
from xiangqi_gpt.gui.board_art import paint_board
from xiangqi_gpt.gui.canvas import Canvas, Region
from xiangqi_gpt.gui.ink import Ink, stamp
from xiangqi_gpt.gui.mind_panel import draw_mind_board
from xiangqi_gpt.gui.move_list import MoveList
from xiangqi_gpt.gui.panel import Panel
from xiangqi_gpt.gui.plates import Plates, draw_value
from xiangqi_gpt.gui.sprites import Sprites, sprites_of
from xiangqi_gpt.gui.theme import THEMES
from xiangqi_gpt.gui.view import Front, Slide
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.game_state import GameState, Thought

_AIR = 4  # pixels between a control and its tooltip


class Renderer:
    """Draws frames; keeps what can be used again for the next one."""

    def __init__(self) -> None:
        self._ink = Ink()
        self._panel = Panel(self._ink)
        self._plates = Plates()
        self._arrows = ArrowArt()

    def draw(self, surface: pygame.Surface, front: Front, layout: Layout) -> Canvas:
        """Draw one frame; the canvas tells what can be pressed where."""
        state, view = front.state, front.view
        theme = THEMES[state.settings.theme]
        canvas = Canvas(
            surface, self._ink, theme, layout.scale, state.language, hover=view.hover, focus=view.focus
        )
        if view.dialogs:
            canvas.hover = None  # what lies under a dialog does not answer the mouse
        surface.fill(theme.table)
        settings = state.settings
        surface.blit(paint_board(theme, layout, settings.labels, state.flipped), layout.board[:2])
        sprites = sprites_of(theme, settings.pieces, settings.look, layout.u)
        self._pieces(canvas, state, layout, sprites, view.slide, view.held)
        draw_value(canvas, state, layout)
        self._plates.draw(canvas, state, layout, sprites)
        self._panel.draw(canvas, state, layout, front)
        for dialog in view.dialogs:
            canvas.hover = view.hover if dialog is view.dialogs[-1] else None
            dialog.draw(canvas, layout)
        canvas.hover = view.hover
        _tooltip(canvas, layout)
        return canvas

    @property
    def move_list(self) -> MoveList:
        """The rows of the move list."""
        return self._panel.move_list

    def panel_layout(self, state: GameState, layout: Layout) -> Layout:
        """The layout with what a card leaves of the panel."""
        return self._panel.layout(state, layout)[1]

    def _pieces(
        self,
        canvas: Canvas,
        state: GameState,
        layout: Layout,
        sprites: Sprites,
        slide: Slide | None,
        held: tuple[int, int] | None,
    ) -> None:
        surface = canvas.surface
        squares = state.shown_board.squares
        flipped = state.flipped
        last = state.last_move
        if last is not None:
            stamp(surface, sprites.mark("from"), *layout.point(last.from_square, flipped))
            stamp(surface, sprites.mark("last"), *layout.point(last.to_square, flipped))
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
        if state.premove is not None:
            for sq in (state.premove.from_square, state.premove.to_square):
                stamp(surface, sprites.mark("premove"), *layout.point(sq, flipped))
        if state.notice is not None and state.notice.square is not None:
            stamp(surface, sprites.mark("refused"), *layout.point(state.notice.square, flipped))
        advice = shown_advice(state)
        if state.mind.shows and slide is None:
            draw_mind_board(canvas, state, layout, sprites, self._arrows)
        elif advice is not None and slide is None:
            self._arrows.draw(canvas, layout, advice.analysis.lines, flipped)
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


def shown_advice(state: GameState) -> Thought | None:
    """The thought about the position shown that is drawn as arrows: the hint, or the analysis where it is on."""
    if state.shown_hint is not None:
        return state.shown_hint
    return state.evaluation if state.settings.analysis else None


def _tooltip(canvas: Canvas, layout: Layout) -> None:
    """The tooltip of what lies under the mouse."""
    if canvas.hover is None:
        return
    under = region_at(canvas, *canvas.hover)
    if under is None or not under.tip:
        return
    theme, size = canvas.theme, canvas.scale.small
    canvas.layer += 1
    room = min(round(24 * size), layout.size[0] - 2 * canvas.scale.gap)
    lines = canvas.ink.wrap(under.tip, size, room, 4)
    width = max(canvas.width(line, size) for line in lines) + size
    step = round(size * 1.4)
    height = step * len(lines) + size // 2
    box = _place_of_tooltip(canvas, layout, under, width, height)
    x, y = box.x, box.y
    canvas.box(box, theme.text)
    for i, line in enumerate(lines):
        place = Rect(x + size // 2, y + size // 4 + i * step, width - size + 1, step)
        canvas.text(place, line, size=size, color=theme.table)


def _place_of_tooltip(canvas: Canvas, layout: Layout, under: Region, width: int, height: int) -> Rect:
    """Below its control or, where there is no room or more controls would be covered, above it."""
    x = max(2, min(layout.size[0] - width - 2, under.rect.center[0] - width // 2))
    below = Rect(x, under.rect.bottom + _AIR, width, height)
    above = Rect(x, under.rect.y - height - _AIR, width, height)
    inside = [box for box in (below, above) if box.y >= 2 and box.bottom <= layout.size[1] - 2]
    top = max((i for i, region in enumerate(canvas.regions) if region.is_veil), default=-1)
    others = [
        region.rect
        for region in canvas.regions[top + 1 :]
        if region.press is not None and region.rect != under.rect
    ]
    return min(inside or [below], key=lambda box: sum(_shared(box, other) for other in others))


def _shared(first: Rect, second: Rect) -> int:
    """How many pixels two rectangles share."""
    w = min(first.right, second.right) - max(first.x, second.x)
    h = min(first.bottom, second.bottom) - max(first.y, second.y)
    return max(0, w) * max(0, h)


def region_at(canvas: Canvas, x: int, y: int) -> Region | None:
    """The topmost region with something to do or tell under a point; None where there is none."""
    for region in reversed(canvas.regions):
        if region.rect.contains(x, y):
            return region
    return None
