"""The rules for arrays of boards, at compiled speed: masks, check flags, pushing, replay, perft.

Boards are int8 (N, 90), square = rank * 9 + file (a0 = 0, i9 = 89): 0 empty, 1-7 red and 8-14 black in the
order K A B N R C P. Turns are int8 (N,): 0 Red, 1 Black. A move is the number from * 90 + to, uint16.

A move is legal as in `Board`: it obeys the piece's movement, leaves the mover's king unattacked and the kings not
facing. A board array contains no history, so repetition and move counts are left to `Board.outcome`.

Functions that return something do not change their arguments and accept anything that numpy accepts. A board with
another shape or with a code outside 0..14 raises XiangqiError. Only `push` works in place.

The compiled functions release the GIL.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xiangqi_gpt.errors import IllegalMoveError, XiangqiError
from xiangqi_gpt.rules import batch_numba as _rules

__all__ = [
    "CHECKMATE",
    "MAX_MOVES",
    "ONGOING",
    "STALEMATE",
    "in_check",
    "legal_lists",
    "legal_mask",
    "outcome_flags",
    "perft",
    "push",
    "replay",
    "replay_games",
]

MAX_MOVES = 128
"""Width of the rows of `legal_lists`; one side's pieces have fewer than 120 moves even on an empty board."""

ONGOING, CHECKMATE, STALEMATE = 0, 1, 2
"""Values of `outcome_flags`."""

Boards = NDArray[np.int8]
Turns = NDArray[np.int8]


class _HasPosition(Protocol):
    @property
    def squares(self) -> list[int]: ...
    @property
    def turn(self) -> Any: ...


def _check_boards(boards: ArrayLike, turns: ArrayLike) -> tuple[Boards, Turns]:
    """Private int8 copies with checked values: the compiled code does not check them, and tries moves on them."""
    raw_boards, raw_turns = np.asarray(boards), np.asarray(turns)
    if raw_boards.ndim != 2 or raw_boards.shape[1] != 90:
        raise XiangqiError(f"expected boards of shape (N, 90), found {raw_boards.shape}")
    if raw_turns.shape != raw_boards.shape[:1]:
        raise XiangqiError(f"expected turns of shape {raw_boards.shape[:1]}, found {raw_turns.shape}")
    for name, array, limit in (("piece code", raw_boards, 14), ("turn", raw_turns, 1)):
        if array.size and not np.issubdtype(array.dtype, np.integer):
            raise XiangqiError(f"expected whole numbers as {name}s, found {array.dtype}")
        if array.size and (array.min() < 0 or array.max() > limit):
            where = np.argwhere((array < 0) | (array > limit))[0]
            raise XiangqiError(
                f"expected {name}s 0..{limit}, found {int(array[tuple(where)])} at board {int(where[0])}"
            )
    return np.array(raw_boards, dtype=np.int8, order="C"), np.array(raw_turns, dtype=np.int8, order="C")


def _as_moves(moves: ArrayLike) -> NDArray[np.uint16]:
    """A private copy as uint16; numbers that do not fit become 65535, which is not a move."""
    array = np.asarray(moves)
    if array.ndim != 1:
        raise XiangqiError(f"expected moves of one dimension, found shape {array.shape}")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise XiangqiError(f"expected whole numbers as moves, found {array.dtype}")
    if array.dtype != np.uint16:
        array = np.where((array < 0) | (array > 65535), 65535, array)
    return np.array(array, dtype=np.uint16, order="C")


def legal_mask(boards: ArrayLike, turns: ArrayLike) -> NDArray[np.bool_]:
    """Which of the 8,100 moves are legal: bool (N, 8100) for boards (N, 90) and turns (N,)."""
    checked, sides = _check_boards(boards, turns)
    mask = np.zeros((len(checked), _rules.MOVES), dtype=np.bool_)
    _rules.legal_mask(checked, sides, mask)
    return mask


def legal_lists(boards: ArrayLike, turns: ArrayLike) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """The legal moves as lists: counts int32 (N,) and moves uint16 (N, 128), ascending, padded with 0.

    Raises XiangqiError for an artificial board with more than 128 legal moves.
    """
    checked, sides = _check_boards(boards, turns)
    counts = np.zeros(len(checked), dtype=np.int32)
    moves = np.zeros((len(checked), MAX_MOVES), dtype=np.uint16)
    row = _rules.legal_lists(checked, sides, counts, moves)
    if row >= 0:
        raise XiangqiError(
            f"expected at most {MAX_MOVES} legal moves, found more on board {row}; use legal_mask"
        )
    return counts, moves


def in_check(boards: ArrayLike, turns: ArrayLike) -> NDArray[np.bool_]:
    """Whether the side to move is in check (facing kings count): bool (N,)."""
    checked, sides = _check_boards(boards, turns)
    checks = np.zeros(len(checked), dtype=np.bool_)
    _rules.in_check(checked, sides, checks)
    return checks


def outcome_flags(boards: ArrayLike, turns: ArrayLike) -> NDArray[np.int8]:
    """Whether the side to move has lost: int8 (N,) of ONGOING, CHECKMATE or STALEMATE (which also loses)."""
    checked, sides = _check_boards(boards, turns)
    flags = np.zeros(len(checked), dtype=np.int8)
    _rules.outcome_flags(checked, sides, flags)
    return flags


def push(boards: Boards, turns: Turns, moves: ArrayLike) -> None:
    """Make one move per board in place, and switch the turns. Legality is not checked.

    Args: boards int8 (N, 90) and turns int8 (N,), both C-contiguous and writable; moves (N,).
    Raises IllegalMoveError, with nothing changed, if a from-square holds no piece of the side to move.
    """
    for name, array in (("boards", boards), ("turns", turns)):
        if not isinstance(array, np.ndarray) or array.dtype != np.int8:
            raise XiangqiError(
                f"expected {name} as an int8 array to change in place, found {type(array).__name__}"
            )
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise XiangqiError(f"expected {name} C-contiguous and writable")
    _check_boards(boards, turns)
    numbers = _as_moves(moves)
    if numbers.shape != turns.shape:
        raise XiangqiError(f"expected moves of shape {turns.shape}, found {numbers.shape}")
    row = _rules.push(boards, turns, numbers)
    if row >= 0:
        raise IllegalMoveError(
            f"expected a move of a piece of the side to move, found {int(numbers[row])} at board {row}"
        )


def replay(start: ArrayLike, turn: int, moves: ArrayLike) -> tuple[Boards, int]:
    """Play one game from `start` (90,) with `turn` to move.

    Returns the boards int8 (T + 1, 90) before each of the T moves and after the last, and the index of the first
    illegal move (-1 if all are legal). From an illegal move on, the board stays as it was before that move.
    """
    numbers = _as_moves(moves)
    offsets = np.array([0, len(numbers)], dtype=np.int64)
    boards = np.empty((len(numbers) + 1, 90), dtype=np.int8)
    starts, sides = _check_boards(np.asarray(start)[None], np.array([int(turn)]))
    first_illegal = np.empty(1, dtype=np.int32)
    _rules.replay_games(starts, sides, numbers, offsets, boards[:-1], boards[-1:], first_illegal)
    return boards, int(first_illegal[0])


def replay_games(
    starts: ArrayLike, turns: ArrayLike, moves: ArrayLike, offsets: ArrayLike
) -> tuple[Boards, NDArray[np.int32]]:
    """Play G games whose P moves are stored end to end; game g owns moves[offsets[g]:offsets[g + 1]].

    Args: starts (G, 90); turns (G,) to move at the start; moves (P,); offsets (G + 1,) rising from 0 to P.
    Returns the boards before each ply, int8 (P, 90), and for each game the index within the game of its first illegal
    move, int32 (G,), -1 if all are legal. From there on the game's board does not change.
    """
    checked, sides = _check_boards(starts, turns)
    numbers = _as_moves(moves)
    bounds = np.array(offsets, dtype=np.int64, order="C")
    if bounds.shape != (len(checked) + 1,):
        raise XiangqiError(f"expected offsets of shape {(len(checked) + 1,)}, found {bounds.shape}")
    if bounds[0] != 0 or bounds[-1] != len(numbers) or np.any(np.diff(bounds) < 0):
        raise XiangqiError(f"expected offsets rising from 0 to {len(numbers)}")
    boards = np.empty((len(numbers), 90), dtype=np.int8)
    final = np.empty((len(checked), 90), dtype=np.int8)
    first_illegal = np.empty(len(checked), dtype=np.int32)
    _rules.replay_games(checked, sides, numbers, bounds, boards, final, first_illegal)
    return boards, first_illegal


def perft(board: _HasPosition, depth: int) -> int:
    """Number of sequences of `depth` legal moves from `board` (a `Board`, left unchanged)."""
    if depth < 0:
        raise XiangqiError(f"expected a depth of 0 or more, found {depth!r}")
    if depth == 0:
        return 1
    boards, turns = _check_boards([board.squares], [int(board.turn)])
    return int(_rules.perft(boards[0], int(turns[0]), depth))
