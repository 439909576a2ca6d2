"""Colours, kinds, pieces and the integer codes used in arrays.

Codes: 0 empty, Red 1..7 in the order of `PieceKind`, Black 8..14 in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.texts import Message


class Color(IntEnum):
    """The two sides; Red moves first."""

    RED = 0
    BLACK = 1

    @property
    def other(self) -> Color:
        """The opponent."""
        return _OTHER[self]

    @property
    def letter(self) -> str:
        """FEN letter: "w" for Red, "b" for Black."""
        return "wb"[self]

    @property
    def message(self) -> Message:
        """The name of the side."""
        return Message.of(f"side.{self.name.lower()}")

    @property
    def name_en(self) -> str:
        """English name."""
        return ("Red", "Black")[self]


_OTHER = (Color.BLACK, Color.RED)
RED = Color.RED
BLACK = Color.BLACK


class PieceKind(IntEnum):
    """The kind of a piece, independent of its side."""

    KING = 1
    ADVISOR = 2
    ELEPHANT = 3
    HORSE = 4
    ROOK = 5
    CANNON = 6
    PAWN = 7

    @property
    def name_en(self) -> str:
        """English name."""
        return _KIND_EN[self]


_KIND_EN = ("", "king", "advisor", "elephant", "horse", "rook", "cannon", "soldier")
SYMBOLS = " KABNRCPkabnrcp"
"""FEN letter of each code (code 0: a space), in the N/B spelling."""

SYMBOLS_HE = " KAEHRCPkaehrcp"
"""FEN letter of each code in the H/E spelling."""

CODES: dict[str, int] = {letter: code for code, letter in enumerate(SYMBOLS) if code}
"""Code of each FEN letter, both spellings."""
CODES.update({letter: code for code, letter in enumerate(SYMBOLS_HE) if code})


@dataclass(frozen=True)
class Piece:
    """A kind and a colour."""

    kind: PieceKind
    color: Color

    @property
    def code(self) -> int:
        """Integer code, 1..14."""
        return int(self.kind) + 7 * int(self.color)

    @property
    def symbol(self) -> str:
        """FEN letter, upper case for Red, in the N/B spelling."""
        return SYMBOLS[self.code]

    @property
    def name_en(self) -> str:
        """English name such as "red horse"."""
        return f"{self.color.name_en.lower()} {self.kind.name_en}"

    @property
    def message(self) -> Message:
        """The name of the piece without its colour; in Chinese, the character on it."""
        return Message.of(f"piece.{self.color.name.lower()}_{self.kind.name.lower()}")

    @property
    def message_with_color(self) -> Message:
        """The name of the piece with its colour, such as "red horse"."""
        return Message.of(
            "piece.with_color", color=Message.of(f"color.{self.color.name.lower()}"), piece=self
        )

    @classmethod
    def from_code(cls, code: int) -> Piece:
        """The piece with this code; XiangqiError outside 1..14."""
        if not 1 <= code <= 14:
            raise XiangqiError(f"expected a piece code 1-14, found {code!r}")
        return _PIECES[code - 1]

    @classmethod
    def from_symbol(cls, symbol: str) -> Piece:
        """The piece with this FEN letter, N or H for the horse, B or E for the elephant."""
        code = CODES.get(symbol)
        if code is None:
            raise XiangqiError(f"expected a piece letter of KABNRCPEH in either case, found {symbol!r}")
        return _PIECES[code - 1]


_PIECES = tuple(Piece(kind, color) for color in Color for kind in PieceKind)
