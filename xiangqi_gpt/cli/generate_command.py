"""`xiangqi-gpt generate`: play-outs with a UCI engine, labelled at every ply."""

from __future__ import annotations

from pathlib import Path

import click

from xiangqi_gpt.cli.shared_options import multipv_option
from xiangqi_gpt.cli.teaching import (
    Progress,
    engine_option,
    finish,
    interrupted,
    place_options,
    plies,
    shares,
)


@click.command("generate")
@engine_option
@click.option("--games", required=True, type=click.IntRange(1), help="Number of games.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Parquet file to write.")
@click.option(
    "--records",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Records of games to take openings from; may be given several times.",
)
@click.option(
    "--records-share",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Share of play-outs with such an opening; the others begin at the standard start.",
)
@click.option(
    "--cut", default="0-60", show_default=True, metavar="A-B", help="Number of plies taken from a record."
)
@click.option(
    "--random-plies",
    default="0-3",
    show_default=True,
    metavar="A-B",
    help="Number of random plies before the engine takes over.",
)
@click.option(
    "--noise",
    default="0,0,0.05,0.1,0.2",
    show_default=True,
    metavar="SHARES",
    help="Shares of random moves; each game uses one of them.",
)
@click.option(
    "--max-plies",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="Length after which the score decides a game.",
)
@click.option("--rules", default="asian", show_default=True, help="Rule set: simple, asian or chinese.")
@multipv_option
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@place_options
def command(
    engine: str,
    games: int,
    out: Path,
    records: tuple[Path, ...],
    records_share: float,
    cut: str,
    random_plies: str,
    noise: str,
    max_plies: int,
    rules: str,
    multipv: int,
    seed: int,
    workers: int | None,
    cluster: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Let an engine play itself, disturbed by random moves, and store its best move at every ply.

    The same command resumes after an interruption. How the games are used: docs/teacher.md.
    """
    from xiangqi_gpt.players import parse_engine
    from xiangqi_gpt.teacher.run import Generation, Place, generate
    from xiangqi_gpt.teacher.starts import StartConfig

    job = Generation(
        engine=parse_engine(engine),
        games=games,
        out=out,
        records=records,
        starts=StartConfig(
            seed=seed,
            noise=shares("--noise", noise),
            random_plies=plies("--random-plies", random_plies),
            cut=plies("--cut", cut),
            records_share=records_share,
            max_plies=max_plies,
            rules=rules,
        ),
        multipv=multipv,
        force=force,
    )
    try:
        with Progress("play-outs") as progress:
            summary = generate(job, Place(workers=workers, cluster=cluster), progress.update)
    except KeyboardInterrupt:
        raise interrupted(out) from None
    finish(summary, out, as_json)
