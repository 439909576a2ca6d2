"""`xiangqi-gpt find`: search a collection by player, event, result, opening, position and material."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.cli.output import print_json, table
from xiangqi_gpt.cli.position_options import lenient_option
from xiangqi_gpt.cli.shared_options import force_option, json_option
from xiangqi_gpt.errors import ConfigError

if TYPE_CHECKING:
    from xiangqi_gpt.library import ExplorerRow, FoundGame, GameQuery
    from xiangqi_gpt.rules.board import Board


@click.command("find")
@click.argument("collection", type=click.Path(path_type=Path))
@click.option("--player", default="", help="Part of the name of either player.")
@click.option("--red", default="", help="Part of the name of the player of Red.")
@click.option("--black", default="", help="Part of the name of the player of Black.")
@click.option("--event", default="", help="Part of the event.")
@click.option("--result", default="", help="1-0, 0-1, 1/2-1/2 or *.")
@click.option("--year", "years", help="A year, or years such as 1990-1999.")
@click.option("--ecco", default="", help="ECCO code, or its beginning.")
@click.option("--moves", help="First moves, separated by spaces, in any notation; or moves from --fen.")
@click.option("--fen", help="A position that occurs in the game.")
@lenient_option
@click.option(
    "--material", default="", help="Red's pieces and Black's, such as RP-R; complete with a king: KRP-KR."
)
@click.option("--kind", default="", help="human, engine, teacher or unknown.")
@click.option("--split", default="", help="train, valid, test, reserved or extra.")
@click.option("--tag", help="Part of another tag, such as Source=elephantchess.")
@click.option(
    "--limit", type=click.IntRange(0), default=20, show_default=True, help="List that many games and moves."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all games found to a file (PGN, ...).",
)
@force_option()
@json_option
def command(
    collection: Path,
    player: str,
    red: str,
    black: str,
    event: str,
    result: str,
    years: str | None,
    ecco: str,
    moves: str | None,
    fen: str | None,
    lenient: bool,
    material: str,
    kind: str,
    split: str,
    tag: str | None,
    limit: int,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Find games in a COLLECTION that `xiangqi-gpt collect` has made.

    A game must match all options. With --moves or --fen, the moves that were played in that position are shown too;
    mirror images and other orders of the moves count.
    """
    from xiangqi_gpt.cli.analyse_command import board_of
    from xiangqi_gpt.library import Collection, GameQuery
    from xiangqi_gpt.records import write_games

    board = board_of(fen, moves, lenient=lenient) if fen or moves else None
    query = GameQuery(
        player=player,
        red=red,
        black=black,
        event=event,
        result=result,
        years=_years(years),
        ecco=ecco,
        position=board,
        material=material,
        kind=kind,
        split=split,
        tag=_tag(tag),
    )
    with Collection(collection) as games:
        count = games.count(query)
        found = games.find(query, limit=limit)
        explored = games.explore(board, query) if board is not None else None
        if out is not None and count:
            write_games(out, games.games(query), force=force)
    if as_json:
        _print_json(count, found, board, explored)
        return
    if board is not None and explored:
        _print_explorer(board, explored, limit)
    noun = "game" if count == 1 else "games"
    click.echo(
        f"{count:,} {noun} in {collection}" + (f", the first {len(found)}:" if len(found) < count else "")
    )
    if found:
        _print_games(found, query)
    if out is not None and count:
        click.echo(f"{count:,} {noun} written to {out}")


def _years(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text.strip(), re.ASCII)
    if match is None:
        raise ConfigError(f"--year: expected a year or years such as 1990-1999, found {text!r}")
    return int(match[1]), int(match[2] or match[1])


def _tag(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ConfigError(f"--tag: expected NAME=TEXT, found {text!r}")
    return name, value


def _print_explorer(board: Board, rows: list[ExplorerRow], limit: int) -> None:
    from xiangqi_gpt.notation import chinese

    lines = [
        (
            row.move.iccs,
            chinese.render(board, row.move),
            f"{row.games:,}",
            f"{row.red_wins:,}",
            f"{row.draws:,}",
            f"{row.black_wins:,}",
            "-" if row.score is None else f"{100 * row.score:.1f} %",
            "-" if row.year is None else f"{row.year:.0f}",
        )
        for row in rows[:limit]
    ]
    click.echo(f"{board.fen()}   {'Red' if board.turn == 0 else 'Black'} to move")
    table(("move", "", "games", "Red", "draws", "Black", "score", "year"), lines, left=2)
    if len(rows) > limit:
        click.echo(f"and {len(rows) - limit:,} other moves")


def _print_games(found: list[FoundGame], query: GameQuery) -> None:
    titles = ["#", "Red", "Black", "result", "date", "ECCO", "event", "plies"]
    if query.position is not None or query.material:
        titles.append("at ply")
    rows = [
        [
            *(str(game.id), game.red, game.black, game.result, game.date, game.ecco, game.event[:48]),
            *(str(game.plies), "-" if game.ply is None else str(game.ply)),
        ][: len(titles)]
        for game in found
    ]
    table(titles, rows, left=7)


def _print_json(
    count: int, found: list[FoundGame], board: Board | None, explored: list[ExplorerRow] | None
) -> None:
    from dataclasses import asdict

    value: dict[str, object] = {"count": count, "games": [asdict(game) for game in found]}
    if board is not None and explored is not None:
        value["fen"] = board.fen()
        value["moves"] = [{**asdict(row), "move": row.move.iccs} for row in explored]
    print_json(value)
