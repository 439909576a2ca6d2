"""`xiangqi-gpt analyse`: what the model thinks of a position."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.safe_json import format_json

if TYPE_CHECKING:
    from xiangqi_gpt.rules.board import Board


def board_of(fen: str | None, moves: str | None) -> Board:
    """The board of --fen (the standard start without it) after the moves of --moves, in any notation."""
    from xiangqi_gpt.notation import parse_any
    from xiangqi_gpt.rules.board import Board

    board = Board(fen) if fen else Board()
    for text in (moves or "").split():
        board.push(parse_any(board, text))
    return board


@click.command("analyse")
@click.option("--fen", help="The position; the standard start by default.")
@click.option("--moves", help="Moves played from there, separated by spaces.")
@click.option("--multipv", default="5", show_default=True, help="How many moves to show, or 'all'.")
@click.option(
    "--model",
    "model_dir",
    type=click.Path(path_type=Path),
    help="Model directory; the bundled one by default.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(fen: str | None, moves: str | None, multipv: str, model_dir: Path | None, as_json: bool) -> None:
    """Show the distribution over the legal moves of a position, the leak, and the expected result."""
    if multipv != "all" and not (multipv.isdecimal() and int(multipv) > 0):
        raise ConfigError(f"--multipv: expected a number above 0 or 'all', found {multipv!r}")
    board = board_of(fen, moves)
    outcome = board.outcome()
    if not board.legal_moves():
        raise ConfigError(
            f"--fen: expected a position with legal moves, found {board.fen()!r}: {outcome.text_en if outcome else ''}"
        )

    from xiangqi_gpt.players import Limit
    from xiangqi_gpt.players.gpt_player import GPTPlayer

    analysis = GPTPlayer(model_dir).analyse(board, Limit(), None if multipv == "all" else int(multipv))
    value = analysis.value
    assert value is not None
    if as_json:
        listed = [
            {"move": line.move.iccs, "prob": line.prob, "logprob": line.logprob} for line in analysis.lines
        ]
        click.echo(
            format_json(
                {
                    "fen": board.fen(),
                    "moves": listed,
                    "leak": analysis.leak,
                    "value": {"win": value.win, "draw": value.draw, "loss": value.loss},
                }
            )
        )
        return
    from xiangqi_gpt.notation import chinese

    click.echo(f"{board.fen()}   {'Red' if board.turn == 0 else 'Black'} to move")
    for line in analysis.lines:
        bar = "█" * round(40 * (line.prob or 0))
        click.echo(f"  {line.move.iccs}  {chinese.render(board, line.move)}  {line.prob:6.1%}  {bar}")
    click.echo(
        f"win {value.win:.1%}   draw {value.draw:.1%}   loss {value.loss:.1%}   illegal {analysis.leak:.2%}"
    )
