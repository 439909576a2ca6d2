"""Sharp drawing: supersampled shapes, bundled fonts, cached text.

Shapes are painted four times too large and scaled down. They come as surfaces with premultiplied alpha, so
that edges take no tint from the empty pixels beside them; `stamp` puts them on a surface.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

import pygame

from xiangqi_gpt.gui.theme import Rgb
from xiangqi_gpt.resources import resource_path

SCALE = 4
Face: TypeAlias = Literal["sans", "serif", "pieces"]
FILES: dict[Face, str] = {
    "sans": "XiangqiSans-Regular.otf",
    "serif": "XiangqiSerif-Bold.otf",
    "pieces": "XiangqiPieces-Bold.otf",
}
_INK_CENTRE = 0.539  # of a line's height: the middle of Chinese characters and of Latin capitals
_CACHED_TEXTS = 1024


def supersample(width: int, height: int, paint: Callable[[pygame.Surface, int], None]) -> pygame.Surface:
    """A `width` x `height` sprite; `paint` draws it on a surface `SCALE` times as large."""
    big = pygame.Surface((width * SCALE, height * SCALE), pygame.SRCALPHA)
    paint(big, SCALE)
    return pygame.transform.smoothscale(big.premul_alpha(), (width, height))


def stamp(surface: pygame.Surface, sprite: pygame.Surface, x: int, y: int) -> None:
    """Put a sprite with its centre at (x, y)."""
    place = (x - sprite.get_width() // 2, y - sprite.get_height() // 2)
    surface.blit(sprite, place, special_flags=pygame.BLEND_PREMULTIPLIED)


def faded(sprite: pygame.Surface, opacity: float) -> pygame.Surface:
    """A more transparent copy of a sprite; `opacity` 0..1."""
    level = round(255 * opacity)
    copy = sprite.copy()
    copy.fill((level, level, level, level), special_flags=pygame.BLEND_RGBA_MULT)
    return copy


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """The colour `share` of the way from `a` to `b`."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


@lru_cache(maxsize=256)
def rounded(
    width: int, height: int, radius: int, fill: Rgb, outline: Rgb | None = None, thickness: int = 1
) -> pygame.Surface:
    """A rectangle with round corners. Only the corners are painted large, so that big cards cost little."""
    radius = max(1, min(radius, width // 2, height // 2))
    side = 2 * radius

    def paint(big: pygame.Surface, scale: int) -> None:
        area = big.get_rect()
        pygame.draw.rect(big, outline or fill, area, border_radius=radius * scale)
        if outline is not None:
            inner = area.inflate(-2 * thickness * scale, -2 * thickness * scale)
            pygame.draw.rect(big, fill, inner, border_radius=max(0, radius - thickness) * scale)

    corners = supersample(side, side, paint)
    made = pygame.Surface((width, height), pygame.SRCALPHA)
    made.fill(outline or fill, (radius, 0, width - side, height))
    made.fill(outline or fill, (0, radius, width, height - side))
    if outline is not None:
        inset = 2 * thickness
        made.fill(fill, (radius, thickness, width - side, height - inset))
        made.fill(fill, (thickness, radius, width - inset, height - side))
    for right in (0, 1):
        for lower in (0, 1):
            part = (right * radius, lower * radius, radius, radius)
            made.blit(corners, (right * (width - radius), lower * (height - radius)), part)
    return made


@lru_cache(maxsize=16)
def ring(side: int, color: Rgb, *, is_full: bool) -> pygame.Surface:
    """A small ring or disc, `side` pixels wide and high."""

    def paint(big: pygame.Surface, scale: int) -> None:
        center = (side * scale / 2, side * scale / 2)
        pygame.draw.circle(big, color, center, side * scale / 2, 0 if is_full else round(side * scale * 0.2))

    return supersample(side, side, paint)


def thick_line(
    big: pygame.Surface, color: Rgb, a: tuple[float, float], b: tuple[float, float], width: float
) -> None:
    """A straight line with square ends, as a polygon."""
    length = math.hypot(b[0] - a[0], b[1] - a[1])
    if not length:
        return
    nx, ny = (a[1] - b[1]) / length * width / 2, (b[0] - a[0]) / length * width / 2
    corners = [(a[0] + nx, a[1] + ny), (b[0] + nx, b[1] + ny), (b[0] - nx, b[1] - ny), (a[0] - nx, a[1] - ny)]
    pygame.draw.polygon(big, color, corners)


class Ink:
    """The bundled fonts and the texts rendered so far."""

    def __init__(self) -> None:
        if not pygame.font.get_init():
            pygame.font.init()
        self._fonts: dict[tuple[Face, int], pygame.font.Font] = {}
        self._texts: dict[tuple[Face, int, Rgb, str], pygame.Surface] = {}

    def font(self, face: Face, size: int) -> pygame.font.Font:
        """A face at a height of `size` pixels an em."""
        key = (face, size)
        if key not in self._fonts:
            self._fonts[key] = pygame.font.Font(str(resource_path(f"assets/fonts/{FILES[face]}")), size)
        return self._fonts[key]

    def width(self, text: str, size: int, face: Face = "sans") -> int:
        """Width of a text in pixels."""
        return int(self.font(face, size).size(text)[0])

    def text(self, text: str, size: int, color: Rgb, face: Face = "sans") -> pygame.Surface:
        """A rendered text."""
        key = (face, size, color, text)
        found = self._texts.get(key)
        if found is None:
            if len(self._texts) >= _CACHED_TEXTS:
                self._texts.clear()
            found = self._texts[key] = self.font(face, size).render(text, True, color)
        return found

    def write(
        self,
        surface: pygame.Surface,
        text: str,
        x: int,
        middle: int,
        size: int,
        color: Rgb,
        *,
        face: Face = "sans",
        align: float = 0.0,
        room: int | None = None,
    ) -> int:
        """Write one line whose characters are centred on the row `middle`.

        Args:
            align: 0 begins at x, 0.5 is centred on x, 1 ends at x.
            room: width in pixels after which the text is cut with an ellipsis.

        Returns: the width written.
        """
        if room is not None:
            text = self.fit(text, size, room, face)
        image = self.text(text, size, color, face)
        width, height = image.get_size()
        surface.blit(image, (round(x - align * width), middle - round(_INK_CENTRE * height)))
        return width

    def fit(self, text: str, size: int, room: int, face: Face = "sans") -> str:
        """The text, cut with an ellipsis where it is wider than `room` pixels."""
        if self.width(text, size, face) <= room:
            return text
        while text and self.width(text + "…", size, face) > room:
            text = text[:-1]
        return text.rstrip() + "…"

    def wrap(self, text: str, size: int, room: int, lines: int) -> list[str]:
        """The text in at most `lines` lines of `room` pixels; English breaks at spaces, Chinese anywhere."""
        pieces = _breakable(text)
        rows: list[str] = []
        row = ""
        for i, piece in enumerate(pieces):
            if row and self.width((row + piece).rstrip(), size) > room:
                if len(rows) == lines - 1:
                    return [*rows, self.fit(row + "".join(pieces[i:]), size, room)]
                rows.append(row.rstrip())
                row = ""
            row += piece
        return [*rows, self.fit(row.rstrip(), size, room)] if row else rows

    def ink(self, text: str, size: int, color: Rgb, face: Face) -> pygame.Surface:
        """The inked part of a rendered text, without the empty border."""
        image = self.font(face, size).render(text, True, color)
        return image.subsurface(image.get_bounding_rect())


def _breakable(text: str) -> Sequence[str]:
    """Pieces between which a line may break; closing punctuation stays with what it closes."""
    pieces: list[str] = []
    for char in text:
        glued = pieces and (char in "，。：；！？）、…" or (ord(char) < 0x2E80 and _is_latin(pieces[-1])))
        if glued and not (pieces[-1].endswith(" ") and char != " "):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def _is_latin(piece: str) -> bool:
    return ord(piece[-1]) < 0x2E80
