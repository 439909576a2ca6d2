"""`xiangqi-gpt legal`: whether moves are legal, if not why, and their probability by the model."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xiangqi_gpt.cli.analyse_command import board_of, note_digits
from xiangqi_gpt.cli.position_options import lenient_option
from xiangqi_gpt.cli.shared_options import json_option, model_option
from xiangqi_gpt.safe_json import format_json

if TYPE_CHECKING:
    from xiangqi_gpt.rules.board import Board
    from xiangqi_gpt.rules.move import Move


@click.command("legal")
@click.argument("moves", nargs=-1, required=True)
@click.option("--fen", help="The position.  [default: the standard start]")
@lenient_option
@model_option
@json_option
def command(
    moves: tuple[str, ...], fen: str | None, lenient: bool, model_dir: Path | None, as_json: bool
) -> None:
    """Tell whether each MOVE is legal, if not why, and its probability among the legal moves.

    A MOVE is read in any notation: h2e2, C2=5, 炮二平五.
    """
    from xiangqi_gpt.players.gpt_player import GPTPlayer

    board = board_of(fen, None, lenient=lenient)
    asked = [_read(board, text) for text in moves]
    probs: dict[Move | None, float] = {}
    if board.legal_moves():
        scores = GPTPlayer(model_dir).scores(board)
        probs = {move: float(p) for move, p in zip(scores.moves, scores.probs, strict=True)}
    rows: list[dict[str, Any]] = [{**facts, "prob": probs.get(move, 0.0)} for move, facts in asked]
    if as_json:
        click.echo(format_json({"fen": board.fen(), "moves": rows}, ensure_ascii=False))
        return
    for row in rows:
        verdict = (
            f"legal, {row['prob']:.1%}" if row["legal"] else f"illegal: {row['text_en']} ({row['text_zh']})"
        )
        click.echo(f"{row['move']}  {verdict}")


def _read(board: Board, text: str) -> tuple[Move | None, dict[str, Any]]:
    """The legal move that a text names, None where it is not legal, and facts about it.

    Raises MoveError where the text names no move, or more than one.
    """
    from xiangqi_gpt.errors import IllegalMoveError, MoveError, NoPieceError
    from xiangqi_gpt.notation import parse_any
    from xiangqi_gpt.rules.move import Move

    move, reason, words = None, None, ("", "")
    shown = text
    try:
        move = parse_any(board, text)
        note_digits(board, text, move)
        shown = move.iccs
    except IllegalMoveError as error:
        with suppress(MoveError):
            shown = Move.from_iccs(text).iccs
        reason = error.reason
        words = (str(error), str(error)) if reason is None else (reason.text_en, reason.text_zh)
    except NoPieceError:
        words = ("there is no such piece", "没有这样的棋子")
    return move, {
        "move": shown,
        "legal": move is not None,
        "reason": None if reason is None else reason.reason.value,
        "text_en": words[0] or None,
        "text_zh": words[1] or None,
    }
