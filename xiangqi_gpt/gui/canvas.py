"""One frame being drawn: texts in their boxes, and the regions that a mouse can press.

What is drawn and where it can be pressed come from the same call, so the two cannot disagree. A frame leaves a list of
regions behind; the window asks it what lies under the mouse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pygame

from xiangqi_gpt.gui.ink import Face, Ink, draw_rounded, mix
from xiangqi_gpt.gui.scale import SMALLEST_TEXT, Scale
from xiangqi_gpt.gui.theme import Rgb, Theme
from xiangqi_gpt.gui.window_layout import Rect
from xiangqi_gpt.texts import Language, t

Act: TypeAlias = Callable[[], object]
At: TypeAlias = Callable[[int, int], object]


@dataclass(frozen=True)
class Region:
    """A part of the frame that answers the mouse.

    Attributes:
        rect: where.
        press: called when it is clicked, or None.
        double: called, after `press`, with the second of two quick clicks.
        other: called when it is clicked with the right button.
        drag: called with the position when the button goes down and while it is held down.
        wheel: called with the steps that the wheel was turned, up positive.
        tip: what a tooltip shows.
        name: for tests and for the keyboard's focus.
        is_veil: it covers everything below it.
    """

    rect: Rect
    press: Act | None = None
    drag: At | None = None
    wheel: Callable[[int], object] | None = None
    tip: str = ""
    name: str = ""
    is_veil: bool = False
    double: Act | None = None
    other: Act | None = None


@dataclass(frozen=True)
class DrawnText:
    """A text of the frame, for tests.

    Attributes:
        text: what is shown.
        rect: where it stands.
        box: the room it had.
        face: its font.
        layer: 0 for the window, one more for each dialog over it and for the tooltip.
        is_cut: whether a part of it is missing.
    """

    text: str
    rect: Rect
    box: Rect
    face: Face
    layer: int
    is_cut: bool


@dataclass
class Canvas:
    """What a frame is drawn with.

    Attributes:
        surface: what is drawn on.
        ink: fonts.
        theme, scale, language: how it looks.
        hover: where the mouse is, None outside.
        focus: name of the region that the keyboard would press, "" for none.
        regions: those drawn so far, later ones on top.
        texts: those drawn so far.
        layer: how many dialogs lie under what is drawn now.
    """

    surface: pygame.Surface
    ink: Ink
    theme: Theme
    scale: Scale
    language: Language
    hover: tuple[int, int] | None = None
    focus: str = ""
    regions: list[Region] = field(default_factory=list)
    texts: list[DrawnText] = field(default_factory=list)
    layer: int = 0

    def t(self, key: str, **arguments: object) -> str:
        """The text of a key in the language of the frame."""
        return t(key, self.language, **arguments)

    def over(self, rect: Rect) -> bool:
        """Whether the mouse is in a rectangle."""
        return self.hover is not None and rect.contains(*self.hover)

    def region(
        self,
        rect: Rect,
        press: Act | None = None,
        *,
        drag: At | None = None,
        wheel: Callable[[int], object] | None = None,
        tip: str = "",
        name: str = "",
        double: Act | None = None,
        other: Act | None = None,
    ) -> None:
        """Let a rectangle answer the mouse."""
        self.regions.append(Region(rect, press, drag, wheel, tip, name, double=double, other=other))

    def veil(self, press: Act | None = None) -> None:
        """Cover all that was drawn so far; a click beside what follows calls `press`."""
        whole = Rect(0, 0, *self.surface.get_size())
        shade = pygame.Surface(whole[2:], pygame.SRCALPHA)
        shade.fill((*mix(self.theme.table, (0, 0, 0), 0.35), 120))
        self.surface.blit(shade, (0, 0))
        self.regions.append(Region(whole, press, name="veil", is_veil=True))
        self.layer += 1

    def fill(self, rect: Rect, color: Rgb) -> None:
        """Fill a rectangle."""
        self.surface.fill(color, rect)

    def rule(self, x: int, y: int, width: int) -> None:
        """A dividing line."""
        self.surface.fill(self.theme.divider, (x, y, width, self.scale.hair))

    def box(self, rect: Rect, fill: Rgb, outline: Rgb | None = None, thickness: int | None = None) -> None:
        """A rectangle with round corners."""
        if rect.w > 0 and rect.h > 0:
            width = self.scale.hair if thickness is None else thickness
            radius = min(self.scale.radius, rect.w // 2, rect.h // 2)
            draw_rounded(self.surface, rect, radius, fill, outline, width)

    def width(self, text: str, size: int | None = None, face: Face = "sans") -> int:
        """Width of a text in pixels."""
        return self.ink.width(text, size or self.scale.text, face)

    def size_for(self, texts: Sequence[str], room: int, face: Face = "sans") -> int:
        """The height at which each of some texts fits so many pixels, that of plain text at most."""
        size = self.scale.text
        while size > SMALLEST_TEXT and max(self.ink.width(text, size, face) for text in texts) > room:
            size -= 1
        return size

    def text(
        self,
        box: Rect,
        text: str,
        *,
        size: int | None = None,
        color: Rgb | None = None,
        face: Face = "sans",
        align: float = 0.0,
        is_given: bool = False,
    ) -> int:
        """Write one line in the middle of the height of a box; a text too wide for it is made smaller.

        Args:
            align: 0 at the left of the box, 0.5 in the middle, 1 at its right.
            is_given: the text comes from a file or a person, and ends with an ellipsis where it is too long.

        Returns: the width written.
        """
        if not text:
            return 0
        size = self.scale.text if size is None else size
        shown = text
        while size > SMALLEST_TEXT and self.ink.width(text, size, face) > box.w:
            size -= 1
        if self.ink.width(text, size, face) > box.w:
            shown = self.ink.fit(text, size, box.w, face)
        width = self.ink.width(shown, size, face)
        x = box.x + round(align * (box.w - width))
        middle = box.y + box.h // 2
        ink_h = round(size * 0.96)
        self.ink.write(self.surface, shown, x, middle, size, color or self.theme.text, face=face)
        rect = Rect(x, middle - ink_h // 2, width, ink_h)
        self.texts.append(DrawnText(shown, rect, box, face, self.layer, shown != text and not is_given))
        return width

    def paragraph(
        self,
        box: Rect,
        text: str,
        *,
        lines: int = 9,
        size: int | None = None,
        color: Rgb | None = None,
        align: float = 0.0,
        is_given: bool = False,
    ) -> int:
        """Write a text in lines from the top of a box; returns the height taken."""
        size = self.scale.text if size is None else size
        step = round(size * 1.35)
        lines = max(1, min(lines, box.h // step))
        while size > SMALLEST_TEXT and self._is_cut(text, size, box.w, lines):
            size -= 1
            step = round(size * 1.35)
            lines = max(lines, min(9, box.h // step))
        is_cut = self._is_cut(text, size, box.w, lines) and not is_given
        rows = self.ink.wrap(text, size, box.w, lines)
        for i, row in enumerate(rows):
            place = Rect(box.x, box.y + i * step, box.w, step)
            self.text(place, row, size=size, color=color, align=align, is_given=True)
        if is_cut:
            self.texts.append(DrawnText(text, box, box, "sans", self.layer, True))
        return len(rows) * step

    def _is_cut(self, text: str, size: int, room: int, lines: int) -> bool:
        return "".join(self.ink.wrap(text, size, room, lines)).replace(" ", "") != text.replace(" ", "")
