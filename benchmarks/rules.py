"""How fast the rules are, against pyffish and cchess from PyPI, on one core and in one run.

    python benchmarks/rules.py

Prints a table with the ratio that each figure has to reach; exits 1 if one falls short. Times are CPU seconds
of one thread. pyffish and cchess come with the `dev` extra; a row whose rival is not installed is left out.
The positions are the start and those of `data/sample.parquet`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import importlib
import random
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from xiangqi_gpt.records import read_games
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules import Board, batch, perft

PERFT_FEN = "r1ba1a3/4kn3/2n1b4/pNp1p1p1p/4c4/6P2/P1P2R2P/1CcC5/9/2BAKAB2 w - - 0 1"


def seconds(work: Callable[[], Any], least: float = 0.5, rounds: int = 5) -> float:
    """Median CPU seconds of one call over some rounds, each at least `least` / `rounds` seconds long."""
    work()
    times = []
    for _ in range(rounds):
        calls, start = 0, time.thread_time()
        while True:
            work()
            calls += 1
            passed = time.thread_time() - start
            if passed >= least / rounds:
                break
        times.append(passed / calls)
    return statistics.median(times)


def rival(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def game_positions(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Boards (count, 90) and turns (count,) drawn from all plies of the sample."""
    games = [game for game in read_games(resource_path("data/sample.parquet")) if len(game.moves) > 60]
    moves = np.array([move.index for game in games for move in game.moves], dtype=np.uint16)
    offsets = np.cumsum([0, *(len(game.moves) for game in games)])
    starts = [Board(game.start_fen) for game in games]
    turns = np.array([int(board.turn) for board in starts])
    boards, _ = batch.replay_games([board.squares for board in starts], turns, moves, offsets)
    game_of = np.repeat(np.arange(len(games)), np.diff(offsets))
    to_move = (np.arange(len(moves)) - offsets[game_of] + turns[game_of]) % 2
    drawn = np.random.default_rng(seed).choice(len(moves), count, replace=False)
    return boards[drawn], to_move[drawn].astype(np.int8)


def middlegames(count: int, seed: int = 2) -> list[Board]:
    """Positions after 30 to 50 plies of games of the sample."""
    draw = random.Random(seed)
    games = [game for game in read_games(resource_path("data/sample.parquet")) if len(game.moves) > 60]
    boards = []
    for game in draw.sample(games, count):
        board = Board(game.start_fen)
        for move in game.moves[: draw.randint(30, 50)]:
            board.push(move)
        boards.append(board)
    return boards


def cchess_perft(board: Any, depth: int) -> int:
    nodes = 0
    for start, end in board.create_moves():
        if board.is_checked_move(start, end):
            continue
        if depth == 1:
            nodes += 1
        else:
            child = board.copy()
            child._move_piece(start, end)
            child.next_turn()
            nodes += cchess_perft(child, depth - 1)
    return nodes


def main() -> None:
    table = Table("what", "ours", "theirs", "ratio", "bar")
    failed = []

    def row(
        what: str, ours: str, theirs: str = "", ratio: float | None = None, bar: float | None = None
    ) -> None:
        table.add_row(
            what,
            ours,
            theirs,
            "" if ratio is None else f"{ratio:,.0f}x",
            "" if bar is None else f"{bar:,.0f}x",
        )
        if ratio is not None and bar is not None and ratio < bar:
            failed.append(what)

    pyffish = rival("pyffish")
    boards = [Board(), *middlegames(20)]
    fens = [board.fen() for board in boards]
    listed = seconds(lambda: [board.legal_moves() for board in boards]) / len(boards)
    from_fen = seconds(lambda: [Board(fen).legal_moves() for fen in fens]) / len(boards)
    if pyffish is not None:
        theirs = seconds(lambda: [pyffish.legal_moves("xiangqi", fen, []) for fen in fens]) / len(boards)
        shown = f"pyffish {theirs * 1e6:,.0f} us"
        row("Board.legal_moves, 21 positions", f"{listed * 1e6:,.1f} us", shown, theirs / listed, 20)
        row("the same, FEN read each time", f"{from_fen * 1e6:,.1f} us", shown, theirs / from_fen)
    else:
        row("Board.legal_moves, 21 positions", f"{listed * 1e6:,.1f} us")

    start = Board(PERFT_FEN)
    nodes = batch.perft(start, 4)
    compiled = nodes / seconds(lambda: batch.perft(start, 4))
    plain_nodes = perft(start, 2)
    plain = plain_nodes / seconds(lambda: perft(start, 2))
    cchess = rival("cchess")
    if cchess is not None:
        other = cchess.ChessBoard(PERFT_FEN)
        their_nodes = cchess_perft(other, 2)
        theirs = their_nodes / seconds(lambda: cchess_perft(other, 2), least=0)
        shown = f"cchess {theirs:,.0f}/s"
        row("perft, compiled, depth 4", f"{compiled:,.0f}/s", shown, compiled / theirs, 300)
        row("perft, plain Python, depth 2", f"{plain:,.0f}/s", shown, plain / theirs, 30)
    else:
        row("perft, compiled, depth 4", f"{compiled:,.0f}/s")
        row("perft, plain Python, depth 2", f"{plain:,.0f}/s")

    squares, turns = game_positions(10_000)
    speeds: dict[str, float] = {}
    for name in ("legal_mask", "legal_lists", "in_check", "outcome_flags"):
        function = getattr(batch, name)
        speeds[name] = len(squares) / seconds(lambda function=function: function(squares, turns))
        bar = 300_000 if name == "legal_mask" else None
        note = f"bar {bar:,}/s" if bar else ""
        row(f"batch.{name}, 10,000 game positions", f"{speeds[name]:,.0f} boards/s", note)
    if speeds["legal_mask"] < 300_000:
        failed.append("batch.legal_mask")

    Console(width=110).print(table)
    if failed:
        sys.exit(f"below its bar: {', '.join(failed)}")


if __name__ == "__main__":
    main()
