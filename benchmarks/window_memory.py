"""Whether the window keeps its memory: random actions in every view, and the growth after the first thousand.

    python benchmarks/window_memory.py --actions 10000

Commands, clicks on controls and on the board, keys, turns of the wheel and other window sizes, drawn from a seed. The
opponent is a program of the same process, so that no model is counted. Before it begins, every command is used once, so
that code that is loaded late does not count as growth. After each thousand actions the tree of the game is replayed.
Needs psutil (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

from xiangqi_gpt.play.commands import COMMANDS

if TYPE_CHECKING:
    from xiangqi_gpt.gui.app import App

SIZES = ((800, 600), (1180, 820), (1280, 800), (1920, 1080))
STEP = 1_000
WINDOW_COMMANDS = [
    c.id for c in COMMANDS.values() if c.in_window and c.id not in ("quit", "save", "full_screen")
]


def act(app: App, rng: random.Random) -> None:
    """One random thing that a person can do."""
    import pygame

    choice, state, layout = rng.random(), app.state, app.layout
    if choice < 0.25:
        pressable = [region for region in app.canvas.regions if region.press is not None]
        x, y = rng.choice(pressable).rect.center if pressable else (5, 5)
    elif choice < 0.55:
        x, y = layout.point(rng.randrange(90), state.flipped)
    elif choice < 0.60:
        size = rng.choice(SIZES)
        app.surface = pygame.Surface(size)
        app.handle(pygame.event.Event(pygame.NOEVENT))
        return
    elif choice < 0.70:
        app.view.hover = (rng.randrange(app.surface.get_width()), rng.randrange(app.surface.get_height()))
        app.handle(pygame.event.Event(pygame.MOUSEWHEEL, y=rng.choice((-1, 1)), x=0))
        return
    elif choice < 0.85:
        names = [
            c.id for c in COMMANDS.values() if c.in_window and c.id not in ("quit", "save", "full_screen")
        ]
        app.press(rng.choice(names))
        return
    else:
        key = rng.choice((pygame.K_ESCAPE, pygame.K_TAB, pygame.K_UP, pygame.K_DOWN, pygame.K_LEFT))
        app.handle(pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode=""))
        return
    for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        app.handle(pygame.event.Event(kind, pos=(x, y), button=1))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="also tell which lines hold what has come")
    options = parser.parse_args()

    import psutil
    import pygame

    from xiangqi_gpt.gui.app import App
    from xiangqi_gpt.play import puzzle_book, saving
    from xiangqi_gpt.play.game_state import GameState
    from xiangqi_gpt.play.thinker import InlineThinker
    from xiangqi_gpt.players.base import Player
    from xiangqi_gpt.players.baselines import GreedyPlayer

    pygame.display.init()  # for the clipboard
    process, rng = psutil.Process(), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        puzzle_book.progress_path = lambda: folder / "puzzles.json"
        saving.games_folder = lambda: folder
        app = App(
            GameState(),
            InlineThinker(lambda spec: cast(Player, GreedyPlayer(seed=1))),
            pygame.Surface((1180, 820)),
            save=lambda settings: None,
        )
        for command in WINDOW_COMMANDS:
            app.press(command)
            app.advance(0)
            app.draw(0)
            app.view.dialogs.clear()
            app.state.menu = app.state.offer = None
        sizes: list[float] = []
        before = None
        for number in range(options.actions + 1):
            if number % STEP == 0:
                app.surface = pygame.Surface(SIZES[1])  # the same frame each time: it takes megabytes itself
                app.handle(pygame.event.Event(pygame.NOEVENT))
                app.draw(number * 400)
                gc.collect()
                board = app.state.tree.board()
                if board.fen() != app.state.board.fen():
                    raise AssertionError(f"the tree does not replay after {number} actions")
                sizes.append(process.memory_info().rss / 2**20)
                print(
                    f"{number:>6} actions: {sizes[-1]:.0f} MiB, {len(gc.get_objects()):,} objects", flush=True
                )
                if options.trace:
                    import tracemalloc

                    if number == STEP:
                        tracemalloc.start(12)
                        before = tracemalloc.take_snapshot()
                    elif number > STEP and before is not None:
                        grown = tracemalloc.take_snapshot().compare_to(before, "lineno")[:12]
                        print("\n".join(f"    {line}" for line in grown))
            act(app, rng)
            app.advance(number * 400)
            app.draw(number * 400)
            app.running = True
        app.library.close()
    if len(sizes) > 1:
        print(f"grown since the first {STEP:,}: {sizes[-1] - sizes[1]:+.0f} MiB")


if __name__ == "__main__":
    main()
