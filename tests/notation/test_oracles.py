"""The written forms against two other programs, the known faults of each named.

cchess (Chinese notation) writes soldiers on two files by mark alone, 前兵进一, which fits two of them, and 后
for the last of four or five, where we write its number. It cannot read numbers (二兵), file marks (前三) or
two advisors or elephants on one file, and takes 前 中 后 over all soldiers of the side, whatever their file.

pyffish (WXF) drops the tandem mark where only one of the two pieces has a legal move of that direction and
number: "R1+1" for "R-+1".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest

from xiangqi_gpt.notation import chinese, uci, wxf
from xiangqi_gpt.notation.relative import ADVISOR, ELEPHANT, PAWN, place_in_stack
from xiangqi_gpt.rules import Board, Move, MoveError

from .positions import played, stacked


def boards(stacks: int, games: int) -> Iterator[Board]:
    yield from stacked(stacks, seed=21)
    for number, board in enumerate(played(30 * games, seed=22)):
        if number % 30 == 0:
            yield board


def stack_of(board: Board, move: Move) -> tuple[int, int, int, bool]:
    kind = board.squares[move.from_square] - 7 * board.turn
    return (kind, *place_in_stack(board, kind, move.from_square))


def parsed_or_listed(board: Board, text: str, move: Move) -> bool:
    """Whether a text reads as `move`, or is refused with `move` among the candidates."""
    try:
        return chinese.parse(board, text) is move
    except MoveError as error:
        return move.iccs in str(error)


def test_chinese_against_cchess() -> None:
    cchess = pytest.importorskip("cchess")
    compared = 0
    for board in boards(100, 50):
        other = cchess.ChessBoard(board.fen())
        for move in board.legal_moves():
            start, end = ((sq % 9, sq // 9) for sq in (move.from_square, move.to_square))
            ours = chinese.render(board, move)
            full = chinese.render(board, move, digits="full")
            theirs = cchess.Move(other, start, end).to_text()
            kind, place, size, others = stack_of(board, move)
            if kind == PAWN and others:
                assert theirs[0] in "前中后二三四２３４"
                assert parsed_or_listed(board, theirs, move)
                continue
            assert chinese.parse(board, theirs) is move
            if kind == PAWN and size > 3 and place == size:
                assert theirs[0] == "后"
                continue
            assert full == theirs
            assert unicodedata.normalize("NFKC", theirs) == ours
            alone = board.squares.count(board.squares[move.from_square]) == size
            if size == 1 or (size == 2 and alone and kind not in (ADVISOR, ELEPHANT)):
                read = other.copy().move_text(ours)
                assert read is not None
                assert read.to_iccs() == move.iccs
            compared += 1
    assert compared > 2500


def test_wxf_against_pyffish() -> None:
    pyffish = pytest.importorskip("pyffish")
    compared = 0
    for board in boards(40, 20):
        fen = board.fen()
        for move in board.legal_moves():
            ours = wxf.render(board, move)
            name = uci.render(board, move, ranks="1-10")
            theirs = pyffish.get_san("xiangqi", fen, name, False, pyffish.NOTATION_XIANGQI_WXF)
            assert wxf.parse(board, theirs) is move
            if theirs != ours:
                kind, _, size, _ = stack_of(board, move)
                assert size == 2
                assert kind not in (ADVISOR, ELEPHANT)
                assert ours[1] in "+-"
                assert theirs == ours[0] + str(own_file(board, move)) + ours[2:]
            compared += 1
    assert compared > 1000


def own_file(board: Board, move: Move) -> int:
    """File from the mover's right."""
    file = move.from_square % 9
    return file + 1 if board.turn else 9 - file
