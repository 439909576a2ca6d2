"""Typed errors: every error that the package raises on purpose is an `XiangqiError`.

A message says what was expected, what was found (with `!r`) and where; it is meant to be shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xiangqi_gpt.rules.explain import Illegality
    from xiangqi_gpt.rules.fen import FenFault


class XiangqiError(ValueError):
    """Base of every error raised on purpose by this package."""


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


class RecordError(XiangqiError):
    """A game record that cannot be read or that breaks the rules.

    Attributes:
        file: file name as given, "" if unknown.
        game: 1-based number of the game in its file, or None.
        ply: 0-based ply of the fault, or None.
        line: 1-based line of the fault, or None.
        reason: what is wrong, without the place.
    """

    def __init__(
        self,
        reason: str,
        *,
        file: str = "",
        game: int | None = None,
        ply: int | None = None,
        line: int | None = None,
    ) -> None:
        places = [
            file,
            f"game {game}" if game is not None else "",
            f"line {line}" if line is not None else "",
            f"ply {ply}" if ply is not None else "",
        ]
        place = ", ".join(p for p in places if p)
        super().__init__(f"{place}: {reason}" if place else reason)
        self.file = file
        self.game = game
        self.ply = ply
        self.line = line
        self.reason = reason


class ConfigError(XiangqiError):
    """A configuration key or value that is not understood."""


class ModelError(XiangqiError):
    """A model directory or checkpoint that cannot be used."""


class PlayerError(XiangqiError):
    """A player that cannot be built, or an engine that died."""


class PlayerCrashError(PlayerError):
    """A player that died or answered nonsense during a game."""


class PlayerTimeoutError(PlayerError):
    """A player that did not answer in time."""


class PlayerIllegalMoveError(PlayerError):
    """A player that answered with an illegal move, or with none where there are some."""
