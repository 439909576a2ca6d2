"""Moves: a from-square and a to-square, interned in `MOVES`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.rules.squares import SQUARE_NAMES, SQUARES, Square, mirror, rotate

_ICCS = re.compile(r"([a-iA-I][0-9])-?([a-iA-I][0-9])")


@dataclass(frozen=True, order=True, slots=True)
class Move:
    """One move by one side, ordered by `index`. Use the interned objects of `MOVES`."""

    from_square: Square
    to_square: Square

    def __post_init__(self) -> None:
        if not (0 <= self.from_square < SQUARES and 0 <= self.to_square < SQUARES):
            raise MoveError(f"expected squares 0-89, found {self.from_square!r} and {self.to_square!r}")

    @property
    def index(self) -> int:
        """`from_square * 90 + to_square`, 0..8099."""
        return self.from_square * SQUARES + self.to_square

    @property
    def iccs(self) -> str:
        """Text such as "h2e2"."""
        return SQUARE_NAMES[self.from_square] + SQUARE_NAMES[self.to_square]

    def rotated(self) -> Move:
        """The move after a half turn of the board."""
        return MOVES[rotate(self.from_square) * SQUARES + rotate(self.to_square)]

    def mirrored(self) -> Move:
        """The move after exchanging left and right."""
        return MOVES[mirror(self.from_square) * SQUARES + mirror(self.to_square)]

    def __str__(self) -> str:
        return SQUARE_NAMES[self.from_square] + SQUARE_NAMES[self.to_square]

    def __hash__(self) -> int:
        return self.from_square * SQUARES + self.to_square

    @classmethod
    def from_index(cls, index: int) -> Move:
        """The move with this index; MoveError outside 0..8099."""
        if not 0 <= index < SQUARES * SQUARES:
            raise MoveError(f"expected a move index 0-8099, found {index!r}")
        return MOVES[index]

    @classmethod
    def from_iccs(cls, text: str) -> Move:
        """The move named by `text`, "h2e2" or "H2-E2"; MoveError if the text has another form."""
        match = _ICCS.fullmatch(text)
        if match is None:
            raise MoveError(f"expected an ICCS move such as h2e2 or H2-E2, found {text!r}")
        start, end = (_BY_NAME[group.lower()] for group in match.groups())
        return MOVES[start * SQUARES + end]


_BY_NAME = {name: sq for sq, name in enumerate(SQUARE_NAMES)}
MOVES: tuple[Move, ...] = tuple(Move(f, t) for f in range(SQUARES) for t in range(SQUARES))
"""Every move by index, including impossible ones."""
