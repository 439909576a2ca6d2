"""The new game: side, level or opponent, style, rules, clock, odds. And the offer of an unfinished game."""

from __future__ import annotations

from collections.abc import Sequence

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import Foot, Rows, draw_foot, open_card
from xiangqi_gpt.gui.view import Dialog, Front
from xiangqi_gpt.gui.widgets import Item, ListBox
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.actions import SIDES, STYLES
from xiangqi_gpt.play.clock import CLOCKS
from xiangqi_gpt.play.game_state import Menu
from xiangqi_gpt.play.handicaps import HANDICAPS
from xiangqi_gpt.play.wording import player_name
from xiangqi_gpt.players.levels import LEVELS
from xiangqi_gpt.rules import RULE_SETS

USUAL_LEVEL = 4
"""What is chosen when somebody turns from another opponent to the levels."""


class NewGameDialog(Dialog):
    """Chooses what `state.menu` holds."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._list = ListBox()

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the choices."""
        state, menu = self.front.state, self.front.state.menu
        if menu is None:
            return
        t = canvas.t
        opponents = [t("menu.by_level"), *(player_name(spec, canvas.language) for spec in state.specs)]
        label = round(6.5 * layout.text)
        has_list = not self._fit_a_row(canvas, opponents, min(52 * layout.text, layout.size[0]) - label)
        inner = open_card(canvas, layout, self, t("menu.title"), ems=(52, 38 if has_list else 34))
        space = draw_foot(
            canvas,
            inner,
            [
                Foot(t("menu.cancel"), self.cancel, "menu:cancel"),
                Foot(t("menu.start"), self.confirm, "menu:start", is_main=True),
            ],
        )
        count = 12 if has_list else 9
        rows = Rows(canvas, space, label, step=min(round(2.9 * layout.text), space.h // count))

        def side(i: int) -> None:
            menu.side = i

        def style(i: int) -> None:
            menu.style = i

        names = [each.message.text(canvas.language) for each in SIDES]
        names += [t("menu.both"), t("menu.machines")]
        widgets.choice(canvas, rows.next(t("menu.side")), names, menu.side, side, name="menu:side")
        has_opponent = menu.side != len(SIDES)
        self._levels(canvas, rows, menu, is_enabled=has_opponent)
        height = 5 * ListBox.row(canvas) + 2 * canvas.scale.hair + 4 if has_list else None
        place = rows.next(t("menu.opponent"), height=height)
        self._opponents(canvas, place, opponents, menu, is_list=has_list, is_enabled=has_opponent)
        widgets.choice(
            canvas,
            rows.next(t("menu.style")),
            [t(key) for key, _ in STYLES],
            menu.style,
            style,
            is_enabled=state.has_styles and has_opponent,
            name="menu:style",
        )
        sets = list(RULE_SETS)

        def rules(i: int) -> None:
            menu.rules = sets[i]

        widgets.choice(
            canvas,
            rows.next(t("window.rules")),
            [t(f"rules.{name}") for name in sets],
            sets.index(menu.rules or state.rules),
            rules,
            name="menu:rules",
        )
        clocks = list(CLOCKS) if menu.clock in CLOCKS else [menu.clock, *CLOCKS]

        def clock(i: int) -> None:
            menu.clock = clocks[i]

        names = [clock_text(canvas, text) if text else t("menu.no_clock") for text in clocks]
        widgets.choice(
            canvas, rows.next(t("menu.clock")), names, clocks.index(menu.clock), clock, name="menu:clock"
        )
        odds = list(HANDICAPS)

        def handicap(i: int) -> None:
            menu.handicap = odds[i]

        widgets.choice(
            canvas,
            rows.next(t("menu.handicap")),
            [t(f"handicap.{name}") for name in odds],
            odds.index(menu.handicap),
            handicap,
            name="menu:handicap",
        )

    @staticmethod
    def _levels(canvas: Canvas, rows: Rows, menu: Menu, *, is_enabled: bool) -> None:
        """Ten numbers and the adaptive level; below them what the chosen one is."""
        t, text = canvas.t, canvas.scale.text
        place = rows.next(t("menu.level"))

        def choose(i: int) -> None:
            menu.level = (i + 1) % (len(LEVELS) + 1)

        last = round(6.5 * text)
        numbers = Rect(place.x, place.y, place.w - last - text // 4, place.h)
        names = [str(level.number) for level in LEVELS]
        chosen = menu.level - 1 if menu.level else None
        tips = [_level_text(canvas, level.number) for level in LEVELS]
        widgets.choice(
            canvas, numbers, names, chosen, choose, is_enabled=is_enabled, tips=tips, name="menu:level"
        )
        widgets.button(
            canvas,
            place.right_of(place.w - last),
            t("level.adaptive"),
            lambda: choose(len(LEVELS)),
            is_on=menu.level == 0,
            is_enabled=is_enabled,
            tip=t("menu.adaptive_tip"),
            name="menu:adaptive",
        )
        note = rows.next("", height=round(1.2 * text))
        if is_enabled and menu.level is not None:
            words = _level_text(canvas, menu.level) if menu.level else t("menu.adaptive_tip")
            note = Rect(note.x, note.y - text // 2, note.w, note.h)
            canvas.text(note, words, size=canvas.scale.small, color=canvas.theme.secondary_text)

    @staticmethod
    def _fit_a_row(canvas: Canvas, names: Sequence[str], room: int) -> bool:
        """Whether the names can stand side by side in plain text."""
        widest = max(canvas.width(name) for name in names) + canvas.scale.text
        return widest * len(names) <= room

    def _opponents(
        self, canvas: Canvas, rect: Rect, names: Sequence[str], menu: Menu, *, is_list: bool, is_enabled: bool
    ) -> None:
        """The level, or one of the other opponents: side by side, or below each other where names are long."""

        def choose(i: int) -> None:
            menu.level = USUAL_LEVEL if i == 0 else None
            menu.opponent = max(0, i - 1)

        chosen = 0 if menu.level is not None else menu.opponent + 1
        if is_list and is_enabled:
            items = [Item(name) for name in names]
            self._list.draw(canvas, rect, items, chosen, choose, name="menu:opponent")
        elif not is_list:
            widgets.choice(canvas, rect, names, chosen, choose, is_enabled=is_enabled, name="menu:opponent")

    def confirm(self) -> None:
        """Begin the game."""
        actions.start_from_menu(self.front.state)

    def cancel(self) -> None:
        """Stay with the present game."""
        self.front.state.menu = None


def _level_text(canvas: Canvas, number: int) -> str:
    """Name and rating of a level."""
    level = LEVELS[number - 1]
    name = level.message.text(canvas.language)
    return canvas.t("menu.level_text", number=number, name=name, elo=level.elo)


def clock_text(canvas: Canvas, control: str) -> str:
    """A time control as people read it: "5m+3s" as 5 min + 3 s, "30s/move" as 30 s per move."""
    per_move = control.endswith("/move")
    first, _, increment = control.removesuffix("/move").partition("+")
    parts = []
    for part in filter(None, (first, increment)):
        unit = "menu.minutes" if part.endswith("m") else "menu.seconds"
        parts.append(canvas.t(unit, count=part.rstrip("ms")))
    text = "+".join(parts)
    return canvas.t("menu.per_move", time=text) if per_move else text


class OfferDialog(Dialog):
    """Offers the unfinished game of last time."""

    closes_beside = False

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the card."""
        saved = self.front.state.offer
        if saved is None:
            return
        t = canvas.t
        inner = open_card(canvas, layout, self, t("window.offer"), ems=(32, 12))
        space = draw_foot(
            canvas,
            inner,
            [
                Foot(t("window.offer_no"), self.cancel, "offer:leave"),
                Foot(t("window.offer_yes"), self.confirm, "offer:go_on", is_main=True),
            ],
        )
        player = player_name(saved.spec, canvas.language)
        canvas.paragraph(space, t("window.offer_text", player=player, count=saved.tree.live.ply), lines=3)

    def confirm(self) -> None:
        """Resume it."""
        actions.resume(self.front.state)

    def cancel(self) -> None:
        """Leave it; undo brings it back."""
        actions.decline(self.front.state)
