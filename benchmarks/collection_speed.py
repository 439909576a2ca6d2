"""How long does it take to collect games, to search the collection, and to find its opening families?

    python benchmarks/collection_speed.py --data games.parquet --kind human

Prints seconds of processor time, the size of the file and the peak of memory (where the system reports it).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from xiangqi_gpt.library import Collection, GameQuery, collect
from xiangqi_gpt.library.families import find_families
from xiangqi_gpt.library.opening_graph import opening_graph
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

REPEATS = 5


def measure_queries(games: Collection) -> None:
    """Print the best and the first time of each query, in milliseconds."""
    early = Board()
    for text in ("h2e2", "h9g7", "h0g2"):
        early.push(Move.from_iccs(text))
    names = Counter(game.red for game in games.find() if game.red)
    player = names.most_common(1)[0][0] if names else ""
    everything = GameQuery(position=early, player=player, result="1-0", years=(1980, 2010))
    queries: dict[str, Callable[[], object]] = {
        "moves in the start position": lambda: games.explore(Board()),
        "moves after three plies": lambda: games.explore(early),
        "20 games with the start position": lambda: games.find(GameQuery(position=Board()), limit=20),
        "20 games with the position after three plies": lambda: games.find(
            GameQuery(position=early), limit=20
        ),
        "games of a player": lambda: games.count(GameQuery(player=player)),
        "games of an event": lambda: games.count(GameQuery(event=player)),
        "games with rook and soldier against rook": lambda: games.find(GameQuery(material="RP-R"), limit=20),
        "position, player, result and years": lambda: games.find(everything, limit=20),
    }
    for name, query in queries.items():
        times = []
        for _ in range(REPEATS):
            start = time.process_time()
            query()
            times.append(1000 * (time.process_time() - start))
        print(f"{name}: {min(times):.1f} ms, the first time {times[0]:.1f} ms")


def peak_memory() -> str:
    """The largest resident memory so far."""
    if sys.platform == "win32":
        return "not measured on Windows"
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak / (1e9 if sys.platform == 'darwin' else 1e6):.2f} GB"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="game records")
    parser.add_argument("--kind", nargs="*", default=[], help="kinds of games to take")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "games.db"
        start = time.process_time()
        done = collect(options.data, path, kinds=options.kind)
        seconds = time.process_time() - start
        size = path.stat().st_size / 1e6
        print(f"collect: {done.after:,} games in {seconds:.1f} s, {size:.0f} MB, memory {peak_memory()}")
        with Collection(path) as games:
            measure_queries(games)
        start = time.process_time()
        found = find_families(opening_graph(path, depth=20))
        seconds = time.process_time() - start
        print(f"openings: {len(found.families):,} families in {seconds:.1f} s, memory {peak_memory()}")


if __name__ == "__main__":
    main()
