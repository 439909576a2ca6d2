"""The position editor: the board, the pieces to put on it, and in words what keeps the position from being played."""

from __future__ import annotations

import pygame

from xiangqi_gpt.errors import FenError
from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.board_art import paint_board
from xiangqi_gpt.gui.canvas import Act, Canvas
from xiangqi_gpt.gui.dialogs.frame import FieldDialog, Foot, draw_foot
from xiangqi_gpt.gui.icons import draw_icon
from xiangqi_gpt.gui.ink import stamp
from xiangqi_gpt.gui.sprites import PIECE_EXTENT, Sprites, sprites_of
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.editor import KINGS, PositionEditor, fault_message, start_from_editor
from xiangqi_gpt.rules import Color, Square

_SHOWN_FAULTS = 3


class EditorDialog(FieldDialog):
    """Fills the window. The game at the board stays as it is until a new one is begun from the position."""

    closes_beside = False

    def __init__(self, front: Front) -> None:
        self.editor = PositionEditor.of(front.state.shown_board)
        super().__init__(front, self.editor.fen)
        self.field.select_all()
        self.brush = 5  # a red rook; 0 is the eraser

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the board and the panel of the editor."""
        canvas.veil()
        canvas.fill(Rect(0, 0, *canvas.surface.get_size()), canvas.theme.table)
        state = self.front.state
        settings = state.settings
        sprites = sprites_of(canvas.theme, settings.pieces, settings.look, layout.u)
        art = paint_board(canvas.theme, layout, settings.labels, state.flipped)
        canvas.surface.blit(art, layout.board[:2])
        self._board(canvas, layout, sprites)
        panel = Rect(layout.tabs.x, layout.tabs.y, layout.tabs.w, layout.toolbar.bottom - layout.tabs.y)
        t, scale = canvas.t, canvas.scale
        gap = max(4, scale.text // 2)
        canvas.text(panel.top(scale.button), t("editor.title"), size=scale.title, face="serif")
        space = draw_foot(
            canvas,
            panel.below(scale.button),
            [
                Foot(t("dialog.cancel"), self.cancel, "editor:cancel"),
                Foot(
                    t("editor.play"),
                    self.confirm,
                    "editor:play",
                    is_main=self.editor.can_start,
                    is_enabled=self.editor.can_start,
                ),
            ],
        )
        y = self._palette(canvas, space, sprites)
        step = scale.button + gap

        def row() -> Rect:
            nonlocal y
            y += step
            return Rect(space.x, y - step, space.w, scale.button)

        sides = [color.message.text(canvas.language) for color in Color]
        canvas.text(row(), t("editor.to_move"), color=canvas.theme.secondary_text)
        y -= gap
        widgets.choice(
            canvas, row(), sides, list(Color).index(self.editor.turn), self._turn, name="editor:turn"
        )
        first, second = row().columns(2, gap)
        widgets.button(canvas, first, t("editor.start"), self._do(self.editor.reset), name="editor:start")
        widgets.button(canvas, second, t("editor.clear"), self._do(self.editor.clear), name="editor:clear")
        first, second = row().columns(2, gap)
        widgets.button(canvas, first, t("editor.swap"), self._do(self.editor.swap_colors), name="editor:swap")
        widgets.button(
            canvas,
            second,
            t("editor.lenient"),
            self._lenient,
            is_on=self.editor.is_lenient,
            tip=t("editor.lenient_tip"),
            name="editor:lenient",
        )
        self.field.draw(canvas, row(), is_focused=True)
        rest = Rect(space.x, y, space.w, space.bottom - y)
        self._faults(canvas, rest)

    def _board(self, canvas: Canvas, layout: Layout, sprites: Sprites) -> None:
        flipped = self.front.state.flipped
        half = round(0.48 * layout.u)
        for sq in range(len(self.editor.squares)):
            x, y = layout.point(sq, flipped)
            if self.editor.squares[sq]:
                stamp(canvas.surface, sprites.piece(self.editor.squares[sq]), x, y)
            place = Rect(x - half, y - half, 2 * half, 2 * half)
            if canvas.over(place):
                stamp(canvas.surface, sprites.mark("target"), x, y)

            def touch(sq: Square = sq) -> None:
                self.touch(sq)

            def erase(sq: Square = sq) -> None:
                self.touch(sq, 0)

            canvas.region(place, touch, name=f"point:{sq}", other=erase)
        for fault in self.editor.refused[:_SHOWN_FAULTS]:
            if fault.square is not None:
                stamp(canvas.surface, sprites.mark("refused"), *layout.point(fault.square, flipped))

    def _palette(self, canvas: Canvas, space: Rect, sprites: Sprites) -> int:
        """The fourteen pieces in two rows and the eraser; returns where the next row stands."""
        count = 8
        side = min(space.w // count, round(3.2 * canvas.scale.text))
        for number in range(2 * count):
            row, column = divmod(number, count)
            code = 7 * row + column + 1 if column < 7 else 0
            if column == 7 and row == 1:
                continue
            place = Rect(space.x + column * side, space.y + row * side, side, side)
            if code == self.brush:
                canvas.box(place, canvas.theme.raised, canvas.theme.line, max(2, side // 16))
            if code:
                size = round(0.8 * side * PIECE_EXTENT)
                small = pygame.transform.smoothscale(sprites.piece(code), (size, size))
                stamp(canvas.surface, small, *place.center)
            else:
                draw_icon(canvas.surface, "close", place, canvas.theme.text)

            def choose(code: int = code) -> None:
                self.brush = code

            tip = "" if code else canvas.t("editor.eraser")
            canvas.region(place, choose, tip=tip, name=f"brush:{code}")
        return space.y + 2 * side + max(4, canvas.scale.text // 2)

    def _faults(self, canvas: Canvas, rest: Rect) -> None:
        faults = self.editor.refused
        step = round(canvas.scale.text * 1.35)
        y = rest.y
        for fault in faults[:_SHOWN_FAULTS]:
            room = Rect(rest.x, y, rest.w, rest.bottom - y)
            if room.h < step:
                break
            y += canvas.paragraph(
                room,
                fault_message(fault).text(canvas.language),
                color=canvas.theme.warn,
                size=canvas.scale.small,
                lines=max(1, min(4, room.h // step)),
                is_given=True,
            )
        if not faults and rest.h >= step:
            canvas.text(rest.top(step), canvas.t("editor.fine"), color=canvas.theme.secondary_text)

    def _do(self, act: Act) -> Act:
        def run() -> None:
            act()
            self._show_fen()

        return run

    def _show_fen(self) -> None:
        """Write the position into the field, its beginning in sight; a text that is typed or pasted replaces it."""
        self.field.set(self.editor.fen)
        self.field.select_all()
        self.field.is_error = False

    def touch(self, sq: Square, brush: int | None = None) -> None:
        """Put the chosen piece on a point, or take it away where it stands there already; a king stays.

        Args:
            brush: another piece code than the chosen one; 0 erases.
        """
        brush = self.brush if brush is None else brush
        stands = self.editor.squares[sq] == brush
        self.editor.put(sq, 0 if stands and brush not in KINGS else brush)
        self._show_fen()

    def _turn(self, number: int) -> None:
        self.editor.turn = list(Color)[number]
        self._show_fen()

    def _lenient(self) -> None:
        self.editor.is_lenient = not self.editor.is_lenient

    def edited(self) -> None:
        """Read the position; a text that is none is marked."""
        try:
            self.editor.read(self.field.text)
        except FenError:
            self.field.is_error = True
        else:
            self.field.is_error = False

    def confirm(self) -> None:
        """Begin a game from the position; undo brings the present one back."""
        if self.editor.can_start:
            self.front.close(self)
            start_from_editor(self.front.state, self.editor)
