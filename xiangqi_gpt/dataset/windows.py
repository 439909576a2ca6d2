"""Windows of plies cut from packed games, with their boards replayed.

Letters in shapes: B windows, P plies per window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.dataset.packed import (
    I8,
    I16,
    I64,
    NO_MOVE,
    NO_SCORE,
    U16,
    Packed,
    PackedGames,
    kind_of,
)
from xiangqi_gpt.rules.batch_numba import compiled
from xiangqi_gpt.rules.views import HALF_TURN, MIRROR, OTHER_COLOR, mirrored_moves


@dataclass(frozen=True, kw_only=True)
class Windows:
    """B windows of P plies. Plies past the end of a game hold NO_MOVE and an empty board."""

    boards: I8  # (B, P, 90) piece codes before each ply, seen by the side to move
    turns: I8  # (B, P) the side to move
    clocks: I16  # (B, P) plies since the last capture
    moves: U16  # (B, P) the move played
    targets: U16  # (B, P) the target move, or NO_MOVE
    scores: I16  # (B, P) centipawns for the side to move, or NO_SCORE
    results: I8  # (B,) of the game, for Red
    strengths: I16 | None = None  # (B, 2) Elo of Red and Black
    taught: npt.NDArray[np.bool_] | None = None  # (B, P) whether the target is a teacher's move
    # (B, P) the move that a person played; NO_MOVE in play-outs, and where a teacher corrects an engine
    human_moves: U16 | None = None
    soft_moves: U16 | None = (
        None  # (B, P, M) a teacher's moves, best first, then NO_MOVE; none at all: NO_MOVE only
    )
    soft_scores: I16 | None = None  # (B, P, M) their centipawns for the side to move, or NO_SCORE


@compiled
def _fill(
    starts: Any,
    turns: Any,
    clocks: Any,
    start_of: Any,
    moves: Any,
    offsets: Any,
    games: Any,
    first: Any,
    mirrored: Any,
    out_boards: Any,
    out_turns: Any,
    out_clocks: Any,
    out_plies: Any,
) -> None:
    width = out_boards.shape[1]
    board = np.empty(90, np.int8)
    for b in range(len(games)):
        g = games[b]
        start = start_of[g]
        turn = turns[start]
        clock = clocks[start]
        for s in range(90):
            board[s] = starts[start, s]
        length = offsets[g + 1] - offsets[g]
        for ply in range(min(length, first[b] + width)):
            p = ply - first[b]
            if p >= 0:
                out_turns[b, p] = turn
                out_clocks[b, p] = clock
                out_plies[b, p] = offsets[g] + ply
                for s in range(90):
                    # The side to move sees its own pieces as 1-7, from its own side of the board.
                    code = board[s] if turn == 0 else OTHER_COLOR[board[HALF_TURN[s]]]
                    out_boards[b, p, MIRROR[s] if mirrored[b] else s] = code
            move = moves[offsets[g] + ply]
            origin = move // 90
            goal = move % 90
            clock = 0 if board[goal] > 0 else clock + 1
            board[goal] = board[origin]
            board[origin] = 0
            turn = 1 - turn


@compiled
def _fill_soft(
    offsets: Any, plies: Any, moves: Any, scores: Any, games: Any, first: Any, out_moves: Any, out_scores: Any
) -> None:
    width, most = out_moves.shape[1], out_moves.shape[2]
    for b in range(len(games)):
        low, high = offsets[games[b]], offsets[games[b] + 1]
        while low < high:  # the first entry at or after the window's first ply
            middle = (low + high) // 2
            if plies[middle] < first[b]:
                low = middle + 1
            else:
                high = middle
        before, number = -1, 0
        for entry in range(low, offsets[games[b] + 1]):
            p = plies[entry] - first[b]
            if p >= width:
                break
            number = number + 1 if p == before else 0
            before = p
            if number < most:
                out_moves[b, p, number] = moves[entry]
                out_scores[b, p, number] = scores[entry]


def mirror_moves(moves: U16) -> U16:
    """Moves with left and right exchanged; NO_MOVE stays."""
    return np.where(moves == NO_MOVE, NO_MOVE, mirrored_moves(moves)).astype(np.uint16)


def gather_windows(
    packed: Packed,
    games: I64,
    first: I64,
    plies: int,
    mirrored: npt.NDArray[np.bool_],
    *,
    soft_moves: int = 1,
) -> Windows:
    """The windows of *plies* plies that begin at ply ``first[b]`` of game ``games[b]``, mirrored if requested.

    If the data has a teacher's lists of moves, the first *soft_moves* of each are included, if that is more than one.
    """
    with_soft = soft_moves > 1 and any(part.soft is not None for part in packed.parts)
    most = soft_moves if with_soft else 0
    if len(packed.parts) == 1:
        return _gather(packed.parts[0], games, first, plies, mirrored, most)
    bounds = np.cumsum([0, *(part.games for part in packed.parts)])
    owner = np.searchsorted(bounds, games, side="right") - 1
    whole: dict[str, Any] = {}
    for number in np.unique(owner).tolist():
        rows = np.flatnonzero(owner == number)
        piece = _gather(
            packed.parts[number], games[rows] - bounds[number], first[rows], plies, mirrored[rows], most
        )
        for name, value in vars(piece).items():
            if value is not None:
                fresh = np.zeros((len(games), *value.shape[1:]), value.dtype)
                whole.setdefault(name, fresh)[rows] = value
    return Windows(**whole)


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """*array* made read-only, like those in files, so that compiled code sees a single array type."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


def _gather(
    packed: PackedGames, games: I64, first: I64, plies: int, mirrored: npt.NDArray[np.bool_], soft_moves: int
) -> Windows:
    shape = (len(games), plies)
    boards = np.zeros((*shape, 90), np.int8)
    turns, clocks = np.zeros(shape, np.int8), np.zeros(shape, np.int16)
    index = np.full(shape, -1, np.int64)
    start_of = np.arange(packed.games, dtype=np.int32) if packed.start_of is None else packed.start_of
    _fill(
        _frozen(packed.starts), _frozen(packed.turns), _frozen(packed.clocks), _frozen(start_of),
        _frozen(packed.moves), _frozen(packed.offsets), games, first, mirrored, boards, turns, clocks, index,
    )  # fmt: skip
    inside = index >= 0
    moves = np.where(inside, packed.moves[index], NO_MOVE).astype(np.uint16)
    targets = np.where(inside, packed.targets[index], NO_MOVE).astype(np.uint16)
    scores = np.where(inside, packed.scores[index], NO_SCORE).astype(np.int16)
    source = np.zeros(len(games), np.int64) if packed.sources is None else packed.sources[games]
    kinds = np.array([kind_of(name) for name in packed.source_names])[source][:, None]
    taught = (kinds == "teacher") | (scores != NO_SCORE) | (targets != moves)
    corrected = taught & np.isin(
        kinds, ("teacher", "engine")
    )  # what a program played and a teacher knows better
    flip = mirrored[:, None]
    soft: dict[str, Any] = {}
    if soft_moves:
        listed = np.zeros((*shape, soft_moves), np.uint16)
        listed_scores = np.full((*shape, soft_moves), NO_SCORE, np.int16)
        if packed.soft is not None:
            labels = packed.soft
            _fill_soft(
                _frozen(labels.offsets), _frozen(labels.plies), _frozen(labels.moves), _frozen(labels.scores),
                games, first, listed, listed_scores,
            )  # fmt: skip
        soft = {
            "soft_moves": np.where(flip[..., None], mirror_moves(listed), listed).astype(np.uint16),
            "soft_scores": listed_scores,
        }
    return Windows(
        boards=boards,
        turns=turns,
        clocks=clocks,
        moves=np.where(flip, mirror_moves(moves), moves).astype(np.uint16),
        targets=np.where(flip, mirror_moves(targets), targets).astype(np.uint16),
        scores=scores,
        results=packed.results[games],
        strengths=np.zeros((len(games), 2), np.int16)
        if packed.strengths is None
        else packed.strengths[games],
        human_moves=np.where(inside & ~corrected, np.where(flip, mirror_moves(moves), moves), NO_MOVE).astype(
            np.uint16
        ),
        taught=taught,
        **soft,
    )
