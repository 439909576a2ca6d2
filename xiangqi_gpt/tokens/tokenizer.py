"""Moves as tokens: one tokenizer per notation, chosen by name.

A game is a text: BOS, then the tokens of every move in order. With ``k`` tokens per ply, token ``j`` of ply ``p`` is at
position ``1 + p * k + j``; ``j`` is called its slot. (If a model has condition tokens, they come before BOS and shift
every position by their number.)

``view="mover"`` writes every move as the side that makes it sees the board (Black's moves rotated by half a turn), so a
model learns one set of moves instead of two; ``view="red"`` writes the plain coordinates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.errors import ConfigError, MoveError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.squares import square_name
from xiangqi_gpt.rules.views import rotated_moves
from xiangqi_gpt.tokens.conditions import ConditionTokens
from xiangqi_gpt.tokens.move_vocabulary import POSSIBLE_MOVES
from xiangqi_gpt.tokens.vocab import SPECIALS, Vocab

View = Literal["mover", "red"]
IntArray = npt.NDArray[np.int64]


class Tokenizer(ABC):
    """Text of moves to token ids and back.

    Every move has exactly ``slots`` tokens. *condition* names the condition tokens of the vocabulary, see
    :class:`ConditionTokens`.
    """

    name: ClassVar[str]
    slots: ClassVar[int]

    def __init__(self, view: View = "mover", condition: str = "none") -> None:
        if view not in ("mover", "red"):
            raise ConfigError(f"view: expected 'mover' or 'red', found {view!r}")
        self.view: View = view
        self.condition = ConditionTokens(condition, len(SPECIALS))
        self.vocab = Vocab([*self.condition.tokens, *self._tokens()])

    @staticmethod
    @abstractmethod
    def _tokens() -> list[str]: ...

    @abstractmethod
    def encode(self, board: Board, move: Move) -> tuple[int, ...]:
        """The token ids of *move*, played on *board* (before the move)."""

    @abstractmethod
    def decode(self, board: Board, ids: Sequence[int]) -> Move:
        """The move that *ids* name on *board*; MoveError if they do not name one.

        Coordinates can also name illegal moves; board-dependent notations name legal moves only.
        """

    @abstractmethod
    def encode_batch(
        self,
        boards: npt.NDArray[np.integer],
        moves: npt.NDArray[np.integer],
        turns: npt.NDArray[np.integer],
    ) -> IntArray:
        """The ids (..., slots) of many moves.

        *boards* (..., 90) holds piece codes as the side to move sees them (its own 1-7, from its own side), *moves*
        (...) move indices (from * 90 + to) on the board as Red sees it, and *turns* (...) the side to move, 0 Red, 1
        Black. The ids of move 0 (a0a0, no move) have no meaning.
        """


class CoordinateTokenizer(Tokenizer):
    """A notation in which the text of a move depends only on its squares (and the side that makes it).

    All texts are equally long, so none is a prefix of another and no END is needed.
    """

    def __init__(self, view: View = "mover", condition: str = "none") -> None:
        super().__init__(view, condition)
        # (8100, slots): the ids of every move as its mover sees it; pairs of equal squares are included and do no harm.
        self.table: IntArray = np.array([self._spell(m) for m in MOVES], dtype=np.int64)
        pad = (self.vocab.pad_id,) * self.slots
        self._moves = {
            t: move for row, move in zip(self.table.tolist(), MOVES, strict=True) if (t := tuple(row)) != pad
        }

    @abstractmethod
    def _spell(self, move: Move) -> tuple[int, ...]:
        """The ids of a move, all PAD if the notation has no word for it."""

    def _is_turned(self, turn: int) -> bool:
        return self.view == "mover" and turn == Color.BLACK

    def encode(self, board: Board, move: Move) -> tuple[int, ...]:
        seen = move.rotated() if self._is_turned(board.turn) else move
        ids = tuple(self.table[seen.index].tolist())
        if ids[0] == self.vocab.pad_id:
            raise MoveError(
                f"expected a move that some piece can make, found {move.iccs!r} in {board.fen()!r}"
            )
        return ids

    def decode(self, board: Board, ids: Sequence[int]) -> Move:
        move = self._moves.get(tuple(ids))
        if move is None:
            text = " ".join(self.vocab.token(i) for i in ids)
            raise MoveError(
                f"expected the {self.slots} tokens of a move in {self.name!r} notation, found {text!r}"
            )
        return move.rotated() if self._is_turned(board.turn) else move

    def encode_array(self, moves: npt.NDArray[np.integer], turns: npt.NDArray[np.integer]) -> IntArray:
        """The ids of many moves at once.

        *moves* (...) holds move indices (from * 90 + to), *turns* (...) the side that makes each (0 Red, 1 Black);
        the result is (..., slots).
        """
        index = rotated_moves(moves, turns) if self.view == "mover" else moves
        ids: IntArray = self.table[index]
        return ids

    def encode_batch(
        self,
        boards: npt.NDArray[np.integer],
        moves: npt.NDArray[np.integer],
        turns: npt.NDArray[np.integer],
    ) -> IntArray:
        return self.encode_array(moves, turns)


class SquareTokenizer(CoordinateTokenizer):
    """Two tokens per move: the square it leaves, the square it goes to (one vocabulary of 90 squares for both)."""

    name: ClassVar[str] = "square"
    slots: ClassVar[int] = 2

    @staticmethod
    def _tokens() -> list[str]:
        return [square_name(s) for s in range(90)]

    def _spell(self, move: Move) -> tuple[int, ...]:
        first = self.first_square_id
        return (first + move.from_square, first + move.to_square)

    @property
    def first_square_id(self) -> int:
        """The id of square 0 (a0); the ids of the other squares follow in order."""
        return len(self.vocab) - 90


class IccsTokenizer(CoordinateTokenizer):
    """Four tokens per move, the characters of its ICCS text ``h2e2``."""

    name: ClassVar[str] = "iccs"
    slots: ClassVar[int] = 4

    @staticmethod
    def _tokens() -> list[str]:
        return [*"abcdefghi", *"0123456789"]

    def _spell(self, move: Move) -> tuple[int, ...]:
        a, b, c, d = (self.vocab.id(character) for character in move.iccs)
        return (a, b, c, d)


class MoveTokenizer(CoordinateTokenizer):
    """One token per move, out of the 2,086 that some piece can make somewhere."""

    name: ClassVar[str] = "move"
    slots: ClassVar[int] = 1

    @staticmethod
    def _tokens() -> list[str]:
        return [MOVES[index].iccs for index in POSSIBLE_MOVES.tolist()]

    def _spell(self, move: Move) -> tuple[int, ...]:
        return (self.vocab.id(move.iccs) if move.iccs in self.vocab else self.vocab.pad_id,)

    @property
    def first_move_id(self) -> int:
        """The id of the first of POSSIBLE_MOVES; the ids of the others follow in order."""
        return len(self.vocab) - len(POSSIBLE_MOVES)
