"""Draws what stands beside the board: value bar, players, status, candidates, moves, buttons."""

from __future__ import annotations

import pygame

from xiangqi_gpt.gui.ink import Ink, mix, rounded, stamp
from xiangqi_gpt.gui.move_list import MoveList
from xiangqi_gpt.gui.theme import Rgb, Theme
from xiangqi_gpt.gui.window_layout import BUTTONS, Layout, Rect
from xiangqi_gpt.notation.move_text import move_text
from xiangqi_gpt.play.commands import COMMANDS
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.wording import player_name, whole_percents
from xiangqi_gpt.players.base import Line
from xiangqi_gpt.rules import Color
from xiangqi_gpt.texts import t


def percent(share: float) -> str:
    """A share 0..1 as people read it: "34 %", "3.4 %", "<0.1 %"."""
    value = 100 * share
    if value >= 9.95:
        return f"{value:.0f} %"
    if value >= 0.095:
        return f"{value:.1f} %"
    return "<0.1 %" if value > 0 else "0 %"


def evaluation_text(line: Line) -> str:
    """What is known of a candidate: its probability, else its score in pawns, else nothing."""
    if line.prob is not None:
        return percent(line.prob)
    return f"{line.score_cp / 100:+.2f}" if line.score_cp is not None else ""


class Panel:
    """Draws the panel with the fonts of `ink`."""

    def __init__(self, ink: Ink) -> None:
        self._ink = ink
        self.move_list = MoveList(ink.width, ink.wrap)

    def draw(
        self,
        surface: pygame.Surface,
        state: GameState,
        layout: Layout,
        theme: Theme,
        *,
        hover: tuple[int, int] | None,
        scroll: int | None,
    ) -> None:
        """Draw all parts."""
        self._value(surface, state, layout, theme)
        self._players(surface, state, layout, theme)
        self._status(surface, state, layout, theme)
        self._candidates(surface, state, layout, theme)
        self._moves(surface, state, layout, theme, hover, scroll)
        self._buttons(surface, state, layout, theme, hover)

    def _value(self, surface: pygame.Surface, state: GameState, layout: Layout, theme: Theme) -> None:
        rect = layout.value
        edge = mix(theme.divider, theme.secondary_text, 0.5)
        stamp(surface, rounded(rect.w, rect.h, 3, theme.raised, edge), *rect.center)
        inner = rect.inset(1, 1)
        value = state.red_value
        if value is not None:
            red, draw, black = value
            top, bottom = (red, black) if state.flipped else (black, red)
            top_color, bottom_color = (
                (theme.side_red, theme.side_black) if state.flipped else (theme.side_black, theme.side_red)
            )
            total = red + draw + black or 1.0
            top_h, bottom_h = round(inner.h * top / total), round(inner.h * bottom / total)
            surface.fill(theme.side_draw, inner)
            surface.fill(top_color, (inner.x, inner.y, inner.w, top_h))
            surface.fill(bottom_color, (inner.x, inner.bottom - bottom_h, inner.w, bottom_h))
        middle = rect.center[1]
        surface.fill(theme.secondary_text, (rect.x - 3, middle - 1, rect.w + 6, 2))

    def _players(self, surface: pygame.Surface, state: GameState, layout: Layout, theme: Theme) -> None:
        rect, size = layout.players, layout.text
        step = rect.h // 2
        upper = Color.RED if state.flipped else Color.BLACK
        for i, side in enumerate((upper, upper.other)):
            middle = rect.y + i * step + step // 2
            to_move = state.outcome is None and state.shown_board.turn is side
            color = theme.red if side is Color.RED else theme.black
            dot = rounded(size, size, size // 2, color, theme.face if theme.table[0] < 128 else color)
            stamp(surface, dot, rect.x + size // 2, middle)
            name = side.message.text(state.language)
            x = rect.x + round(size * 1.6)
            x += self._ink.write(surface, name, x, middle, size, theme.text, face="serif")
            who = (
                t("window.you", state.language)
                if side in state.humans
                else player_name(state.spec, state.language)
            )
            x += round(size * 0.6)
            doing = ""
            if side not in state.humans and state.work in ("load", "move"):
                doing = t("game.loading" if state.work == "load" else "game.thinking", state.language) + " …"
            doing_w = self._ink.width(doing, size) + size if doing else size
            self._ink.write(
                surface, who, x, middle, size, theme.secondary_text, room=rect.right - x - doing_w
            )
            if doing:
                self._ink.write(surface, doing, rect.right, middle, size, theme.secondary_text, align=1)
            elif to_move:
                turn = t("window.to_move", state.language)
                self._ink.write(surface, turn, rect.right, middle, size, theme.secondary_text, align=1)

    def _status(self, surface: pygame.Surface, state: GameState, layout: Layout, theme: Theme) -> None:
        rect, size = layout.status, layout.text
        surface.fill(theme.divider, (rect.x, rect.y, rect.w, 1))
        text, tone = state.status()
        color = theme.warn if tone == "warn" else theme.text
        lines = self._ink.wrap(text, size, rect.w, 3)
        step = round(size * 1.35)
        top = rect.center[1] - step * (len(lines) - 1) // 2
        for i, line in enumerate(lines):
            self._ink.write(surface, line, rect.x, top + i * step, size, color)

    def _heading(
        self, surface: pygame.Surface, rect: Rect, layout: Layout, theme: Theme, left: str, right: str
    ) -> None:
        surface.fill(theme.divider, (rect.x, rect.y, rect.w, 1))
        middle = rect.y + layout.row // 2 + 1
        used = self._ink.write(surface, left, rect.x, middle, layout.text, theme.text, face="serif")
        room = rect.w - used - layout.text
        small = max(12, layout.text - 2)
        self._ink.write(surface, right, rect.right, middle, small, theme.secondary_text, align=1, room=room)

    def _candidates(self, surface: pygame.Surface, state: GameState, layout: Layout, theme: Theme) -> None:
        rect, size, row = layout.candidates, layout.text, layout.row
        language = state.language
        thought = state.thought
        note = ""
        if thought is not None:
            key = "window.considered" if thought.played else "window.hint_for"
            note = t(key, language, side=thought.board.turn)
        self._heading(surface, rect, layout, theme, t("window.candidates", language), note)
        y = rect.y + row
        if thought is None:
            moved = any(ply.color not in state.humans for ply in state.shown_plies)
            text = t("window.no_thoughts" if moved else "window.no_analysis", language)
            for i, words in enumerate(self._ink.wrap(text, size, rect.w, 2)):
                self._ink.write(surface, words, rect.x, y + row * i + row // 2, size, theme.secondary_text)
            return
        for line in shown_lines(thought, layout.candidate_rows):
            chosen = line.move == thought.played
            text = move_text(language, thought.board, line.move)
            self._bar_row(
                surface,
                layout,
                theme,
                y,
                line.prob,
                theme.arrow,
                evaluation_text(line),
                text,
                line.move.iccs,
                chosen,
            )
            y += row
        leak = thought.analysis.leak
        if leak is not None:
            name = t("game.leak", language)
            self._bar_row(surface, layout, theme, y, leak, theme.warn, percent(leak), name, "", False)
            y += row
        if thought.red_value is not None:
            red, draw, black = whole_percents(thought.red_value)
            text = t("game.value", language, red=red, draw=draw, black=black)
            self._ink.write(
                surface, text, rect.x, y + row // 2, max(12, size - 2), theme.secondary_text, room=rect.w
            )

    def _bar_row(
        self,
        surface: pygame.Surface,
        layout: Layout,
        theme: Theme,
        y: int,
        share: float | None,
        color: Rgb,
        value: str,
        name: str,
        detail: str,
        chosen: bool,
    ) -> None:
        """One row: bar, name, detail and value; `chosen` marks the move that was played."""
        rect, size, row = layout.candidates, layout.text, layout.row
        middle = y + row // 2
        track_w, track_h = round(rect.w * 0.30), max(6, size // 2)
        x = rect.x + round(size * 0.9)
        if chosen:
            side = max(5, size // 3)
            surface.fill(theme.last, (rect.x, middle - side // 2, side, side))
        if share is not None:
            surface.fill(mix(theme.table, theme.side_draw, 0.6), (x, middle - track_h // 2, track_w, track_h))
            filled = max(1 if share > 0 else 0, round(track_w * min(1.0, share)))
            surface.fill(color, (x, middle - track_h // 2, filled, track_h))
        x += track_w + round(size * 0.8)
        self._ink.write(surface, name, x, middle, size, theme.text)
        self._ink.write(surface, detail, x + round(size * 5.2), middle, size, theme.secondary_text)
        self._ink.write(surface, value, rect.right, middle, size, theme.text, align=1)

    def _moves(
        self,
        surface: pygame.Surface,
        state: GameState,
        layout: Layout,
        theme: Theme,
        hover: tuple[int, int] | None,
        scroll: int | None,
    ) -> None:
        rect, size = layout.moves, layout.text
        self._heading(surface, rect, layout, theme, t("window.moves", state.language), state.rules_text())
        first = self.move_list.first_row(state, layout) if scroll is None else scroll
        game = set(state.tree.live.path)
        for number, row in enumerate(self.move_list.rows(state, layout)):
            place = layout.list_row(number, first)
            if place is None:
                continue
            for item in row.items:
                cell = Rect(place.x + item.x, place.y, item.w, place.h)
                middle = cell.center[1]
                if row.is_comment:
                    self._ink.write(
                        surface, item.text, cell.x, middle, size, theme.secondary_text, room=cell.w
                    )
                    continue
                if item.node is None:
                    small = max(12, size - 2)
                    self._ink.write(
                        surface, item.text, cell.right, middle, small, theme.secondary_text, align=1
                    )
                    continue
                air = size // 2 if row.depth == 0 else 0
                pill = cell.inset(air // 2 - size // 4, 0)
                if item.node is state.tree.cursor:
                    fill = mix(theme.table, theme.last, 0.30)
                    stamp(surface, rounded(pill.w, pill.h, 3, fill), *pill.center)
                elif hover is not None and cell.contains(*hover):
                    fill = mix(theme.table, theme.divider, 0.5)
                    stamp(surface, rounded(pill.w, pill.h, 3, fill), *pill.center)
                color = theme.text if item.node in game else theme.secondary_text
                self._ink.write(surface, item.text, cell.x + air, middle, size, color, room=cell.w - air)

    def _buttons(
        self,
        surface: pygame.Surface,
        state: GameState,
        layout: Layout,
        theme: Theme,
        hover: tuple[int, int] | None,
    ) -> None:
        size = layout.text
        for command, rect in zip((COMMANDS[name] for name in BUTTONS), layout.buttons, strict=True):
            over = hover is not None and rect.contains(*hover) and state.menu is None
            active = command.is_on(state)
            fill = mix(theme.raised, theme.line, 0.12) if over or active else theme.raised
            stamp(
                surface,
                rounded(rect.w, rect.h, 5, fill, theme.line if active else theme.divider),
                *rect.center,
            )
            small = max(12, size - 4)
            key_w = self._ink.width(command.key, small) + size // 2
            text = command.label.text(state.language)
            room = rect.w - key_w - size // 2
            self._ink.write(
                surface,
                text,
                rect.x + (rect.w - key_w) // 2 + 2,
                rect.center[1],
                size,
                theme.text,
                align=0.5,
                room=room,
            )
            self._ink.write(
                surface,
                command.key,
                rect.right - size // 2,
                rect.center[1],
                small,
                theme.secondary_text,
                align=1,
            )


def shown_lines(thought: Thought, rows: int) -> list[Line]:
    """The best candidates for `rows` rows; the move played takes the last one if it is not among the best."""
    lines = list(thought.analysis.lines[:rows])
    if thought.played is not None and all(line.move != thought.played for line in lines):
        played = [line for line in thought.analysis.lines[rows:] if line.move == thought.played]
        lines[len(lines) - len(played) :] = played
    return lines
