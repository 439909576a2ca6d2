"""What a mistake allowed, in words: positions made for one motif each."""

from __future__ import annotations

import re

import pytest

from xiangqi_gpt.evaluation.motifs import explain_mistake, targets
from xiangqi_gpt.evaluation.reviewers import Comparison, EvaluatedLine
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.captures import capture_gain
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.squares import parse_square
from xiangqi_gpt.texts import LANGUAGES


def position(pieces: str) -> Board:
    """Red to move, with pieces such as "Ke0 kd9": a FEN letter and a square."""
    rows = [["1"] * 9 for _ in range(10)]
    for word in pieces.split():
        sq = parse_square(word[1:])
        rows[9 - sq // 9][sq % 9] = word[0]
    return Board("/".join("".join(row) for row in rows) + " w")


def moves(text: str) -> tuple[Move, ...]:
    return tuple(map(Move.from_iccs, text.split()))


def words(
    pieces: str, best: str, played: str, *, mate: int | None = None, best_mate: int | None = None
) -> str:
    """The English words for the first move of the line *played*, where the move *best* was better."""
    board = position(pieces)
    for line in (best, played):
        walk = board.copy()
        for move in moves(line):
            assert walk.is_legal(move), (pieces, line)
            walk.push(move)
    comparison = Comparison(
        best=EvaluatedLine(pv=moves(best), points=0.9, mate=best_mate),
        played=EvaluatedLine(pv=moves(played), points=0.1, mate=mate),
    )
    found = explain_mistake(board, moves(played)[0], comparison)
    assert all(found.text(language) for language in LANGUAGES)
    assert not re.search(r"[A-Za-z]", found.text("zh"))
    return found.text("en")


@pytest.mark.parametrize(
    ("pieces", "best", "played", "said"),
    [
        ("Kf0 kd9 Ra3 nc5", "a3a4", "a3d3 c5d3", "puts the rook on file 6 where H3+4 takes it"),
        ("Kf0 ke9 Rd3 nc5", "d3a3", "f0f1 c5d3", "leaves the rook on file 6 en prise: H3+4 takes it"),
        ("Kf0 kd9 Re2 Ne4 ra4", "f0f1", "e2i2 a4e4", "exposes the horse on file 5: R1=5 takes it"),
        # A horse that is protected by a rook may be taken by a rook: that wins nothing.
        ("Kf0 kd9 Re2 Ne4 ra4", "f0f1", "e2e3 a4e4 e3e4", "the strongest answer is R1=5; K4+1 was better"),
        (
            "Ke0 kd9 Rb1 nc4 Pi3",
            "b1b2",
            "i3i4 c4d2",
            "allows H3+4, check and an attack on the rook on file 8",
        ),
        (
            "Kf0 kd9 Rb1 Rf1 nc4 Pi3",
            "b1b2",
            "i3i4 c4d2",
            "allows H3+4, a double threat: the rook on file 8 and the rook on file 4",
        ),
        ("Ke0 kd9 re8 ne6 Pi3", "e0f0", "i3i4 e6f4", "allows a discovered check by the rook on file 5: H5+6"),
        (
            "Ke0 kd9 re8 ne6 Pi3 Rg2",
            "e0f0",
            "i3i4 e6f4",
            "allows a discovered check by the rook on file 5 that also attacks the rook on file 3: H5+6",
        ),
        ("Ke0 kd9 Ce2 ra5 Pi3", "e2a2", "i3i4 a5e5", "allows R1=5, which pins the cannon on file 5"),
        # The rook behind the king falls on the move after the check.
        (
            "Ke0 kd9 Ri0 ra2 Pg3",
            "i0i1",
            "g3g4 a2a0 e0e1 a0i0",
            "loses the rook on file 1 in the line R1+2 K5+1 R1=9",
        ),
        ("Ke0 kd9 Ra2 na4", "a2a4", "e0e1 d9d8", "misses R9+2, which wins the horse on file 1"),
        ("Ke0 kd9 Pg3", "e0e1", "g3g4 d9d8", "the strongest answer is K4+1; K5+1 was better"),
        ("Ke0 kd9 Pg3", "e0e1", "g3g4", "K5+1 was better"),
    ],
)
def test_motifs(pieces: str, best: str, played: str, said: str) -> None:
    assert words(pieces, best, played) == said


def test_mates() -> None:
    mated = words("Ke0 kd9 ra2 rb1 Pi3", "e0f0", "i3i4 a2a0", mate=-1)
    assert mated == "allows mate in 1, beginning with R1+2"
    assert words("Kf0 ke9 Ra8 Rb0", "b0b9", "f0f1 e9d9", best_mate=1) == "misses mate in 1: R8+9"
    shut_in = words("Kd0 ke9 re5 rb8", "d0d1", "d0d1 b8b1 d1d0 e5e1", mate=-2)
    assert shut_in == "is left without a legal move in 2, after R2+7"


def test_exchanges_are_counted_to_their_end() -> None:
    # A rook does not win a horse that a soldier protects.
    board = position("Kf0 kd9 pe5 ne4 Re2")
    assert capture_gain(board.squares, Move.from_iccs("e2e4")) == 4 - 9
    assert targets(board.squares, Color.RED) == set()
    assert targets(position("Kf0 kd9 ne4 Re2").squares, Color.RED) == {parse_square("e4")}
