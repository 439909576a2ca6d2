"""The window of the system: opening it where it was last time, its icon, its pixels."""

from __future__ import annotations

import os

import pygame

from xiangqi_gpt.gui.ink import Ink
from xiangqi_gpt.gui.sprites import Sprites
from xiangqi_gpt.gui.theme import THEMES
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE, SMALLEST_SIZE, Rect
from xiangqi_gpt.play.wording import TITLE
from xiangqi_gpt.rules import XiangqiError

UNSEEN = ("offscreen", "dummy")  # drivers of SDL that show nothing
_ROOM = (40, 90)  # for frame, title and task bar


class DisplayError(XiangqiError):
    """No window can be opened here."""


def open_window(size: tuple[int, int] = DEFAULT_SIZE, place: tuple[int, ...] = ()) -> pygame.Window:
    """Open a window that can be resized, not larger than the screen.

    Args:
        size: wished for.
        place: x, y, width and height of last time, used where it still lies on a screen.

    Raises:
        DisplayError: no window opens here.
    """
    # Without this, Windows scales the window as a picture and the lines go soft.
    os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
    os.environ.setdefault("SDL_IME_SHOW_UI", "1")
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        if driver in UNSEEN and os.environ.get("SDL_VIDEODRIVER") != driver:
            # What SDL falls back to where no display answers: a window that nobody sees.
            raise pygame.error(f"no display found (only the {driver!r} driver)")
        screens = pygame.display.get_desktop_sizes()
        known = fitting_place(place, screens)
        wanted = size if known is None else (known.w, known.h)
        room = tuple(have - kept for have, kept in zip(screens[0], _ROOM, strict=True))
        width, height = (
            max(least, min(want, have)) for want, have, least in zip(wanted, room, SMALLEST_SIZE, strict=True)
        )
        window = pygame.Window(TITLE, (width, height), resizable=True, allow_high_dpi=True)
        window.get_surface()
        if known is not None:
            window.position = (known.x, known.y)
    except pygame.error as error:
        pygame.quit()
        raise DisplayError(
            f"The window cannot be opened: {error}. On a machine without a display use play --terminal."
        ) from error
    window.minimum_size = SMALLEST_SIZE
    window.set_icon(_icon())
    return window


def fitting_place(place: tuple[int, ...], screens: list[tuple[int, int]]) -> Rect | None:
    """The remembered place of the window if its title can still be reached, None otherwise."""
    if len(place) != 4 or not screens:
        return None
    rect = Rect(*place)
    width = sum(screen[0] for screen in screens)
    height = max(screen[1] for screen in screens)
    large = rect.w >= SMALLEST_SIZE[0] and rect.h >= SMALLEST_SIZE[1]
    return rect if large and 0 <= rect.x < width - 100 and 0 <= rect.y < height - 100 else None


def pixel_ratio(window: pygame.Window | None, surface: pygame.Surface) -> float:
    """Pixels of the surface in one unit of the window system: 2 on many dense screens, otherwise 1."""
    if window is None or not window.size[0]:
        return 1.0
    return float(surface.get_width()) / float(window.size[0])


def _icon() -> pygame.Surface:
    """The red king, with straight alpha as window managers want it."""
    piece = Sprites(Ink(), THEMES["light"], "chinese", "flat", 58).piece(1)
    icon = pygame.Surface((64, 64), pygame.SRCALPHA)
    icon.fill((*THEMES["light"].rim, 0))
    icon.blit(piece, piece.get_rect(center=(32, 32)))
    return icon
