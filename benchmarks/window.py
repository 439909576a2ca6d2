"""How quick the window is: the first frame, a frame at each size, and the processor time of doing nothing.

    python benchmarks/window.py
    python benchmarks/window.py --thinking 30

It draws on surfaces in memory, so it needs no display; times are of one core. With `--thinking` the analyst and the
reviewer think for so many seconds, each in its process, while every frame is drawn anew; it prints how long frames took
by the clock and of the processor.
"""

from __future__ import annotations

import argparse
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


def frames_while_thinking(seconds: float) -> None:
    """Print the times of frames while an analysis and a review run."""
    import pygame

    from xiangqi_gpt.gui.app import App
    from xiangqi_gpt.play import actions
    from xiangqi_gpt.play.analysis import ProcessThinker
    from xiangqi_gpt.play.game_state import GameState
    from xiangqi_gpt.play.settings import Settings
    from xiangqi_gpt.players import create_player
    from xiangqi_gpt.rules import Color

    state = GameState(settings=Settings(analysis=True, analyst="gpt:lookahead=100000,threads=1"))
    state.humans = frozenset(Color)
    for ply in range(60):
        moves = state.board.legal_moves()
        if state.outcome is None:
            actions.play(state, moves[ply % len(moves)])
    thinker = ProcessThinker(create_player, lambda: None)
    app = App(state, thinker, pygame.Surface((1180, 820)), save=lambda settings: None)
    app.press("review")
    app.view.tab = "analysis"
    begun = time.monotonic()
    while not state.evaluations and time.monotonic() - begun < 120:
        app.advance(time.monotonic_ns() // 1_000_000)
        time.sleep(0.05)
    wall, own = [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before, spent = time.perf_counter(), time.thread_time()
        now = time.monotonic_ns() // 1_000_000
        app.handle(pygame.event.Event(pygame.NOEVENT))
        app.advance(now)
        app.draw(now)
        wall.append(1000 * (time.perf_counter() - before))
        own.append(1000 * (time.thread_time() - spent))
        time.sleep(max(0.0, 0.016 - (time.perf_counter() - before)))
    thinker.close()
    for name, times in (("by the clock", wall), ("of the processor", own)):
        times.sort()
        half, most = times[len(times) // 2], times[len(times) * 99 // 100]
        print(
            f"{len(times)} frames while thinking, {name}: half under {half:.1f} ms, 99 % under {most:.1f} ms"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--thinking", type=float, help="seconds of thinking in which frames are timed")
    options = parser.parse_args()
    if options.thinking:
        frames_while_thinking(options.thinking)
        return
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
