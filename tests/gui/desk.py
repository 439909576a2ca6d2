"""A window under test: a surface in memory, a clock, a mouse and a keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable

import pygame

from tests.play.players import create_first
from xiangqi_gpt.gui.app import App
from xiangqi_gpt.gui.canvas import Canvas, Region
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.play.thinker import InlineThinker
from xiangqi_gpt.rules import parse_square


class Desk:
    """An app under test, with a clock."""

    def __init__(self, state: GameState | None = None, size: tuple[int, int] = DEFAULT_SIZE) -> None:
        self.saved: list[Settings] = []
        self.app = App(
            state or GameState(),
            InlineThinker(create_first),
            pygame.Surface(size),
            save=self.saved.append,
            clock=lambda: self.now,
        )
        self.now = 0
        self.pass_time()

    @property
    def state(self) -> GameState:
        return self.app.state

    @property
    def canvas(self) -> Canvas:
        self.app._dirty = True  # a test may have changed the state behind its back
        return self.app.canvas

    def pass_time(self, milliseconds: int = 1000, step: int = 50) -> None:
        for _ in range(milliseconds // step):
            self.now += step
            self.app.advance(self.now)
            self.app.draw(self.now)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until something that happens in the background is there."""
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.01)
            self.pass_time(50)

    def mouse(self, kind: int, x: int, y: int) -> None:
        if kind == pygame.MOUSEMOTION:
            self.app.handle(pygame.event.Event(kind, pos=(x, y), rel=(0, 0), buttons=(0, 0, 0)))
        else:
            self.app.handle(pygame.event.Event(kind, pos=(x, y), button=1))

    def click(self, x: int, y: int) -> None:
        self.mouse(pygame.MOUSEBUTTONDOWN, x, y)
        self.mouse(pygame.MOUSEBUTTONUP, x, y)

    def region(self, name: str) -> Region | None:
        return next((region for region in self.canvas.regions if region.name == name), None)

    def press(self, name: str) -> None:
        """Click the control with this name."""
        region = self.region(name)
        assert region is not None, f"no {name} among {[r.name for r in self.canvas.regions if r.name]}"
        self.click(*region.rect.center)

    def button(self, command: str) -> None:
        """Click a command: on the toolbar, or in the menu."""
        if self.region(f"toolbar:{command}") is None:
            self.press("toolbar:menu")
            self.press(f"menu:{command}")
        else:
            self.press(f"toolbar:{command}")

    def point(self, name: str) -> tuple[int, int]:
        return self.app.layout.point(parse_square(name), self.state.flipped)

    def squares(self, *names: str) -> None:
        for name in names:
            self.click(*self.point(name))

    def key(self, key: int, mod: int = 0, unicode: str = "") -> None:
        self.app.handle(pygame.event.Event(pygame.KEYDOWN, key=key, mod=mod, unicode=unicode))

    def type(self, text: str) -> None:
        self.app.handle(pygame.event.Event(pygame.TEXTINPUT, text=text))

    def double(self, name: str) -> None:
        """Click the control with this name twice."""
        self.press(name)
        self.press(name)
