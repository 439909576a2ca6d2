"""How quick the window is: the first frame, a frame at each size, and the processor time of doing nothing.

    python benchmarks/window.py

It draws on surfaces in memory, so it needs no display; times are of one core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
SIZES = ((800, 600), (1280, 800), (1920, 1080), (3840, 2160))
FRAMES = 30

_FIRST = """
import time; begin = time.process_time()
import pygame
from xiangqi_gpt.gui.app import App
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.thinker import InlineThinker
app = App(GameState(), InlineThinker(lambda spec: None), pygame.Surface((1180, 820)), save=lambda settings: None)
app.draw(0)
print(time.process_time() - begin)
"""


def main() -> None:
    """Print the table."""
    import pygame

    from xiangqi_gpt.gui.app import App
    from xiangqi_gpt.play.game_state import GameState
    from xiangqi_gpt.play.thinker import InlineThinker

    output = subprocess.run([sys.executable, "-c", _FIRST], capture_output=True, text=True, check=True).stdout
    print(f"imports and first frame, 1180x820: {float(output.split()[-1]):.2f} s of processor time")
    for size in SIZES:
        app = App(
            GameState(player_ready=True),
            InlineThinker(lambda spec: None),  # type: ignore[arg-type, return-value]
            pygame.Surface(size),
            save=lambda settings: None,
        )
        app.draw(0)
        begin = time.process_time()
        for number in range(FRAMES):
            app.handle(pygame.event.Event(pygame.NOEVENT))
            app.draw(number)
        print(f"frame, {size[0]}x{size[1]}: {(time.process_time() - begin) / FRAMES * 1000:.1f} ms")
    begin = time.process_time()
    for number in range(1000):
        app.advance(number)
        app.draw(number)
    print(f"a look for news with nothing to draw: {time.process_time() - begin:.3f} ms")


if __name__ == "__main__":
    main()
