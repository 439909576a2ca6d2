"""The functions of `batch_numba.py` in plain Python through `Board`: slow, for machines without numba.

Same names, arguments and results; `batch.py` checks the arguments and describes the arrays.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES as _MOVE_OBJECTS
from xiangqi_gpt.rules.perft import perft as _perft

Array = NDArray[Any]

MOVES = 8100
_SYMBOLS = ".KABNRCPkabnrcp"


def _board(squares: Array, turn: int) -> Board:
    ranks = []
    for rank in range(9, -1, -1):
        text = "".join(_SYMBOLS[code] for code in squares[rank * 9 : rank * 9 + 9])
        for run in range(9, 0, -1):
            text = text.replace("." * run, str(run))
        ranks.append(text)
    return Board(f"{'/'.join(ranks)} {'wb'[turn]} - - 0 1", strict=False)


def replay_games(
    starts: Array,
    turns: Array,
    moves: Array,
    offsets: Array,
    boards: Array,
    final: Array,
    first_illegal: Array,
) -> None:
    for game in range(len(turns)):
        board = _board(starts[game], int(turns[game]))
        first_illegal[game] = -1
        begin = int(offsets[game])
        for ply in range(begin, int(offsets[game + 1])):
            boards[ply] = board.squares
            if first_illegal[game] >= 0:
                continue
            number = int(moves[ply])
            if number < MOVES and board.is_legal(_MOVE_OBJECTS[number]):
                board.push(_MOVE_OBJECTS[number])
            else:
                first_illegal[game] = ply - begin
        final[game] = board.squares


def _legal(squares: Array, turn: int) -> list[int]:
    return [move.index for move in _board(squares, turn).legal_moves()]


def legal_mask(boards: Array, turns: Array, mask: Array) -> None:
    for row, turn in enumerate(turns):
        mask[row, _legal(boards[row], int(turn))] = True


def legal_lists(boards: Array, turns: Array, counts: Array, moves: Array) -> int:
    for row, turn in enumerate(turns):
        legal = _legal(boards[row], int(turn))
        if len(legal) > moves.shape[1]:
            return row
        counts[row] = len(legal)
        moves[row, : len(legal)] = legal
    return -1


def in_check(boards: Array, turns: Array, checks: Array) -> None:
    for row, turn in enumerate(turns):
        checks[row] = _board(boards[row], int(turn)).is_check()


def outcome_flags(boards: Array, turns: Array, flags: Array) -> None:
    for row, turn in enumerate(turns):
        board = _board(boards[row], int(turn))
        flags[row] = 0 if board.legal_moves() else 1 if board.is_check() else 2


def push(boards: Array, turns: Array, moves: Array) -> int:
    for row, move in enumerate(moves):
        low = 1 + 7 * int(turns[row])
        if move >= MOVES or not low <= boards[row, int(move) // 90] < low + 7:
            return row
    for row, move in enumerate(moves):
        origin, target = divmod(int(move), 90)
        piece = boards[row, origin]
        boards[row, origin] = 0
        boards[row, target] = piece
        turns[row] = 1 - turns[row]
    return -1


def perft(squares: Array, turn: int, depth: int) -> int:
    return _perft(_board(squares, turn), depth)
