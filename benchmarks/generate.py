"""How much of the time the engine thinks: `python benchmarks/generate.py [--nodes 1000] [--games 16] [--workers N]`.

Play-outs are made as `xiangqi-gpt generate` makes them. The table holds the engines' share of two times: of the games
(between question and answer, of the wall time that workers had a game), and of the processor time of all processes
together, which does not depend on what else the machine does; and the processor time a label, of the engines and of
everything else. The start of the processes is left out: counting begins when each worker has finished two games.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from xiangqi_gpt.players import parse_engine
from xiangqi_gpt.teacher.run import Generation, Place, Summary, generate
from xiangqi_gpt.workers.pool import core_count


def processor_seconds(program: str) -> tuple[float, float]:
    """Of this process and its descendants: seconds of those called like the engine, seconds of all others."""
    me = psutil.Process()
    sums = [0.0, 0.0]
    for process in (me, *me.children(recursive=True)):
        times = process.cpu_times()
        sums[process.name() != os.path.basename(program)[:15]] += times.user + times.system
    return sums[0], sums[1]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="fairy-stockfish")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1000])
    parser.add_argument("--games", type=int, default=16)
    parser.add_argument("--workers", type=int, default=core_count())
    arguments = parser.parse_args()
    table = Table(title=f"{arguments.engine}, {arguments.workers} workers on {core_count()} cores")
    for column in ("nodes", "labels", "labels/s", "of the games", "of the processor", "engine ms", "rest ms"):
        table.add_column(column, justify="right")
    for nodes in arguments.nodes:
        table.add_row(*measure(arguments.engine, nodes, arguments.games, arguments.workers))
    Console().print(table)


def measure(engine: str, nodes: int, games: int, workers: int) -> list[str]:
    """One row."""
    spec = parse_engine(f"{engine},nodes={nodes}")
    marks: dict[int, tuple[float, ...]] = {}

    def mark(now: Summary) -> None:
        if now.games in (2 * workers, games):
            marks[now.games] = (
                now.labels,
                now.seconds,
                now.engine_seconds,
                now.worker_seconds,
                *processor_seconds(engine.split()[0]),
            )

    with tempfile.TemporaryDirectory() as folder:
        job = Generation(engine=spec, games=games, out=Path(folder) / "playouts.parquet")
        generate(job, Place(workers=workers), mark)
    labels, wall, asked, busy, engines, rest = (
        after - before for after, before in zip(marks[games], marks[2 * workers], strict=True)
    )
    return [
        f"{nodes:,}",
        f"{labels:,.0f}",
        f"{labels / wall:.0f}",
        f"{asked / busy:.1%}",
        f"{engines / (engines + rest):.1%}",
        f"{1000 * engines / labels:.2f}",
        f"{1000 * rest / labels:.2f}",
    ]


if __name__ == "__main__":
    main()
