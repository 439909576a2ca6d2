from __future__ import annotations

import unicodedata

import pytest

from xiangqi_gpt.play.wording import PieceSet
from xiangqi_gpt.rules import Board, Move
from xiangqi_gpt.terminal.draw import draw_board

START_LETTERS = """\
9  r  h  e  a  k  a  e  h  r
8  .  .  .  .  .  .  .  .  .
7  .  c  .  .  .  .  .  c  .
6  p  .  p  .  p  .  p  .  p
5  .  .  .  .  .  .  .  .  .
  ~~~~~~~~~~~~~~~~~~~~~~~~~~~
4  .  .  .  .  .  .  .  .  .
3  P  .  P  .  P  .  P  .  P
2  .  C  .  .  .  .  .  C  .
1  .  .  .  .  .  .  .  .  .
0  R  H  E  A  K  A  E  H  R
   a  b  c  d  e  f  g  h  i"""


def lines(board: Board, pieces: PieceSet, flipped: bool = False, last: Move | None = None) -> list[str]:
    text = draw_board(board, pieces=pieces, flipped=flipped, last=last)
    return [line.rstrip() for line in text.plain.split("\n")]


def columns(text: str) -> int:
    """Width in a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def test_letters() -> None:
    assert "\n".join(lines(Board(), "letters")) == START_LETTERS
    assert "\n".join(lines(Board(), "letters")).isascii()


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("pieces", ["chinese", "simplified"])
def test_chinese_pieces_stand_in_columns(pieces: PieceSet, flipped: bool) -> None:
    rows = draw_board(Board(), pieces=pieces, flipped=flipped, last=Move.from_iccs("h2e2")).plain.split("\n")
    board = [row for row in rows if row[:1].isdigit()]
    assert len(board) == 10
    assert {columns(row) for row in board} == {38}
    labels = [rows[0], rows[-2], rows[-1]]
    for file in range(9):
        column = 3 + 4 * file
        for row in (*board, *labels):
            before = 0
            start = next(i for i, char in enumerate(row) if (before := before + columns(char)) > column)
            assert not row[start].isspace(), (row, file)


def test_no_width_of_a_character_is_left_to_the_terminal() -> None:
    text = draw_board(Board(), pieces="chinese").plain
    assert all(unicodedata.east_asian_width(char) != "A" for char in text)


def test_each_side_counts_files_from_its_right() -> None:
    rows = lines(Board(), "chinese")
    assert rows[0].split() == list("１２３４５６７８９")
    assert rows[-2].split() == list("九八七六五四三二一")
    turned = lines(Board(), "chinese", flipped=True)
    assert turned[0].split() == list("一二三四五六七八九")
    assert turned[-2].split() == list("９８７６５４３２１")
    assert turned[1].startswith("0  俥")


def test_the_last_move_stands_in_brackets() -> None:
    board, move = Board(), Move.from_iccs("h2e2")
    board.push(move)
    row = next(row for row in lines(board, "chinese", last=move) if row.startswith("2"))
    assert row == "2  ・  炮  ・  ・ [炮] ・  ・ [・] ・"
    assert "[C]" in "\n".join(lines(board, "letters", last=move))


def test_red_is_red() -> None:
    text = draw_board(Board(), pieces="chinese")
    styles = {text.plain[span.start : span.end]: str(span.style) for span in text.spans}
    assert "red" in styles["帥"]
    assert "red" not in styles["將"]
