"""Positions that cannot occur but can be played."""

from __future__ import annotations

from random import Random

import pytest

from xiangqi_gpt.errors import FenError
from xiangqi_gpt.rules import START_FEN, batch
from xiangqi_gpt.rules.fen import fen_faults, format_fen
from xiangqi_gpt.rules.lenient import lenient_board
from xiangqi_gpt.rules.pieces import Color


def test_a_usual_position_has_nothing_odd() -> None:
    board, odd = lenient_board(START_FEN)
    assert (board.fen(), odd) == (START_FEN, ())


def test_what_is_odd_is_said_in_words() -> None:
    board, odd = lenient_board("3k2p2/4P4/9/9/9/2B1cnN2/9/7CR/4p4/2Cp1K3 w - - 0 1")
    assert [fault.square for fault in odd] == [87]
    assert "soldier" in odd[0].text_en
    assert len(board.legal_moves()) > 0


def test_compiled_and_plain_rules_agree_on_odd_positions() -> None:
    random = Random(5)
    seen = 0
    while seen < 300:
        squares = [random.choice((0, 0, 0, *range(1, 15))) for _ in range(90)]
        squares = [0 if code in (1, 8) else code for code in squares]
        squares[random.choice((3, 4, 5, 12, 13, 14, 21, 22, 23))] = 1
        squares[random.choice((84, 85, 86, 75, 76, 77, 66, 67, 68))] = 8
        fen = format_fen(squares, random.choice(list(Color)))
        try:
            board, odd = lenient_board(fen)
        except FenError:
            continue
        seen += 1
        assert len(odd) == len(fen_faults(fen)) > 0
        moves = board.legal_moves()
        mask = batch.legal_mask([board.squares], [int(board.turn)])[0]
        assert sorted(move.index for move in moves) == mask.nonzero()[0].tolist()
        for move in random.sample(moves, min(5, len(moves))):
            board.push(move)
            board.pop()
        assert board.fen() == fen


@pytest.mark.parametrize("fen", ["", "4k4/9/9/9/9/9/9/9/9/4K4 w", "9/9/9/9/9/9/9/9/9/4K4 w", "x" * 1000])
def test_what_cannot_be_played_is_refused(fen: str) -> None:
    with pytest.raises(FenError):
        lenient_board(fen)
