"""`xiangqi-gpt analyse`: the moves of a position and their probabilities by the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.cli.position_options import board_of_fen, lenient_option
from xiangqi_gpt.cli.shared_options import json_option, model_option
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.safe_json import format_json

if TYPE_CHECKING:
    from xiangqi_gpt.rules.board import Board
    from xiangqi_gpt.rules.move import Move

_MOVE_NUMBER = re.compile(r"\d{1,3}[.．、…]+")


def board_of(fen: str | None, moves: str | None, *, lenient: bool = False) -> Board:
    """The board of --fen (the standard start without it) after the moves of --moves, in any notation."""
    from xiangqi_gpt.notation import parse_any

    board = board_of_fen(fen, lenient=lenient)
    for text in (moves or "").split():
        if _MOVE_NUMBER.fullmatch(text):
            continue
        move = parse_any(board, text)
        note_digits(board, text, move)
        board.push(move)
    return board


def note_digits(board: Board, text: str, move: Move) -> None:
    """Print on standard error how a Chinese text with the digits of the other side was read."""
    from xiangqi_gpt.notation.chinese import digits_side

    side, mover = digits_side(text), board.turn
    if side is not None and side is not mover:
        click.echo(
            f"{text} has {side.name_en}'s digits, but {mover.name_en} is to move: read as {move.iccs}",
            err=True,
        )


def _line_count(text: str) -> int | None:
    """How many moves --multipv asks for, None for all of them."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and int(text) > 0):
        shown = text if len(text) <= 20 else f"{text[:20]}..."
        raise ConfigError(f"--multipv: expected a number from 1 to 9999 or 'all', found {shown!r}")
    return int(text)


@click.command("analyse")
@click.option("--fen", help="The position.  [default: the standard start]")
@lenient_option
@click.option("--moves", help="Moves played from this position, separated by spaces.")
@click.option("--multipv", default="5", show_default=True, help="Number of moves to show, or 'all'.")
@model_option
@json_option
def command(
    fen: str | None, lenient: bool, moves: str | None, multipv: str, model_dir: Path | None, as_json: bool
) -> None:
    """Show the probabilities of the legal moves, the share on illegal texts (leak), and the expected result."""
    count = _line_count(multipv)
    board = board_of(fen, moves, lenient=lenient)
    outcome = board.outcome()
    if not board.legal_moves():
        raise ConfigError(
            f"There are no legal moves in {board.fen()!r}: {outcome.text_en if outcome else ''}."
        )

    from xiangqi_gpt.players import Limit
    from xiangqi_gpt.players.gpt_player import GPTPlayer

    analysis = GPTPlayer(model_dir).analyse(board, Limit(), count)
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
