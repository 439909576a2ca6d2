"""Chinese notation (纵线): 炮二平五, 马8进7, 前车退一, 前三平四.

Read: simplified, traditional and mixed characters; 一-九, 1-9 and １-９ for either side, always the side to move;
上/下 for 进/退; the mark before or after the piece; and the ways of naming soldiers that stand on one file: 前中后,
or 一二三四五 counted over the files from the right and from the front within each file; 前二三四五, and with two
such files 前兵三进一 or short 前三进一. A text that fits several legal moves is rejected.

Written: 前 后 for two on a file, 前 中 后 for three, 前 二 三 四 五 for more; with two such files, soldiers by mark and
file, 前三进一. Advisors and elephants are always named by their file.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

from xiangqi_gpt.notation.common import MAX_TEXT, unreadable
from xiangqi_gpt.notation.relative import (
    ADVISOR,
    ELEPHANT,
    FRONT,
    MIDDLE,
    PAWN,
    REAR,
    Place,
    at_place,
    file_number,
    find_move,
    in_stack,
    on_file,
    place_in_stack,
    step,
)
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

Script = Literal["simplified", "traditional"]
Digits = Literal["ascii", "full"]

# Every accepted character -> one letter: pieces KAEHRCP, marks f m r, digits 1-9, directions + - =
_LETTERS = {
    "K": "帅帥将將",
    "A": "仕士",
    "E": "相象",
    "H": "马馬傌",
    "R": "车車俥",
    "C": "炮砲包",
    "P": "兵卒",
    "f": "前",
    "m": "中",
    "r": "后後",
    "+": "进進上",
    "-": "退下",
    "=": "平",
}
_LETTERS.update((str(number), character) for number, character in enumerate("一二三四五六七八九", 1))
_READ = str.maketrans({character: letter for letter, text in _LETTERS.items() for character in text})
_ALPHABET = frozenset("123456789").union(*_LETTERS.values())
_KINDS = {letter: kind for kind, letter in enumerate("KAEHRCP", 1)}
_PLACES: dict[str, Place] = {"f": FRONT, "m": MIDDLE, "r": REAR}
_DIRECTIONS = {"+": 1, "-": -1, "=": 0}
_NUMBERS = {str(number): number for number in range(1, 10)}

_EXPECTED = "a move in Chinese notation such as '炮二平五'"

_NAMES = {
    "simplified": ("帅仕相马车炮兵", "将士象马车炮卒", "前中后", "退平进"),
    "traditional": ("帥仕相馬車炮兵", "將士象馬車砲卒", "前中後", "退平進"),
}
_RED_DIGITS = "零一二三四五六七八九"
_BLACK_DIGITS = {"ascii": "0123456789", "full": "０１２３４５６７８９"}


def parse(board: Board, text: str) -> Move:
    """The legal move that `text` names.

    Raises:
        MoveError: `text` does not have the form of a move, names no piece there, or fits several legal moves.
        IllegalMoveError: the move is not legal on `board`.
    """
    characters = "".join(unicodedata.normalize("NFKC", text[: MAX_TEXT + 1]).split())
    if len(text) > MAX_TEXT or not 4 <= len(characters) <= 5 or not _ALPHABET.issuperset(characters):
        raise unreadable(board, text, _EXPECTED)
    plain = characters.translate(_READ)
    named = _named(board, plain[:-2])
    if named is None or plain[-2] not in _DIRECTIONS or plain[-1] not in _NUMBERS:
        raise unreadable(board, text, _EXPECTED)
    kind, squares = named
    return find_move(board, kind, squares, _DIRECTIONS[plain[-2]], _NUMBERS[plain[-1]], text)


def digits_side(text: str) -> Color | None:
    """The side whose digits the end of a text has: Red writes 一 to 九, Black 1 to 9; None where there is none.

    A text is always read for the side to move. If this is the other side, whoever shows the move should report
    how it was read: 马8进7 with Red to move is Red's horse on file 8.
    """
    if text.isascii() or not any("一" <= character <= "鿿" for character in text[:MAX_TEXT]):
        return None
    last = unicodedata.normalize("NFKC", text[:MAX_TEXT]).strip()[-1:]
    if last and last in _RED_DIGITS[1:]:
        return Color.RED
    return Color.BLACK if last and last in "123456789" else None


def _named(board: Board, name: str) -> tuple[int, list[int]] | None:
    """Kind and possible squares of the piece that the first characters name; None if they do not name one."""
    first, second = name[0], name[1]
    place = _PLACES.get(first) or _NUMBERS.get(first)
    if len(name) == 3:  # 前兵三
        if place is None or second not in _KINDS or name[2] not in _NUMBERS:
            return None
        kind = _KINDS[second]
        return kind, in_stack(on_file(board, kind, _NUMBERS[name[2]]), place)
    if first in _KINDS:
        kind = _KINDS[first]
        if second in _NUMBERS:  # 兵三
            return kind, on_file(board, kind, _NUMBERS[second])
        if second in _PLACES:  # 车前
            return kind, at_place(board, kind, _PLACES[second])
        return None
    if place is None:
        return None
    if second in _KINDS:  # 前车, 二兵
        kind = _KINDS[second]
        return kind, at_place(board, kind, place)
    if second in _NUMBERS:  # 前三
        return PAWN, in_stack(on_file(board, PAWN, _NUMBERS[second]), place)
    return None


def render(board: Board, move: Move, *, script: Script = "simplified", digits: Digits = "ascii") -> str:
    """`move` as Chinese text, such as "炮二平五" or "马8进7".

    Args:
        board: the position before the move.
        move: a move of the side to move.
        script: characters to write.
        digits: Black's digits, "ascii" 1-9 or "full" １-９.

    Raises:
        MoveError: no piece of the side to move stands on the from-square.
    """
    kind, direction, number = step(board, move)
    color = board.turn
    red_names, black_names, marks, directions = _NAMES[script]
    piece = (black_names if color else red_names)[kind - 1]
    numerals = _BLACK_DIGITS[digits] if color else _RED_DIGITS
    file = numerals[file_number(color, move.from_square)]
    rest = directions[direction + 1] + numerals[number]
    if kind in (ADVISOR, ELEPHANT):
        return piece + file + rest
    place, size, others = place_in_stack(board, kind, move.from_square)
    if size == 1:
        return piece + file + rest
    if place == 1:
        mark = marks[0]
    elif size <= 3:
        mark = marks[2] if place == size else marks[1]
    else:
        mark = numerals[place]
    if not others:
        return mark + piece + rest
    return mark + (piece if kind != PAWN else "") + file + rest
