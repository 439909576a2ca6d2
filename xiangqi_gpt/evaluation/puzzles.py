"""Puzzles: whether the first move of the solution is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xiangqi_gpt.errors import RecordError, XiangqiError
from xiangqi_gpt.evaluation.intervals import Estimate, estimate
from xiangqi_gpt.players.base import Limit, Player
from xiangqi_gpt.records import read_games
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move

LENGTHS = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 8), (9, 12), (13, None))
"""Groups of puzzles by the moves of the side that solves them; the last has no end."""


@dataclass(frozen=True, kw_only=True)
class Puzzle:
    """A position, and the line that solves it: legal, the solver's move first."""

    fen: str
    solution: tuple[Move, ...]

    @property
    def length(self) -> int:
        """Moves of the side that solves it."""
        return (len(self.solution) + 1) // 2


@dataclass(frozen=True, kw_only=True)
class Solved:
    """How many puzzles of some lengths were solved, as far as the first move goes."""

    length: str  # "3", "4-5", "13+"; "all"
    puzzles: int
    found: int
    interval: Estimate | None = None  # of the share; None without puzzles

    @property
    def share(self) -> float:
        """0..1; of no puzzles at all 0."""
        return self.found / self.puzzles if self.puzzles else 0.0


def read_puzzles(
    paths: Iterable[str | os.PathLike[str]], on_error: Callable[[RecordError], None]
) -> Iterator[Puzzle]:
    """The puzzles of record files, each position once: games from a position of their own, their moves the solution.

    Of Parquet files the columns ``fen`` and ``solution`` are read instead where they are there; rows without a
    solution, or with ``solution_complete`` false, are no puzzles.
    """
    seen = set()
    for path in map(Path, paths):
        for puzzle in _of_table(path, on_error) or _of_games(path, on_error):
            if puzzle.fen not in seen:
                seen.add(puzzle.fen)
                yield puzzle


def _of_games(path: Path, on_error: Callable[[RecordError], None]) -> Iterator[Puzzle]:
    for game in read_games([path], on_error=on_error):
        if game.moves and game.start_fen != START_FEN:
            yield Puzzle(fen=game.start_fen, solution=game.moves)


def _of_table(path: Path, on_error: Callable[[RecordError], None]) -> Iterator[Puzzle] | None:
    """None where the file has no such columns."""
    if path.suffix != ".parquet" or not path.is_file():
        return None
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError):
        return None  # the reader of games reports the fault
    columns = [n for n in ("fen", "solution", "solution_complete") if n in file.schema_arrow.names]
    if columns[:2] != ["fen", "solution"]:
        return None
    try:
        rows = file.read(columns).to_pylist()
    except Exception as error:  # whatever pyarrow finds wrong with the columns costs this file only
        reason = f"expected columns of text, found {' '.join(str(error).split())}"
        on_error(RecordError(reason, file=str(path)))
        return iter(())
    return _rows(rows, path, on_error)


def _rows(
    rows: Sequence[dict[str, object]], path: Path, on_error: Callable[[RecordError], None]
) -> Iterator[Puzzle]:
    for number, row in enumerate(rows, 1):
        if not row["solution"] or row.get("solution_complete") is False:
            continue
        moves: list[Move] = []
        try:
            board = Board(str(row["fen"]), strict=False)
            for text in str(row["solution"]).split():
                move = Move.from_iccs(text)
                if not board.is_legal(move):
                    raise XiangqiError(f"solution: expected a legal move, found {text!r}")
                moves.append(move)
                board.push(move)
        except XiangqiError as error:
            on_error(RecordError(str(error), file=str(path), game=number, ply=len(moves)))
            continue
        yield Puzzle(fen=str(row["fen"]), solution=tuple(moves))


def drawn(puzzles: Iterable[Puzzle], count: int | None, seed: int = 0) -> list[Puzzle]:
    """At most *count* of the puzzles, drawn with *seed*; all for None."""
    found = list(puzzles)
    if count is None or count >= len(found):
        return found
    return [found[i] for i in sorted(np.random.default_rng(seed).choice(len(found), count, replace=False))]


def solve(
    player: Player,
    puzzles: Sequence[Puzzle],
    limit: Limit | None = None,
    on_puzzle: Callable[[int], None] | None = None,
) -> list[Solved]:
    """What *player* makes of *puzzles*, by the length of the solution, and in all.

    A puzzle is solved by the first move of its solution, or by any other that mates at once.
    """
    solved = []
    for puzzle in puzzles:
        solved.append(is_solved(player, puzzle, limit))
        if on_puzzle is not None:
            on_puzzle(len(solved))
    return summarise_puzzles(puzzles, solved)


def is_solved(player: Player, puzzle: Puzzle, limit: Limit | None = None) -> bool:
    """Whether *player* finds the first move, or another that mates at once."""
    board = Board(puzzle.fen, strict=False)
    player.new_game()
    move = player.play(board.copy(), limit or Limit()).move
    return move == puzzle.solution[0] or board.gives_mate(move)


def summarise_puzzles(puzzles: Sequence[Puzzle], solved: Sequence[bool]) -> list[Solved]:
    """Counts by the length of the solution, and in all, with 95 % intervals."""
    groups: dict[tuple[int, int | None], list[bool]] = {group: [] for group in LENGTHS}
    for puzzle, found in zip(puzzles, solved, strict=True):
        group = next(g for g in LENGTHS if g[0] <= puzzle.length and (g[1] is None or puzzle.length <= g[1]))
        groups[group].append(found)
    rows = [*((_name(group), part) for group, part in groups.items() if part), ("all", list(solved))]
    return [
        Solved(length=name, puzzles=len(part), found=sum(part), interval=estimate(part, np.arange(len(part))))
        for name, part in rows
    ]


def _name(group: tuple[int, int | None]) -> str:
    first, last = group
    return f"{first}+" if last is None else str(first) if first == last else f"{first}-{last}"
