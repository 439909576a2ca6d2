"""The position editor: pieces set, moved and taken away, judged by the rules in words, and a game started from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xiangqi_gpt.errors import FenFault
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.rules import START_FEN, Board, Color, FenError, Square
from xiangqi_gpt.rules.fen import format_fen, position_faults
from xiangqi_gpt.rules.lenient import ODD, lenient_board
from xiangqi_gpt.texts import Message

KINGS = (1, 8)
"""Piece codes of the kings."""


def fault_message(fault: FenFault) -> Message:
    """What is wrong with a position, in the words of somebody who sees the board."""
    return Message(f"editor_fault.{fault.code.value}", fault.message.arguments)


class PositionEditor:
    """A position that is being put together.

    Attributes:
        squares: 90 piece codes by square; 0 is empty, 1-7 are Red's king, advisor, elephant, horse, rook, cannon and
            soldier, 8-14 Black's.
        turn: the side to move.
        is_lenient: take positions that cannot occur in a game but can be played.
    """

    def __init__(self, squares: Sequence[int], turn: Color = Color.RED, *, is_lenient: bool = False) -> None:
        self.squares = list(squares)
        self.turn = turn
        self.is_lenient = is_lenient

    @classmethod
    def of(cls, board: Board) -> PositionEditor:
        """The editor of a board's position."""
        return cls(board.squares, board.turn)

    def put(self, sq: Square, code: int) -> None:
        """Set a piece on a point; 0 takes it away. A king leaves the point where it stood: there is one of each.

        ValueError for an unknown code.
        """
        if not 0 <= code <= 14:
            raise ValueError(f"expected a piece code 0-14, found {code!r}")
        if code in KINGS:
            self.squares = [0 if other == code else other for other in self.squares]
        self.squares[sq] = code

    def move(self, start: Square, end: Square) -> None:
        """Move a piece to another point, where it replaces what stands there."""
        if start != end:
            self.squares[end], self.squares[start] = self.squares[start], 0

    def clear(self) -> None:
        """Take all pieces away but the kings, which every position needs, on points where they do not face."""
        self.squares = [0] * len(self.squares)
        self.squares[4], self.squares[84] = KINGS

    def reset(self) -> None:
        """The standard start."""
        self.squares, self.turn = list(Board(START_FEN).squares), Color.RED

    def swap_colors(self) -> None:
        """Red's pieces become Black's, on the other side of the board, and the other way round."""
        self.squares = [code and (code + 7 if code <= 7 else code - 7) for code in reversed(self.squares)]
        self.turn = self.turn.other

    def read(self, fen: str) -> None:
        """Take over the position of a FEN.

        Raises:
            FenError: no board can be made of it; the position is unchanged.
        """
        board = Board(fen, strict=False)
        self.squares, self.turn = list(board.squares), board.turn

    @property
    def fen(self) -> str:
        """The position as text."""
        return format_fen(self.squares, self.turn)

    @property
    def faults(self) -> list[FenFault]:
        """What is wrong with the position, or odd where it is lenient; empty for a position that can occur.

        The front shows `fault.message` and marks `fault.square`.
        """
        return position_faults(self.squares, self.turn)

    @property
    def can_start(self) -> bool:
        """Whether a game can begin here."""
        return not self.refused

    @property
    def refused(self) -> list[FenFault]:
        """The faults that keep a game from beginning here."""
        return [fault for fault in self.faults if not (self.is_lenient and fault.code in ODD)]


def start_from_editor(state: GameState, editor: PositionEditor) -> None:
    """Begin a game at the position of the editor, with the players, rules and clock of the present one.

    In place of a game that was opened from a file the person plays the side to move against the opponent chosen last.

    Raises:
        FenError: the rules refuse the position; the state is unchanged.
    """
    if editor.is_lenient:
        lenient_board(editor.fen)
    elif editor.faults:
        words = "; ".join(fault.text_en for fault in editor.faults)
        raise FenError(f"no game can begin here: {words}", fen=editor.fen, faults=editor.faults)
    setup = state.setup.anew()
    if state.source is not None:
        setup = replace(
            setup,
            humans=frozenset((editor.turn,)),
            flipped=editor.turn is Color.BLACK,
            spec=state.settings.opponent or setup.spec,
        )
    actions.start_game(state, GameTree(editor.fen), setup)
