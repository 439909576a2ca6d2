"""WXF notation: C2=5, H8+7, R+-1. Files count from the mover's right; + forward, - back, = or . sideways.

Two pieces of a kind on one file are distinguished by + (front) and - (rear) after the letter. For three soldiers on a
file, or two files with several each, two dialects are in use:

- *official* (AXF 1980, adopted by the WXF): P+ P3 P- for three on file 3 (the middle one by its plain file),
  ++ P+ P3 P- -- for five, the same without P3 for four; with two files 3+ 33 3- and 7+ 7-.
- *numbered* (WXF 2018, Fairy-Stockfish, PyChess): place from the front and file, 13 23 33 and 17 27.

They conflict only in the texts 11 and 33 (front or middle of file 1, rear or middle of file 3), and only while that
file holds three soldiers and another holds two. `detect_dialect` decides for a whole file. For a single text the sign
decides: the official dialect has `33.4`, the numbered one `33=4`, and `33+1` is numbered.

Also read: the mark before the letter (+C-1); sideways moves without a sign (C25); letters a-e (soldiers counted over
the files from the right, from front to rear) and a `.` for the middle one, both from xqbase; lower-case letters; B and
N; the xqbase keypad digits 1-7 for K A B N R C P (62.5) if they do not name a soldier. Written: the numbered dialect
with `=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation.common import plain, unreadable
from xiangqi_gpt.notation.relative import (
    ADVISOR,
    ELEPHANT,
    FRONT,
    MIDDLE,
    PAWN,
    REAR,
    Place,
    at_place,
    file_number,
    find_move,
    in_stack,
    on_file,
    place_in_stack,
    stacks,
    step,
)
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

Dialect = Literal["numbered", "official"]

_SHAPE = re.compile(r"([KAEBHNRCP][1-9+.\-A-E]|[1-9][1-9+.\-]|\+\+|--|[+.\-][KAEBHNRCP])([+\-=.])([1-9])")
_UNSIGNED = re.compile(r"([KAEBHNRCP][1-9])([1-9])")
_KINDS = {"K": 1, "A": 2, "E": 3, "B": 3, "H": 4, "N": 4, "R": 5, "C": 6, "P": 7}
_KEYPAD = {str(number): letter for number, letter in enumerate("KABNRCP", 1)}
_PLACES: dict[str, Place] = {"+": FRONT, ".": MIDDLE, "-": REAR}
_DIRECTIONS = {"+": 1, "-": -1, "=": 0, ".": 0}
_LISTED = {letter: number for number, letter in enumerate("ABCDE", 1)}
_EXPECTED = "a WXF move such as 'C2=5' or 'R+-1'"

# Texts that only one dialect has, in every position.
_ONLY_NUMBERED = re.compile(r"([1-5])(?!\1)[1-9][+\-=.][1-9]")
_ONLY_OFFICIAL = re.compile(r"([1-9][+\-]|\+\+|--)[+\-=.][1-9]")


def parse(board: Board, text: str, *, dialect: Dialect | None = None) -> Move:
    """The legal move that `text` names.

    Args:
        board: the position.
        text: the move.
        dialect: the dialect of the file that `text` comes from, if it is known.

    Raises:
        MoveError: `text` does not have the form of a move, names no piece there, or fits several legal moves.
        IllegalMoveError: the move is not legal on `board`.
    """
    match = _SHAPE.fullmatch(_UNSIGNED.sub(r"\1=\2", plain(text).upper()))
    if match is None:
        raise unreadable(board, text, _EXPECTED)
    name, sign, number = match.groups()
    if name[0] in _PLACES and name[1] in _KINDS:  # the mark in front of the letter
        kind, squares = lettered(board, name[::-1])
        if not squares:
            raise unreadable(board, text, _EXPECTED)
    elif name[0] in _KINDS:
        kind, squares = lettered(board, name)
    else:
        if dialect is None:
            dialect = "official" if sign == "." else "numbered"
        kind, squares = PAWN, _soldiers(board, name, dialect)
        if not squares and name[0] in _KEYPAD:
            kind, squares = lettered(board, _KEYPAD[name[0]] + name[1])
    return find_move(board, kind, squares, _DIRECTIONS[sign], int(number), text)


def lettered(board: Board, name: str) -> tuple[int, list[int]]:
    """Kind and possible squares of a piece named by two characters: its letter, and its file or mark."""
    kind = _KINDS[name[0]]
    mark = name[1]
    if mark in _PLACES:
        if kind == PAWN and mark != ".":
            several = [stack for stack in stacks(board, kind).values() if len(stack) > 1]
            if len(several) == 1 and len(several[0]) >= 4:
                # The ends of such a stack are ++ and --, so that + and - mean the second from either end.
                return kind, [several[0][1 if mark == "+" else -2]]
        return kind, at_place(board, kind, _PLACES[mark])
    if mark in _LISTED:
        return kind, at_place(board, kind, _LISTED[mark])
    stack = on_file(board, kind, int(mark))
    if kind == PAWN and len(stack) in (3, 5):
        return kind, in_stack(stack, MIDDLE)
    return kind, stack


def _soldiers(board: Board, name: str, dialect: Dialect) -> list[int]:
    """Possible squares of a soldier named without a letter; empty if no soldier has that name."""
    if name in ("++", "--"):
        several = [stack for stack in stacks(board, PAWN).values() if len(stack) >= 4]
        return [stack[0 if name == "++" else -1] for stack in several]
    if name[1] in _PLACES:
        return in_stack(on_file(board, PAWN, int(name[0])), _PLACES[name[1]])
    files = stacks(board, PAWN)
    stack = files.get(int(name[1]), [])
    numbered = in_stack(stack, int(name[0]))
    two_files = sum(len(other) > 1 for other in files.values()) > 1
    official = in_stack(stack, MIDDLE) if name[0] == name[1] and two_files else []
    return (official or numbered) if dialect == "official" else (numbered or official)


def render(board: Board, move: Move) -> str:
    """`move` as four characters such as "C2=5", in the numbered dialect.

    Raises:
        MoveError: no piece of the side to move stands on the from-square.
    """
    kind, direction, number = step(board, move)
    letter = "KAEHRCP"[kind - 1]
    file = file_number(board.turn, move.from_square)
    rest = "-=+"[direction + 1] + str(number)
    if kind in (ADVISOR, ELEPHANT):
        return f"{letter}{file}{rest}"
    place, size, others = place_in_stack(board, kind, move.from_square)
    if size == 1:
        return f"{letter}{file}{rest}"
    if kind == PAWN and (size > 2 or others):
        return f"{place}{file}{rest}"
    return f"{letter}{'+' if place == 1 else '-'}{rest}"


def detect_dialect(texts: Iterable[str], board: Board | None = None) -> Dialect | None:
    """Which dialect a whole file (or game) uses for three or more soldiers.

    A text that only one dialect has decides. If none occurs and `board` is given, the texts are played as one game from
    there, and the dialect with the longer legal game is returned.

    Returns: the dialect, or None if nothing decides (usually because the dialects do not differ in these texts).
    Raises: MoveError if texts of both dialects occur.
    """
    moves = [plain(text).upper() for text in texts]
    numbered = next((text for text in moves if _ONLY_NUMBERED.fullmatch(text)), None)
    official = next((text for text in moves if _ONLY_OFFICIAL.fullmatch(text)), None)
    if numbered is not None and official is not None:
        raise MoveError(
            f"expected one WXF dialect, found {numbered!r} (numbered) beside {official!r} (official)"
        )
    if numbered is not None:
        return "numbered"
    if official is not None:
        return "official"
    if board is None or not any(text[:2] in ("11", "33") for text in moves):
        return None
    played = {dialect: _legal_plies(moves, board, dialect) for dialect in ("numbered", "official")}
    if played["numbered"] == played["official"]:
        return None
    return "numbered" if played["numbered"] > played["official"] else "official"


def _legal_plies(texts: list[str], board: Board, dialect: Dialect) -> int:
    board = board.copy()
    for ply, text in enumerate(texts):
        try:
            board.push(parse(board, text, dialect=dialect))
        except MoveError:
            return ply
    return len(texts)
