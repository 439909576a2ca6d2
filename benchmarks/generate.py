"""How much of the time the engine thinks: `python benchmarks/generate.py [--nodes 1000] [--games 16] [--workers N]`.

Play-outs are made as `xiangqi-gpt generate` makes them. The table holds, for a search of so many nodes, the engines'
share of three times: of the run (time between question and answer, of wall time times workers), of the games (the same,
of the time that workers had a game), and of the processor time of all processes together, which does not depend on what
else the machine does; and the processor time a label, of engines and of everything else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from xiangqi_gpt.players import parse_engine
from xiangqi_gpt.training.teacher.local import core_count
from xiangqi_gpt.training.teacher.run import Generation, Place, generate


class Meter:
    """Processor seconds of this process and its descendants, by whether they are the engine.

    Processes are asked again and again, since one that has ended says nothing any more.
    """

    def __init__(self, program: str, period: float = 0.25) -> None:
        self._program = os.path.basename(program)
        self._period = period
        self._seconds: dict[int, tuple[bool, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def snapshot(self) -> tuple[float, float]:
        """Seconds of engines, seconds of everything else."""
        self.ask()
        seconds = list(self._seconds.values())
        return sum(s for is_engine, s in seconds if is_engine), sum(
            s for is_engine, s in seconds if not is_engine
        )

    def _watch(self) -> None:
        while not self._stop.wait(self._period):
            self.ask()

    def ask(self) -> None:
        """Read the meters."""
        me = psutil.Process()
        for process in [me, *me.children(recursive=True)]:
            try:
                times = process.cpu_times()
                self._seconds[process.pid] = (process.name() == self._program[:15], times.user + times.system)
            except psutil.Error:
                continue


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="fairy-stockfish")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1000])
    parser.add_argument("--games", type=int, default=16)
    parser.add_argument("--workers", type=int, default=core_count())
    arguments = parser.parse_args()
    table = Table(title=f"{arguments.engine}, {arguments.workers} workers on {core_count()} cores")
    for column in (
        "nodes",
        "labels",
        "labels/s",
        "wall: engine",
        "processor: engine",
        "engine ms",
        "rest ms",
    ):
        table.add_column(column, justify="right")
    for nodes in arguments.nodes:
        table.add_row(*measure(arguments.engine, nodes, arguments.games, arguments.workers))
    Console().print(table)


def measure(engine: str, nodes: int, games: int, workers: int) -> list[str]:
    """One row, of a whole run: the start of the processes and the last games, when workers run out, included."""
    spec = parse_engine(f"{engine},nodes={nodes}")
    with tempfile.TemporaryDirectory() as folder, Meter(engine.split()[0]) as meter:
        begun = meter.snapshot()
        job = Generation(engine=spec, games=games, out=Path(folder) / "playouts.parquet")
        done = generate(job, Place(workers=workers), lambda summary: meter.ask())
        engines, rest = (after - before for after, before in zip(meter.snapshot(), begun, strict=True))
    return [
        f"{nodes:,}",
        f"{done.labels:,}",
        f"{done.rate:.0f}",
        f"{done.engine_seconds / (done.seconds * workers):.1%}",
        f"{done.engine_seconds / done.worker_seconds:.1%}",
        f"{engines / (engines + rest):.1%}",
        f"{1000 * engines / done.labels:.2f}",
        f"{1000 * rest / done.labels:.2f}",
    ]


if __name__ == "__main__":
    main()
