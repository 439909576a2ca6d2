"""What captures win, and which moves give something away."""

from __future__ import annotations

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.captures import moves_that_lose_material, retake_gain
from xiangqi_gpt.rules.pieces import RED
from xiangqi_gpt.rules.squares import parse_square


def losing(fen: str, least: float) -> set[str]:
    board = Board(fen)
    flags = moves_that_lose_material(board, least)
    assert board == Board(fen)
    return {move.iccs for move, flag in zip(board.legal_moves(), flags, strict=True) if flag}


def test_a_rook_may_not_be_put_where_it_is_taken_for_nothing() -> None:
    # Black's rook on a9 guards the a file and rank 9; Red's rook stands on b0.
    fen = "r2k5/9/9/9/9/9/9/9/9/1R2K4 w - - 0 1"
    assert losing(fen, 7) == {"b0a0", "b0b9"}


def test_a_guard_may_not_leave() -> None:
    # Black's rook attacks the horse on a4, which the rook on i4 guards along the rank, or with a check from i9.
    found = losing("r2k5/9/9/9/9/N7R/9/9/9/4K4 w - - 0 1", 3)
    assert found == {f"i4i{rank}" for rank in (0, 1, 2, 3, 5, 6, 7, 8)}


def test_a_capture_that_is_not_taken_back_counts() -> None:
    # Black has just taken on e4 with the rook; the horse on c3 takes back.
    fen = "4k4/9/9/9/9/4r4/2N6/9/9/3K5 w - - 0 1"
    found = losing(fen, 7)
    assert "c3e4" not in found
    assert len(found) == len(Board(fen).legal_moves()) - 1


def test_an_even_exchange_loses_nothing() -> None:
    # Red's rook is attacked: it takes and is taken, or moves away.
    found = losing("r2k5/9/9/r8/9/9/R8/9/9/4K4 w - - 0 1", 3)
    assert found >= {"e0e1", "e0f0", "a3a2"}
    assert found.isdisjoint({"a3a6", "a3b3", "a3i3"})


def test_of_moves_that_lose_the_same_none_is_marked() -> None:
    # Each reply to the check leaves the rook on a3 to the one on a6.
    board = Board("4k4/9/9/r8/9/9/R8/9/4r4/5K3 w - - 0 1")
    assert losing(board.fen(), 30) == set()


def test_taking_is_left_where_it_does_not_pay() -> None:
    # The soldier on e5 is guarded by the one on e6 no more than a rook is worth a soldier.
    board = Board("4k4/9/4r4/4p4/9/9/9/9/4R4/3K5 w - - 0 1")
    assert retake_gain(board.squares, parse_square("e6"), RED) == 0
