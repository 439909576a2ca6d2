"""ICCS coordinates: `h2e2`, also `H2-E2`. Files a-i from Red's left, ranks 0-9 from Red's side."""

from __future__ import annotations

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation.common import legal, plain, unreadable
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def parse(board: Board, text: str) -> Move:
    """The legal move that `text` names; capitals, a dash, full-width letters and outer blanks are accepted.

    Raises:
        MoveError: `text` does not have the form of an ICCS move.
        IllegalMoveError: the move is not legal on `board`.
    """
    try:
        move = Move.from_iccs(plain(text))
    except MoveError:
        raise unreadable(board, text, "an ICCS move such as 'h2e2' or 'H2-E2'") from None
    return legal(board, move, text)


def render(board: Board, move: Move) -> str:
    """`move` as four characters such as "h2e2"; the position does not matter."""
    return move.iccs
