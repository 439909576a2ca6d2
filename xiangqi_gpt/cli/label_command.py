"""`xiangqi-gpt label`: a UCI engine's best move and score for games that exist."""

from __future__ import annotations

from pathlib import Path

import click

from xiangqi_gpt.cli.shared_options import multipv_option
from xiangqi_gpt.cli.teaching import Progress, engine_option, finish, interrupted, place_options


@click.command("label")
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@engine_option
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help=".parquet or .jsonl file to write."
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Plies from one label to the next; 2 labels every second ply.",
)
@multipv_option
@place_options
def command(
    sources: tuple[Path, ...],
    engine: str,
    out: Path,
    every: int,
    multipv: int,
    workers: int | None,
    cluster: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Add an engine's best move and score to games; earlier labels are replaced.

    The same command resumes after an interruption.
    """
    from xiangqi_gpt.players import parse_engine
    from xiangqi_gpt.teacher.run import LabelJob, Place, label

    job = LabelJob(
        engine=parse_engine(engine), sources=sources, out=out, every=every, multipv=multipv, force=force
    )
    try:
        with Progress("labels") as progress:
            summary = label(job, Place(workers=workers, cluster=cluster), progress.update)
    except KeyboardInterrupt:
        raise interrupted(out) from None
    finish(summary, out, as_json)
