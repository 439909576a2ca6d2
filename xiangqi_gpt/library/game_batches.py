"""The games of a collection as arrays, many at a time."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.library.collection_file import rows_of
from xiangqi_gpt.records.dedupe import start_hash
from xiangqi_gpt.records.record import SPLITS
from xiangqi_gpt.records.replay import start_of

_BATCH: Final = 1024


@dataclass(frozen=True)
class GameBatch:
    """Some games of a collection as arrays; G games with P plies.

    Attributes:
        ids: their numbers.
        hashes: their hashes before the first move, as `records.dedupe` takes them.
        results: int64 (G,), indices in `records.record.RESULTS`.
        years: int64 (G,), 0 where unknown.
        eccos: their ECCO codes, "" where unknown.
        openings: their openings as the sources name them.
        splits: the parts of the data that they belong to.
        starts: int8 (G, 90), the boards before the first move.
        turns: int8 (G,), the sides that move first.
        moves: uint16 (P,), the moves of all games end to end.
        offsets: int64 (G + 1,); game g has moves[offsets[g]:offsets[g + 1]].
    """

    ids: list[int]
    hashes: list[int]
    results: NDArray[np.int64]
    years: NDArray[np.int64]
    eccos: list[str]
    openings: list[str]
    splits: list[str]
    starts: NDArray[np.int8]
    turns: NDArray[np.int8]
    moves: NDArray[np.uint16]
    offsets: NDArray[np.int64]


def game_batches(
    database: sqlite3.Connection, where: str = "", arguments: Sequence[Any] = ()
) -> Iterator[GameBatch]:
    """The games of a collection, or those of a condition on the table `games`, in batches in order of their numbers.

    Raises:
        RecordError: the moves or the start position of a game are damaged, or the order of the games.
    """
    last = 0
    condition = f"{where} AND id > ?" if where else "WHERE id > ?"
    while True:
        # Not one query for all: its table may be changed between two batches.
        rows = rows_of(
            database,
            "SELECT id, result, year, split, kind, start_fen, moves, ecco, opening "
            f"FROM games {condition} ORDER BY id LIMIT {_BATCH}",
            [*arguments, last],
            "iiitttbtt",
        )
        if not rows:
            return
        ids = [last, *(row[0] for row in rows)]
        if any(later <= earlier for earlier, later in itertools.pairwise(ids)):
            # The tree of a damaged file finds games again and again.
            raise RecordError("the collection is damaged: its games are out of order")
        last = ids[-1]
        yield _batch(rows)


def _batch(rows: list[Any]) -> GameBatch:
    starts = [start_of(row[5]) for row in rows]
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row[6]) // 2 for row in rows], out=offsets[1:])
    moves = np.frombuffer(b"".join([row[6] for row in rows]), dtype="<u2").astype(np.uint16)
    if len(moves) != offsets[-1] or np.any(np.diff(offsets) < 1) or any(start.fault for start in starts):
        raise RecordError("the collection is damaged: a game has no start position or no moves")
    if not all(row[3] in SPLITS for row in rows):
        raise RecordError("the collection is damaged: a game belongs to no part of the data")
    return GameBatch(
        ids=[row[0] for row in rows],
        hashes=[start_hash(start.fen, row[4]) for start, row in zip(starts, rows, strict=True)],
        results=np.array([row[1] for row in rows], dtype=np.int64),
        years=np.array([row[2] for row in rows], dtype=np.int64),
        eccos=[row[7] for row in rows],
        openings=[row[8] for row in rows],
        splits=[row[3] for row in rows],
        starts=np.stack([start.squares for start in starts]),
        turns=np.array([start.turn for start in starts], dtype=np.int8),
        moves=moves,
        offsets=offsets,
    )
