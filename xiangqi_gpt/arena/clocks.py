"""The clock of a game: time for all moves of a side and a little more for each, or time for each move alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.players.base import Clock
from xiangqi_gpt.rules.pieces import Color

_MOVES_AHEAD = 25
"""A player without a clock of its own gets this part of the time left, and most of the increment."""

_INCREMENT_SHARE = 0.75
_LEAST_SECONDS = 0.001
_TIME = r"(?:(\d+):(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)(s|m)?)"


@dataclass(frozen=True, kw_only=True)
class TimeControl:
    """Seconds for all moves of a side, and seconds added after each of them; or, if renewed, for each move alone."""

    seconds: float
    increment: float = 0.0
    renewed: bool = False  # every move has all the seconds

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 86_400 or not 0 <= self.increment <= 3600:
            raise ConfigError(
                f"expected a clock of up to 24 hours with an increment of up to one hour, found {self}"
            )

    def __str__(self) -> str:
        return f"{self.seconds:g}s/move" if self.renewed else f"{self.seconds:g}s+{self.increment:g}s"

    @classmethod
    def parse(cls, text: str) -> TimeControl:
        """The clock of ``10s+0.1s``, ``5m+3s``, ``1:30+1``, ``10+0.1`` or ``30s/move``; ConfigError otherwise."""
        bare, slash, unit = text.strip().partition("/")
        match = re.fullmatch(rf"{_TIME}(?:\+{_TIME})?", bare) if not slash or unit == "move" else None
        if match is None:
            raise ConfigError(
                f"--tc: expected time and increment such as 10s+0.1s, 5m+3s or 1:30+1, found {text!r}"
            )
        groups = match.groups()
        return cls(seconds=_seconds(groups[:4]), increment=_seconds(groups[4:]), renewed=bool(slash))


def _seconds(groups: tuple[str | None, ...]) -> float:
    minutes, rest, number, unit = groups
    if minutes is not None and rest is not None:
        return 60 * int(minutes) + float(rest)
    return float(number or 0) * (60 if unit == "m" else 1)


class GameClock:
    """What is left to both sides.

    Args:
        control: the time of each side.
        overhead: seconds of each move that are not charged: they go to processes and pipes, not to thinking.
    """

    def __init__(self, control: TimeControl, overhead: float) -> None:
        self.control = control
        self._left = [control.seconds, control.seconds]
        self._increment = control.increment
        self._overhead = overhead

    def state(self) -> Clock:
        """What players are shown."""
        return Clock(red=self._left[Color.RED], black=self._left[Color.BLACK], increment=self._increment)

    def allotment(self, mover: Color) -> float:
        """Seconds for one move of a player that does not plan its own time."""
        share = self._left[mover] / _MOVES_AHEAD + _INCREMENT_SHARE * self._increment
        if self.control.renewed:
            share = self._left[mover]
        return max(_LEAST_SECONDS, min(share, self._left[mover] - self._overhead))

    def charge(self, mover: Color, seconds: float) -> bool:
        """Take a move's time from its mover and add the increment; False where the flag has fallen."""
        self._left[mover] -= max(0.0, seconds - self._overhead)
        if self._left[mover] < 0:
            return False
        self._left[mover] += self._increment
        if self.control.renewed:
            self._left[mover] = self.control.seconds
        return True

    def set_left(self, red: float, black: float) -> None:
        """Put the clock to what was left at another moment of the game, in seconds."""
        self._left[:] = red, black
