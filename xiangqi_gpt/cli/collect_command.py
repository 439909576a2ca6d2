"""`xiangqi-gpt collect`: game records into one database of games and positions."""

from __future__ import annotations

from pathlib import Path

import click

from xiangqi_gpt.cli.output import reading_progress
from xiangqi_gpt.cli.position_options import lenient_option
from xiangqi_gpt.cli.shared_options import json_option
from xiangqi_gpt.safe_json import format_json


@click.command("collect")
@click.argument("sources", metavar="RECORDS...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The collection, for instance games.db; games are added to one that is there.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    help="Take games of this kind only: human, engine, teacher or unknown. May be given several times.",
)
@lenient_option
@json_option
def command(
    sources: tuple[Path, ...], out: Path, kinds: tuple[str, ...], lenient: bool, as_json: bool
) -> None:
    """Collect game records (files or folders) in one database file, for `xiangqi-gpt find` and `openings`.

    All formats of `xiangqi-gpt convert` are read. Games that are there already are left out, so you can run the same
    command again when you have new records. If the command is stopped, the collection stays as it was.
    """
    from xiangqi_gpt.cli.interrupts import terminate_as_interrupt
    from xiangqi_gpt.library.collecting import collect
    from xiangqi_gpt.records.convert import source_files, total_bytes

    with (
        terminate_as_interrupt(),
        reading_progress(
            lambda: total_bytes(source_files(sources)), {"compare": "comparing", "index": "indexing"}
        ) as on_progress,
    ):
        done = collect(sources, out, kinds=kinds, lenient=lenient, on_progress=on_progress)
    if as_json:
        click.echo(format_json(done.as_dict(), ensure_ascii=False))
        return
    counts = done.summary
    click.echo(
        f"{counts.games:,} games in {counts.files:,} files: {counts.kept:,} kept, {counts.cut:,} cut, "
        f"{counts.duplicates:,} duplicates, {counts.refused:,} refused"
    )
    for error in done.errors:
        click.echo(f"  {error}", err=True)
    if counts.unreadable:
        click.echo(f"{counts.unreadable:,} files could not be read, or not to their end")
    if done.without_notes:
        click.echo(
            f"{done.without_notes:,} games have comments or variations, which a collection does not keep"
        )
    if done.replaced:
        click.echo(
            f"{done.replaced:,} games of the collection were the beginning of a new one, which replaces them"
        )
    added = f" ({done.before:,} before)" if done.before else ""
    click.echo(f"{done.after:,} games in {out}{added}")
