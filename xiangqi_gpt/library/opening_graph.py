"""The graph of the positions of openings: transpositions and mirror images are one node, moves are weighted edges."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.library.collection_file import database_errors, open_for_reading
from xiangqi_gpt.library.game_batches import GameBatch, game_batches
from xiangqi_gpt.library.position_keys import game_positions, position_keys

NO_NODE = -1
"""Stands behind the last position of a game that is in the graph."""


@dataclass(frozen=True)
class OpeningGraph:
    """Positions of G games from the standard start up to a depth of D plies, and how they follow each other.

    Attributes:
        nodes: int64 (G, D + 1), the position of each game before each ply, from 0 to N - 1; `NO_NODE` from the first
            position on that too few games reach, or where the game has ended. All games begin in the same node.
        edges: int64 (E, 2), pairs of nodes. Beside the moves, an edge leads from the last position of each game back to
            the start, as if the next game began: what flows into a node also flows out of it.
        weights: int64 (E,), the number of games.
        moves: uint16 (G, D), the moves; 0 where the game has ended.
        results: int64 (G,), indices in `records.record.RESULTS`.
        eccos: the ECCO codes of the games, "" where unknown.
        openings: the openings as the sources name them.
    """

    nodes: NDArray[np.int64]
    edges: NDArray[np.int64]
    weights: NDArray[np.int64]
    moves: NDArray[np.uint16]
    results: NDArray[np.int64]
    eccos: tuple[str, ...]
    openings: tuple[str, ...]

    @property
    def games(self) -> int:
        """Number of games."""
        return len(self.nodes)

    @property
    def positions(self) -> int:
        """Number of nodes."""
        return int(self.nodes.max()) + 1


def opening_graph(path: Path, *, depth: int, least: int | None = None, kind: str = "") -> OpeningGraph:
    """The graph of the games of a collection; games from other start positions are left out.

    Args:
        path: the collection.
        depth: number of plies.
        least: leave out positions of fewer games, and what follows them; by default one game in a thousand, at least 2.
        kind: take games of this kind only, such as "human".

    Raises:
        RecordError: not a collection, or no game in it begins at the standard start.
    """
    keys: list[NDArray[np.int64]] = []
    moves: list[NDArray[np.uint16]] = []
    results: list[NDArray[np.int64]] = []
    eccos: list[str] = []
    openings: list[str] = []
    condition = "WHERE start_fen = ''" + (" AND kind = ?" if kind else "")
    with database_errors(path), contextlib.closing(open_for_reading(path)) as database:
        for batch in game_batches(database, condition, [kind] if kind else []):
            first_keys, first_moves = _first_plies(batch, depth)
            keys.append(first_keys)
            moves.append(first_moves)
            results.append(batch.results)
            eccos += batch.eccos
            openings += batch.openings
    if not keys:
        what = f"of kind {kind!r} " if kind else ""
        raise RecordError(f"no game {what}in the collection begins at the standard start", file=str(path))
    nodes = _nodes(np.concatenate(keys), least)
    edges, weights = _edges(nodes)
    return OpeningGraph(
        nodes, edges, weights, np.concatenate(moves), np.concatenate(results), tuple(eccos), tuple(openings)
    )


def _first_plies(batch: GameBatch, depth: int) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """Keys (G, depth + 1) and moves (G, depth) of the first plies; 0 where a game has ended."""
    games = len(batch.ids)
    moves = np.zeros((games, depth), dtype=np.uint16)
    kept = np.minimum(np.diff(batch.offsets), depth)
    is_move = np.arange(depth) < kept[:, None]
    plies = batch.offsets[:-1, None] + np.arange(depth)
    moves[is_move] = batch.moves[plies[is_move]]
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(kept)))
    found = game_positions(batch.starts, batch.turns, moves[is_move], offsets)
    if np.any(found.illegal >= 0):
        raise RecordError("the collection is damaged: a game breaks the rules")
    keys = np.zeros((games, depth + 1), dtype=np.int64)
    keys[found.games, found.plies] = position_keys(found.boards, found.turns).keys
    return keys, moves


def _nodes(keys: NDArray[np.int64], least: int | None) -> NDArray[np.int64]:
    """Keys (G, D + 1) as numbers of nodes, cut where a position has fewer than `least` games."""
    least = least if least is not None else max(2, len(keys) // 1000)
    unique, inverse = np.unique(keys, return_inverse=True)
    inverse = inverse.reshape(keys.shape)
    # A game counts once for a position to which it returns.
    pairs = np.unique(inverse * len(keys) + np.arange(len(keys))[:, None])
    games = np.bincount(pairs // len(keys), minlength=len(unique))
    kept = (games[inverse] >= least) & (keys != 0)
    kept[:, 0] = True
    kept = np.logical_and.accumulate(kept, axis=1)
    nodes = np.full(keys.shape, NO_NODE, dtype=np.int64)
    nodes[kept] = np.unique(inverse[kept], return_inverse=True)[1]
    return nodes


def _edges(nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    followed = nodes[:, 1:] != NO_NODE
    moved = np.stack((nodes[:, :-1][followed], nodes[:, 1:][followed]), axis=1)
    last = nodes[np.arange(len(nodes)), followed.sum(axis=1)]
    back = np.stack((last, nodes[:, 0]), axis=1)
    # A game of which only the start is in the graph says nothing about it.
    edges, weights = np.unique(np.concatenate((moved, back[last != nodes[:, 0]])), axis=0, return_counts=True)
    return edges, weights.astype(np.int64)
