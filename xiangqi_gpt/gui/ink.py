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
_TEXT_BYTES = 8 << 20  # of rendered texts that are kept
_OPEN_FONTS = 24  # each takes half a megabyte


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


@lru_cache(maxsize=128)
def _corners(radius: int, fill: Rgb, outline: Rgb | None, thickness: int) -> pygame.Surface:
    """The four corners of a rectangle, put together as a disc."""
    side = 2 * radius

    def paint(big: pygame.Surface, scale: int) -> None:
        area = big.get_rect()
        pygame.draw.rect(big, outline or fill, area, border_radius=radius * scale)
        if outline is not None:
            inner = area.inflate(-2 * thickness * scale, -2 * thickness * scale)
            pygame.draw.rect(big, fill, inner, border_radius=max(0, radius - thickness) * scale)

    return supersample(side, side, paint)


def draw_rounded(
    surface: pygame.Surface,
    rect: tuple[int, int, int, int],
    radius: int,
    fill: Rgb,
    outline: Rgb | None = None,
    thickness: int = 1,
) -> None:
    """Draw a rectangle with round corners. Only the corners are kept, so that large cards take no memory."""
    x, y, width, height = rect
    radius = max(1, min(radius, width // 2, height // 2))
    side = 2 * radius
    surface.fill(outline or fill, (x + radius, y, width - side, height))
    surface.fill(outline or fill, (x, y + radius, width, height - side))
    if outline is not None:
        inset = 2 * thickness
        surface.fill(fill, (x + radius, y + thickness, width - side, height - inset))
        surface.fill(fill, (x + thickness, y + radius, width - inset, height - side))
    corners = _corners(radius, fill, outline, thickness)
    for right in (0, 1):
        for lower in (0, 1):
            place = (x + right * (width - radius), y + lower * (height - radius))
            part = (right * radius, lower * radius, radius, radius)
            surface.blit(corners, place, part, special_flags=pygame.BLEND_PREMULTIPLIED)


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


@lru_cache(maxsize=_OPEN_FONTS)
def _open_font(face: Face, size: int) -> pygame.font.Font:
    return pygame.font.Font(str(resource_path(f"assets/fonts/{FILES[face]}")), size)


class Ink:
    """The bundled fonts and the texts rendered so far."""

    def __init__(self) -> None:
        if not pygame.font.get_init():
            pygame.font.init()
            _open_font.cache_clear()  # fonts of an earlier start of pygame are of no use
        self._texts: dict[tuple[Face, int, Rgb, str], pygame.Surface] = {}
        self._bytes = 0

    def font(self, face: Face, size: int) -> pygame.font.Font:
        """A face at a height of `size` pixels an em."""
        return _open_font(face, size)

    def width(self, text: str, size: int, face: Face = "sans") -> int:
        """Width of a text in pixels."""
        return int(self.font(face, size).size(text)[0])

    def text(self, text: str, size: int, color: Rgb, face: Face = "sans") -> pygame.Surface:
        """A rendered text."""
        key = (face, size, color, text)
        found = self._texts.get(key)
        if found is None:
            found = self.font(face, size).render(text, True, color)
            self._bytes += 4 * found.get_width() * found.get_height()
            if self._bytes > _TEXT_BYTES:
                self._texts.clear()
                self._bytes = 0
            self._texts[key] = found
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
