"""What dialogs share: a card in the middle of the window, rows of labelled controls, buttons at its foot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pygame

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Act, Canvas
from xiangqi_gpt.gui.view import Dialog, Front
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.texts import Translatable


class FieldDialog(Dialog):
    """A dialog with one line of text, which gets all that is typed.

    Attributes:
        field: the line.
    """

    takes_text = True

    def __init__(self, front: Front, text: str = "") -> None:
        super().__init__(front)
        self.field = widgets.TextField(text)

    def key(self, event: pygame.event.Event) -> bool:
        """Edit the line."""
        before = self.field.text
        if not self.field.key(event):
            return False
        if self.field.text != before:
            self.edited()
        return True

    def type_text(self, text: str) -> None:
        """Add characters to the line."""
        self.field.insert(text)
        self.edited()

    def compose(self, text: str) -> None:
        """Show what an input method is composing."""
        self.field.composing = text

    def edited(self) -> None:
        """Called when what is typed has changed the line."""


def open_card(
    canvas: Canvas, layout: Layout, dialog: Dialog, title: str, *, ems: tuple[float, float]
) -> Rect:
    """Cover the window and draw a card with a title; returns the space inside.

    Args:
        ems: width and height wished for, in heights of plain text; a smaller window makes it smaller.
    """
    canvas.veil(dialog.cancel if dialog.closes_beside else None)
    text, gap = layout.text, layout.scale.gap
    width = min(round(ems[0] * text), layout.size[0] - 2 * gap)
    height = min(round(ems[1] * text), layout.size[1] - 2 * gap)
    rect = Rect((layout.size[0] - width) // 2, (layout.size[1] - height) // 2, width, height)
    canvas.region(rect, name="card")
    inner = widgets.card(canvas, rect, title)
    side = round(text * 1.8)
    corner = Rect(rect.right - side - text // 3, rect.y + text // 3, side, side)
    widgets.icon_button(
        canvas, corner, "close", dialog.cancel, tip=canvas.t("dialog.close"), name="dialog:close"
    )
    return inner


@dataclass(frozen=True)
class Foot:
    """A button at the foot of a card."""

    text: str
    act: Act
    name: str
    is_main: bool = False
    is_enabled: bool = True


def confirm_buttons(
    canvas: Canvas, dialog: Dialog, text: str, name: str, *, is_enabled: bool = True
) -> list[Foot]:
    """The button that cancels a dialog, and the main one, with a text, that confirms it.

    Args:
        name: of the main button, such as "save:save"; that of the other one begins alike.
    """
    return [
        Foot(canvas.t("dialog.cancel"), dialog.cancel, f"{name.partition(':')[0]}:cancel"),
        Foot(text, dialog.confirm, name, is_main=True, is_enabled=is_enabled),
    ]


def draw_foot(canvas: Canvas, inner: Rect, buttons: Sequence[Foot]) -> Rect:
    """Draw buttons along the foot, the last one at the right; returns the space above them."""
    scale = canvas.scale
    gap = scale.text // 2
    widest = max(canvas.width(button.text) for button in buttons) + 2 * scale.text
    width = min(max(widest, 7 * scale.text), (inner.w - gap * (len(buttons) - 1)) // len(buttons))
    y = inner.bottom - scale.button
    x = inner.right - len(buttons) * width - (len(buttons) - 1) * gap
    for button in buttons:
        place = Rect(x, y, width, scale.button)
        widgets.button(
            canvas,
            place,
            button.text,
            button.act,
            is_main=button.is_main,
            is_enabled=button.is_enabled,
            name=button.name,
        )
        x += width + gap
    return Rect(inner.x, inner.y, inner.w, inner.h - scale.button - gap)


def draw_problem(canvas: Canvas, space: Rect, problem: Translatable) -> Rect:
    """Write in two lines what is wrong, with a capital letter; returns the space below."""
    text = problem.text(canvas.language)
    words = space.top(2 * canvas.scale.row)
    color = canvas.theme.warn
    canvas.paragraph(words, text[:1].upper() + text[1:], color=color, lines=2, is_given=True)
    return space.below(words.h)


class Rows:
    """Rows of a form from top to bottom: a label at the left, controls at the right.

    Args:
        space: where they stand.
        label: width of the labels.
        step: height of a row with its air; by default as roomy as controls like it.
    """

    def __init__(self, canvas: Canvas, space: Rect, label: int, step: int | None = None) -> None:
        self._canvas = canvas
        self._space = space
        self._label = label
        self._step = step or round(canvas.scale.button * 1.3)
        self._y = space.y

    def next(self, label: str, *, height: int | None = None) -> Rect:
        """Write a label and return the place for its controls."""
        scale = self._canvas.scale
        high = scale.button if height is None else height
        box = Rect(self._space.x, self._y, self._label - scale.text // 2, scale.button)
        self._canvas.text(box, label, color=self._canvas.theme.secondary_text)
        place = Rect(self._space.x + self._label, self._y, self._space.w - self._label, high)
        self._y += high + self._step - scale.button
        return place

    @property
    def rest(self) -> Rect:
        """What is left below."""
        return Rect(self._space.x, self._y, self._space.w, max(0, self._space.bottom - self._y))
