"""The array rules: perft, equality with `Board`, safety on nonsense."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from xiangqi_gpt.rules import Board, IllegalMoveError, Move, XiangqiError, batch, format_fen
from xiangqi_gpt.rules.pieces import Color

PERFT: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "perft.json").read_text())
ORDINARY_NODES = 5_000_000
START = Board()


def perft_cases(deep: bool) -> list[Any]:
    return [
        pytest.param(case["fen"], int(depth), nodes, id=f"{case['id']}-{depth}")
        for case in PERFT
        for depth, nodes in case["perft"].items()
        if (nodes > ORDINARY_NODES) == deep
    ]


@pytest.mark.parametrize(("fen", "depth", "nodes"), perft_cases(deep=False))
def test_perft(fen: str, depth: int, nodes: int) -> None:
    board = Board(fen)
    assert batch.perft(board, depth) == nodes, divide(board, depth)
    assert board.fen() == fen


@pytest.mark.slow
@pytest.mark.parametrize(("fen", "depth", "nodes"), perft_cases(deep=True))
def test_deep_perft(fen: str, depth: int, nodes: int) -> None:
    board = Board(fen)
    assert batch.perft(board, depth) == nodes, divide(board, depth)


def divide(board: Board, depth: int) -> dict[str, int]:
    counts = {}
    for move in board.legal_moves():
        board.push(move)
        counts[move.iccs] = batch.perft(board, depth - 1)
        board.pop()
    return counts


def test_perft_of_no_depth() -> None:
    assert batch.perft(START, 0) == 1
    with pytest.raises(XiangqiError, match="depth"):
        batch.perft(START, -1)


def random_play(count: int, seed: int) -> Iterator[Board]:
    random = Random(seed)
    board = Board()
    for _ in range(count):
        yield board
        moves = board.legal_moves()
        if not moves or board.ply >= 200:
            board = Board()
        else:
            captures = [move for move in moves if board.is_capture(move)]
            board.push(random.choice(captures if captures and random.random() < 0.2 else moves))


def random_placements(count: int, seed: int) -> Iterator[Board]:
    """Boards that no game reaches: pieces anywhere, kings missing, doubled or facing."""
    random = Random(seed)
    for _ in range(count):
        squares = [0] * 90
        for _ in range(random.randint(0, 40)):
            squares[random.randrange(90)] = random.randint(1, 14)
        if random.random() < 0.9:
            squares = [0 if code in (1, 8) else code for code in squares]
            palace = [3, 4, 5, 12, 13, 14, 21, 22, 23]
            squares[random.choice(palace)] = 1
            squares[89 - random.choice(palace)] = 8
        yield Board(format_fen(squares, random.choice(list(Color)), 0, 1), strict=False)


def assert_equal_to_board(boards: Iterator[Board], step: int = 2000) -> int:
    """Compare every function with `Board`, `step` boards at a time; returns how many were compared."""
    compared = 0
    while True:
        squares, turns, legal, checks = [], [], [], []
        for board in boards:
            squares.append(board.squares.copy())
            turns.append(int(board.turn))
            legal.append(board.legal_indices())
            checks.append(board.is_check())
            if len(squares) == step:
                break
        if not squares:
            return compared
        counts, moves = batch.legal_lists(squares, turns)
        assert batch.in_check(squares, turns).tolist() == checks
        flags = batch.outcome_flags(squares, turns)
        mask = batch.legal_mask(squares, turns)
        assert mask.sum() == sum(map(len, legal))
        for row, indices in enumerate(legal):
            assert counts[row] == len(indices)
            assert moves[row, : len(indices)].tolist() == indices, (squares[row], turns[row])
            assert not moves[row, len(indices) :].any()
            assert mask[row, indices].all()
            ended = batch.CHECKMATE if checks[row] else batch.STALEMATE
            assert flags[row] == (batch.ONGOING if indices else ended)
        compared += len(squares)


def test_equal_to_board_in_random_play() -> None:
    assert assert_equal_to_board(random_play(40_000, seed=1)) == 40_000


def test_equal_to_board_on_random_placements() -> None:
    assert assert_equal_to_board(random_placements(10_000, seed=2)) == 10_000


@pytest.mark.slow
def test_equal_to_board_a_million_times() -> None:
    assert assert_equal_to_board(random_play(750_000, seed=3)) == 750_000
    assert assert_equal_to_board(random_placements(250_000, seed=4)) == 250_000


@pytest.mark.parametrize(
    ("fen", "flag"),
    [
        ("3aca3/1Cnrk4/b3r4/2p1n4/2b6/9/9/9/4C4/ppppcK3 b - - 0 1", batch.STALEMATE),
        ("5kC2/4a1N2/3a5/9/9/9/9/r3C4/4p4/2rK4R w - - 0 8", batch.CHECKMATE),
        ("4k4/3R1R3/9/9/9/9/9/9/9/3K5 b - - 0 1", batch.STALEMATE),
        (START.fen(), batch.ONGOING),
    ],
)
def test_outcome_flags(fen: str, flag: int) -> None:
    board = Board(fen, strict=False)
    assert batch.outcome_flags([board.squares], [int(board.turn)]).tolist() == [flag]


def played_game(plies: int, seed: int) -> tuple[list[int], list[list[int]]]:
    random = Random(seed)
    board = Board()
    moves, boards = [], [board.squares.copy()]
    for _ in range(plies):
        move = random.choice(board.legal_moves())
        board.push(move)
        moves.append(move.index)
        boards.append(board.squares.copy())
    return moves, boards


def test_replay() -> None:
    moves, expected = played_game(60, seed=5)
    boards, first_illegal = batch.replay(START.squares, Color.RED, moves)
    assert boards.dtype == np.int8
    assert boards.tolist() == expected
    assert first_illegal == -1
    boards, first_illegal = batch.replay(START.squares, 0, [])
    assert boards.tolist() == [START.squares]
    assert first_illegal == -1


def test_replay_from_a_board_with_black_to_move() -> None:
    moves, expected = played_game(11, seed=6)
    boards, first_illegal = batch.replay(expected[1], 1, moves[1:])
    assert boards.tolist() == expected[1:]
    assert first_illegal == -1
    assert batch.replay(expected[1], 0, moves[1:])[1] == 0


@pytest.mark.parametrize(
    "nonsense",
    [
        Move.from_iccs("e5e6").index,
        Move.from_iccs("h2h8").index,
        Move.from_iccs("a9a8").index,
        Move.from_iccs("a0a0").index,
        8100,
        65535,
        70_000,
        -1,
    ],
)
@pytest.mark.parametrize("ply", [0, 4])
def test_replay_stops_at_an_illegal_move(nonsense: int, ply: int) -> None:
    moves, expected = played_game(10, seed=7)
    assert nonsense not in moves[ply : ply + 1]
    moves[ply] = nonsense
    boards, first_illegal = batch.replay(START.squares, 0, np.array(moves))
    assert first_illegal == ply
    assert boards.tolist() == expected[: ply + 1] + [expected[ply]] * (10 - ply)


def test_a_number_beyond_sixteen_bits_is_not_taken_for_a_move() -> None:
    moves, _ = played_game(10, seed=7)
    moves[4] += 1 << 16
    assert batch.replay(START.squares, 0, np.array(moves))[1] == 4


def test_replay_refuses_a_move_into_check() -> None:
    board = Board("3k5/9/9/9/4r4/9/9/9/4R4/4K4 w - - 0 1")
    pinned, free = Move.from_iccs("e1d1"), Move.from_iccs("e1e5")
    assert batch.replay(board.squares, 0, [pinned.index])[1] == 0
    assert batch.replay(board.squares, 0, [free.index])[1] == -1


def test_replay_games_equals_replay() -> None:
    games = [played_game(plies, seed=plies)[0] for plies in (30, 0, 1, 17)]
    games[3][9] = 8100
    flat = [move for game in games for move in game]
    offsets = np.cumsum([0, *map(len, games)])
    boards, first_illegal = batch.replay_games([START.squares] * 4, [0] * 4, flat, offsets)
    assert boards.shape == (len(flat), 90)
    assert first_illegal.dtype == np.int32
    for number, game in enumerate(games):
        expected, stop = batch.replay(START.squares, 0, game)
        assert boards[offsets[number] : offsets[number + 1]].tolist() == expected[:-1].tolist()
        assert first_illegal[number] == stop
    empty, none = batch.replay_games(np.empty((0, 90), np.int8), np.empty(0, np.int8), [], [0])
    assert empty.shape == (0, 90)
    assert none.shape == (0,)


def test_push_in_place() -> None:
    moves, expected = played_game(20, seed=8)
    boards = np.array(expected[:-1], dtype=np.int8)
    turns = np.array([ply % 2 for ply in range(20)], dtype=np.int8)
    batch.push(boards, turns, moves)
    assert boards.tolist() == expected[1:]
    assert turns.tolist() == [1 - ply % 2 for ply in range(20)]


@pytest.mark.parametrize("nonsense", [Move.from_iccs("e5e6").index, Move.from_iccs("a9a8").index, 8100, -1])
def test_push_changes_nothing_on_nonsense(nonsense: int) -> None:
    boards = np.array([START.squares] * 2, dtype=np.int8)
    turns = np.zeros(2, dtype=np.int8)
    with pytest.raises(IllegalMoveError, match="board 1"):
        batch.push(boards, turns, [Move.from_iccs("h2e2").index, nonsense])
    assert boards.tolist() == [START.squares] * 2
    assert turns.tolist() == [0, 0]


def test_push_needs_arrays_that_it_can_change() -> None:
    turns = np.zeros(1, dtype=np.int8)
    move = [Move.from_iccs("h2e2").index]
    frozen = np.array([START.squares], dtype=np.int8)
    frozen.flags.writeable = False
    for boards in ([START.squares], np.array([START.squares]), frozen):
        with pytest.raises(XiangqiError, match="boards"):
            batch.push(boards, turns, move)  # type: ignore[arg-type]
    with pytest.raises(XiangqiError, match="shape"):
        batch.push(np.array([START.squares], dtype=np.int8), turns, move * 2)


@pytest.mark.parametrize(
    ("boards", "turns", "message"),
    [
        (np.zeros((2, 89), np.int8), [0, 0], r"\(N, 90\)"),
        (np.zeros(90, np.int8), [0], r"\(N, 90\)"),
        (np.zeros((2, 90), np.int8), [0], "turns of shape"),
        (np.full((1, 90), 15), [0], "piece codes 0..14, found 15 at board 0"),
        (np.full((1, 90), -1), [0], "piece codes 0..14, found -1"),
        (np.zeros((2, 90), np.int8), [0, 2], "turns 0..1, found 2 at board 1"),
        (np.zeros((1, 90)), [0], "whole numbers"),
    ],
)
def test_bad_arguments(boards: Any, turns: Any, message: str) -> None:
    for function in (batch.legal_mask, batch.legal_lists, batch.in_check, batch.outcome_flags):
        with pytest.raises(XiangqiError, match=message):
            function(boards, turns)


@pytest.mark.parametrize("offsets", [[0], [0, 1], [1, 2], [0, 3], [0, 2, 2]])
def test_bad_offsets(offsets: list[int]) -> None:
    with pytest.raises(XiangqiError, match="offsets"):
        batch.replay_games([START.squares], [0], [1, 2], offsets)


def test_arguments_are_left_alone() -> None:
    boards = np.array([START.squares] * 3, dtype=np.int8)
    boards.flags.writeable = False
    turns = np.array([0, 1, 0], dtype=np.int8)
    for function in (batch.legal_mask, batch.legal_lists, batch.in_check, batch.outcome_flags):
        function(boards, turns)
    strided = np.repeat(boards, 2, axis=1)[:, ::2]
    assert (batch.legal_mask(strided, turns) == batch.legal_mask(boards, turns)).all()
    assert boards.tolist() == [START.squares] * 3


def test_too_many_moves_for_a_list() -> None:
    squares = [0] * 90
    squares[0:90:7] = [5] * 13
    with pytest.raises(XiangqiError, match="board 1"):
        batch.legal_lists([START.squares, squares], [0, 0])
    assert batch.legal_mask([squares], [0]).sum() > batch.MAX_MOVES


def test_compiles_without_a_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    from xiangqi_gpt.rules import batch_numba

    real = batch_numba.njit

    def njit(*args: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(batch_numba, "njit", njit)

    @batch_numba.compiled
    def double(number: int) -> int:
        return number * 2

    assert double(21) == 42


BOUNDS_SCRIPT = """
import numpy as np
from xiangqi_gpt.rules import batch
rng = np.random.default_rng(0)
boards = np.where(rng.random((300, 90)) < 0.3, rng.integers(1, 15, (300, 90)), 0).astype(np.int8)
turns = rng.integers(0, 2, 300).astype(np.int8)
moves = rng.integers(0, 65536, 300)
batch.legal_mask(boards, turns)
batch.in_check(boards, turns)
batch.outcome_flags(boards, turns)
batch.replay_games(boards, turns, moves, np.arange(301))
batch.replay_games(boards, turns, rng.integers(0, 8100, 300), np.arange(301))
for row in range(300):
    try:
        batch.push(boards[row : row + 1], turns[row : row + 1], moves[row : row + 1])
    except ValueError:
        pass
try:
    batch.legal_lists(np.where(boards == 0, 5, boards), turns * 0)
    batch.legal_lists(boards * (boards == 5), turns * 0)
except ValueError:
    pass
"""


@pytest.mark.slow
def test_no_access_outside_the_arrays(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", BOUNDS_SCRIPT], check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_rules_and_notation_load_neither_numpy_nor_numba() -> None:
    code = (
        "import sys, xiangqi_gpt.rules, xiangqi_gpt.notation; "
        "sys.exit(bool({'numpy', 'numba', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
