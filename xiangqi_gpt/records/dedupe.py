"""Finding games that are there twice, and games that are the beginning of another one.

Each game gets a 64-bit hash for its start position and every prefix of its moves. Two games with the same hash
of all their moves are the same; a game whose hash is the hash of a prefix of another is a part of that one.
Sixteen bytes a game are kept in memory. Of two same games the first one read stays; of a game and its
beginning the longer one stays. A teacher's game is never the copy of another kind of game: what may be learnt
from the two differs.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31))


@lru_cache(maxsize=4096)
def _start_hash(position: str, teacher: bool) -> int:
    digest = hashlib.blake2b(f"{position}|{teacher:d}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def start_hash(fen: str, kind: str) -> int:
    """The hash of a game of no moves: placement and side to move, and whether it is a teacher's game."""
    return _start_hash(" ".join(fen.split()[:2]), kind == "teacher")


def prefix_hashes(
    starts: Sequence[int], moves: NDArray[np.uint16], offsets: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """The hash behind each move of many games.

    Args: the hash of each start (G,), move indices end to end (P,), offsets (G + 1,) rising from 0 to P.
    Returns (P,): entry i belongs to the game up to and with move i. A game needs at least one move.
    """
    lengths = np.diff(offsets)
    plies = np.arange(len(moves), dtype=np.uint64) - np.repeat(offsets[:-1].astype(np.uint64), lengths)
    with np.errstate(over="ignore"):
        mixed = (plies * np.uint64(8100) + moves + np.uint64(1)) * _STEP
        mixed = (mixed ^ (mixed >> _SHIFTS[0])) * _MIX[0]
        mixed = (mixed ^ (mixed >> _SHIFTS[1])) * _MIX[1]
        mixed ^= mixed >> _SHIFTS[2]
    run: NDArray[np.uint64] = np.bitwise_xor.accumulate(mixed) if len(mixed) else mixed
    # What the games before this one have left in the running value is taken out again.
    before = np.concatenate((np.zeros(1, dtype=np.uint64), run))[offsets[:-1]]
    own = np.repeat(before ^ np.array(starts, dtype=np.uint64), lengths)
    result: NDArray[np.uint64] = run ^ own
    return result


class Duplicates:
    """Takes all games twice, in the same order and in batches: first `add`, then `seal`, then `find`."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._found = 0
        self._known: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._first: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._twin: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.copies: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        """For each game the number (from 0, as added) of the first one with the same moves, once sealed."""

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, starts: Sequence[int], moves: NDArray[np.uint16], offsets: NDArray[np.int64]) -> None:
        """Take a batch of games, arguments as in `prefix_hashes`."""
        if len(starts):
            hashes = prefix_hashes(starts, moves, offsets)
            self._hashes.frombytes(hashes[offsets[1:] - 1].tobytes())

    def seal(self) -> None:
        """All games have been added: find the exact copies."""
        hashes = np.frombuffer(self._hashes, dtype=np.uint64)
        self._known, self._first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        self.copies = self._first[inverse]
        self._twin = self.copies.copy()

    def find(self, starts: Sequence[int], moves: NDArray[np.uint16], offsets: NDArray[np.int64]) -> None:
        """Take the same batches once more: find the games that are a prefix of these."""
        if not len(starts):
            return
        hashes = prefix_hashes(starts, moves, offsets)
        ends = np.zeros(len(hashes), dtype=bool)
        ends[offsets[1:] - 1] = True
        at = np.minimum(np.searchsorted(self._known, hashes), len(self._known) - 1)
        hit = np.flatnonzero((self._known[at] == hashes) & ~ends)
        longer = np.searchsorted(offsets, hit, side="right") - 1 + self._found
        for part, whole in zip(self._first[at[hit]].tolist(), longer.tolist(), strict=True):
            if self._twin[part] == part:
                self._twin[part] = self._twin[whole]
        self._found += len(starts)

    def originals(self) -> NDArray[np.int64]:
        """For each game the number (from 0, as added) of the game that stands for it; its own if it stays."""
        twin: NDArray[np.int64] = self._twin.copy()
        while True:
            further: NDArray[np.int64] = twin[twin]
            if np.array_equal(further, twin):
                return twin
            twin = further
