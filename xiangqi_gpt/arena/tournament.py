"""Tournaments of many players: pairings and results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from xiangqi_gpt.arena.elo import EloEstimate, estimate_from_pairs
from xiangqi_gpt.arena.match import opening_order
from xiangqi_gpt.arena.openings import Opening
from xiangqi_gpt.arena.ratings import Rating, bradley_terry
from xiangqi_gpt.arena.referee import PLAYER_FAULTS, PlayedGame
from xiangqi_gpt.arena.series import GameTask
from xiangqi_gpt.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Who meets whom.

    In every round each pairing plays the same opening, twice with colours exchanged. So a tournament that is stopped
    early has treated all players alike up to its last round.
    """

    players: tuple[str, ...]  # specs, all different
    games: int  # games of each pairing
    gauntlet: bool = False  # only the first player meets the others
    chain: bool = False  # each player meets only those before and after it; else everybody meets everybody

    def __post_init__(self) -> None:
        if len(self.players) < 2:
            raise ConfigError(f"A tournament needs at least 2 players, not {len(self.players)}.")
        twice = sorted({player for player in self.players if self.players.count(player) > 1})
        if twice:
            raise ConfigError(f"The player {twice[0]!r} is named twice.")
        if self.gauntlet and self.chain:
            raise ConfigError("--gauntlet and --chain are two ways to pair the players. Give one of them.")
        if self.games < 1:
            raise ConfigError(f"expected at least 1 game for each pairing, found {self.games!r}")

    @property
    def pairings(self) -> tuple[tuple[int, int], ...]:
        """Pairs of players by their place in `players`."""
        count = len(self.players)
        if self.gauntlet:
            return tuple((0, other) for other in range(1, count))
        if self.chain:
            return tuple((player, player + 1) for player in range(count - 1))
        return tuple(combinations(range(count), 2))

    @property
    def total(self) -> int:
        """Games of the whole tournament."""
        return self.games * len(self.pairings)

    def tasks(self, openings: Sequence[Opening], seed: int) -> Iterator[GameTask]:
        """All games in their order."""
        order = opening_order(openings, seed)
        number = 0
        for begun in range(0, self.games, 2):
            opening = next(order)
            for first, second in self.pairings:
                for turn in range(min(2, self.games - begun)):
                    number += 1
                    yield GameTask(
                        number=number,
                        first=self.players[first],
                        second=self.players[second],
                        opening=opening,
                        first_is_red=turn == 0,
                    )

    def pairing_of(self, number: int) -> tuple[int, int]:
        """The players of a game."""
        whole = 2 * len(self.pairings)
        round_number, place = divmod(number - 1, whole)
        in_round = min(2, self.games - 2 * round_number)
        return self.pairings[place // in_round]


@dataclass
class _Score:
    wins: int = 0
    draws: int = 0
    losses: int = 0
    faults: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLAYER_FAULTS, 0))

    def add(self, points: float, ending: str) -> None:
        self.wins += points == 1.0
        self.draws += points == 0.5
        self.losses += points == 0.0
        for name, value in PLAYER_FAULTS.items():
            self.faults[name] += points == 0.0 and ending == value


@dataclass(frozen=True)
class Standing:
    """One player at the end of a tournament, or on the way.

    Attributes:
        player: its spec.
        rating: on the scale of the anchors; without them the mean of all players is 0.
        is_anchor: whether the rating was given.
        wins, draws, losses: its games.
        faults: games lost by each kind of fault.
    """

    player: str
    rating: Rating
    is_anchor: bool
    wins: int
    draws: int
    losses: int
    faults: Mapping[str, int]

    @property
    def games(self) -> int:
        """Games played."""
        return self.wins + self.draws + self.losses

    @property
    def score(self) -> float:
        """Share of the points, 0..1; 0.5 without games."""
        return (self.wins + self.draws / 2) / self.games if self.games else 0.5

    def as_dict(self) -> dict[str, Any]:
        """The machine-readable form."""
        return {
            "player": self.player,
            "elo": round(self.rating.elo, 1),
            "elo_ci": [round(self.rating.low, 1), round(self.rating.high, 1)],
            "anchor": self.is_anchor,
            "games": self.games,
            "wins": self.wins,
            "draws": self.draws,
            "losses": self.losses,
            "score": round(self.score, 6),
            "faults": dict(self.faults),
        }


@dataclass(frozen=True)
class Link:
    """How much stronger a player is than the one before it, from the games between the two alone.

    Attributes:
        weaker, stronger: the players, in the order of the schedule; the names are what is expected of it.
        games: how many they have played.
        elo: of `stronger`, with the interval from pairs of games.
    """

    weaker: str
    stronger: str
    games: int
    elo: EloEstimate

    def as_dict(self) -> dict[str, Any]:
        """The machine-readable form."""
        return {
            "players": [self.weaker, self.stronger],
            "games": self.games,
            "elo": round(self.elo.elo, 1),
            "elo_ci": [round(self.elo.low, 1), round(self.elo.high, 1)],
        }


@dataclass(frozen=True)
class TournamentResult:
    """What a tournament has shown.

    Attributes:
        standings: the players, best rating first.
        points: (n, n) points of each player against each, in the order of the schedule.
        games: how many games were played.
    """

    standings: tuple[Standing, ...]
    points: np.ndarray
    games: int


def links(schedule: Schedule, games: Iterable[PlayedGame]) -> tuple[Link, ...]:
    """The links of a chain, in the order of its players."""
    by_pairing: dict[tuple[int, int], list[PlayedGame]] = {pairing: [] for pairing in schedule.pairings}
    for game in games:
        by_pairing[schedule.pairing_of(game.number)].append(game)
    found = []
    for (first, second), played in by_pairing.items():
        points = {game.number: 1 - game.points for game in played}
        # The games of a pair have consecutive numbers, of which the first is odd.
        pairs = [points[n] + points[n + 1] for n in sorted(points) if n % 2 == 1 and n + 1 in points]
        elo = estimate_from_pairs(list(points.values()), pairs)
        found.append(Link(schedule.players[first], schedule.players[second], len(points), elo))
    return tuple(found)


def rate(
    schedule: Schedule, games: Iterable[PlayedGame], anchors: Mapping[str, float] | None = None
) -> TournamentResult:
    """Ratings and scores from the games of a tournament, all or some of them.

    Args:
        anchors: given ratings by spec; ConfigError for one that does not take part.
    """
    known = dict(anchors or {})
    strangers = [spec for spec in known if spec not in schedule.players]
    if strangers:
        raise ConfigError(
            f"--anchor: {strangers[0]!r} is not among the players {', '.join(schedule.players)}"
        )
    count = len(schedule.players)
    points, scores, total = np.zeros((count, count)), [_Score() for _ in range(count)], 0
    for game in games:
        first, second = schedule.pairing_of(game.number)
        points[first, second] += game.points
        points[second, first] += 1 - game.points
        scores[first].add(game.points, game.ending)
        scores[second].add(1 - game.points, game.ending)
        total += 1
    ratings = bradley_terry(points, {schedule.players.index(spec): elo for spec, elo in known.items()})
    standings = [
        Standing(spec, rating, spec in known, score.wins, score.draws, score.losses, score.faults)
        for spec, rating, score in zip(schedule.players, ratings, scores, strict=True)
    ]
    return TournamentResult(tuple(sorted(standings, key=lambda s: -s.rating.elo)), points, total)
