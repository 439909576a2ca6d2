"""Which games a model is measured on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.library.all_games import read_all_games
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board

SPLITS = ("train", "valid", "test", "extra")


def chosen_games(
    paths: Iterable[str | os.PathLike[str]],
    *,
    split: str = "test",
    games: int | None = None,
    seed: int = 0,
    on_error: Callable[[RecordError], None] | None = None,
) -> list[GameRecord]:
    """At most *games* games of *split*, drawn with *seed*; ConfigError where there is none."""
    if split not in SPLITS:
        raise ConfigError(f"split: expected one of {', '.join(SPLITS)}, found {split!r}")
    files = list(paths)
    found = [g for g in read_all_games(files, on_error=on_error, splits={split}) if g.moves]
    if not found:
        names = ", ".join(str(f) for f in files)
        raise ConfigError(f"No games of split {split!r} in {names}; choose another --split or add records.")
    if games is None or games >= len(found):
        return found
    picked = np.random.default_rng(seed).choice(len(found), games, replace=False)
    return [found[i] for i in sorted(picked)]


def random_boards(boards: int, plies: int, seed: int = 0) -> Iterator[Board]:
    """Boards after *plies* random legal moves from the standard start, on which there is a legal move."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < boards:
        board = Board()
        for _ in range(plies):
            moves = board.legal_moves()
            if not moves:
                break
            board.push(moves[int(rng.integers(len(moves)))])
        if board.ply == plies and board.legal_moves():
            made += 1
            yield board
