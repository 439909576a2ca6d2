"""Code shared by WXF and Chinese notation: files from the mover's right, forward and back, tandem pieces.

A move is written as a piece, a direction (+1 forward, -1 back, 0 sideways) and a number: the steps taken by a piece
that stays on its file, otherwise the file reached. The piece is written as its kind and its file, or, if several of a
kind stand on one file (a *stack*), as its place in the stack, counted from the front.
"""

from __future__ import annotations

from xiangqi_gpt.errors import MoveError, NoPieceError
from xiangqi_gpt.notation.common import one_legal
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import Color, PieceKind

FRONT, MIDDLE, REAR = "front", "middle", "rear"
Place = str | int
"""FRONT, MIDDLE or REAR of a stack, or a number from 1."""

KING, ADVISOR, ELEPHANT, HORSE, ROOK, CANNON, PAWN = (int(kind) for kind in PieceKind)
_DIAGONAL = (ADVISOR, ELEPHANT, HORSE)


def file_number(color: Color, sq: int) -> int:
    """File of a square, 1-9 from the right hand of `color`."""
    return sq % 9 + 1 if color else 9 - sq % 9


def stacks(board: Board, kind: int) -> dict[int, list[int]]:
    """Squares of the mover's pieces of a kind by file number, each list from front to rear."""
    squares, color = board.squares, board.turn
    code = kind + 7 * color
    found: dict[int, list[int]] = {}
    order = range(90) if color else range(89, -1, -1)
    left = squares.count(code)
    for sq in order:
        if not left:
            break
        if squares[sq] == code:
            found.setdefault(file_number(color, sq), []).append(sq)
            left -= 1
    return found


def on_file(board: Board, kind: int, number: int) -> list[int]:
    """Squares of the mover's pieces of a kind on one file, from front to rear."""
    color = board.turn
    file = number - 1 if color else 9 - number
    code = kind + 7 * color
    found = [file + 9 * rank for rank, other in enumerate(board.squares[file::9]) if other == code]
    return found if color else found[::-1]


def in_stack(stack: list[int], place: Place) -> list[int]:
    """The square at a place of a stack, as a list with at most one entry; a lone piece has no place."""
    size = len(stack)
    if size < 2:
        return []
    if place == FRONT:
        return stack[:1]
    if place == REAR:
        return stack[-1:]
    if place == MIDDLE:
        return [stack[size // 2]] if size % 2 else []
    return stack[int(place) - 1 : int(place)]


def at_place(board: Board, kind: int, place: Place) -> list[int]:
    """Squares of the mover's pieces of a kind at a place of a stack, when the file is not given.

    A number counts through all stacks, from the rightmost to the left, and from front to rear within each stack.
    """
    several = [stack for _, stack in sorted(stacks(board, kind).items()) if len(stack) > 1]
    if isinstance(place, int):
        listed = [sq for stack in several for sq in stack]
        return listed[place - 1 : place]
    return [sq for stack in several for sq in in_stack(stack, place)]


def target(color: Color, kind: int, sq: int, direction: int, number: int) -> int | None:
    """Square reached from `sq`, or None if the piece has no such move."""
    file = number - 1 if color else 9 - number
    rank = sq // 9
    forward = -1 if color else 1
    if kind in _DIAGONAL:
        across = abs(file - sq % 9)
        rises = {ADVISOR: {1: 1}, ELEPHANT: {2: 2}, HORSE: {1: 2, 2: 1}}[kind]
        if not direction or across not in rises:
            return None
        rank += forward * direction * rises[across]
    elif direction:
        file = sq % 9
        rank += forward * direction * number
    elif file == sq % 9:
        return None
    return rank * 9 + file if 0 <= rank <= 9 else None


def find_move(board: Board, kind: int, squares: list[int], direction: int, number: int, text: str) -> Move:
    """The one legal move of a piece on one of `squares`.

    Raises:
        MoveError: no such piece (NoPieceError), no such move of it, or several legal moves.
        IllegalMoveError: the move exists and is illegal.
    """
    piece = f"{board.turn.name_en.lower()} {PieceKind(kind).name_en}"
    if not squares:
        raise NoPieceError(
            f"expected a piece on the board, found {text!r}: no such {piece}; in {board.fen()!r}"
        )
    candidates = []
    for sq in squares:
        end = target(board.turn, kind, sq, direction, number)
        if end is not None:
            candidates.append(MOVES[sq * 90 + end])
    if not candidates:
        raise MoveError(
            f"expected a move of a {piece}, found {text!r}: it never moves so; in {board.fen()!r}"
        )
    return one_legal(board, candidates, text)


def step(board: Board, move: Move) -> tuple[int, int, int]:
    """Kind, direction and number of a move; MoveError if its from-square holds no piece of the mover."""
    color = board.turn
    code = board.squares[move.from_square]
    kind = code - 7 * color
    if not 1 <= kind <= 7:
        raise MoveError(
            f"expected a move of a {color.name_en.lower()} piece, found {move.iccs!r} in {board.fen()!r}"
        )
    rise = move.to_square // 9 - move.from_square // 9
    if color:
        rise = -rise
    direction = (rise > 0) - (rise < 0)
    if kind in _DIAGONAL or not direction:
        return kind, direction, file_number(color, move.to_square)
    return kind, direction, abs(rise)


def place_in_stack(board: Board, kind: int, sq: int) -> tuple[int, int, bool]:
    """(place from 1, size of the stack, whether another file also has a stack of the kind) of a piece."""
    stack = on_file(board, kind, file_number(board.turn, sq))
    size = len(stack)
    if size < 2:
        return 1, size, False
    code = kind + 7 * board.turn
    others = any(board.squares[file::9].count(code) > 1 for file in range(9) if file != sq % 9)
    return stack.index(sq) + 1, size, others
