"""Our board in the shape in which python-chess's engine client asks for one, and engine output read back.

The client sends `position fen ROOT moves ...`, selects `UCI_Variant` from the *class* attribute
`uci_variant`, and hands the engine's answer to `push_uci`. Nothing else of `chess.Board` is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.players.base import Line, Value
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

MATE_SCORE = 30_000
"""Centipawns of a mate on the board; a mate in n moves is worth n less."""


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
        """An independent board; the moves come along whatever `stack` says."""
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


def parse_info(line: str, board: Board, ranks: RankConvention) -> tuple[int, Line, Value | None] | None:
    """One `info` line of a search of `board`: its multipv number (from 1), its line, its win/draw/loss.

    None for lines without a variation, for bounds, and for what does not parse: engines print all sorts of
    things.
    """
    words = line.split()
    if not words or words[0] != "info" or "pv" not in words or "string" in words:
        return None
    head, moves = words[: words.index("pv")], words[words.index("pv") + 1 :]
    if "lowerbound" in head or "upperbound" in head:
        return None
    try:
        number = int(_after(head, "multipv") or 1)
        score = _score(head)
        value = _value(head)
    except (ValueError, IndexError):
        return None
    walk = EngineBoard(board.copy(), ranks)
    pv = []
    for text in moves:
        try:
            pv.append(walk.push_uci(text).move)
        except MoveError:
            break
    return (number, Line(tuple(pv), score_cp=score), value) if pv and number >= 1 else None


def _after(words: list[str], key: str) -> str | None:
    return words[words.index(key) + 1] if key in words else None


def _score(words: list[str]) -> int | None:
    if "score" not in words:
        return None
    at = words.index("score")
    kind, number = words[at + 1], int(words[at + 2])
    if kind == "mate":
        return MATE_SCORE - number if number > 0 else -MATE_SCORE - number
    return number if kind == "cp" else None


def _value(words: list[str]) -> Value | None:
    if "wdl" not in words:
        return None
    at = words.index("wdl")
    win, draw, loss = (int(word) for word in words[at + 1 : at + 4])
    total = win + draw + loss
    return Value(win / total, draw / total, loss / total) if total > 0 and min(win, draw, loss) >= 0 else None
