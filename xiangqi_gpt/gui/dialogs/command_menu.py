"""The menu of all commands, and the page that lists their keys."""

from __future__ import annotations

import pygame

from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import open_card
from xiangqi_gpt.gui.icons import draw_icon
from xiangqi_gpt.gui.ink import mix
from xiangqi_gpt.gui.view import Dialog, Front
from xiangqi_gpt.gui.widgets import Item, ListBox
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.commands import GROUPS, Command, in_group, key_text

_COLUMNS = 3


class CommandMenu(Dialog):
    """All commands of the window by group, each with its key."""

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the groups in columns, balanced by their length."""
        groups = [(group, in_group(group)) for group in GROUPS if group != "dialog" and in_group(group)]
        columns: list[list[tuple[str, tuple[Command, ...]]]] = [[] for _ in range(_COLUMNS)]
        for name, found in groups:
            shortest = min(columns, key=lambda column: sum(len(held) + 2 for _, held in column))
            shortest.append((name, found))
        rows = max(sum(len(found) + 2 for _, found in column) for column in columns)
        row = 1.75
        inner = open_card(canvas, layout, self, canvas.t("command.menu"), ems=(52, rows * row + 6))
        step = min(round(row * layout.text), inner.h // rows)
        for place, column in zip(inner.columns(_COLUMNS, layout.text), columns, strict=True):
            y = place.y
            for group, commands in column:
                canvas.text(Rect(place.x, y, place.w, step), canvas.t(f"command_group.{group}"), face="serif")
                canvas.rule(place.x, y + step - canvas.scale.hair, place.w)
                y += step
                for command in commands:
                    self._row(canvas, Rect(place.x, y, place.w, step), command)
                    y += step
                y += step

    def _row(self, canvas: Canvas, rect: Rect, command: Command) -> None:
        theme, text = canvas.theme, canvas.scale.text
        is_enabled = command.enabled(self.front.state)
        if is_enabled and canvas.over(rect):
            canvas.box(rect, mix(theme.raised, theme.line, 0.12))
        color = theme.text if is_enabled else mix(theme.raised, theme.secondary_text, 0.6)
        inner = rect.inset(text // 4, 0)
        used = canvas.text(inner, command.key, size=canvas.scale.small, color=theme.secondary_text, align=1)
        room = Rect(inner.x, inner.y, inner.w - used - text // 3, inner.h)
        label = command.label.text(canvas.language)
        if command.is_on(self.front.state):
            side = round(1.1 * text)
            tick = Rect(room.right - side, room.y, side, room.h)
            draw_icon(canvas.surface, "tick", tick, color)
            room = Rect(room.x, room.y, room.w - side, room.h)
        canvas.text(room, label, color=color)

        def act() -> None:
            self.front.close(self)
            self.front.press(command.id)

        canvas.region(
            rect,
            act if is_enabled else None,
            tip=command.help.text(canvas.language),
            name=f"menu:{command.id}",
        )


class HelpPage(Dialog):
    """Every command with its keys and a line about it."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._list = ListBox(top=0)

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the list."""
        inner = open_card(canvas, layout, self, canvas.t("command.help"), ems=(58, 46))
        lines = 2 if canvas.language == "en" else 1
        words = Rect(inner.x, inner.y, inner.w, round((1.4 * lines + 0.4) * layout.text))
        canvas.paragraph(words, canvas.t("help.mouse"), size=canvas.scale.small, lines=lines)
        space = inner.below(words.h)
        items: list[Item] = []
        for group in GROUPS:
            for command in in_group(group):
                keys = ", ".join(key_text(key) for key in command.keys)
                colon = ": " if canvas.language == "en" else "："
                text = colon.join((command.label.text(canvas.language), command.help.text(canvas.language)))
                items.append(Item(text, keys, is_given=True))
        self._list.draw(canvas, space, items, None, lambda _: None, name="help")

    def key(self, event: pygame.event.Event) -> bool:
        """Scroll."""
        steps = {pygame.K_UP: -1, pygame.K_DOWN: 1, pygame.K_PAGEUP: -12, pygame.K_PAGEDOWN: 12}
        if event.key not in steps:
            return False
        self._list.top = max(0, (self._list.top or 0) + steps[event.key])
        return True
