"""Ten named levels of play, from novice to master.

A level is a set of settings of the GPT: `gpt:level=4` or `gpt:level=intermediate`. A search is limited by descents, not
by seconds, so a slow machine plays the same level more slowly. The weak levels sample from the moves of people; like
people, they leave a piece hanging now and then, but never a rook for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.texts import Message

SEARCH_KEYS = ("lookahead", "depth", "k", "exploration")
"""Settings of a GPT that say how it searches."""

ADAPTIVE = "adaptive"
"""The level that follows the results of the person at the board; see `players.adaptive`."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level.

    Attributes:
        number: 1 (weakest) to 10.
        key: its name in specs, such as "novice".
        elo: on the ladder of docs/strength.md, where `random` has 0; rounded to 10.
        descents: of the search per move; 0 for none. No clock lets a level search more.
        style: whose moves the policy proposes, "human" or "teacher".
        temperature: of the sampling; above 0, so that games differ. With a search, moves are drawn by visits.
        top_p: share of the probability from which moves are drawn.
        care: probability, 0..1, that a move which gives away a horse, cannon or rook outright is noticed and not
            played; without a search only, which sees such things by itself.
    """

    number: int
    key: str
    elo: int
    descents: int
    style: str
    temperature: float
    top_p: float
    care: float = 0.0

    @property
    def message(self) -> Message:
        """The name as people read it."""
        return Message.of(f"level.{self.key}")

    @property
    def spec(self) -> str:
        """The player of this level, as `create_player` takes it."""
        return f"gpt:level={self.number}"

    @property
    def settings(self) -> Mapping[str, str]:
        """What the level stands for, by the keys of a GPT's spec."""
        settings = {
            "lookahead": str(self.descents),
            "style": self.style,
            "temperature": f"{self.temperature:g}",
            "top_p": f"{self.top_p:g}",
        }
        if self.descents:
            return {**settings, "max_descents": str(self.descents)}
        # The mirror image doubles the time and matters only to the best moves, which these levels do not look for.
        return {**settings, "care": f"{self.care:g}", "symmetric": "false"}


def _level(
    number: int, key: str, elo: int, descents: int, temperature: float, top_p: float, care: float
) -> Level:
    return Level(
        number=number,
        key=key,
        elo=elo,
        descents=descents,
        style="teacher" if descents else "human",
        temperature=temperature,
        top_p=top_p,
        care=care,
    )


# The ratings are those of the ladder in docs/strength.md, rounded; those of levels 9 and 10 are estimates.
LEVELS: tuple[Level, ...] = (
    _level(1, "novice", 520, 0, 1.95, 0.98, 0.25),
    _level(2, "beginner", 710, 0, 1.65, 0.97, 0.45),
    _level(3, "casual", 850, 0, 1.45, 0.96, 0.65),
    _level(4, "improver", 1020, 0, 1.15, 0.95, 0.8),
    _level(5, "intermediate", 1250, 0, 0.75, 0.9, 1.0),
    _level(6, "skilled", 1430, 4, 0.3, 0.8, 0.0),
    _level(7, "advanced", 1580, 14, 0.3, 0.8, 0.0),
    _level(8, "expert", 1800, 34, 0.3, 0.8, 0.0),
    _level(9, "candidate", 2010, 100, 0.25, 0.8, 0.0),
    _level(10, "master", 2160, 300, 0.2, 0.8, 0.0),
)
"""All levels, weakest first."""

LEVEL_NAMES: tuple[str, ...] = tuple(level.key for level in LEVELS)
"""Their names, weakest first; `ADAPTIVE` is not among them."""


def get_level(name: str) -> Level:
    """The level of a number ("4") or a name ("improver").

    Raises:
        PlayerError: there is no such level.
    """
    for level in LEVELS:
        if name.strip().lower() in (level.key, str(level.number)):
            return level
    raise PlayerError(
        f"There is no level {name!r}. Levels are 1 to {len(LEVELS)}, {', '.join(LEVEL_NAMES)} and {ADAPTIVE}."
    )


def nearest_level(elo: float) -> Level:
    """The level against which a player of this rating is expected to score nearest to half of the points."""
    return min(LEVELS, key=lambda level: abs(level.elo - elo))


def with_level(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of a GPT, with those of its level where they hold none of their own.

    Raises:
        PlayerError: there is no such level.
    """
    name = settings.get("level")
    if name is None:
        return dict(settings)
    level = get_level(name)
    own = dict(level.settings)
    if not settings.keys().isdisjoint(SEARCH_KEYS):
        own.pop("max_descents", None)
        if not level.descents:
            del own["lookahead"]
    if settings.get("temperature") in ("0", "0.0"):
        del own["top_p"]  # nothing is drawn
    return {**own, **settings}
