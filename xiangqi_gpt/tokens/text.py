"""Notations whose words depend on the board: WXF and Chinese, with one token per character.

Every text fills ``slots`` tokens; a shorter one is padded with END, which is a token like any other to the model. WXF
always has four characters. Chinese has four on every reachable board, but five if four or more pieces of a kind other
than soldiers stand in two stacks (you can set up such a position, but no game reaches it). So its length is not fixed:
its fifth slot holds END or the fifth character.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.errors import ConfigError, MoveError
from xiangqi_gpt.notation import NOTATIONS
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import format_fen
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.squares import SQUARES, rotate
from xiangqi_gpt.rules.views import HALF_TURN
from xiangqi_gpt.tokens.tokenizer import IntArray, Tokenizer, View


@lru_cache(maxsize=1 << 17)
def _text(notation: str, code: int, alike: tuple[int, ...], index: int) -> str:
    """The text of move *index* of a piece *code*; it depends only on the squares of pieces with the same code."""
    squares = [0] * SQUARES
    for square in alike:
        squares[square] = code
    turn = Color.BLACK if code > 7 else Color.RED
    board = Board(format_fen(squares, turn, 0, 1), strict=False)
    return NOTATIONS[notation].render(board, MOVES[index])


class TextTokenizer(Tokenizer):
    """A notation of :mod:`xiangqi_gpt.notation`, character by character.

    Files always count from the mover's right, so there is no view other than the mover's.
    """

    def __init__(self, view: View = "mover", condition: str = "none") -> None:
        super().__init__(view, condition)
        if view != "mover":
            raise ConfigError(f"view: expected 'mover', the only one that {self.name!r} has, found {view!r}")

    def encode(self, board: Board, move: Move) -> tuple[int, ...]:
        code = board.squares[move.from_square]
        if not code or (code > 7) != bool(board.turn):
            text = NOTATIONS[self.name].render(board, move)  # raises an error that gives the reason
        else:
            text = _text(
                self.name, code, tuple(s for s, c in enumerate(board.squares) if c == code), move.index
            )
        return self._ids(text)

    def _ids(self, text: str) -> tuple[int, ...]:
        if len(text) > self.slots:
            raise MoveError(f"expected a text of at most {self.slots} characters, found {text!r}")
        return (*(self.vocab.id(c) for c in text), *(self.vocab.end_id,) * (self.slots - len(text)))

    def decode(self, board: Board, ids: Sequence[int]) -> Move:
        characters = list(ids)
        while characters and characters[-1] == self.vocab.end_id:
            characters.pop()
        text = "".join(self.vocab.token(i) for i in characters)
        move = NOTATIONS[self.name].parse(board, text)
        if self.encode(board, move) != tuple(ids):
            expected = NOTATIONS[self.name].render(board, move)
            raise MoveError(
                f"expected {expected!r} and END up to {self.slots} tokens, found {text!r} in {list(ids)}"
            )
        return move

    def encode_batch(
        self,
        boards: npt.NDArray[np.integer],
        moves: npt.NDArray[np.integer],
        turns: npt.NDArray[np.integer],
    ) -> IntArray:
        ids = np.full((moves.size, self.slots), self.vocab.pad_id, np.int64)
        rows = boards.reshape(-1, SQUARES)
        for i, (index, turn) in enumerate(zip(moves.ravel().tolist(), turns.ravel().tolist(), strict=True)):
            if not index:
                continue
            seen = rotate(index // SQUARES) if turn else index // SQUARES
            kind = int(rows[i, seen])
            squares = np.flatnonzero(rows[i] == kind)
            alike = tuple((HALF_TURN[squares[::-1]] if turn else squares).tolist())
            ids[i] = self._ids(_text(self.name, kind + 7 * turn, alike, index))
        return ids.reshape(*moves.shape, self.slots)


class WxfTokenizer(TextTokenizer):
    """Four tokens per move, the characters of ``C2=5``."""

    name: ClassVar[str] = "wxf"
    slots: ClassVar[int] = 4

    @staticmethod
    def _tokens() -> list[str]:
        return [*"KAEHRCP", *"123456789", *"+-="]


class ChineseTokenizer(TextTokenizer):
    """Five tokens per move, the characters of 炮二平五 and END."""

    name: ClassVar[str] = "chinese"
    slots: ClassVar[int] = 5

    @staticmethod
    def _tokens() -> list[str]:
        return [*"帅仕相马车炮兵将士象卒", *"一二三四五六七八九", *"123456789", *"前中后", *"进退平"]
