"""Pieces in vector form: flat, wooden, or with pictures. Black has a double rim in each of them, Red a single one."""

from __future__ import annotations

import pygame

from xiangqi_gpt.gui.ink import Ink, mix
from xiangqi_gpt.gui.pictures import paint_picture
from xiangqi_gpt.gui.theme import Rgb, Theme
from xiangqi_gpt.play.settings import Look
from xiangqi_gpt.play.wording import PIECE_SETS, PieceSet

DISC = 0.44  # radius of a piece, in u
RIMS: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]] = (
    ((0.385, 0.026),),
    ((0.408, 0.017), (0.362, 0.017)),
)
"""Middle and width of the rings on a piece of Red and of Black, in u."""
GLYPH = 0.52  # height of a Chinese glyph
LETTER = 0.44  # height of a capital
PICTURE = 0.74  # side of a picture's square
SHADOW = 0.03  # how far the shadow falls
SOFTNESS = 12  # shades in it
_GROOVE = 0.055  # width of the bevel of a wooden piece
WOOD: tuple[Rgb, Rgb, Rgb, Rgb] = ((250, 226, 178), (150, 104, 52), (244, 214, 160), (226, 188, 126))
"""Light and dark of a wooden piece's bevel, then of its face."""


class PieceArt:
    """Paints the pieces of one set in the colours of a theme."""

    def __init__(self, ink: Ink, theme: Theme, pieces: PieceSet, look: Look) -> None:
        self._ink = ink
        self._theme = theme
        self._glyphs = PIECE_SETS[pieces]
        self._letters = pieces == "letters"
        self._look = look

    def paint(self, big: pygame.Surface, u: float, code: int) -> None:
        """Paint a piece in the middle of a surface with lines `u` of its pixels apart."""
        theme, is_black = self._theme, code > 7
        center = big.get_width() / 2, big.get_height() / 2
        color = theme.black if is_black else theme.red
        face = WOOD[2] if self._look == "wood" else theme.face
        self._shadow(big, u, center)
        if self._look == "wood":
            _gradient_disc(big, center, DISC * u, WOOD[0], WOOD[1])
            _gradient_disc(big, center, (DISC - _GROOVE) * u, mix(WOOD[1], WOOD[2], 0.35), WOOD[0])
            _gradient_disc(big, center, (DISC - 1.45 * _GROOVE) * u, WOOD[2], WOOD[3])
        else:
            pygame.draw.circle(big, mix(theme.face, theme.rim, 0.75), center, DISC * u)
            pygame.draw.circle(big, theme.face, center, (DISC - 0.016) * u)
        self._rims(big, u, center, is_black, color)
        if self._look == "pictures":
            paint_picture(big, code, PICTURE * u, color, face)
        else:
            glyph = self._glyph(u, code, color)
            place = center[0] - glyph.get_width() / 2, center[1] - glyph.get_height() / 2
            big.blit(glyph, (round(place[0]), round(place[1])))

    @staticmethod
    def _shadow(big: pygame.Surface, u: float, center: tuple[float, float]) -> None:
        for i in range(SOFTNESS):  # from the faint edge inwards; each disc replaces what lies under it
            share = (i + 1) / SOFTNESS
            reach = DISC + SHADOW * (1 - 1.5 * share)
            color = (0, 0, 0, round(110 * share**1.5))
            pygame.draw.circle(big, color, (center[0], center[1] + SHADOW * u), reach * u)

    def _rims(
        self, big: pygame.Surface, u: float, center: tuple[float, float], is_black: bool, color: Rgb
    ) -> None:
        # The ring of a flat piece is that of its material; on wood it is cut and painted like the character.
        # Greyscale readers tell the sides apart by the number of rings.
        shift = 0.034 if self._look == "wood" else 0.0
        paint = color if self._look == "wood" else mix(self._theme.rim, color, 0.35)
        for middle, width in RIMS[is_black]:
            outer = (middle - shift + width / 2) * u
            pygame.draw.circle(big, paint, center, outer, max(1, round(width * u)))

    def _glyph(self, u: float, code: int, color: Rgb) -> pygame.Surface:
        # One size for the whole set, set by its tallest glyph: scaling each to the same height would make 士
        # heavier than 車.
        trial = 100
        ratio = max(self._ink.ink(g, trial, color, "pieces").get_height() for g in self._glyphs[1:]) / trial
        height = LETTER if self._letters else GLYPH
        if self._look == "wood":
            height *= 0.95
        return self._ink.ink(self._glyphs[code], round(height * u / ratio), color, "pieces")


def _gradient_disc(
    big: pygame.Surface, center: tuple[float, float], radius: float, light: Rgb, dark: Rgb
) -> None:
    """A disc that is light at its upper left and dark at its lower right."""
    middle = mix(light, dark, 0.5)
    corners = pygame.Surface((2, 2))
    for point, color in (((0, 0), light), ((1, 0), middle), ((0, 1), middle), ((1, 1), dark)):
        corners.set_at(point, color)
    side = round(2 * radius)
    shade = pygame.transform.smoothscale(corners.convert(32), (side, side))
    disc = pygame.Surface((side, side), pygame.SRCALPHA)
    pygame.draw.circle(disc, (255, 255, 255, 255), (side / 2, side / 2), radius)
    disc.blit(shade, (0, 0), special_flags=pygame.BLEND_RGB_MULT)
    big.blit(disc, (round(center[0] - side / 2), round(center[1] - side / 2)))
