"""Forced mates by checks: found by a search over positions, without any model.

Most composed endgames, and many games, end in a mate in which every move of the attacker gives check. There are few
replies to checks, so such mates can be proven many moves deep within a millisecond.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move

LONGEST: Final = 60  # plies
_ENTRIES: Final = 1 << 14
_LOOK: Final = 0.01  # seconds from one look at the stop event to the next
_ODD: Final = 0x9E3779B97F4A7C1  # spreads the numbers of questions over the keys


@dataclass(frozen=True)
class ForcedMate:
    """A mate that the side to move can force.

    Attributes:
        line: the attacker's moves and the longest defence; at least the first move.
        plies: to the mate, whatever is replied.
    """

    line: tuple[Move, ...]
    plies: int


class MateFinder:
    """Looks for mates; keeps the memory that this needs (half a megabyte). Not for several threads at a time."""

    def __init__(self) -> None:
        self._table = np.zeros((_ENTRIES, 4), dtype=np.int64)
        self._line = np.zeros(LONGEST, dtype=np.uint16)
        self._questions = 0

    def find(
        self, board: Board, positions: int, *, plies: int = LONGEST, among: Sequence[Move] | None = None
    ) -> ForcedMate | None:
        """A mate by checks of the side to move.

        None does not mean that there is no mate: only checks are tried, and only *positions* are looked at.

        Args:
            board: the position, with its game: a line never returns to a position since the last capture, so no rule
                about repetitions ends it.
            positions: how many positions to look at; a million take about three seconds.
            plies: of the longest line, 1..60.
            among: the only moves to begin with.
        """
        squares = board.squares
        if squares.count(1) != 1 or squares.count(8) != 1 or plies < 1:
            return None
        quiet = min(board.halfmove_clock, len(board.move_stack))
        self._questions += 1
        count, length, _ = load()(
            np.array(squares, dtype=np.int8),
            int(board.turn),
            np.array([m.index for m in board.move_stack[len(board.move_stack) - quiet :]], dtype=np.uint16),
            np.array([m.index for m in among or ()], dtype=np.uint16),
            positions,
            min(plies, LONGEST),
            (self._questions * _ODD) & (2**62 - 1),
            self._table,
            self._line,
        )
        # What is known of a position that is reached in two ways can be longer than is allowed for the longer way.
        if not count or length > plies:
            return None
        return ForcedMate(tuple(MOVES[index] for index in self._line[:count].tolist()), length)

    def find_short(
        self, board: Board, positions: int, *, plies: int = LONGEST, among: Sequence[Move] | None = None
    ) -> ForcedMate | None:
        """The same, and then shorter and shorter ones as long as there are any, with *positions* for each."""
        best = None
        while (found := self.find(board, positions, plies=plies, among=among)) is not None:
            best, plies = found, found.plies - 2
        return best


@lru_cache(maxsize=1)
def load() -> Any:
    """The compiled search. Loading takes half a second; the very first time on a machine, some seconds."""
    from xiangqi_gpt.rules import mates_numba

    empty = np.zeros(0, dtype=np.uint16)
    found: Any = mates_numba.find_mate
    # One question, so that it is compiled.
    found(
        np.array(Board().squares, dtype=np.int8), 0, empty, empty, 1, 1, 0,
        np.zeros((1, 4), dtype=np.int64), np.zeros(LONGEST, dtype=np.uint16),
    )  # fmt: skip
    return found


class Loading:
    """Loads the search in the background, once for the whole process."""

    _lock = threading.Lock()
    _thread: threading.Thread | None = None
    _failed = False

    @classmethod
    def begin(cls) -> None:
        """Begin to load, if nobody has."""
        with cls._lock:
            if cls._thread is None:
                cls._thread = threading.Thread(target=cls._load, name="load-mates")
                cls._thread.start()

    @classmethod
    def _load(cls) -> None:
        try:
            load()
        except Exception as error:  # of numba or LLVM, a damaged cache of theirs: every kind has its own
            cls._failed = True
            warnings.warn(
                f"mates by checks are not looked for: numba failed ({type(error).__name__}: {error})",
                RuntimeWarning,
                stacklevel=2,
            )

    @classmethod
    def is_done(cls, *, wait: bool, stop: threading.Event | None = None) -> bool:
        """Whether it is loaded; *wait* until it is, until it has failed, or until *stop* is set."""
        cls.begin()
        assert cls._thread is not None
        while wait and cls._thread.is_alive() and not (stop is not None and stop.is_set()):
            cls._thread.join(_LOOK)
        return not cls._thread.is_alive() and not cls._failed
