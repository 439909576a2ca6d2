"""Whether the engine keeps its clock: `python -m benchmarks.clocks --games 40 --tc 1s+0.1s`.

The engine is a process of its own behind python-chess, as in a GUI; half of the games are against `random`, half
against an engine. A game counts as kept if the engine's flag has not fallen. The table shows the least time that was
left on its clock after a move, before the increment, and its longest move.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Iterable

from xiangqi_gpt.arena.clocks import TimeControl
from xiangqi_gpt.arena.match import play_match
from xiangqi_gpt.arena.openings import load_openings
from xiangqi_gpt.arena.referee import MOVE_OVERHEAD, Fault, MatchConfig, PlayedGame
from xiangqi_gpt.cli.output import table
from xiangqi_gpt.players import create_player


def times(games: Iterable[PlayedGame], control: TimeControl) -> tuple[float, float]:
    """The least time left on the first player's clock and its longest move, in seconds."""
    least, longest = control.seconds, 0.0
    for game in games:
        left = control.seconds
        begin = len(game.opening.moves)
        for ply, info in enumerate(game.infos, begin):
            if (ply % 2 == 0) != game.first_is_red:
                continue
            left -= max(0.0, info.seconds - MOVE_OVERHEAD)
            least, longest = min(least, left), max(longest, info.seconds)
            left += control.increment
    return least, longest


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--player", default="gpt", help="who thinks behind the engine")
    parser.add_argument(
        "--opponents", nargs="+", default=["random", "engine:fairy-stockfish,nodes=1000,Hash=16"]
    )
    parser.add_argument("--games", type=int, default=40)
    parser.add_argument("--tc", default="1s+0.1s")
    parser.add_argument("--max-plies", type=int, default=200)
    options = parser.parse_args()
    control = TimeControl.parse(options.tc)
    command = shlex.join([sys.executable, "-m", "xiangqi_gpt.cli.main", "uci", "--player", options.player])
    engine = create_player(f"engine:{command},timeout=120")
    config = MatchConfig(clock=control, max_plies=options.max_plies, seed=1)
    openings, rows = load_openings(None), []
    try:
        for spec in options.opponents:
            opponent, began = create_player(spec, seed=1), time.monotonic()
            try:
                count = options.games // len(options.opponents)
                games = play_match(engine, opponent, count, config=config, openings=openings).games
            finally:
                opponent.close()
            lost = [game for game in games if game.points == 0]
            least, longest = times(games, control)
            rows.append(
                (
                    spec,
                    str(len(games)),
                    str(sum(game.ending == Fault.FLAG for game in lost)),
                    str(sum(game.ending in (Fault.ILLEGAL, Fault.CRASH, Fault.TIMEOUT) for game in lost)),
                    f"{least:.2f} s",
                    f"{longest:.2f} s",
                    f"{sum(game.points for game in games):g}",
                    f"{sum(len(game.infos) for game in games):,}",
                    f"{time.monotonic() - began:.0f} s",
                )
            )
            print(rows[-1], file=sys.stderr)
    finally:
        engine.close()
    table(
        (
            "opponent",
            "games",
            "flags",
            "other faults",
            "least left",
            "longest move",
            "points",
            "plies",
            "took",
        ),
        rows,
    )
    print(f"clock {control}, {options.player}; load {_load():.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
