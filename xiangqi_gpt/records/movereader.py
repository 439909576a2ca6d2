"""Move texts of a whole game at once: the notations, with memory for what has been read before.

A text such as 炮二平五 means the same move wherever one cannon stands on that point, so each text is given to
its notation once for each place of the piece and looked up afterwards. The games of a file repeat a few
thousand such pairs, which makes reading several times as fast as asking the notation for every ply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation import Dialect, RankConvention, chinese, san, uci, vietnamese, wxf
from xiangqi_gpt.notation.common import bare
from xiangqi_gpt.records.replay import Start
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import Color

MAX_TOKEN: Final = 12
"""Longest text that can be a move, in characters."""

_MEMORY: Final = 60_000
_FIRST_RANK: Final = {"0-9": 0, "1-10": 1}
_COORDINATE: Final = re.compile(r"[A-Ia-i](?:10|[0-9])-?[A-Ia-i](?:10|[0-9])")
# A piece named by letter and file: its text depends on nothing but the place of that one piece.
_BY_FILE: Final = re.compile(
    r"[A-Za-z][1-9][+\-=.][1-9]|[^\W\d_前中后後一二三四五][1-9一二三四五六七八九].[1-9一二三四五六七八九]"
)
_GLUED: Final = re.compile(r"\d{1,4}\.(?=.{4})")
_WIDE_DIGITS: Final = str.maketrans("１２３４５６７８９", "123456789")


def looks_like_coordinates(token: str) -> bool:
    """Whether a text has the shape of ``h2e2``, in either rank convention."""
    return _COORDINATE.fullmatch(token) is not None


@lru_cache(maxsize=2)
def _coordinates(ranks: RankConvention) -> dict[str, int]:
    """Move index of every text such as h2e2, H2E2, h2-e2 and H2-E2."""
    first = _FIRST_RANK[ranks]
    table: dict[str, int] = {}
    for move in MOVES:
        start, end = (f"{'abcdefghi'[sq % 9]}{sq // 9 + first}" for sq in (move.from_square, move.to_square))
        for text in (start + end, f"{start}-{end}"):
            table[text] = table[text.upper()] = move.index
    return table


_digits_side = lru_cache(maxsize=8192)(chinese.digits_side)


def digits_remarks(tokens: Sequence[str | int], turn: int) -> list[str]:
    """What is odd about the digits of Chinese texts: a side whose moves have the digits of the other side.

    ``turn`` is the side of the first one. All of them are read for the side to move.
    """
    remarks = []
    for color in Color:
        texts = [
            token[:MAX_TOKEN] for token in tokens[(int(color) - turn) % 2 :: 2] if isinstance(token, str)
        ]
        other = next((text for text in texts if _digits_side(text) is color.other), None)
        if other is not None:
            words = f"{color.name_en}'s moves are written with {color.other.name_en}'s digits"
            remarks.append(f"{words} ({other!r}): read for {color.name_en}")
    return remarks


class MoveReader:
    """Reads the moves of games of one file, whose conventions have been decided."""

    def __init__(
        self,
        ranks: RankConvention = "0-9",
        dialect: Dialect | None = None,
        *,
        algebraic: RankConvention | None = None,
        is_vietnamese: bool = False,
    ) -> None:
        """Take the conventions: ranks of coordinates, WXF dialect, ranks of algebraic texts, Vietnamese letters."""
        self.ranks = ranks
        self.dialect = dialect
        self.algebraic = algebraic
        self.is_vietnamese = is_vietnamese
        self._coordinates = _coordinates(ranks)
        self._piece_of: dict[tuple[str, int], tuple[int, int]] = {}  # (text, turn) -> piece code, file
        self._known: dict[tuple[str, int, int], int] = {}  # (text, turn, square) -> move index

    def resolve(self, start: Start, tokens: list[str]) -> tuple[list[int], str]:
        """Move indices of a game's texts, and why they stop early where they do (else an empty string).

        Coordinates are not checked against the board here; the judge does that for whole batches.
        """
        table = self._coordinates
        try:
            return [table[token] for token in tokens], ""
        except KeyError:
            return self._resolve(start, tokens)

    def _resolve(self, start: Start, tokens: list[str]) -> tuple[list[int], str]:
        board = start.board()
        squares = board.squares
        piece_of, known = self._piece_of, self._known
        indices: list[int] = []
        for token in tokens:
            turn = int(board.turn)
            index = None
            named = piece_of.get((token, turn))
            if named is not None:
                code, file = named
                column = squares[file::9]
                if column.count(code) == 1:
                    index = known.get((token, turn, file + 9 * column.index(code)))
            try:
                if index is None:
                    move = self.parse(board, token)
                    index = move.index
                    self._learn(token, turn, squares, move)
                board.push(MOVES[index])
            except MoveError as error:
                return indices, str(error)
            indices.append(index)
        return indices, ""

    def _learn(self, token: str, turn: int, squares: list[int], move: Move) -> None:
        if not _BY_FILE.fullmatch(token.translate(_WIDE_DIGITS)):
            return
        code, file = squares[move.from_square], move.from_square % 9
        if squares[file::9].count(code) != 1:
            return
        if len(self._known) >= _MEMORY:
            self._known.clear()
            self._piece_of.clear()
        self._piece_of[token, turn] = (code, file)
        self._known[token, turn, move.from_square] = move.index

    def parse(self, board: Board, token: str | int) -> Move:
        """The move that one text names on a board; coordinates may name an illegal one.

        Raises MoveError where the text is no move, fits several, or names an illegal move in words.
        """
        if isinstance(token, int):
            return MOVES[token]
        index = self._coordinates.get(token)
        if index is not None:
            return MOVES[index]
        if len(token) > MAX_TOKEN:
            raise MoveError(f"expected a move, found {token[:MAX_TOKEN]!r}... ({len(token)} characters)")
        text = bare(token)
        if _COORDINATE.fullmatch(text):
            return uci.parse(board, text, ranks=self.ranks)
        if any("㐀" <= character <= "鿿" for character in text):
            return chinese.parse(board, text)
        if self.algebraic is not None and san.looks_like(text):
            return san.parse(board, text, ranks=self.algebraic)
        if self.is_vietnamese and vietnamese.looks_like(text):
            return vietnamese.parse(board, text)
        # A move that begins with a digit may be stuck to its number: 1.62.5
        return wxf.parse(board, _GLUED.sub("", text, count=1), dialect=self.dialect)
