"""`xiangqi-gpt review`: a game, move by move, with its mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.cli.position_options import board_of_fen, lenient_option
from xiangqi_gpt.errors import ConfigError, RecordError

if TYPE_CHECKING:
    from xiangqi_gpt.evaluation.review import Reviewed
    from xiangqi_gpt.records import GameRecord
    from xiangqi_gpt.rules.board import Board
    from xiangqi_gpt.rules.move import Move


@click.command("review")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--game", "number", type=click.IntRange(1), default=1, show_default=True, help="Which game of the file."
)
@lenient_option
@click.option(
    "--player", default="gpt:lookahead=200", show_default=True, help="Who reviews: a GPT or an engine."
)
@click.option(
    "--notation", type=click.Choice(["chinese", "wxf", "iccs", "uci"]), default="wxf", show_default=True
)
@click.option(
    "--all", "everything", is_flag=True, help="Show every move, not only those that gave something away."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the game with remarks and better lines: a PGN file."
)
@click.option("--force", is_flag=True, help="Overwrite the file of --out.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Draw the score, as a PNG.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(
    file: Path, number: int, lenient: bool, player: str, notation: str, everything: bool, out: Path | None,
    force: bool, picture: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Go through a game of FILE: the score move by move, and which moves gave how much away.

    Points are expected results: 1 for a win, 1/2 for a draw. A move is marked ?! from 0.1 points given away on, ?
    from 0.2, ?? from 0.3.
    """
    from rich.console import Console
    from rich.progress import Progress

    from xiangqi_gpt.evaluation import review as reviewing
    from xiangqi_gpt.files import check_writable
    from xiangqi_gpt.players import create_player
    from xiangqi_gpt.records.formats.pgn import pgnwrite

    game = _game(file, number, lenient=lenient)
    if lenient:
        board_of_fen(game.start_fen, lenient=True)  # reports what is odd about the position
    if out is not None:
        check_writable(out, overwrite=force)
    reviewer = create_player(player)
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("plies", total=len(game.moves))
            found = reviewing.review(reviewer, game, on_ply=lambda ply: bar.update(task, completed=ply))
    finally:
        reviewer.close()
    if out is not None:
        pgnwrite.write(out, [reviewing.annotated(game, found)], notation=notation, force=force)
    if picture is not None:
        reviewing.plot(
            found, picture, " - ".join(filter(None, (game.tags.get("Red"), game.tags.get("Black"))))
        )
    if as_json:
        click.echo(json.dumps({"result": game.result, "moves": [_as_json(one) for one in found]}))
        return
    _print(game, found, notation, everything)


def _game(file: Path, number: int, *, lenient: bool) -> GameRecord:
    from xiangqi_gpt.records import read_games

    refused: list[RecordError] = []
    count = 0
    for game in read_games([file], on_error=refused.append, lenient=lenient):
        count += 1
        if count == number and game.moves:
            return game
    if refused:
        raise refused[0]
    raise ConfigError(f"--game: expected a game with moves, number 1 to {count} of {file}, found {number}")


def _as_json(one: Reviewed) -> dict[str, object]:
    return {
        "ply": one.ply,
        "move": one.move.iccs,
        "best": [move.iccs for move in one.best],
        "before": round(one.before, 4),
        "after": round(one.after, 4),
        "lost": round(one.lost, 4),
        "mark": one.mark,
        "prob": one.prob,
    }


def _print(game: GameRecord, found: Sequence[Reviewed], notation: str, everything: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from xiangqi_gpt.notation import NOTATIONS
    from xiangqi_gpt.rules.board import Board

    render = NOTATIONS[notation].render
    board = Board(game.start_fen, strict=False)
    table = Table()
    for title in ("move", "played", "", "Red's points", "better"):
        table.add_column(title, justify="right" if title == "Red's points" else "left")
    for one in found:
        played = render(board, one.move)
        if one.mark or everything:
            number = f"{board.fullmove_number}{'.' if board.turn == 0 else '...'}"
            table.add_row(
                number,
                played,
                one.mark,
                f"{one.before:.2f} → {one.after:.2f}",
                "" if one.move == one.best[0] else _line(board, one.best[:4], render),
            )
        board.push(one.move)
    Console(highlight=False).print(table)
    for name, side in (("Red", 0), ("Black", 1)):
        own = [one for one in found if one.side == side]
        if own:
            marks = ", ".join(f"{sum(o.mark == sign for o in own)} {sign}" for sign in ("?!", "?", "??"))
            same = sum(one.move == one.best[0] for one in own)
            click.echo(
                f"{name}: {same} of {len(own)} moves as the reviewer; {marks}; "
                f"{sum(o.lost for o in own) / len(own):.3f} points given away a move"
            )


def _line(board: Board, moves: Sequence[Move], render: Callable[[Board, Move], str]) -> str:
    """Moves from *board* on as text."""
    position, texts = board.copy(), []
    for move in moves:
        texts.append(render(position, move))
        position.push(move)
    return " ".join(texts)
