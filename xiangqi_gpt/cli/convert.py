"""`xiangqi-gpt convert`: records of any known format in, one file out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from xiangqi_gpt.rules.errors import RecordError


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="File to write; its suffix decides."
)
@click.option("--force", is_flag=True, help="Overwrite the file of --out.")
def command(sources: tuple[Path, ...], out: Path, force: bool) -> None:
    """Read game records and write the sound ones; the others are reported on standard error and left out."""
    from xiangqi_gpt.records import parquet, pgnwrite, read_games

    suffix = out.suffix.lower()
    writers: dict[str, Callable[..., int]] = {".parquet": parquet.write, ".pgn": pgnwrite.write}
    if suffix not in writers:
        raise RecordError(f"expected a suffix of {', '.join(writers)}, found {suffix!r}", file=str(out))
    refused = 0

    def on_error(error: RecordError) -> None:
        nonlocal refused
        refused += 1
        click.echo(f"skipped: {error}", err=True)

    written = writers[suffix](out, read_games(sources, on_error=on_error), force=force)
    click.echo(f"{written} games written to {out}, {refused} left out", err=True)
