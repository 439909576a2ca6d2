"""`xiangqi-gpt convert`: reads records of any known format, and writes one clean file and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.cli.output import reading_progress
from xiangqi_gpt.cli.position_options import lenient_option
from xiangqi_gpt.cli.shared_options import force_option, json_option
from xiangqi_gpt.safe_json import format_json


class _NamedPath(click.Path):
    """A path with a name: an empty text is none, although it would stand for the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name of a file or folder is empty", param, ctx)
        return super().convert(value, param, ctx)


@click.command()
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=_NamedPath(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=_NamedPath(path_type=Path),
    help="File to write; its suffix decides: .pgn, .parquet, .jsonl, .ubb (DhtmlXQ), .xqf (one game).",
)
@click.option(
    "--notation", help="Notation of a PGN: iccs, uci, wxf, chinese or traditional.  [default: iccs]"
)
@click.option(
    "--report",
    type=_NamedPath(path_type=Path),
    help="JSON lines file to write: the status of every game, and the totals.",
)
@lenient_option
@force_option("Overwrite the files of --out and --report.")
@json_option
def command(
    sources: tuple[Path, ...],
    out: Path,
    notation: str | None,
    report: Path | None,
    lenient: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Read game records (files or folders), check every ply, drop duplicates, and write the valid games.

    Reads PGN, Parquet, JSON lines, XQF, CBR, CBL, CBF, DhtmlXQ and plain lists of moves; the content decides, not
    the file name. A game is cut before its first illegal move; the report lists every game.
    """
    from xiangqi_gpt.records.convert import Conversion, convert, source_files, total_bytes

    job = Conversion(sources=sources, out=out, notation=notation, report=report, force=force, lenient=lenient)
    with reading_progress(
        lambda: total_bytes(source_files(sources)), {"compare": "comparing", "write": "writing"}
    ) as on_progress:
        summary = convert(job, on_progress)
    if as_json:
        click.echo(format_json(summary.as_dict()))
        return
    click.echo(
        f"{summary.games} games in {summary.files} files: {summary.kept} kept, {summary.cut} cut, "
        f"{summary.duplicates} duplicates, {summary.refused} refused"
    )
    if summary.unreadable:
        click.echo(f"{summary.unreadable} files could not be read, or not completely")
    if summary.passed_over:
        click.echo(
            f"{summary.passed_over} files in the folders skipped: their names are not those of records"
        )
    for what, count in summary.dropped_fields.items():
        click.echo(f"{out.suffix} cannot store {what}: dropped in {count} games")
    click.echo(f"{summary.written} games written to {out}")
