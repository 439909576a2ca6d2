"""The panel beside the board: tabs, what the open tab shows, the result, the status line, the toolbar."""

from __future__ import annotations

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.bar_rows import bar_header, bar_row
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.curve import Curve
from xiangqi_gpt.gui.icons import draw_icon
from xiangqi_gpt.gui.ink import Ink, mix, ring, stamp
from xiangqi_gpt.gui.library_pane import LibraryPane
from xiangqi_gpt.gui.mind_panel import draw_mind_panel
from xiangqi_gpt.gui.move_list import MoveList
from xiangqi_gpt.gui.view import TABS, Front
from xiangqi_gpt.gui.widgets import percent
from xiangqi_gpt.gui.window_layout import STATUS_LINES, Layout, Rect
from xiangqi_gpt.notation.move_text import move_text
from xiangqi_gpt.play.commands import COMMANDS
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.sides import side_name
from xiangqi_gpt.play.wording import whole_percents
from xiangqi_gpt.players.base import Line
from xiangqi_gpt.rules import Color

TOOLBAR = ("first", "back", "forward", "last", "undo", "redo", "hint", "flip", "sound", "menu")
"""The commands of the toolbar; each has an icon of its name."""
RESULT_COMMANDS = ("new", "review", "save", "rematch")
"""The buttons of the card that tells the result."""
PUZZLE_COMMANDS = ("retry", "review", "save", "puzzle")
"""Those of a puzzle that has failed."""
SOLVED_COMMANDS = ("puzzle", "review", "save", "retry")
"""Those of a puzzle that is solved."""


SURPRISING = 0.05
"""Moves of a person that a model takes for less likely are marked."""
ASTONISHING = 0.01
"""Under this probability the mark is filled."""


LEAST_CANDIDATES = 3
"""So many candidates are listed even if they are unlikely."""
UNLIKELY = 0.001
"""Under this probability a candidate that no search has tried is not listed."""


def evaluation_text(line: Line) -> str:
    """What is known of a candidate: the points a search expects, its probability, its score in pawns, or nothing."""
    if line.points is not None:
        return f"{100 * line.points:.0f} %"
    if line.prob is not None:
        return percent(line.prob)
    return f"{line.score_cp / 100:+.2f}" if line.score_cp is not None else ""


class Panel:
    """Draws the panel."""

    def __init__(self, ink: Ink) -> None:
        self.move_list = MoveList(ink.width, ink.wrap)
        self._curve = Curve()
        self._library = LibraryPane(self._command_button)

    def layout(self, state: GameState, layout: Layout) -> tuple[Rect | None, Layout]:
        """The place of the card at the top, if there is one, and the layout with what is left below it.

        The card shows how far a review is, or the result.
        """
        if state.review is not None:
            return layout.with_card(layout.row + 2 * layout.scale.button + 2 * layout.text)
        if state.outcome is None or not state.is_live:
            return None, layout
        text = layout.text
        height = round(text * 1.35) * 3 + layout.scale.small * 2 + 2 * layout.scale.button + 2 * text
        return layout.with_card(height)

    def draw(self, canvas: Canvas, state: GameState, layout: Layout, front: Front) -> None:
        """Draw all parts."""
        self._tabs(canvas, layout, front)
        card, inner = self.layout(state, layout)
        if card is not None and state.review is not None:
            self._review(canvas, state, card, front)
        elif card is not None:
            self._result(canvas, state, card, front)
        if front.view.tab == "moves":
            self._moves(canvas, state, inner, front)
        elif front.view.tab == "analysis":
            self._analysis(canvas, state, inner.content, front)
        elif front.view.tab == "library":
            self._library.draw(canvas, state, inner.content, front)
        else:
            self._game(canvas, state, inner.content, front)
        self._curve.draw(canvas, state, layout.curve, front)
        self._status(canvas, state, layout)
        self._toolbar(canvas, state, layout, front)

    def _tabs(self, canvas: Canvas, layout: Layout, front: Front) -> None:
        theme = canvas.theme
        columns = layout.tabs.columns(len(TABS))
        size = canvas.size_for([canvas.t(f"tab.{tab}") for tab in TABS], columns[0].w - 4, "serif")
        for tab, rect in zip(TABS, columns, strict=True):
            chosen = tab == front.view.tab
            color = theme.text if chosen or canvas.over(rect) else theme.secondary_text
            name = canvas.t(f"tab.{tab}")
            canvas.text(rect.inset(2, 0), name, size=size, color=color, face="serif", align=0.5)
            thick = max(2, round(layout.text * 0.16)) if chosen else canvas.scale.hair
            bar = Rect(rect.x, rect.bottom - thick, rect.w, thick)
            canvas.fill(bar, theme.line if chosen else theme.divider)

            def choose(tab: object = tab) -> None:
                front.view.tab = tab  # type: ignore[assignment]

            canvas.region(rect, choose, name=f"tab:{tab}")

    def _result(self, canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
        theme, scale = canvas.theme, canvas.scale
        canvas.box(rect, theme.raised, theme.line)
        inner = rect.inset(round(scale.text * 0.7), round(scale.text * 0.6))
        gap = max(3, scale.text // 3)
        buttons_h = 2 * scale.button + gap
        words = Rect(inner.x, inner.y, inner.w, inner.h - buttons_h - gap)
        used = canvas.paragraph(words, state.outcome_text(), lines=3)
        canvas.text(
            Rect(inner.x, inner.y + used, inner.w, round(scale.small * 1.5)),
            state.rules_text(),
            size=scale.small,
            color=theme.secondary_text,
        )
        known = RESULT_COMMANDS
        if state.puzzle is not None and state.outcome is not None:
            known = SOLVED_COMMANDS if state.outcome.winner is state.person else PUZZLE_COMMANDS
        rows = Rect(inner.x, inner.bottom - buttons_h, inner.w, buttons_h)
        for i, name in enumerate(known):
            place = rows.columns(2, gap)[i % 2]
            place = Rect(place.x, place.y + (i // 2) * (scale.button + gap), place.w, scale.button)
            self._command_button(canvas, state, place, name, front, is_main=i == 0)

    def _review(self, canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
        """How far the review is, and the button that stops it."""
        theme, scale = canvas.theme, canvas.scale
        canvas.box(rect, theme.raised, theme.line)
        inner = rect.inset(round(scale.text * 0.7), round(scale.text * 0.5))
        run = state.review
        done, plies = (run.done, len(run.line)) if run is not None else (0, 0)
        canvas.text(inner.top(scale.row), canvas.t("game.reviewing", done=done, plies=plies))
        bar = Rect(inner.x, inner.y + scale.row + scale.text // 2, inner.w, max(6, scale.text // 2))
        canvas.box(bar, mix(theme.raised, theme.line, 0.2))
        canvas.box(bar.left_part(round(bar.w * done / max(1, plies))), theme.arrow)
        place = Rect(inner.x, inner.bottom - scale.button, inner.w, scale.button)
        widgets.button(
            canvas, place, canvas.t("dialog.cancel"), lambda: front.press("review"), name="review:cancel"
        )

    def _command_button(
        self,
        canvas: Canvas,
        state: GameState,
        rect: Rect,
        name: str,
        front: Front,
        *,
        is_main: bool = False,
    ) -> None:
        command = COMMANDS[name]
        widgets.button(
            canvas,
            rect,
            command.label.text(canvas.language),
            lambda: front.press(name),
            is_main=is_main,
            is_on=command.is_on(state),
            is_enabled=command.enabled(state),
            tip=command.tooltip(canvas.language),
            name=f"command:{name}",
        )

    def _moves(self, canvas: Canvas, state: GameState, layout: Layout, front: Front) -> None:
        theme, size = canvas.theme, layout.text
        scroll = front.view.scroll
        first = self.move_list.first_row(state, layout) if scroll is None else scroll
        game = set(state.tree.live.path)
        canvas.region(layout.move_rows, wheel=front.scroll_moves, name="moves")
        rows = self.move_list.rows(state, layout)
        if not rows:
            canvas.paragraph(
                layout.move_rows, canvas.t("window.no_moves"), color=theme.secondary_text, lines=4
            )
        for number, row in enumerate(rows):
            place = layout.list_row(number, first)
            if place is None:
                continue
            for item in row.items:
                cell = Rect(place.x + item.x, place.y, item.w, place.h)
                if row.is_comment:
                    canvas.text(cell, item.text, color=theme.secondary_text, is_given=True)
                    continue
                if item.node is None:
                    canvas.text(cell, item.text, size=canvas.scale.small, color=theme.secondary_text, align=1)
                    continue
                air = size // 2 if row.depth == 0 else 0
                pill = cell.inset(air // 2 - size // 4, 0)
                if item.node is state.tree.cursor:
                    canvas.box(pill, mix(theme.table, theme.last, 0.30))
                elif canvas.over(cell):
                    canvas.box(pill, mix(theme.table, theme.divider, 0.5))
                color = theme.text if item.node in game else theme.secondary_text
                if item.mark in ("?!", "?", "??"):
                    color = theme.warn
                room = Rect(cell.x + air, cell.y, cell.w - air, cell.h)
                used = canvas.text(room, item.text, color=color)
                prob = state.prob_of(item.node)
                if prob is not None and prob < SURPRISING:
                    _surprise(canvas, room.x + used, cell, prob)
                canvas.region(
                    cell,
                    lambda node=item.node: front.look_at(node),  # type: ignore[misc]
                    wheel=front.scroll_moves,
                    tip="" if prob is None else canvas.t("window.prob_tip", share=percent(prob)),
                )
        hidden = len(rows) - layout.visible_move_rows
        if hidden > 0:
            widgets.scroll_bar(canvas, layout.move_rows, first, layout.visible_move_rows, len(rows))

    def _analysis(self, canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
        if state.mind.shows:
            draw_mind_panel(canvas, state, rect, front)
            return
        theme, size, row = canvas.theme, canvas.scale.text, canvas.scale.row
        thought = state.thought
        if thought is None and (state.request is not None or state.wants_hint):
            canvas.paragraph(rect, canvas.t("game.hinting") + " …", color=theme.secondary_text)
            return
        if thought is None:
            moved = any(ply.color not in state.humans for ply in state.shown_plies)
            text = canvas.t("window.no_thoughts" if moved else "window.no_analysis")
            used = canvas.paragraph(rect, text, color=theme.secondary_text, lines=4)
            hint = Rect(rect.x, rect.y + used + canvas.scale.gap, rect.w, canvas.scale.button)
            self._command_button(canvas, state, hint, "hint", front)
            return
        key = "window.considered" if thought.played else "window.hint_for"
        note = canvas.t(key, side=thought.board.turn)
        is_searched = any(line.points is not None for line in thought.analysis.lines)
        has_shares = any(line.prob is not None for line in thought.analysis.lines)
        likely, score = canvas.t("window.likely"), canvas.t("window.score")
        heads = (likely, score) if is_searched and has_shares else ("", likely if has_shares else score)
        bar_header(canvas, rect.top(row), note, *heads)
        heads_tip = (
            "window.heads_tip" if is_searched else "window.likely_tip" if has_shares else "window.pawns_tip"
        )
        canvas.region(rect.top(row), tip=canvas.t(heads_tip))
        y = rect.y + row
        rows = max(1, rect.h // row - 5)
        for number, line in enumerate(shown_lines(thought, rows), 1):
            text = move_text(canvas.language, thought.board, line.move)
            place = Rect(rect.x, y, rect.w, row)
            name = f"{number}. {text}" if line.move != thought.played else f"→ {text}"
            if canvas.over(place):
                canvas.box(place, mix(theme.table, theme.divider, 0.5))
            detail = line.move.iccs
            if is_searched:
                detail = "" if line.prob is None else percent(line.prob)
            value = evaluation_text(line) if not is_searched or line.points is not None else "–"
            bar_row(canvas, place, line.prob, theme.arrow, value, name, detail)

            def play_out(line: Line = line) -> None:
                front.play_out(state.thought_node, line.pv)

            tip = canvas.t("window.candidate_tip")
            canvas.region(place, play_out, tip=tip, name=f"candidate:{line.move.iccs}")
            y += row
        if thought.analysis.leak is not None:
            place = Rect(rect.x, y, rect.w, row)
            share = thought.analysis.leak
            bar_row(canvas, place, share, theme.leak, percent(share), canvas.t("game.leak"), "")
            canvas.region(place, tip=canvas.t("window.leak_tip"))
            y += row
        if thought.red_value is not None:
            red, draw, black = whole_percents(thought.red_value)
            text = canvas.t("game.value", red=red, draw=draw, black=black)
            place = Rect(rect.x, y, rect.w, row)
            canvas.text(place, text, size=canvas.scale.small, color=theme.secondary_text)
            canvas.region(place, tip=canvas.t("window.chances_tip"))
            y += row
        best = thought.analysis.lines[0] if thought.analysis.lines else None
        if best is not None and len(best.pv) > 1 and rect.bottom - y >= row:
            board, words = thought.board.copy(), []
            for move in best.pv:
                if not board.is_legal(move):
                    break
                words.append(move_text(canvas.language, board, move))
                board.push(move)
            canvas.paragraph(
                Rect(rect.x, y, rect.w, rect.bottom - y),
                " ".join(words),
                size=canvas.scale.small,
                color=theme.secondary_text,
                lines=max(1, (rect.bottom - y) // round(size * 1.35)),
                is_given=True,
            )

    def _game(self, canvas: Canvas, state: GameState, rect: Rect, front: Front) -> None:
        theme, row, scale = canvas.theme, canvas.scale.row, canvas.scale
        language = canvas.language
        facts = [
            (side.message.text(language), _player_text(canvas, state, side))
            for side in (Color.RED, Color.BLACK)
        ]
        if state.source is not None:
            facts += [
                (canvas.t(key), value)
                for key, name in (("window.event", "Event"), ("window.date", "Date"))
                if (value := " ".join(state.source.tags.get(name, "").split())[:80].strip("?.* "))
            ]
        if state.result != "*":
            facts.append((canvas.t("window.result"), state.result))
        if state.puzzle is not None:
            facts.append((canvas.t("window.puzzle"), state.puzzle_text()))
        facts.append((canvas.t("window.rules"), state.rules_text()))
        if name := state.opening_text():
            facts.append((canvas.t("window.opening"), name))
        names = [name for name in GAME_COMMANDS if name in COMMANDS]
        gap = max(3, scale.text // 3)
        step, y = scale.button + gap, rect.y
        for name, value in facts:
            if rect.bottom - y - 3 * row < 2 * step:
                break  # large texts in a small window: the buttons matter more
            place = Rect(rect.x, y, rect.w, row)
            used = canvas.text(place, name, color=theme.secondary_text)
            if used + scale.text + canvas.width(value) <= rect.w:
                canvas.text(place.right_of(used + scale.text), value, align=1, is_given=True)
                y += row
            else:  # a long name has lines of its own
                own = Rect(rect.x, y + row, rect.w, 2 * row)
                y += row + canvas.paragraph(own, value, lines=2, align=1, is_given=True)
        y += scale.gap // 2
        area = Rect(rect.x, y, rect.w, rect.bottom - y)
        pairs = [names[i : i + 2] for i in range(0, len(names), 2)]
        shown = max(1, min(len(pairs), (area.h + gap) // step))
        first = min(front.view.game_row, len(pairs) - shown)
        if shown < len(pairs):

            def scroll(up: int) -> None:
                front.view.game_row = max(0, min(len(pairs) - shown, first - up))

            canvas.region(area, wheel=scroll, name="game")
            widgets.scroll_bar(canvas, area, first, shown, len(pairs))
            area = Rect(area.x, area.y, area.w - scale.text // 2, area.h)
        for i, pair in enumerate(pairs[first : first + shown]):
            places = Rect(area.x, area.y + i * step, area.w, scale.button).columns(2, gap)
            for place, name in zip(places, pair, strict=False):
                self._command_button(canvas, state, place, name, front)

    @staticmethod
    def _status(canvas: Canvas, state: GameState, layout: Layout) -> None:
        theme, rect, size = canvas.theme, layout.status, layout.text
        canvas.rule(rect.x, rect.y, rect.w)
        text, tone = state.status()
        box = rect.below(canvas.scale.gap // 2)
        if tone == "warn":
            side = round(size * 1.35)
            draw_icon(canvas.surface, "warn", Rect(box.x, box.y, round(side * 1.2), side), theme.warn)
            box = box.right_of(round(side * 1.35))
        color = theme.warn if tone == "warn" else theme.text
        canvas.paragraph(box, text, lines=STATUS_LINES, color=color)

    @staticmethod
    def _toolbar(canvas: Canvas, state: GameState, layout: Layout, front: Front) -> None:
        known = [name for name in TOOLBAR if name in COMMANDS]
        for name, rect in zip(known, layout.toolbar.columns(len(known)), strict=True):
            command = COMMANDS[name]
            icon = "mute" if name == "sound" and not state.settings.sound else name
            widgets.icon_button(
                canvas,
                rect,
                icon,
                lambda name=name: front.press(name),  # type: ignore[misc]
                tip=command.tooltip(canvas.language),
                is_on=name == "hint" and command.is_on(state),
                is_enabled=command.enabled(state),
                name=f"toolbar:{name}",
            )


GAME_COMMANDS = (
    "new", "rematch", "draw", "resign", "pause", "open", "save", "review", "editor", "puzzles", "analysis", "settings",
    "help",
)  # fmt: skip
"""What the tab of the game offers as buttons."""


def _surprise(canvas: Canvas, x: int, cell: Rect, prob: float) -> None:
    """A small open ring behind a move that people seldom play, filled where they hardly ever do."""
    radius = max(2, round(canvas.scale.text * 0.16))
    side = 2 * radius
    place = Rect(min(x + radius, cell.right - side), cell.y + cell.h // 3 - radius, side, side)
    stamp(canvas.surface, ring(side, canvas.theme.leak, is_full=prob < ASTONISHING), *place.center)


def _player_text(canvas: Canvas, state: GameState, side: Color) -> str:
    person = "window.you" if len(state.humans) == 1 else "game.human"
    return side_name(state, side, of_person=canvas.t(person))


def shown_lines(thought: Thought, rows: int) -> list[Line]:
    """The best candidates for `rows` rows, without those that are hardly ever played.

    The move played takes the last row if it is not among them.
    """
    known = thought.analysis.lines
    lines = [
        line
        for i, line in enumerate(known)
        if i < LEAST_CANDIDATES or line.points is not None or line.prob is None or line.prob >= UNLIKELY
    ][:rows]
    if thought.played is not None and all(line.move != thought.played for line in lines):
        played = [line for line in known if line.move == thought.played]
        lines[max(0, min(len(lines), rows - len(played))) :] = played
    return lines
