"""64-bit keys of positions: placement and side to move, the same for a position and its mirror image.

A key is a Zobrist hash: the exclusive or of one random number per piece and square, and of one more with Black to
move. Of the hashes of a board and of its mirror image the smaller one is the key of both. Moves are stored as they are
on the board that has the smaller hash. On a board that is its own mirror image, a move and its mirror image are the
same move; the one that starts further to Red's right stands for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.rules import batch
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.squares import SQUARES
from xiangqi_gpt.rules.views import MIRROR, mirrored_moves

NO_MOVE: Final = 0
"""The move of the last position of a game: a0a0, which is not a move."""

_SEED: Final = 20201127
_CHUNK: Final = 1 << 14

# The raw output of a bit generator is the same in every version of numpy.
_NUMBERS: Final = np.random.PCG64(_SEED).random_raw(SQUARES * 15 + 1)
_BLACK: Final = _NUMBERS[-1]
_TABLE: Final = _NUMBERS[:-1].reshape(SQUARES, 15).copy()
_TABLE[:, 0] = 0
_MIRRORED_TABLE: Final = _TABLE[MIRROR]
_FILE: Final = np.arange(SQUARES) % 9


@dataclass(frozen=True)
class PositionKeys:
    """Keys of N positions.

    Attributes:
        keys: int64 (N,); the bits of the unsigned hash, because databases have no unsigned integers.
        mirrored: bool (N,); whether the mirror image of the board has the smaller hash.
        symmetric: bool (N,); whether the board is its own mirror image.
    """

    keys: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    symmetric: NDArray[np.bool_]

    def stored_moves(self, moves: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """The move numbers under which moves (N,) of these positions are stored, int64 (N,)."""
        own = moves.astype(np.int64)
        other = mirrored_moves(moves)
        further_left = _FILE[own // SQUARES] < _FILE[other // SQUARES]
        # A move that starts on the middle file is stored as the one that ends further to the right.
        further_left |= (own // SQUARES == other // SQUARES) & (own % SQUARES < other % SQUARES)
        return np.where(self.mirrored | (self.symmetric & further_left), other, own)


def position_keys(boards: NDArray[np.int8], turns: NDArray[np.integer[Any]]) -> PositionKeys:
    """Keys of boards (N, 90), in the codes of `rules.batch`, with the sides to move (N,)."""
    own = np.empty(len(boards), dtype=np.uint64)
    other = np.empty_like(own)
    squares = np.arange(SQUARES)
    for begin in range(0, len(boards), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        own[part] = np.bitwise_xor.reduce(_TABLE[squares, boards[part]], axis=1)
        other[part] = np.bitwise_xor.reduce(_MIRRORED_TABLE[squares, boards[part]], axis=1)
    black = np.where(np.asarray(turns) == 1, _BLACK, np.uint64(0))
    keys = (np.minimum(own, other) ^ black).view(np.int64)
    return PositionKeys(keys, other < own, other == own)


@dataclass(frozen=True)
class GamePositions:
    """All positions of G games, the ones before each ply and the last one, game after game.

    Attributes:
        boards: int8 (N, 90).
        turns: int8 (N,), the side to move.
        games: int64 (N,), the index of the game.
        plies: int64 (N,), how many plies have been played in the game.
        moves: int64 (N,), the move played as it is on the board; `NO_MOVE` in last positions.
        illegal: int32 (G,), the index of the first illegal move of each game, -1 where there is none.
    """

    boards: NDArray[np.int8]
    turns: NDArray[np.int8]
    games: NDArray[np.int64]
    plies: NDArray[np.int64]
    moves: NDArray[np.int64]
    illegal: NDArray[np.int32]


def game_positions(
    starts: NDArray[np.int8], turns: NDArray[np.int8], moves: NDArray[np.uint16], offsets: NDArray[np.int64]
) -> GamePositions:
    """Replay games, with the arguments of `rules.batch.replay_games`, and list their positions."""
    # One more ply at the end of each game makes the replay report the last position too: it is
    # no legal move, so that the board of the ply is the one after the last move.
    lengths = np.diff(offsets)
    padded = np.full(len(moves) + len(lengths), NO_MOVE, dtype=np.uint16)
    bounds = offsets + np.arange(len(offsets))
    last = np.zeros(len(padded), dtype=bool)
    last[bounds[1:] - 1] = True
    padded[~last] = moves
    boards, illegal = batch.replay_games(starts, turns, padded, bounds)
    games = np.repeat(np.arange(len(lengths)), lengths + 1)
    plies = np.arange(len(padded)) - bounds[:-1][games]
    sides = ((np.asarray(turns, dtype=np.int64)[games] + plies) & 1).astype(np.int8)
    illegal = np.where(illegal == lengths, -1, illegal).astype(np.int32)
    return GamePositions(boards, sides, games, plies, padded.astype(np.int64), illegal)


@dataclass(frozen=True)
class BoardKey:
    """The key of one board, and how its moves are stored."""

    key: int
    mirrored: bool
    symmetric: bool

    def shown(self, stored: int) -> Move:
        """The move on this board that is stored under a number."""
        move = MOVES[stored]
        return move.mirrored() if self.mirrored else move


def board_key(board: Board) -> BoardKey:
    """The key of a board."""
    found = position_keys(np.array([board.squares], dtype=np.int8), np.array([int(board.turn)]))
    return BoardKey(int(found.keys[0]), bool(found.mirrored[0]), bool(found.symmetric[0]))
