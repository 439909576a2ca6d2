"""`xiangqi-gpt convert`: records of any known format in, one file out."""

from __future__ import annotations

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
    from xiangqi_gpt.records import read_games
    from xiangqi_gpt.records.formats import FORMATS

    suffix = out.suffix.lower()
    writers = {end: fmt for fmt in FORMATS.values() if fmt.writes for end in fmt.suffixes}
    if suffix not in writers:
        raise RecordError(f"expected a suffix of {', '.join(writers)}, found {suffix!r}", file=str(out))
    refused = 0

    def on_error(error: RecordError) -> None:
        nonlocal refused
        refused += 1
        click.echo(f"skipped: {error}", err=True)

    written = writers[suffix].module.write(out, read_games(sources, on_error=on_error), force=force)
    click.echo(f"{written} games written to {out}, {refused} left out", err=True)
