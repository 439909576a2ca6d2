"""The algebraic text of XBoard and PyChess: Cbe2, Hc7, c5, Rxb9.

A piece letter (none for a soldier, or P), the file or the rank or both of the piece where others of its kind
reach the same point, `x` for a capture, and the point. XBoard counts ranks from 0, PyChess from 1, so that a
file's convention has to be decided once. Letters are capitals, H or N for the horse, E or B for the elephant;
small letters are files. Each text is read against the legal moves of the board.
"""

from __future__ import annotations

import re

from xiangqi_gpt.errors import MoveError, NoPieceError
from xiangqi_gpt.notation.common import one_legal, plain, unreadable
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import PieceKind

_SHAPES = {
    "0-9": re.compile(r"([KAEBHNRCP]?)([a-i]?)([0-9]?)x?([a-i])([0-9])"),
    "1-10": re.compile(r"([KAEBHNRCP]?)([a-i]?)(10|[1-9])?x?([a-i])(10|[1-9])"),
}
_FIRST_RANK = {"0-9": 0, "1-10": 1}
_WITH_PIECE = re.compile(r"[KAEBHNRCP][a-i]?(?:10|[0-9])?x?[a-i](?:10|[0-9])")
_ANY = re.compile(r"[KAEBHNRCP]?[a-i]?(?:10|[0-9])?x?[a-i](?:10|[0-9])")
_KINDS = {"": 7, "K": 1, "A": 2, "E": 3, "B": 3, "H": 4, "N": 4, "R": 5, "C": 6, "P": 7}
_LETTERS = " KAEHRC"
_PAWN = int(PieceKind.PAWN)


def looks_like(text: str, *, piece: bool = False) -> bool:
    """Whether a text has the shape of such a move; with `piece`, of one that names its piece by a letter."""
    return (_WITH_PIECE if piece else _ANY).fullmatch(text) is not None


def parse(board: Board, text: str, *, ranks: RankConvention = "0-9") -> Move:
    """The legal move that `text` names, its ranks counted from 0 or from 1.

    Raises:
        MoveError: `text` has not the shape of a move, names no piece there, or fits several legal moves.
        IllegalMoveError: the move is not legal on `board`.
    """
    match = _SHAPES[ranks].fullmatch(plain(text))
    if match is None:
        raise unreadable(board, text, f"a move such as 'Cbe2' with ranks {ranks}")
    letter, from_file, from_rank, file, rank = match.groups()
    first = _FIRST_RANK[ranks]
    end = (int(rank) - first) * 9 + ord(file) - ord("a")
    kind = _KINDS[letter]
    code = kind + 7 * board.turn
    starts = [
        sq
        for sq, other in enumerate(board.squares)
        if other == code
        and sq != end
        and (not from_file or sq % 9 == ord(from_file) - ord("a"))
        and (not from_rank or sq // 9 == int(from_rank) - first)
    ]
    if not starts:
        piece = f"{board.turn.name_en.lower()} {PieceKind(kind).name_en}"
        raise NoPieceError(
            f"expected a piece on the board, found {text!r}: no such {piece}; in {board.fen()!r}"
        )
    return one_legal(board, [MOVES[sq * 90 + end] for sq in starts], text)


def render(board: Board, move: Move, *, ranks: RankConvention = "0-9") -> str:
    """`move` as text such as "Cbe2", "c5" or "Rxb9", with as little of its start square as makes it unique.

    Raises:
        MoveError: no piece of the side to move stands on the from-square.
    """
    code = board.squares[move.from_square]
    kind = code - 7 * board.turn
    if not 1 <= kind <= 7:
        side = board.turn.name_en.lower()
        raise MoveError(f"expected a move of a {side} piece, found {move.iccs!r} in {board.fen()!r}")
    first = _FIRST_RANK[ranks]
    start, end = move.from_square, move.to_square
    (file, rank), (to_file, to_rank) = (("abcdefghi"[sq % 9], str(sq // 9 + first)) for sq in (start, end))
    others = [
        other.from_square
        for other in board.legal_moves()
        if other.to_square == end and other.from_square != start and board.squares[other.from_square] == code
    ]
    told = ""
    if kind == _PAWN and board.squares[end]:
        told = file
    elif others:
        if all(sq % 9 != start % 9 for sq in others):
            told = file
        elif all(sq // 9 != start // 9 for sq in others):
            told = rank
        else:
            told = file + rank
    letter = "" if kind == _PAWN else _LETTERS[kind]
    return f"{letter}{told}{'x' if board.squares[end] else ''}{to_file}{to_rank}"
