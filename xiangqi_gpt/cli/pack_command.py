"""`xiangqi-gpt pack`: game records as training reads them, in a folder of shards or in one small file."""

from __future__ import annotations

from pathlib import Path

import click

from xiangqi_gpt.cli.shared_options import force_option
from xiangqi_gpt.errors import ConfigError

SUFFIX = ".xgp"


@click.command()
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help=f"Folder of shards to write (fast to read), or a FILE{SUFFIX} (small).",
)
@click.option(
    "--limit-mb",
    type=click.FloatRange(0, min_open=True),
    help="Largest size of the file in MiB; whole games are left out, the same share of every source.",
)
@click.option(
    "--targets", default="mixed", show_default=True, help="Moves to learn: mixed, human or teacher."
)
@click.option("--extra", is_flag=True, help='Also pack games of split "extra".')
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the games left out."
)
@force_option("Overwrite --out.")
def command(
    sources: tuple[Path, ...],
    out: Path,
    limit_mb: float | None,
    targets: str,
    extra: bool,
    seed: int,
    force: bool,
) -> None:
    """Pack game records (files, folders, packed data) for `xiangqi-gpt train --data`.

    The splits train and valid are packed: train to learn from, valid to measure on. Packing once saves the time
    for it at the start of every run.
    """
    from xiangqi_gpt.dataset import compact, packing, shards
    from xiangqi_gpt.files import atomic_path

    def print_line(line: str) -> None:
        click.echo(line, err=True)

    settings = packing.PackSettings(targets=targets, extra=extra)
    found = packing.sources_of(list(sources))
    if out.suffix == SUFFIX:
        with atomic_path(out, overwrite=force, parents=True) as draft:
            splits = packing.open_splits(found, settings, print_line)
            written = compact.write_compact(
                draft,
                splits,
                packing.facts(settings),
                limit=None if limit_mb is None else int(limit_mb * (1 << 20)),
                seed=seed,
            )
        size, games, plies = written.size, written.games, written.plies
        if written.share < 1:
            print_line(f"{100 * written.share:.1f} % of the plies fit")
    else:
        if limit_mb is not None:
            raise ConfigError(f"--limit-mb: expected a file named *{SUFFIX} as --out, found {str(out)!r}")
        if any(shards.is_packed(path) for path in found):
            raise ConfigError(f"Packed data can only be written to one file: use --out FILE{SUFFIX}.")
        packing.pack_folder(found, out, settings, force=force, print_line=print_line)
        index, parts = shards.read_folder(out)
        size = sum(shard["bytes"] for shard in index["shards"])
        games, plies = sum(part.games for _, part in parts), sum(part.plies for _, part in parts)
    click.echo(
        f"{out}: {games:,} games, {plies:,} plies, {size / (1 << 20):.1f} MiB, {size / plies:.2f} bytes/ply"
    )
