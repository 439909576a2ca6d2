"""Squares: files a-i from Red's left, ranks 0-9 from Red's side, `square = rank * 9 + file`."""

from __future__ import annotations

from typing import TypeAlias

from xiangqi_gpt.errors import XiangqiError

Square: TypeAlias = int
"""A point of the board, 0 (a0) to 89 (i9)."""

FILES = 9
RANKS = 10
SQUARES = FILES * RANKS
FILE_LETTERS = "abcdefghi"
SQUARE_NAMES: tuple[str, ...] = tuple(f"{FILE_LETTERS[s % FILES]}{s // FILES}" for s in range(SQUARES))
_BY_NAME = {name: sq for sq, name in enumerate(SQUARE_NAMES)}


def file_of(sq: Square) -> int:
    """File of a square, 0 (a) to 8 (i)."""
    return sq % FILES


def rank_of(sq: Square) -> int:
    """Rank of a square, 0 (Red's back rank) to 9."""
    return sq // FILES


def square(file: int, rank: int) -> Square:
    """The square at `file` 0-8 and `rank` 0-9; XiangqiError outside the board."""
    if not (0 <= file < FILES and 0 <= rank < RANKS):
        raise XiangqiError(f"expected a file 0-8 and a rank 0-9, found file {file!r} rank {rank!r}")
    return rank * FILES + file


def square_name(sq: Square) -> str:
    """Name such as "h2"; XiangqiError outside the board."""
    if not 0 <= sq < SQUARES:
        raise XiangqiError(f"expected a square 0-89, found {sq!r}")
    return SQUARE_NAMES[sq]


def parse_square(text: str) -> Square:
    """The square named by `text`, in upper or lower case; XiangqiError if there is none."""
    found = _BY_NAME.get(text.lower())
    if found is None:
        raise XiangqiError(f"expected a square a0-i9, found {text!r}")
    return found


def rotate(sq: Square) -> Square:
    """The square after a half turn of the board (Red's view to Black's)."""
    return SQUARES - 1 - sq


def mirror(sq: Square) -> Square:
    """The square after exchanging left and right."""
    return sq - 2 * (sq % FILES) + FILES - 1
