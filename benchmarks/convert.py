"""How fast games are converted, every ply judged, and whether memory stays flat.

    python benchmarks/convert.py --data games.parquet --games 100000 --notation iccs --notation chinese

writes that many games as PGN into a temporary folder (the bundled sample if no --data is given) and converts
them to Parquet, one process a row of the table. Memory is the resident set after a tenth of the games and at
its highest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path


def resident_megabytes() -> float:
    """Memory of this process now (Linux), in MB; 0 elsewhere."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    import resource

    return pages * resource.getpagesize() / 1e6


def convert_once(source: Path, out: Path) -> dict[str, float]:
    """Convert a file; games a second and memory."""
    from xiangqi_gpt.records.convert import Conversion, convert

    size = source.stat().st_size
    read = 0
    early = peak = 0.0

    def on_progress(what: str, count: int) -> None:
        nonlocal read, early, peak
        memory = resident_megabytes()
        peak = max(peak, memory)
        if what == "read":
            read += count
            if not early and read >= size / 10:
                early = memory

    started, cpu = time.perf_counter(), time.process_time()
    summary = convert(Conversion(sources=(source,), out=out, force=True), on_progress)
    seconds = time.perf_counter() - started
    return {
        "games": summary.games,
        "written": summary.written,
        "duplicates": summary.duplicates,
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "early": early,
        "peak": peak,
    }


def main() -> None:
    """Write the games, run the rows, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="*", type=Path, help="record files; default: the bundled sample")
    parser.add_argument("--games", type=int, default=100_000)
    parser.add_argument("--notation", action="append", choices=["iccs", "uci", "wxf", "chinese"])
    parser.add_argument("--row", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row is not None:
        print(json.dumps(convert_once(*arguments.row)))
        return
    from xiangqi_gpt.records import read_games
    from xiangqi_gpt.records.formats.pgn import pgnwrite
    from xiangqi_gpt.resources import resource_path

    data = arguments.data or [resource_path("data/sample.parquet")]
    print("| PGN in | games | games/s | games per CPU second | MB after a tenth | MB at most |")
    print("|---|---|---|---|---|---|")
    for notation in arguments.notation or ["iccs"]:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "games.pgn"
            games = islice(read_games(data, on_error=lambda error: None), arguments.games)
            pgnwrite.write(source, games, notation=notation)
            command = [sys.executable, __file__, "--row", str(source), str(Path(folder) / "out.parquet")]
            row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(
            f"| {notation} | {row['games']} | {row['games'] / row['seconds']:.0f} "
            f"| {row['games'] / row['cpu']:.0f} | {row['early']:.0f} | {row['peak']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
