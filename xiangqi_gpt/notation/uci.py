"""UCI coordinates in both rank conventions: `h2e2` (ranks 0-9) and `h3e3` (ranks 1-10, as in `b10c8`).

Many texts are moves in both conventions, so a file's convention is decided once, by `detect_rank_convention`, and
passed to every `parse`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation.common import legal, plain, unreadable
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move

RankConvention = Literal["0-9", "1-10"]

_SHAPES = {
    "0-9": re.compile(r"([a-i])([0-9])-?([a-i])([0-9])"),
    "1-10": re.compile(r"([a-i])(10|[1-9])-?([a-i])(10|[1-9])"),
}
_FIRST_RANK = {"0-9": 0, "1-10": 1}
_EXAMPLES = {"0-9": "'h2e2'", "1-10": "'h3e3' or 'b10c8'"}


def _read(text: str, ranks: str) -> Move | None:
    match = _SHAPES[ranks].fullmatch(plain(text).lower())
    if match is None:
        return None
    from_file, from_rank, to_file, to_rank = match.groups()
    first = _FIRST_RANK[ranks]
    start = (int(from_rank) - first) * 9 + ord(from_file) - ord("a")
    end = (int(to_rank) - first) * 9 + ord(to_file) - ord("a")
    return MOVES[start * 90 + end]


def _check_ranks(ranks: str) -> None:
    if ranks not in _SHAPES:
        raise MoveError(f"expected ranks '0-9' or '1-10', found {ranks!r}")


def parse(board: Board, text: str, *, ranks: RankConvention = "0-9") -> Move:
    """The legal move that `text` names, its ranks counted from 0 or from 1.

    Raises:
        MoveError: `text` does not have the form of a move in this convention.
        IllegalMoveError: the move is not legal on `board`.
    """
    _check_ranks(ranks)
    move = _read(text, ranks)
    if move is None:
        raise unreadable(board, text, f"a UCI move with ranks {ranks} such as {_EXAMPLES[ranks]}")
    return legal(board, move, text)


def render(board: Board, move: Move, *, ranks: RankConvention = "0-9") -> str:
    """`move` as "h2e2" (ranks 0-9) or "h3e3" (ranks 1-10); the position does not matter."""
    _check_ranks(ranks)
    if ranks == "0-9":
        return move.iccs
    squares = (move.from_square, move.to_square)
    return "".join(f"{chr(ord('a') + sq % 9)}{sq // 9 + 1}" for sq in squares)


def detect_rank_convention(texts: Iterable[str], board: Board | None = None) -> RankConvention | None:
    """Which rank convention a whole file (or game) uses.

    A rank 0 decides for "0-9" and a rank 10 for "1-10". If neither occurs and `board` is given, the texts are played as
    one game from there, and the convention with the longer legal game is returned.

    Returns: the convention, or None if nothing decides.
    Raises: MoveError if both a rank 0 and a rank 10 occur.
    """
    moves = [plain(text).lower() for text in texts]
    zero = next((text for text in moves if re.search(r"[a-i]0", text)), None)
    ten = next((text for text in moves if re.search(r"[a-i]10", text)), None)
    if zero is not None and ten is not None:
        raise MoveError(
            f"expected one rank convention, found {zero!r} (ranks 0-9) beside {ten!r} (ranks 1-10)"
        )
    if zero is not None:
        return "0-9"
    if ten is not None:
        return "1-10"
    if board is None:
        return None
    played = {ranks: _legal_plies(moves, board, ranks) for ranks in _SHAPES}
    if played["0-9"] == played["1-10"]:
        return None
    return "0-9" if played["0-9"] > played["1-10"] else "1-10"


def _legal_plies(texts: list[str], board: Board, ranks: str) -> int:
    board = board.copy()
    for ply, text in enumerate(texts):
        move = _read(text, ranks)
        if move is None or not board.is_legal(move):
            return ply
        board.push(move)
    return len(texts)
