"""Draws what lies over the board: the end of the game, the new-game menu, the offer of an unfinished game."""

from __future__ import annotations

import pygame

from xiangqi_gpt.gui.ink import Ink, faded, mix, rounded, stamp
from xiangqi_gpt.gui.theme import Theme
from xiangqi_gpt.gui.window_layout import Layout, Rect, menu_layout, offer_layout
from xiangqi_gpt.play.actions import SIDES, STYLES
from xiangqi_gpt.play.game_state import GameState, Menu, SavedGame
from xiangqi_gpt.play.wording import BASELINES, PIECE_SETS, player_label, player_name
from xiangqi_gpt.texts import t


class Cards:
    """Draws cards with the fonts of `ink`."""

    def __init__(self, ink: Ink) -> None:
        self._ink = ink

    def draw(
        self,
        surface: pygame.Surface,
        state: GameState,
        layout: Layout,
        theme: Theme,
        hover: tuple[int, int] | None,
    ) -> None:
        """Draw the cards that are open."""
        if state.announce:
            self._announcement(surface, state, layout, theme)
        if state.menu is not None:
            self._menu(surface, state, state.menu, layout, theme, hover)
        elif state.offer is not None:
            self._offer(surface, state, state.offer, layout, theme, hover)

    def _offer(
        self,
        surface: pygame.Surface,
        state: GameState,
        saved: SavedGame,
        layout: Layout,
        theme: Theme,
        hover: tuple[int, int] | None,
    ) -> None:
        places = offer_layout(layout)
        _veil(surface, theme)
        box, size, language = places.box, layout.text, state.language
        stamp(surface, rounded(box.w, box.h, 8, theme.raised, theme.divider), *box.center)
        inner = box.inset(round(size * 1.4), size)
        title = t("window.offer", language)
        middle = inner.y + size
        self._ink.write(
            surface, title, box.center[0], middle, round(size * 1.4), theme.text, face="serif", align=0.5,
            room=inner.w,
        )  # fmt: skip
        moves = saved.tree.live.ply
        text = t("window.offer_text", language, player=player_name(saved.spec, language), count=moves)
        for i, line in enumerate(self._ink.wrap(text, size, inner.w, 2)):
            middle = inner.y + round(size * 3.2) + i * layout.row
            self._ink.write(surface, line, box.center[0], middle, size, theme.secondary_text, align=0.5)
        self._chip(surface, t("window.offer_no", language), places.leave, size, theme, False, hover)
        self._chip(surface, t("window.offer_yes", language), places.go_on, size, theme, True, hover)

    def _announcement(self, surface: pygame.Surface, state: GameState, layout: Layout, theme: Theme) -> None:
        u = layout.u
        cx, cy = layout.board.center
        large, small = max(15, round(0.30 * u)), max(12, round(0.19 * u))
        text = state.outcome_text()
        again = f"{state.rules_text()} · {t('window.game_over', state.language)}"
        width = min(
            layout.board.w - u // 2,
            max(self._ink.width(text, large, "serif"), self._ink.width(again, small)) + round(1.2 * u),
        )
        height = round(1.45 * u)
        box = rounded(width, height, max(4, u // 10), theme.raised, theme.line, max(1, u // 40))
        shade = rounded(width, height, max(4, u // 10), (0, 0, 0))
        stamp(surface, faded(shade, 0.25), cx, cy + max(2, u // 20))
        stamp(surface, box, cx, cy)
        room = width - u // 2
        self._ink.write(
            surface, text, cx, cy - round(0.24 * u), large, theme.text, face="serif", align=0.5, room=room
        )
        self._ink.write(
            surface, again, cx, cy + round(0.36 * u), small, theme.secondary_text, align=0.5, room=room
        )

    def _menu(
        self,
        surface: pygame.Surface,
        state: GameState,
        menu: Menu,
        layout: Layout,
        theme: Theme,
        hover: tuple[int, int] | None,
    ) -> None:
        places = menu_layout(layout, state)
        _veil(surface, theme)
        box, size = places.box, layout.text
        stamp(surface, rounded(box.w, box.h, 8, theme.raised, theme.divider), *box.center)
        title = t("menu.title", state.language)
        top = places.labels[0][1].y
        self._ink.write(
            surface,
            title,
            box.center[0],
            (box.y + top) // 2 + 2,
            round(size * 1.4),
            theme.text,
            face="serif",
            align=0.5,
        )
        for name, rect in places.labels:
            idle = name == "menu.style" and not state.has_styles
            color = theme.divider if idle else theme.secondary_text
            self._ink.write(surface, t(name, state.language), rect.x, rect.center[1], size, color)
        chosen = {
            "menu.side": menu.side,
            "menu.opponent": menu.opponent,
            "menu.style": menu.style,
            "menu.pieces": list(PIECE_SETS).index(state.settings.pieces),
        }
        for chip in places.chips:
            text = chip_text(state, chip.row, chip.number)
            if chip.row == "menu.style" and not state.has_styles:
                stamp(
                    surface,
                    rounded(chip.rect.w, chip.rect.h, 5, theme.raised, theme.divider),
                    *chip.rect.center,
                )
                self._ink.write(surface, text, *chip.rect.center, size, theme.divider, align=0.5)
                continue
            is_chosen = chosen[chip.row] == chip.number
            self._chip(surface, text, chip.rect, size, theme, is_chosen, hover)
        self._chip(surface, t("menu.cancel", state.language), places.cancel, size, theme, False, hover)
        self._chip(surface, t("menu.start", state.language), places.start, size, theme, True, hover)

    def _chip(
        self,
        surface: pygame.Surface,
        text: str,
        rect: Rect,
        size: int,
        theme: Theme,
        chosen: bool,
        hover: tuple[int, int] | None,
    ) -> None:
        over = hover is not None and rect.contains(*hover)
        fill = theme.line if chosen else mix(theme.raised, theme.line, 0.12) if over else theme.raised
        color = theme.raised if chosen else theme.text
        stamp(
            surface, rounded(rect.w, rect.h, 5, fill, theme.line if chosen else theme.divider), *rect.center
        )
        self._ink.write(surface, text, *rect.center, size, color, align=0.5, room=rect.w - 6)


def _veil(surface: pygame.Surface, theme: Theme) -> None:
    veil = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
    veil.fill((*mix(theme.table, (0, 0, 0), 0.35), 120))
    surface.blit(veil, (0, 0))


def chip_text(state: GameState, row: str, number: int) -> str:
    """What stands on a choice of the menu."""
    if row == "menu.opponent":
        spec = state.specs[number]
        return t(f"menu.{spec}", state.language) if spec in BASELINES else player_label(spec)
    if row == "menu.side":
        return SIDES[number].message.text(state.language)
    key = STYLES[number][0] if row == "menu.style" else f"menu.{list(PIECE_SETS)[number]}"
    return t(key, state.language)
