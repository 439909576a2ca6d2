"""Windows of plies cut out of packed games, with their boards replayed.

Letters in shapes: B windows, P plies a window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.errors import ConfigError
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.training.packed import I8, I16, I64, NO_MOVE, NO_SCORE, U16, PackedGames

_F = TypeVar("_F", bound=Callable[..., Any])


def _compiled(function: _F) -> _F:
    """*function* compiled by numba; where that cannot be loaded, plain Python does the same, slower."""
    try:
        from numba import njit
    except ImportError:
        return function
    return cast(_F, njit(cache=True)(function))


@dataclass(frozen=True, kw_only=True)
class Windows:
    """B windows of P plies. Rows of plies past the end of a game hold NO_MOVE and an empty board."""

    boards: I8  # (B, P, 90) piece codes before each ply, seen by the side to move
    turns: I8  # (B, P) the side to move
    clocks: I16  # (B, P) plies since the last capture
    moves: U16  # (B, P) the move played
    targets: U16  # (B, P) the move to learn, or NO_MOVE
    scores: I16  # (B, P) centipawns for the side to move, or NO_SCORE
    results: I8  # (B,) of the game, for Red
    strengths: I16 | None = None  # (B, 2) Elo of Red and Black


@_compiled
def _fill(
    starts: Any,
    turns: Any,
    clocks: Any,
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
        turn = turns[g]
        clock = clocks[g]
        for s in range(90):
            board[s] = starts[g, s]
        length = offsets[g + 1] - offsets[g]
        for ply in range(min(length, first[b] + width)):
            p = ply - first[b]
            if p >= 0:
                out_turns[b, p] = turn
                out_clocks[b, p] = clock
                out_plies[b, p] = offsets[g] + ply
                for s in range(90):
                    # The side to move sees its own pieces as 1-7, from its own side of the board.
                    code = board[s] if turn == 0 else board[89 - s]
                    if turn == 1 and code > 0:
                        code = code + 7 if code < 8 else code - 7
                    t = s
                    if mirrored[b]:
                        t = s - s % 9 + 8 - s % 9
                    out_boards[b, p, t] = code
            move = moves[offsets[g] + ply]
            origin = move // 90
            goal = move % 90
            clock = 0 if board[goal] > 0 else clock + 1
            board[goal] = board[origin]
            board[origin] = 0
            turn = 1 - turn


def mirror_moves(moves: U16) -> U16:
    """Moves as seen in a mirror, left and right exchanged; NO_MOVE stays."""
    index = moves.astype(np.int64)
    origin, goal = index // 90, index % 90
    turned = (origin - 2 * (origin % 9) + 8) * 90 + goal - 2 * (goal % 9) + 8
    return np.where(index == NO_MOVE, NO_MOVE, turned).astype(np.uint16)


def cut(packed: PackedGames, games: I64, first: I64, plies: int, mirrored: npt.NDArray[np.bool_]) -> Windows:
    """The windows of *plies* plies that begin at ply ``first[b]`` of game ``games[b]``, mirrored where asked."""
    shape = (len(games), plies)
    boards = np.zeros((*shape, 90), np.int8)
    turns, clocks = np.zeros(shape, np.int8), np.zeros(shape, np.int16)
    index = np.full(shape, -1, np.int64)
    _fill(
        packed.starts, packed.turns, packed.clocks, packed.moves, packed.offsets,
        games, first, mirrored, boards, turns, clocks, index,
    )  # fmt: skip
    inside = index >= 0
    moves = np.where(inside, packed.moves[index], NO_MOVE).astype(np.uint16)
    targets = np.where(inside, packed.targets[index], NO_MOVE).astype(np.uint16)
    flip = mirrored[:, None]
    return Windows(
        boards=boards,
        turns=turns,
        clocks=clocks,
        moves=np.where(flip, mirror_moves(moves), moves).astype(np.uint16),
        targets=np.where(flip, mirror_moves(targets), targets).astype(np.uint16),
        scores=np.where(inside, packed.scores[index], NO_SCORE).astype(np.int16),
        results=packed.results[games],
        strengths=None if packed.strengths is None else packed.strengths[games],
    )


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """The order in which windows are seen: a function of the seed, the epoch and the place in it alone.

    Every epoch tiles the plies of every game, from the first that has something to learn, with windows of ``plies``,
    beginning at a random phase, and shuffles them.
    """

    packed: PackedGames
    plies: int
    seed: int
    mirror: bool
    from_start: bool = (
        False  # one window a game, its first plies: for models that must replay the game themselves
    )

    def epoch(self, number: int) -> tuple[I64, I64, npt.NDArray[np.bool_]]:
        """Game, first ply and mirroring of every window of an epoch, shuffled."""
        rng = np.random.default_rng((self.seed, number))
        offsets = self.packed.offsets
        lengths = np.diff(offsets)
        if self.from_start:
            shuffled = rng.permutation(self._from_standard_start())
            return (
                shuffled,
                np.zeros_like(shuffled),
                rng.random(len(shuffled)) < (0.5 if self.mirror else 0.0),
            )
        begin = self._first_targets()
        phase = rng.integers(0, self.plies, self.packed.games)
        counts = -(-(lengths - begin + phase) // self.plies)
        games = np.repeat(np.arange(self.packed.games), counts)
        order = np.arange(len(games)) - np.repeat(np.cumsum(counts) - counts, counts)
        first = np.maximum(begin[games] - phase[games] + order * self.plies, 0)
        shuffled = rng.permutation(len(games))
        mirrored = rng.random(len(games)) < (0.5 if self.mirror else 0.0)
        return games[shuffled], first[shuffled], mirrored

    def _from_standard_start(self) -> I64:
        start = np.array(Board().squares, np.int8)
        standard: I64 = np.flatnonzero(
            (self.packed.starts == start).all(1) & (self.packed.turns == Color.RED)
        )
        if not len(standard):
            raise ConfigError("board='none' needs games from the standard start, found none")
        return standard

    def _first_targets(self) -> I64:
        plies = np.arange(self.packed.plies)
        known = np.where(self.packed.targets != NO_MOVE, plies, self.packed.plies)
        first: I64 = np.minimum.reduceat(known, self.packed.offsets[:-1]) - self.packed.offsets[:-1]
        return first
