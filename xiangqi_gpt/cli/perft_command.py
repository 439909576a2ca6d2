"""`xiangqi-gpt perft`: leaves of the tree of legal moves, the usual check of a move generator."""

from __future__ import annotations

import click

from xiangqi_gpt.cli.position_options import board_of_fen, lenient_option
from xiangqi_gpt.cli.shared_options import json_option
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.safe_json import format_json

_MAX_DEPTH = 12


@click.command()
@click.argument("depth", type=click.IntRange(0, _MAX_DEPTH))
@click.option("--fen", default=START_FEN, help="The position.  [default: the standard start]")
@lenient_option
@click.option("--divide", is_flag=True, help="Also count the leaves behind each move.")
@json_option
def command(depth: int, fen: str, lenient: bool, divide: bool, as_json: bool) -> None:
    """Count the leaves of the tree of legal moves, DEPTH plies deep."""
    if divide and depth < 1:
        raise click.UsageError("--divide needs a depth of at least 1.")
    board = board_of_fen(fen, lenient=lenient)
    counts: dict[str, int] = {}
    if divide:
        for move in board.legal_moves():
            board.push(move)
            counts[move.iccs] = _perft(board, depth - 1)
            board.pop()
    nodes = sum(counts.values()) if divide else _perft(board, depth)
    if as_json:
        click.echo(format_json({"nodes": nodes, "divide": counts} if divide else {"nodes": nodes}))
        return
    for move_text, count in counts.items():
        click.echo(f"{move_text}: {count}")
    click.echo(f"nodes: {nodes}")


def _perft(board: Board, depth: int) -> int:
    if depth <= 2:
        # Not worth the import of the compiled rules.
        from xiangqi_gpt.rules.perft import perft

        return perft(board, depth)
    from xiangqi_gpt.rules import batch

    return batch.perft(board, depth)
