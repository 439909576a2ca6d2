"""The few controls that the window needs: button, choice, switch, slider, list, text field, card.

They are drawn anew in each frame and leave regions on the canvas (see `canvas`), so they keep no state of their own,
apart from the scroll of a list and the text of a field.

pygame_gui was tried first, in version 0.6.14. It showed boxes for Chinese even with our font named in its theme, did
not show what an input method is composing, needed 150-200 ms for a frame at 3840 x 2160, wants to be updated all the
time, and brings 41 MB of data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pygame

from xiangqi_gpt.gui.canvas import Act, Canvas
from xiangqi_gpt.gui.icons import draw_icon
from xiangqi_gpt.gui.ink import mix
from xiangqi_gpt.gui.window_layout import Rect

MAX_FIELD = 4_000  # characters of a text field


def percent(share: float) -> str:
    """A share 0..1 as people read it: "34 %", "3.4 %", "<0.1 %"."""
    value = 100 * share
    if value >= 9.95:
        return f"{value:.0f} %"
    if value >= 0.095:
        return f"{value:.1f} %"
    return "<0.1 %" if value > 0 else "0 %"


def scroll_bar(canvas: Canvas, area: Rect, first: int, shown: int, count: int) -> None:
    """Where in `count` rows the `shown` ones from `first` on are, at the right of an area."""
    width = max(3, canvas.scale.text // 5)
    length = max(canvas.scale.row, area.h * shown // count)
    y = area.y + (area.h - length) * min(first, count - shown) // (count - shown)
    canvas.fill(Rect(area.right - width, y, width, length), canvas.theme.divider)


def button(
    canvas: Canvas,
    rect: Rect,
    text: str,
    act: Act,
    *,
    is_main: bool = False,
    is_on: bool = False,
    is_enabled: bool = True,
    tip: str = "",
    name: str = "",
) -> None:
    """A button with a text; `is_main` is the one that Enter presses, `is_on` a pressed state."""
    theme = canvas.theme
    over = is_enabled and canvas.over(rect)
    filled = is_main or is_on
    fill = theme.line if filled else theme.raised
    if over:
        fill = mix(fill, theme.raised if filled else theme.line, 0.14)
    color = theme.raised if filled else theme.text
    if not is_enabled:
        fill, color = theme.raised, mix(theme.raised, theme.secondary_text, 0.55)
    outline = theme.line if filled or (name and canvas.focus == name) else theme.divider
    canvas.box(rect, fill, outline)
    air = max(2, canvas.scale.text // 4)
    canvas.text(rect.inset(air, 0), text, color=color, align=0.5)
    if is_enabled:
        canvas.region(rect, act, tip=tip, name=name)


def icon_button(
    canvas: Canvas,
    rect: Rect,
    icon: str,
    act: Act,
    *,
    tip: str,
    is_on: bool = False,
    is_enabled: bool = True,
    name: str = "",
) -> None:
    """A button with a picture; the tooltip tells what it does."""
    theme = canvas.theme
    over = is_enabled and canvas.over(rect)
    if over or is_on:
        canvas.box(rect, mix(theme.table, theme.line, 0.22 if is_on else 0.12))
    color = theme.text if is_enabled else mix(theme.table, theme.secondary_text, 0.45)
    draw_icon(canvas.surface, icon, rect, color)
    canvas.region(rect, act if is_enabled else None, tip=tip, name=name)


def choice(
    canvas: Canvas,
    rect: Rect,
    texts: Sequence[str],
    chosen: int | None,
    act: Callable[[int], object],
    *,
    is_enabled: bool = True,
    tips: Sequence[str] = (),
    name: str = "",
) -> None:
    """Buttons side by side, of which one is chosen."""
    gap = max(3, canvas.scale.text // 4)
    for i, (place, text) in enumerate(zip(rect.columns(len(texts), gap), texts, strict=True)):
        button(
            canvas,
            place,
            text,
            lambda i=i: act(i),  # type: ignore[misc]
            is_on=is_enabled and i == chosen,
            is_enabled=is_enabled,
            tip=tips[i] if tips else "",
            name=f"{name}:{i}" if name else "",
        )


def slider(
    canvas: Canvas,
    rect: Rect,
    value: float,
    act: Callable[[float], object],
    *,
    name: str = "",
) -> None:
    """A knob on a line; `value` and what `act` is given are 0..1."""
    theme = canvas.theme
    knob = round(canvas.scale.text * 1.1)
    track = Rect(rect.x + knob // 2, rect.center[1] - max(2, knob // 8), rect.w - knob, max(4, knob // 4))
    canvas.box(track, mix(theme.raised, theme.line, 0.25))
    x = track.x + round(max(0.0, min(1.0, value)) * track.w)
    canvas.box(Rect(x - knob // 2, rect.center[1] - knob // 2, knob, knob), theme.line, theme.raised)

    def drag(px: int, _: int) -> None:
        act(max(0.0, min(1.0, (px - track.x) / max(1, track.w))))

    canvas.region(rect, drag=drag, name=name)


@dataclass(frozen=True)
class Item:
    """A row of a list: its text, what stands at its right, an icon before it."""

    text: str
    detail: str = ""
    icon: str = ""
    is_given: bool = True


@dataclass
class ListBox:
    """A list that scrolls; `top` is its first visible row, None to keep the chosen one in sight."""

    top: int | None = None

    @staticmethod
    def row(canvas: Canvas) -> int:
        """Height of a row in pixels."""
        return round(canvas.scale.text * 1.75)

    def step(self, event: pygame.event.Event) -> int:
        """How many rows down an arrow or page key leads; 0 for another key."""
        steps = {pygame.K_UP: -1, pygame.K_DOWN: 1, pygame.K_PAGEUP: -10, pygame.K_PAGEDOWN: 10}
        if event.key in steps:
            self.top = None
        return steps.get(event.key, 0)

    def draw(
        self,
        canvas: Canvas,
        rect: Rect,
        items: Sequence[Item],
        chosen: int | None,
        act: Callable[[int], object],
        *,
        double: Callable[[], object] | None = None,
        name: str = "",
    ) -> None:
        """Draw the rows that fit.

        Args:
            act: called with the number of a row that is clicked.
            double: called after it where the click is a double one.
        """
        theme, row = canvas.theme, self.row(canvas)
        canvas.box(rect, theme.raised, theme.divider)
        area = rect.inset(canvas.scale.hair + 2, canvas.scale.hair + 2)
        count = max(1, area.h // row)
        last = max(0, len(items) - count)
        top = self.top
        if top is None:
            top = 0 if chosen is None else chosen - count // 2
        top = max(0, min(last, top))
        bar = round(canvas.scale.text * 0.5) if last else 0

        def wheel(up: int) -> None:
            self.top = max(0, min(last, top - 3 * up))

        canvas.region(rect, wheel=wheel)
        for i, item in enumerate(items[top : top + count], top):
            place = Rect(area.x, area.y + (i - top) * row, area.w - bar, row)
            if i == chosen:
                canvas.box(place, mix(theme.raised, theme.last, 0.35))
            elif canvas.over(place):
                canvas.box(place, mix(theme.raised, theme.line, 0.10))
            inner = place.inset(canvas.scale.text // 2, 0)
            if item.icon:
                side = round(canvas.scale.text * 1.3)
                draw_icon(
                    canvas.surface,
                    item.icon,
                    Rect(inner.x, place.y + (row - side) // 2, side, side),
                    theme.secondary_text,
                )
                inner = inner.right_of(side + canvas.scale.text // 2)
            used = canvas.text(
                Rect(inner.x + inner.w // 2, inner.y, inner.w - inner.w // 2, inner.h),
                item.detail,
                color=theme.secondary_text,
                size=canvas.scale.small,
                align=1,
                is_given=item.is_given,
            )
            room = Rect(inner.x, inner.y, inner.w - used - (canvas.scale.text // 2 if used else 0), inner.h)
            canvas.text(room, item.text, is_given=item.is_given)

            def press(number: int = i) -> None:
                self.top = top  # the second click of two must find the row where it was
                act(number)

            canvas.region(place, press, wheel=wheel, name=f"{name}:{i}", double=double)
        if last:
            length = max(row, area.h * count // len(items))
            y = area.y + (area.h - length) * top // last
            track = Rect(area.right - bar + 2, area.y, bar - 2, area.h)
            canvas.box(Rect(track.x, y, track.w, length), mix(theme.raised, theme.line, 0.4))

            def drag(_: int, py: int) -> None:
                self.top = round(max(0.0, min(1.0, (py - area.y - length / 2) / (area.h - length))) * last)

            canvas.region(track, drag=drag, wheel=wheel)


@dataclass
class ChoiceList(ListBox):
    """A list with one chosen row: a click chooses, a double click takes.

    Attributes:
        chosen: number of the row, -1 for no row.
    """

    chosen: int = 0

    def key(self, event: pygame.event.Event, count: int) -> bool:
        """Move among *count* rows by an arrow or page key; False for another key."""
        step = self.step(event)
        if step:
            self.chosen = max(0, min(count - 1, self.chosen + step))
        return step != 0

    def draw_choice(
        self, canvas: Canvas, rect: Rect, items: Sequence[Item], take: Callable[[], object], *, name: str
    ) -> None:
        """Draw the rows that fit; *take* is called when one has been clicked twice."""

        def click(number: int) -> None:
            self.chosen = number

        self.draw(canvas, rect, items, self.chosen, click, double=take, name=name)


@dataclass
class TextField:
    """A line of text that can be edited, also by an input method.

    Attributes:
        text: what stands in it.
        caret: where the next character goes.
        anchor: the other end of what is selected, None where nothing is.
        composing: what the input method has not yet handed over.
        is_error: the text is refused; drawn with a warning.
    """

    text: str = ""
    caret: int = 0
    anchor: int | None = None
    composing: str = ""
    is_error: bool = False

    def __post_init__(self) -> None:
        self.caret = len(self.text)

    @property
    def selection(self) -> tuple[int, int]:
        """Begin and end of what is selected; both are the caret where nothing is."""
        other = self.caret if self.anchor is None else self.anchor
        return min(self.caret, other), max(self.caret, other)

    @property
    def selected(self) -> str:
        """The text that is selected."""
        begin, end = self.selection
        return self.text[begin:end]

    def set(self, text: str) -> None:
        """Put another text into it, with the caret at the end."""
        self.text, self.caret, self.anchor, self.composing = text, len(text), None, ""

    def select_all(self) -> None:
        """Select the whole text, so that what is typed replaces it; its beginning is in sight."""
        self.caret, self.anchor = 0, len(self.text)

    def insert(self, text: str) -> None:
        """Take characters that were typed, pasted or handed over by an input method, in place of the selection."""
        self._remove(*self.selection)
        text = "".join(char for char in text if char.isprintable())[: MAX_FIELD - len(self.text)]
        self.text = self.text[: self.caret] + text + self.text[self.caret :]
        self.caret += len(text)
        self.composing = ""

    def key(self, event: pygame.event.Event) -> bool:
        """Take a key that edits; False for any other."""
        ctrl = bool(event.mod & (pygame.KMOD_CTRL | pygame.KMOD_META))
        if ctrl and event.key in self._edits:
            self._edits[event.key]()
        elif event.key in (pygame.K_LEFT, pygame.K_RIGHT, pygame.K_HOME, pygame.K_END):
            if ctrl and event.key in (pygame.K_LEFT, pygame.K_RIGHT):
                return False
            self._move(event.key, keeps=bool(event.mod & pygame.KMOD_SHIFT))
        elif not ctrl and event.key in (pygame.K_BACKSPACE, pygame.K_DELETE):
            begin, end = self.selection
            if begin == end and event.key == pygame.K_BACKSPACE:
                begin = max(0, begin - 1)
            elif begin == end:
                end += 1
            self._remove(begin, end)
        else:
            return False
        return True

    @property
    def _edits(self) -> dict[int, Act]:
        """What keys do together with Ctrl."""
        return {
            pygame.K_a: self.select_all,
            pygame.K_c: self._copy,
            pygame.K_x: self._cut,
            pygame.K_v: self._paste,
            pygame.K_u: self._remove_before,
            pygame.K_BACKSPACE: self._remove_before,
        }

    def _copy(self) -> None:
        pygame.scrap.put_text(self.selected or self.text)

    def _cut(self) -> None:
        if self.selected:
            self._copy()
            self._remove(*self.selection)

    def _paste(self) -> None:
        self.insert(" ".join((pygame.scrap.get_text() or "").split()))

    def _remove(self, begin: int, end: int) -> None:
        self.text = self.text[:begin] + self.text[end:]
        self.caret, self.anchor = begin, None

    def _remove_before(self) -> None:
        """Remove what is selected, or all that stands before the caret."""
        begin, end = self.selection
        self._remove(begin if end > begin else 0, end)

    def _move(self, key: int, *, keeps: bool) -> None:
        """Move the caret; `keeps` extends the selection."""
        begin, end = self.selection
        if not keeps and begin < end and key in (pygame.K_LEFT, pygame.K_RIGHT):
            self.caret, self.anchor = begin if key == pygame.K_LEFT else end, None
            return
        if not keeps:
            self.anchor = None
        elif self.anchor is None:
            self.anchor = self.caret
        targets = {
            pygame.K_LEFT: max(0, self.caret - 1),
            pygame.K_RIGHT: min(len(self.text), self.caret + 1),
            pygame.K_HOME: 0,
        }
        self.caret = targets.get(key, len(self.text))

    def draw(self, canvas: Canvas, rect: Rect, *, is_focused: bool, hint: str = "") -> None:
        """Draw the part of the text around the caret. A click puts the caret there."""
        theme = canvas.theme
        outline = theme.warn if self.is_error else theme.line if is_focused else theme.divider
        canvas.box(rect, theme.raised, outline)
        inner = rect.inset(canvas.scale.text // 2, 0)
        before = self.text[: self.caret] + self.composing
        whole = before + self.text[self.caret :]
        start = 0
        while canvas.width(before[start:]) > inner.w - canvas.scale.text:
            start += 1
        shown = whole[start:]
        while canvas.width(shown) > inner.w:
            shown = shown[:-1]
        high = round(canvas.scale.text * 1.2)
        top = rect.center[1] - high // 2
        if self.selected and not self.composing:
            begin, end = (max(0, min(len(shown), at - start)) for at in self.selection)
            left, right = (inner.x + canvas.width(shown[:at]) for at in (begin, end))
            canvas.fill(Rect(left, top, right - left, high), mix(theme.raised, theme.last, 0.5))
        if shown:
            canvas.text(inner, shown, is_given=True)
        elif hint:
            canvas.text(inner, hint, color=theme.secondary_text)
        if is_focused:
            x = inner.x + canvas.width(before[start:])
            canvas.fill(Rect(x, top, max(1, canvas.scale.hair), high), theme.text)
            if self.composing:
                w = canvas.width(self.composing)
                canvas.fill(Rect(x - w, top + high, w, max(1, canvas.scale.hair)), theme.text)

        def click() -> None:
            if canvas.hover is not None:
                x = canvas.hover[0] - inner.x
                nearest = min(range(len(shown) + 1), key=lambda i: abs(canvas.width(shown[:i]) - x))
                self.caret, self.anchor = min(len(self.text), start + nearest), None

        canvas.region(rect, click)


def card(canvas: Canvas, rect: Rect, title: str) -> Rect:
    """A card with a title; returns the space below it."""
    theme, text = canvas.theme, canvas.scale.text
    canvas.box(rect, theme.raised, theme.divider)
    inner = rect.inset(round(text * 1.2), round(text * 0.9))
    if not title:
        return inner
    height = round(canvas.scale.title * 1.5)
    canvas.text(inner.top(height), title, size=canvas.scale.title, face="serif")
    return inner.below(height + text // 2)
