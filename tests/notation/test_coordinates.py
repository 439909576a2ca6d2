"""ICCS and UCI, and how a file's rank convention is found."""

from __future__ import annotations

import pytest

from xiangqi_gpt.notation import detect_rank_convention, iccs, uci
from xiangqi_gpt.rules import Board, IllegalMoveError, Move, MoveError, Reason

from .positions import played


@pytest.mark.parametrize("text", ["h2e2", "H2-E2", "H2E2", " h2e2 ", "ｈ２ｅ２", "H2–E2"])
def test_iccs_spellings(text: str) -> None:
    assert iccs.parse(Board(), text) is Move.from_iccs("h2e2")


@pytest.mark.parametrize("text", ["", "h2", "h2e22", "j2e2", "h10e10", "A01-A2", "炮二平五", "h2 e2"])
def test_iccs_refuses_other_shapes(text: str) -> None:
    with pytest.raises(MoveError) as caught:
        iccs.parse(Board(), text)
    assert not isinstance(caught.value, IllegalMoveError)
    assert repr(text) in str(caught.value)
    assert Board().fen() in str(caught.value)


def test_illegal_move_says_why() -> None:
    board = Board()
    with pytest.raises(IllegalMoveError, match="blocked on h7") as caught:
        iccs.parse(board, "H2-H8")
    assert caught.value.reason == board.explain(Move.from_iccs("h2h8"))
    assert "'H2-H8'" in str(caught.value)
    assert board.fen() in str(caught.value)


def test_uci_counts_ranks_from_zero_or_one() -> None:
    board = Board()
    assert uci.parse(board, "h2e2") is uci.parse(board, "h3e3", ranks="1-10")
    board.push(Move.from_iccs("h2e2"))
    knight = Move.from_iccs("b9c7")
    assert uci.parse(board, "b10c8", ranks="1-10") is knight
    assert uci.render(board, knight, ranks="1-10") == "b10c8"
    assert uci.render(board, knight) == "b9c7"


@pytest.mark.parametrize(
    ("text", "ranks"), [("b10c8", "0-9"), ("a0a1", "1-10"), ("0000", "0-9"), ("a11a1", "1-10")]
)
def test_uci_refuses_ranks_of_the_other_convention(text: str, ranks: uci.RankConvention) -> None:
    with pytest.raises(MoveError, match="expected a UCI move"):
        uci.parse(Board(), text, ranks=ranks)


def test_uci_refuses_an_unknown_convention() -> None:
    with pytest.raises(MoveError, match="'0-9' or '1-10'"):
        uci.render(Board(), Move.from_iccs("h2e2"), ranks="2-11")  # type: ignore[arg-type]


def test_uci_illegal_move() -> None:
    with pytest.raises(IllegalMoveError) as caught:
        uci.parse(Board(), "h2e2", ranks="1-10")
    assert caught.value.reason is not None
    assert caught.value.reason.reason is Reason.EMPTY_SQUARE


def test_round_trip_in_both_conventions() -> None:
    for board in played(300, seed=1):
        for move in board.legal_moves():
            assert iccs.parse(board, iccs.render(board, move)) is move
            for ranks in ("0-9", "1-10"):
                assert uci.parse(board, uci.render(board, move, ranks=ranks), ranks=ranks) is move


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["h2e2", "h9g7", "a0a1"], "0-9"),
        (["h3e3", "h10g8"], "1-10"),
        (["H3E3", "B10C8"], "1-10"),
        (["a4a5", "a7a6"], None),
        ([], None),
    ],
)
def test_rank_convention_by_the_ranks_that_occur(texts: list[str], found: str | None) -> None:
    assert detect_rank_convention(texts) == found


def test_rank_convention_by_replaying() -> None:
    assert detect_rank_convention(["h2e2", "h7e7"], Board()) == "0-9"
    assert detect_rank_convention(["h3e3", "h8e8"], Board()) == "1-10"
    both = Board("4k4/9/9/9/9/r8/R8/9/9/3K5 w - - 0 1")
    assert detect_rank_convention(["a3b3"], both) == "0-9"
    assert detect_rank_convention(["a4b4"], both) == "1-10"
    assert detect_rank_convention(["a9b9"], both) is None


def test_mixed_rank_conventions_are_an_error() -> None:
    with pytest.raises(MoveError, match=r"'h10g8'"):
        detect_rank_convention(["h10g8", "a0a1"])
