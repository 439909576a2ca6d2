"""Vietnamese notation: P2-5 (Pháo 2 bình 5), M8.7 (Mã 8 tấn 7), X1/1 (Xe 1 thoái 1).

Letters: Tg king (Tướng), S advisor (Sĩ), T elephant (Tượng), X rook (Xe), P cannon (Pháo), M horse (Mã), B or C
soldier (Binh, Chốt). `.` is forward, `/` back, `-` sideways; files count from the mover's right. Of two pieces
on a file, t (trước) is the front one, s (sau) the rear one and g (giữa) the middle one: Xt.1. P2-5 and C3.1 mean
other moves in WXF, so that a file's notation has to be decided once.
"""

from __future__ import annotations

import re

from xiangqi_gpt.notation import wxf
from xiangqi_gpt.notation.common import plain, unreadable
from xiangqi_gpt.notation.relative import find_move
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

_SHAPE = re.compile(r"(Tg|[STXPMBC])([1-9]|[tsg])([./\-])([1-9])", re.IGNORECASE)
_LETTERS = {"TG": "K", "S": "A", "T": "E", "X": "R", "P": "C", "M": "H", "B": "P", "C": "P"}
_MARKS = {"t": "+", "s": "-", "g": "."}
_SIGNS = {"+": ".", "-": "/", "=": "-"}
_DIRECTIONS = {".": 1, "/": -1, "-": 0}
_ONLY_HERE = frozenset(("TG", "S", "T", "X", "M"))


def looks_like(text: str, *, only: bool = False) -> bool:
    """Whether a text has the shape of such a move; with `only`, of one that is no move in WXF."""
    match = _SHAPE.fullmatch(text)
    return match is not None and (not only or match[1].upper() in _ONLY_HERE or match[3] == "/")


def parse(board: Board, text: str) -> Move:
    """The legal move that `text` names.

    Raises:
        MoveError: `text` has not the shape of a move, names no piece there, or fits several legal moves.
        IllegalMoveError: the move is not legal on `board`.
    """
    match = _SHAPE.fullmatch(plain(text))
    if match is None:
        raise unreadable(board, text, "a move in Vietnamese notation such as 'P2-5'")
    letter, place, sign, number = match.groups()
    kind, squares = wxf.lettered(board, _LETTERS[letter.upper()] + _MARKS.get(place.lower(), place))
    return find_move(board, kind, squares, _DIRECTIONS[sign], int(number), text)


def render(board: Board, move: Move) -> str:
    """`move` as text such as "P2-5"; soldiers that stand three on a file, or two on two files, by `t`, `s` and `g`.

    Raises:
        MoveError: no piece of the side to move stands on the from-square, or this notation has no text for it.
    """
    name, place, sign, number = tuple(wxf.render(board, move))
    letters = {letter: vietnamese for vietnamese, letter in reversed(_LETTERS.items())}
    marks = {wxf_mark: mark for mark, wxf_mark in _MARKS.items()}
    if name not in letters:
        raise unreadable(board, move.iccs, "a move that Vietnamese notation has a text for")
    return f"{letters[name].replace('TG', 'Tg')}{marks.get(place, place)}{_SIGNS[sign]}{number}"
