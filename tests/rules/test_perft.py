from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xiangqi_gpt.rules import Board, ConfigError, Move, divide, perft

ENTRIES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "perft.json").read_text())
QUICK = 100_000
"""Leaves that the ordinary run counts at most for one number."""

SLOW = 6_000_000
"""Leaves that the slow run of plain Python counts at most; what is deeper belongs to the array rules."""


def cases(low: int, high: int) -> list[Any]:
    return [
        pytest.param(entry["fen"], int(depth), nodes, id=f"{entry['id']}-{depth}")
        for entry in ENTRIES
        for depth, nodes in entry["perft"].items()
        if low < nodes <= high
    ]


def check(fen: str, depth: int, nodes: int) -> None:
    board = Board(fen)
    before = board.fen()
    found = perft(board, depth)
    assert board.fen() == before
    if found != nodes:
        lines = "\n".join(f"{move}: {count}" for move, count in divide(board, depth).items())
        pytest.fail(f"perft({depth}) of {fen}: expected {nodes}, found {found}; divide:\n{lines}")


@pytest.mark.parametrize(("fen", "depth", "nodes"), cases(0, QUICK))
def test_perft(fen: str, depth: int, nodes: int) -> None:
    check(fen, depth, nodes)


@pytest.mark.slow
@pytest.mark.parametrize(("fen", "depth", "nodes"), cases(QUICK, SLOW))
def test_perft_deep(fen: str, depth: int, nodes: int) -> None:
    check(fen, depth, nodes)


def perft_after(text: str, depth: int) -> int:
    board = Board()
    board.push(Move.from_iccs(text))
    return perft(board, depth)


def test_divide_sums_to_perft() -> None:
    counts = divide(Board(), 3)
    assert sum(counts.values()) == 79666
    assert counts[Move.from_iccs("h2e2")] == perft_after("h2e2", 2)
    assert list(counts) == Board().legal_moves()


def test_perft_of_depth_zero_is_one() -> None:
    assert perft(Board(), 0) == 1


def test_negative_depths_are_refused() -> None:
    with pytest.raises(ConfigError, match="found -1"):
        perft(Board(), -1)
    with pytest.raises(ConfigError, match="found 0"):
        divide(Board(), 0)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if "checks" in e], ids=lambda e: e["id"])
def test_leaves_that_check_or_capture(entry: dict[str, Any]) -> None:
    board = Board(entry["fen"])
    for first in board.legal_moves():
        board.push(first)
        moves = board.legal_moves()
        entry.setdefault("found", [0, 0])
        entry["found"][0] += sum(board.gives_check(m) for m in moves)
        entry["found"][1] += sum(board.is_capture(m) for m in moves)
        board.pop()
    assert entry["found"] == [entry["checks"]["2"], entry["captures"]["2"]]
