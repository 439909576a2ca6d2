"""``python -m tests.fuzz [TARGET...] --seconds 20 --seed N``: fuzz the targets, all of them by default.

An input that is not survived is written to ``--keep``; give it a name, and move it to ``tests/fuzz/corpus/TARGET/``.
"""

from __future__ import annotations

import tempfile
import time
import traceback
from pathlib import Path

import click

from tests.fuzz.runner import fuzz, resident_peak
from tests.fuzz.targets import TARGETS


@click.command()
@click.argument("targets", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--seconds", default=20.0, show_default=True, help="Processor time of each target.")
@click.option("--seed", default=None, type=int, help="Of what is drawn; by default the time.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for inputs that are not survived.")
def main(targets: tuple[str, ...], seconds: float, seed: int | None, keep: Path | None) -> None:
    """Fuzz the targets and print what became of the inputs; exit code 1 if one was not survived."""
    seed = int(time.time()) if seed is None else seed
    keep = keep or Path(tempfile.gettempdir()) / "fuzz-failures"
    failed = False
    for name in targets or TARGETS:
        try:
            outcomes = fuzz(name, seconds=seconds, seed=seed, keep=keep)
        except (Exception, RecursionError):
            failed = True
            click.echo(f"{name}: seed {seed}: not survived, see {keep}\n{traceback.format_exc()[-1500:]}")
            continue
        parts = ", ".join(f"{count:,} {word}" for word, count in outcomes.most_common())
        click.echo(
            f"{name}: seed {seed}: {outcomes.total():,} inputs: {parts}; peak {resident_peak() >> 20} MB"
        )
    if failed:
        raise SystemExit(1)


main()
