"""Matches of two players: each opening is played twice, with colours exchanged."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from xiangqi_gpt.arena.elo import EloEstimate, estimate_from_pairs
from xiangqi_gpt.arena.openings import Opening, load_openings
from xiangqi_gpt.arena.referee import PLAYER_FAULTS, Fault, MatchConfig, PlayedGame, play_game
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.players.base import Player, is_deterministic


@dataclass(frozen=True)
class MatchResult:
    """The games of a match, from the first player's view; game 2k - 1 and game 2k are a pair."""

    games: tuple[PlayedGame, ...]

    @property
    def wins(self) -> int:
        """Games won by the first player."""
        return sum(game.points == 1.0 for game in self.games)

    @property
    def draws(self) -> int:
        """Games drawn, the capped ones included."""
        return sum(game.points == 0.5 for game in self.games)

    @property
    def losses(self) -> int:
        """Games lost by the first player."""
        return sum(game.points == 0.0 for game in self.games)

    @property
    def score(self) -> float:
        """Share of the points, 0..1; 0.5 without games."""
        return sum(game.points for game in self.games) / len(self.games) if self.games else 0.5

    @property
    def pairs(self) -> tuple[float, ...]:
        """Points of the first player, 0..2, from the pairs of which both games are finished."""
        points = {game.number: game.points for game in self.games}
        return tuple(points[n] + points[n + 1] for n in sorted(points) if n % 2 == 1 and n + 1 in points)

    @property
    def pentanomial(self) -> tuple[int, int, int, int, int]:
        """How many pairs gave the first player 0, 0.5, 1, 1.5 and 2 points."""
        pairs = self.pairs
        zero, half, one, more, two = (pairs.count(points) for points in (0.0, 0.5, 1.0, 1.5, 2.0))
        return zero, half, one, more, two

    @property
    def elo(self) -> EloEstimate:
        """Difference to the second player, from game pairs."""
        return estimate_from_pairs([game.points for game in self.games], self.pairs)

    def count(self, ending: str) -> int:
        """Games that ended this way: a value of `Termination` or `Fault`."""
        return sum(game.ending == ending for game in self.games)

    def faults(self, *, first: bool) -> dict[str, int]:
        """Games that the first or the second player lost by each kind of fault."""
        lost = [game.ending for game in self.games if game.points == (0.0 if first else 1.0)]
        return {name: lost.count(ending) for name, ending in PLAYER_FAULTS.items()}

    def as_dict(self) -> dict[str, Any]:
        """The machine-readable summary."""
        elo = self.elo
        return {
            "games": len(self.games),
            "wins": self.wins,
            "draws": self.draws,
            "losses": self.losses,
            "score": round(self.score, 6),
            "elo": round(elo.elo, 1),
            "elo_ci": [round(elo.low, 1), round(elo.high, 1)],
            "pentanomial": list(self.pentanomial),
            "capped": self.count(Fault.CAPPED),
            "adjudicated": self.count(Fault.RESIGNED) + self.count(Fault.ADJUDICATED),
            **{name: self.count(ending) for name, ending in PLAYER_FAULTS.items()},
            "faults": {"first": self.faults(first=True), "second": self.faults(first=False)},
        }


def play_match(
    first: Player,
    second: Player,
    games: int,
    *,
    config: MatchConfig | None = None,
    openings: Sequence[Opening] | None = None,
    on_game: Callable[[PlayedGame], None] | None = None,
) -> MatchResult:
    """Play `games` games in pairs; the first player has Red in games 1, 3, 5 ...

    The players stay the same objects for all games. `play_series` plays games of players that are built anew for each
    of them, in several processes and with the games kept on disk.

    Args:
        openings: None for those of the package. They are taken in an order drawn from the seed. Where they
            run out, they are shuffled again, unless both players are deterministic.
        on_game: called after every game.

    Raises:
        ConfigError: fewer than one game, or two deterministic players asked for more games than there are
            pairs of opening and colour.
    """
    config = config if config is not None else MatchConfig()
    openings = openings if openings is not None else load_openings()
    check_games(games, openings, first, second)
    played = []
    for number, opening in enumerate(paired_openings(games, openings, config.seed), start=1):
        game = play_game(first, second, number, opening, number % 2 == 1, config)
        played.append(game)
        if on_game is not None:
            on_game(game)
    return MatchResult(tuple(played))


class NamedPlayer(Protocol):
    """A player, or the facts about one that is built later."""

    @property
    def name(self) -> str:
        """As in `Player`."""


def check_games(games: int, openings: Sequence[Opening], first: NamedPlayer, second: NamedPlayer) -> None:
    """Refuse a number of games that the openings cannot give; ConfigError as in `play_match`."""
    if games < 1:
        raise ConfigError(f"expected at least 1 game, found {games!r}")
    if not openings:
        raise ConfigError("A match needs at least one opening.")
    if games > 2 * len(openings) and is_deterministic(first) and is_deterministic(second):
        raise ConfigError(
            f"expected at most {2 * len(openings)} games from {len(openings)} openings, found "
            f"{games}: {first.name} and {second.name} always answer alike and would repeat whole games"
        )


def paired_openings(games: int, openings: Sequence[Opening], seed: int) -> Iterator[Opening]:
    """The opening of each game; both games of a pair have the same one."""
    order = opening_order(openings, seed)
    opening = openings[0]
    for number in range(1, games + 1):
        if number % 2 == 1:
            opening = next(order)
        yield opening


def opening_order(openings: Sequence[Opening], seed: int) -> Iterator[Opening]:
    """All openings in an order drawn from the seed, again and again in new orders."""
    shuffle = random.Random(seed)
    while True:
        order = list(openings)
        shuffle.shuffle(order)
        yield from order
