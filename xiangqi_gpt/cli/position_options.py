"""Shared by the commands that take a position: the board of --fen, and --lenient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xiangqi_gpt.rules.board import Board

lenient_option = click.option(
    "--lenient",
    is_flag=True,
    help="Also accept a position that cannot occur but can be played, and print what is odd about it.",
)


def board_of_fen(fen: str | None, *, lenient: bool) -> Board:
    """The board of --fen, the standard start without it; what is odd about it goes to standard error.

    Raises FenError for an impossible position; with *lenient*, only for one that cannot be played.
    """
    from xiangqi_gpt.errors import FenError
    from xiangqi_gpt.rules.board import Board
    from xiangqi_gpt.rules.fen import START_FEN
    from xiangqi_gpt.rules.lenient import ODD, lenient_board

    if not lenient:
        try:
            return Board(fen or START_FEN)
        except FenError as error:
            if error.faults and all(fault.code in ODD for fault in error.faults):
                raise FenError(
                    f"{error} (--lenient accepts it)", fen=error.fen, faults=error.faults
                ) from None
            raise
    board, odd = lenient_board(fen or START_FEN)
    for fault in odd:
        click.echo(f"odd position: {fault.text_en}", err=True)
    return board
