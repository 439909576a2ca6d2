"""Whether memory stays flat while the model plays: `python benchmarks/memory.py --minutes 10`.

The player plays games against itself, with its tree and its caches as in real play. Every ten seconds the resident
memory of the process is noted. Prints it minute by minute, and how much it grew from the end of the third minute on.
Needs psutil (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import argparse
import time

import psutil

from xiangqi_gpt.arena.openings import load_openings
from xiangqi_gpt.cli.output import table
from xiangqi_gpt.players import create_player

STEP = 10.0  # seconds between two samples
SETTLED = 180.0  # seconds after which memory should not grow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--player", default="gpt:lookahead=100,threads=1")
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    player = create_player(options.player)
    openings = load_openings(None)
    process, began = psutil.Process(), time.monotonic()
    samples: list[tuple[float, float]] = []
    games = plies = 0
    while time.monotonic() - began < 60 * options.minutes:
        player.new_game()
        board = openings[games % len(openings)].board()
        while board.outcome() is None and time.monotonic() - began < 60 * options.minutes:
            board.push(player.play(board).move)
            plies += 1
            since = time.monotonic() - began
            if not samples or since - samples[-1][0] >= STEP:
                samples.append((since, process.memory_info().rss / 2**20))
        games += 1
    by_minute: dict[int, float] = {}
    for since, size in samples:
        by_minute[int(since // 60) + 1] = size
    table(("minute", "MiB at its end"), [(str(m), f"{size:.0f}") for m, size in by_minute.items()])
    print(f"{games} games, {plies} plies, {process.cpu_times().user:.0f} processor seconds")
    late = [size for since, size in samples if since >= SETTLED]
    if late:
        print(
            f"after the third minute: {min(late):.0f} to {max(late):.0f} MiB, {late[-1] - late[0]:+.0f} at the end"
        )


if __name__ == "__main__":
    main()
