"""The new game: side, opponent, its style, the pieces. And the offer of an unfinished one."""

from __future__ import annotations

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import Foot, Rows, draw_foot, open_card
from xiangqi_gpt.gui.view import Dialog
from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.actions import SIDES, STYLES
from xiangqi_gpt.play.wording import PIECE_SETS, player_name


class NewGameDialog(Dialog):
    """Chooses what `state.menu` holds."""

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the choices."""
        state, menu = self.front.state, self.front.state.menu
        if menu is None:
            return
        t = canvas.t
        inner = open_card(canvas, layout, self, t("menu.title"), ems=(42, 24))
        space = draw_foot(
            canvas,
            inner,
            [
                Foot(t("menu.cancel"), self.cancel, "menu:cancel"),
                Foot(t("menu.start"), self.confirm, "menu:start", is_main=True),
            ],
        )
        rows = Rows(canvas, space, round(6.5 * layout.text))

        def side(i: int) -> None:
            menu.side = i

        def opponent(i: int) -> None:
            menu.opponent = i

        def style(i: int) -> None:
            menu.style = i

        names = [each.message.text(canvas.language) for each in SIDES]
        widgets.choice(canvas, rows.next(t("menu.side")), names, menu.side, side, name="menu:side")
        names = [player_name(spec, canvas.language) for spec in state.specs]
        widgets.choice(
            canvas, rows.next(t("menu.opponent")), names, menu.opponent, opponent, name="menu:opponent"
        )
        widgets.choice(
            canvas,
            rows.next(t("menu.style")),
            [t(key) for key, _ in STYLES],
            menu.style,
            style,
            is_enabled=state.has_styles,
            name="menu:style",
        )
        chosen = list(PIECE_SETS).index(state.settings.pieces)
        widgets.choice(
            canvas,
            rows.next(t("menu.pieces")),
            [t(f"menu.{name}") for name in PIECE_SETS],
            chosen,
            lambda i: actions.choose_pieces(state, i),
            name="menu:pieces",
        )

    def confirm(self) -> None:
        """Begin the game."""
        actions.start_from_menu(self.front.state)

    def cancel(self) -> None:
        """Stay with the present game."""
        self.front.state.menu = None


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
        """Leave it; it stays on the disk."""
        self.front.state.offer = None
