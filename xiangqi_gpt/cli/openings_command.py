"""`xiangqi-gpt openings`: families of openings, found in the graph of the positions of games."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.cli.output import print_json, table

if TYPE_CHECKING:
    from xiangqi_gpt.library.families import Families

JSON_FILE = "families.json"
PICTURE = "families.png"


@click.command("openings")
@click.argument("games", metavar="GAMES...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help=f"Folder for {JSON_FILE} and {PICTURE}."
)
@click.option(
    "--depth", type=click.IntRange(2, 60), default=20, show_default=True, help="Plies of each game."
)
@click.option(
    "--least",
    type=click.IntRange(2),
    help="Leave out positions of fewer games; one game in a thousand by default, and at least 2.",
)
@click.option("--kind", default="", help="Take games of this kind only: human, engine, teacher or unknown.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Random seed.")
@click.option(
    "--top", type=click.IntRange(1), default=20, show_default=True, help="Print that many families."
)
@click.option("--force", is_flag=True, help="Overwrite the folder of --out.")
@click.option("--json", "as_json", is_flag=True, help=f"Print the object of {JSON_FILE}.")
def command(
    games: tuple[Path, ...],
    out: Path,
    depth: int,
    least: int | None,
    kind: str,
    seed: int,
    top: int,
    force: bool,
    as_json: bool,
) -> None:
    """Group the openings of GAMES, a collection or game records, into families.

    Positions are the nodes of a graph and moves its edges; mirror images and other orders of the moves are joined. The
    families are the communities of the graph with the least description length (map equation).
    """
    from xiangqi_gpt.errors import ConfigError
    from xiangqi_gpt.files import atomic_path
    from xiangqi_gpt.library.families import check_libraries, find_families
    from xiangqi_gpt.library.families_report import as_json as report
    from xiangqi_gpt.library.families_report import draw_families
    from xiangqi_gpt.library.opening_graph import opening_graph
    from xiangqi_gpt.plotting import check_matplotlib
    from xiangqi_gpt.records.record import KINDS
    from xiangqi_gpt.safe_json import format_json

    if kind and kind not in KINDS:
        raise ConfigError(f"--kind: expected one of {', '.join(KINDS)}, found {kind!r}")
    check_libraries()
    check_matplotlib()
    with atomic_path(out, overwrite=force, folder=True) as draft:
        with _collection_of(games) as collection:
            found = find_families(opening_graph(collection, depth=depth, least=least, kind=kind), seed=seed)
        text = format_json(report(found), indent=1, ensure_ascii=False)
        (draft / JSON_FILE).write_text(text + "\n", encoding="utf-8")
        draw_families(found, draft / PICTURE)
    if as_json:
        print_json(report(found))
        return
    _print(found, top)
    click.echo(f"written: {out / JSON_FILE}, {out / PICTURE}")


@contextmanager
def _collection_of(games: tuple[Path, ...]) -> Iterator[Path]:
    """The collection itself, or a temporary one of records."""
    from xiangqi_gpt.library.collecting import collect
    from xiangqi_gpt.library.collection_file import is_database

    if len(games) == 1 and is_database(games[0]):
        yield games[0]
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "games.db"
        counts = collect(games, path).summary
        if counts.duplicates or counts.refused:
            click.echo(
                f"left out: {counts.duplicates:,} duplicates, {counts.refused:,} refused games", err=True
            )
        if counts.unreadable:
            click.echo(f"{counts.unreadable:,} files could not be read, or not to their end", err=True)
        yield path


def _print(found: Families, top: int) -> None:
    from xiangqi_gpt.library.families_report import line_in_chinese

    shown = found.families[:top]
    rows = [
        (
            str(family.number),
            f"{family.ecco} {family.name}".strip(),
            "" if family.opening is None else family.opening.message.text("en"),
            line_in_chinese(family.line[:8]),
            f"{family.games:,}",
            "-" if family.score is None else f"{100 * family.score:.1f} %",
            str(len(family.variations)),
        )
        for family in shown
    ]
    table(("#", "ECCO", "opening", "typical line", "games", "Red", "variations"), rows, left=4)
    graph, two = found.graph, found.two_level
    click.echo(
        f"{graph.games:,} games, {graph.positions:,} positions, {len(graph.edges):,} moves; "
        f"families: {len(found.families):,}, shown: {len(shown)}"
    )
    click.echo(
        f"description length in bits per ply: {found.hierarchy.one_level:.3f} without families, "
        f"{two.codelength:.3f} with families on one level ({int(two.top.max()) + 1:,}), "
        f"{found.hierarchy.codelength:.3f} with a hierarchy (levels: {found.hierarchy.levels - 1})"
    )
    if found.agreement is not None:
        for name, scores in found.agreement.items():
            what = "families" if name == "families" else "families on one level"
            click.echo(
                f"adjusted mutual information of the {what} with ECCO ({found.coded:,} games): "
                f"{scores[0]:.3f} (letter), {scores[1]:.3f} (two characters), {scores[2]:.3f} (code)"
            )
