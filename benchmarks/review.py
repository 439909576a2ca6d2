"""How far two reviewers agree about blunders: `python -m benchmarks.review GAMES --player gpt:lookahead=30`.

The moves that the reference marks ?? are the truth. Recall: how many of them the reviewer marks ? or ??, and ??.
Precision: how many of its ?? the reference marks ? or ??, and ??. Prints a table and the time per 100 plies.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from xiangqi_gpt.cli.output import table
from xiangqi_gpt.evaluation.games import chosen_games
from xiangqi_gpt.evaluation.review import review
from xiangqi_gpt.players import create_player


def marks(spec: str, games: Sequence[object]) -> tuple[list[str], float]:
    """The mark of every move of all games, and the seconds that it took."""
    player = create_player(spec)
    began, found = time.monotonic(), []
    try:
        for game in games:
            found += [one.mark for one in review(player, game)]  # type: ignore[arg-type]
    finally:
        player.close()
    return found, time.monotonic() - began


def share(found: Sequence[str], wanted: Sequence[str], accepted: tuple[str, ...]) -> str:
    """Of the moves that *wanted* marks ??, those that *found* marks as *accepted*."""
    there = [mark for mark, truth in zip(found, wanted, strict=True) if truth == "??"]
    hits = sum(mark in accepted for mark in there)
    return f"{hits} of {len(there)}" + (f" ({100 * hits / len(there):.0f} %)" if there else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", help="records of any format")
    parser.add_argument("--player", default="gpt:lookahead=30")
    parser.add_argument("--reference", default="engine:fairy-stockfish,nodes=200000")
    parser.add_argument("--split", default="test")
    parser.add_argument("--games", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    games = chosen_games(options.data, split=options.split, games=options.games, seed=options.seed)
    own, seconds = marks(options.player, games)
    truth, reference_seconds = marks(options.reference, games)
    rows = [
        ("recall of ??, as ??", share(own, truth, ("??",))),
        ("recall of ??, as ? or ??", share(own, truth, ("?", "??"))),
        ("precision of ??, as ??", share(truth, own, ("??",))),
        ("precision of ??, as ? or ??", share(truth, own, ("?", "??"))),
        ("plies", f"{len(own):,}"),
        (f"seconds per 100 plies, {options.player}", f"{100 * seconds / len(own):.1f}"),
        (f"seconds per 100 plies, {options.reference}", f"{100 * reference_seconds / len(own):.1f}"),
    ]
    table(("measured", "value"), rows)


if __name__ == "__main__":
    main()
