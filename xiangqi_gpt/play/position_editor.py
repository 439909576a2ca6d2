"""A position being set up, piece by piece: no drawing, and nothing of the game at the board is touched."""

from __future__ import annotations

from dataclasses import dataclass, field

from xiangqi_gpt.errors import FenFault
from xiangqi_gpt.rules import START_FEN, Board, Color, Square
from xiangqi_gpt.rules.fen import fen_faults, format_fen, parse_fen

POINTS = 90


@dataclass
class PositionEditor:
    """A position that may still be impossible.

    Attributes:
        squares: piece codes of the 90 points, 0 for none.
        turn: the side to move.
        brush: code of the piece that a click puts down, 0 for the eraser.
        is_strict: refuse positions that cannot occur in a game; otherwise only those that cannot be played.
    """

    squares: list[int] = field(default_factory=lambda: [0] * POINTS)
    turn: Color = Color.RED
    brush: int = 0
    is_strict: bool = True

    @classmethod
    def of(cls, board: Board) -> PositionEditor:
        """The position of a board."""
        return cls(list(board.squares), board.turn)

    def touch(self, sq: Square) -> None:
        """Put the piece of the brush on a point; the same piece again takes it away."""
        self.squares[sq] = 0 if self.squares[sq] == self.brush else self.brush

    def clear(self) -> None:
        """Take all pieces away but the kings, which stand on their first points."""
        start = Board(START_FEN).squares
        self.squares = [code if code in (1, 8) else 0 for code in start]

    def reset(self) -> None:
        """The usual start."""
        self.read(START_FEN)

    def swap_sides(self) -> None:
        """Turn the position round and exchange the colours: what Red had, Black has."""
        self.squares = [code + 7 if 0 < code < 8 else code - 7 if code else 0 for code in self.squares[::-1]]
        self.turn = self.turn.other

    def read(self, fen: str) -> None:
        """Show the position of a text.

        Raises:
            FenError: the text cannot be read; nothing is changed.
        """
        fields = parse_fen(fen, strict=False)
        self.squares, self.turn = list(fields.squares), fields.turn

    @property
    def fen(self) -> str:
        """The position as text."""
        return format_fen(self.squares, self.turn, 0, 1)

    @property
    def faults(self) -> list[FenFault]:
        """What keeps the position from being played; empty where it can be."""
        return [fault for fault in fen_faults(self.fen) if self.is_strict or fault.fatal]
