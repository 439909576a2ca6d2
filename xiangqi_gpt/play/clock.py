"""The clock of a game at the board: which side's time runs, what is left, and who has run out of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from xiangqi_gpt.arena.clocks import GameClock, TimeControl
from xiangqi_gpt.players.base import Limit
from xiangqi_gpt.rules import Color

CLOCKS: tuple[str, ...] = ("", "3m+2s", "5m+3s", "10m+5s", "15m", "30m", "30s/move")
"""What a new game offers, as `TimeControl.parse` reads it; "" is no clock."""

MOST_SECONDS = 5.0
"""A player of ours takes no longer for a move, however much time is left: a person is waiting."""

_OVERHEAD = 0.25  # seconds of a move that go to the animation and to processes


class PlayClock:
    """The clock of both sides.

    Args:
        control: the time of each side.
        left: seconds left to Red and Black, where a game is resumed.
        now: the time in seconds, for tests.

    Attributes:
        running: the side whose time runs, None while the clock stands.
    """

    def __init__(
        self,
        control: TimeControl,
        left: tuple[float, float] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.control = control
        self.running: Color | None = None
        self._game = GameClock(control, 0.0)
        self._now = now
        self._since = 0.0
        if left is not None:
            self._game.set_left(*left)

    def left(self, side: Color) -> float:
        """Seconds left to a side, 0 or more."""
        clock = self._game.state()
        seconds = clock.red if side is Color.RED else clock.black
        return max(0.0, seconds - (self._now() - self._since if side is self.running else 0.0))

    @property
    def both(self) -> tuple[float, float]:
        """Seconds left to Red and to Black."""
        return self.left(Color.RED), self.left(Color.BLACK)

    def start(self, side: Color) -> None:
        """Let the time of a side run."""
        self.stop()
        self.running, self._since = side, self._now()

    def stop(self) -> None:
        """Stand still; what has run so far is charged."""
        both = self.both
        self.running = None
        self._game.set_left(*both)

    def moved(self, mover: Color) -> None:
        """A side has moved: charge it, add its increment, and let the time of the other one run."""
        if self.running is mover:
            self._game.charge(mover, self._now() - self._since)
        self.running, self._since = mover.other, self._now()

    def set_left(self, left: tuple[float, float]) -> None:
        """Go back to what was left at another moment, in seconds; the clock stands."""
        self.running = None
        self._game.set_left(*left)

    @property
    def fallen(self) -> Color | None:
        """The side that has run out of time, None where none has."""
        side = self.running
        return side if side is not None and self.left(side) <= 0 else None

    def limit(self, mover: Color) -> Limit:
        """What a player may take for its move."""
        if self.running is not None:
            self.start(self.running)  # what has run so far is charged
        seconds = max(0.01, min(MOST_SECONDS, self._game.allotment(mover) - _OVERHEAD))
        return Limit(time=seconds, clock=self._game.state())
