"""Our board in the shape in which python-chess's engine client asks for one.

For UCI the client sends `position fen ROOT moves ...`, selects `UCI_Variant` from the *class* attribute
`uci_variant`, and hands the engine's answer to `push_uci`; for CECP it does the same with `setboard`,
`xboard_variant` and `push_xboard`. Nothing else of `chess.Board` is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

_XBOARD_LETTERS = str.maketrans("NnBb", "HhEe")


@dataclass(frozen=True, slots=True)
class EngineMove:
    """A move that knows how its engine counts ranks."""

    move: Move
    text: str

    def uci(self) -> str:
        """The text sent to the engine."""
        return self.text


class EngineBoard:
    """A board for an engine that knows many games and is told `UCI_Variant xiangqi` (Fairy-Stockfish).

    Args:
        board: taken as it is, not copied; the client pushes only onto copies.
        ranks: how the engine counts them.
    """

    uci_variant: ClassVar[str] = "xiangqi"
    chess960: ClassVar[bool] = False

    def __init__(self, board: Board, ranks: RankConvention) -> None:
        self.board = board
        self.ranks = ranks

    @property
    def turn(self) -> bool:
        """True where Red is to move, as White is in chess."""
        return self.board.turn is Color.RED

    @property
    def move_stack(self) -> list[EngineMove]:
        """The moves since the root."""
        return [self.engine_move(move) for move in self.board.move_stack]

    def root(self) -> EngineBoard:
        """The position before the first move."""
        return type(self)(Board(self.board.root_fen, strict=False), self.ranks)

    def fen(self, *, shredder: bool = False, en_passant: str = "fen") -> str:
        """The position; both arguments belong to chess."""
        return self.board.fen()

    def copy(self, *, stack: bool = True) -> EngineBoard:
        """An independent board; the moves are copied whatever `stack` is."""
        return type(self)(self.board.copy(), self.ranks)

    def uci(self, move: EngineMove) -> str:
        """The text sent to the engine."""
        return move.uci()

    def parse_uci(self, text: str) -> EngineMove:
        """A legal move; MoveError for other text, IllegalMoveError for a move against the rules."""
        return self.engine_move(uci.parse(self.board, text, ranks=self.ranks))

    def push_uci(self, text: str) -> EngineMove:
        """Parse and play; errors as in `parse_uci`."""
        move = self.parse_uci(text)
        self.push(move)
        return move

    def push(self, move: EngineMove) -> None:
        """Play a move."""
        self.board.push(move.move)

    def pop(self) -> EngineMove:
        """Take the last move back."""
        return self.engine_move(self.board.pop())

    def engine_move(self, move: Move) -> EngineMove:
        """A move of this board as the client wants it."""
        return EngineMove(move, uci.render(self.board, move, ranks=self.ranks))


class SingleVariantEngineBoard(EngineBoard):
    """A board for an engine that plays Xiangqi only and has no `UCI_Variant` (Pikafish).

    Under the name of chess the client leaves the variant alone.
    """

    uci_variant: ClassVar[str] = "chess"


class CecpEngineBoard(EngineBoard):
    """A board for an engine behind CECP. XBoard counts ranks from 0 and writes FEN in a way of its own."""

    xboard_variant: ClassVar[str] = "xiangqi"

    def __eq__(self, other: object) -> bool:
        """The client asks whether a game goes on from the same root, and compares boards without history."""
        return isinstance(other, CecpEngineBoard) and self.board.fen() == other.board.fen()

    __hash__ = None  # type: ignore[assignment]

    def fen(self, *, shredder: bool = False, en_passant: str = "fen") -> str:
        """The position as XBoard writes it: H and E for horse and elephant, counters behind the side to move."""
        return xboard_fen(self.board.fen())

    def xboard(self, move: EngineMove) -> str:
        """The text sent to the engine."""
        return move.uci()

    def push_xboard(self, text: str) -> EngineMove:
        """Parse and play; errors as in `parse_uci`."""
        return self.push_uci(text)


def xboard_fen(fen: str) -> str:
    """A FEN as XBoard writes it for Xiangqi: "rheakaehr/... w 0 1"."""
    placement, side, *_, halfmoves, fullmoves = fen.split()
    return f"{placement.translate(_XBOARD_LETTERS)} {side} {halfmoves} {fullmoves}"
