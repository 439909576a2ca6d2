"""Typed errors: every error that the package raises on purpose is an `XiangqiError`.

A message states what is wrong and where, and what to do; a wrong value is shown with `!r`.
Messages are shown as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from xiangqi_gpt.texts import Details, Message, has_text

PointNames: TypeAlias = Literal["iccs", "files"]
"""How a board names its points: a0 to i9, or by the numbers of the files."""


_LONGEST_MESSAGE: Final = 1_000  # letters; what is quoted from a file can be of any length


class XiangqiError(ValueError):
    """Base of every error raised on purpose by this package. The middle of a very long message is left out."""

    def __init__(self, message: str = "") -> None:
        if len(message) > _LONGEST_MESSAGE:
            message = f"{message[: _LONGEST_MESSAGE // 2]} ... {message[-_LONGEST_MESSAGE // 2 :]}"
        super().__init__(message)


class FenFaultCode(str, Enum):
    """What can be wrong with a FEN."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    RANK_COUNT = "rank_count"
    RANK_SHORT = "rank_short"
    RANK_LONG = "rank_long"
    BAD_LETTER = "bad_letter"
    BAD_SIDE = "bad_side"
    BAD_COUNTER = "bad_counter"
    EXTRA_FIELD = "extra_field"
    KING_MISSING = "king_missing"
    KING_DOUBLED = "king_doubled"
    KING_OUTSIDE_PALACE = "king_outside_palace"
    KINGS_FACING = "kings_facing"
    OPPONENT_IN_CHECK = "opponent_in_check"
    ADVISOR_POINT = "advisor_point"
    ELEPHANT_POINT = "elephant_point"
    PAWN_BEHIND_START = "pawn_behind_start"
    PAWN_OFF_FILE = "pawn_off_file"
    PAWN_DOUBLED = "pawn_doubled"
    TOO_MANY = "too_many"


@dataclass(frozen=True)
class FenFault:
    """One thing that is wrong with a FEN.

    Attributes:
        code: which fault.
        message: what is wrong.
        square: where on the board, or None.
        fatal: whether no board can be made of the text at all.
    """

    code: FenFaultCode
    message: Message
    square: int | None = None
    fatal: bool = False

    @property
    def text_en(self) -> str:
        """The fault in English."""
        return self.message.text("en")

    @property
    def text_zh(self) -> str:
        """The fault in Chinese."""
        return self.message.text("zh")


class FenError(XiangqiError):
    """A FEN that cannot be read, or that names an impossible position.

    Attributes:
        faults: what is wrong, in the order in which it was found.
        fen: the offending text.
    """

    def __init__(self, message: str, *, fen: str = "", faults: Iterable[FenFault] = ()) -> None:
        super().__init__(message)
        self.fen = fen
        self.faults: tuple[FenFault, ...] = tuple(faults)


class MoveError(XiangqiError):
    """Text that names no move, or more than one."""


class Reason(str, Enum):
    """The rule that a move breaks."""

    EMPTY_SQUARE = "empty_square"
    WRONG_SIDE = "wrong_side"
    OWN_PIECE = "own_piece"
    NOT_A_MOVE = "not_a_move"
    HORSE_LEG = "horse_leg"
    ELEPHANT_EYE = "elephant_eye"
    RIVER = "river"
    PALACE = "palace"
    CANNON_SCREEN = "cannon_screen"
    PATH_BLOCKED = "path_blocked"
    FACING_KINGS = "facing_kings"
    KING_IN_CHECK = "king_in_check"


@dataclass(frozen=True)
class Illegality:
    """Why a move is illegal.

    Attributes:
        reason: the rule that it breaks.
        key: the row of the catalogue that explains it.
        arguments: what the text needs.
        blocker: the square of the piece that stands in the way, or None.
    """

    reason: Reason
    key: str
    arguments: tuple[tuple[str, object], ...]
    blocker: int | None = None

    def message(self, points: PointNames = "iccs") -> Message:
        """The explanation for a board that shows points as `points`: their ICCS names, or the numbers of files."""
        key = f"illegal_on_files.{self.key}"
        section = "illegal_on_files" if points == "files" and has_text(key) else "illegal"
        return Message(f"{section}.{self.key}", self.arguments)

    @property
    def text_en(self) -> str:
        """The explanation in English, with ICCS names."""
        return self.message().text("en")

    @property
    def text_zh(self) -> str:
        """The explanation in Chinese, with ICCS names."""
        return self.message().text("zh")


class IllegalMoveError(MoveError):
    """A well-formed move that the rules forbid on the board at hand.

    Attributes:
        reason: why, or None where the caller did not ask.
    """

    def __init__(self, message: str, *, reason: Illegality | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class NoPieceError(MoveError):
    """A well-formed move of a piece that is not on the board."""


class FileError(XiangqiError):
    """A file or folder that cannot be read or written; its ``__cause__`` is the OSError, if there was one.

    Attributes:
        file: file name as given, "" if unknown.
        reason: what is wrong, without the place.
    """

    def __init__(self, reason: str, *, file: str = "") -> None:
        super().__init__(f"{file}: {reason}" if file else reason)
        self.file = file
        self.reason = reason


class RecordError(FileError):
    """A game record that cannot be read or that breaks the rules.

    Attributes:
        file: file name as given, "" if unknown.
        game: 1-based number of the game in its file, or None.
        ply: 0-based ply of the fault, or None.
        line: 1-based line of the fault, or None.
        reason: what is wrong, without the place.
        message: the same for the person at the board, where there are words for it.
    """

    def __init__(
        self,
        reason: str,
        *,
        file: str = "",
        game: int | None = None,
        ply: int | None = None,
        line: int | None = None,
        message: Message | Details | None = None,
    ) -> None:
        places = [
            file,
            f"game {game}" if game is not None else "",
            f"line {line}" if line is not None else "",
            f"ply {ply}" if ply is not None else "",
        ]
        super().__init__(reason, file=", ".join(place for place in places if place))
        self.file = file
        self.game = game
        self.ply = ply
        self.line = line
        self.message = message


class ConfigError(XiangqiError):
    """A configuration key or value that is not understood."""


class ModelError(FileError):
    """A model directory or checkpoint that cannot be used."""


class PlayerError(XiangqiError):
    """A player that cannot be built, or an engine that died.

    Attributes:
        message: why, for the person at the board, where there are words for it.
    """

    def __init__(self, text: str = "", *, message: Message | None = None) -> None:
        super().__init__(text)
        self.message = message


class PlayerHandshakeError(PlayerError):
    """A program that does not answer in the protocol of an engine."""


class PlayerCrashError(PlayerError):
    """A player that died or answered nonsense during a game."""


class PlayerTimeoutError(PlayerError):
    """A player that did not answer in time."""


class PlayerIllegalMoveError(PlayerError):
    """A player that answered with an illegal move, or with none where there are some."""


class WorkerError(XiangqiError):
    """A worker process, or a machine of a cluster, that was lost."""


class TeacherError(PlayerError):
    """An engine that failed too often."""
