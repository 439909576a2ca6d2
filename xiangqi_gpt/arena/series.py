"""Many games of players by name: on one process or several, or on a Ray cluster, and kept on disk as they end.

Every game has players of its own, built for it from their specs with seeds that depend on the match's seed and the
number of the game alone. So the games are the same in whatever order and place they are played, and a player that
dies or hangs costs its own game only. What a clock decides differs from run to run, as it does in any match.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from xiangqi_gpt.arena.game_store import GameStore
from xiangqi_gpt.arena.match import paired_openings
from xiangqi_gpt.arena.openings import Opening
from xiangqi_gpt.arena.referee import MatchConfig, PlayedGame, play_game
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.base import Analysis, Limit, Player, PlayResult
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.workers.local_pool import LocalPool
from xiangqi_gpt.workers.pool import InlinePool, Pool
from xiangqi_gpt.workers.ray_pool import RayPool


@dataclass(frozen=True, kw_only=True)
class GameTask:
    """One game to play.

    Attributes:
        number: from 1, in the order of the schedule; it also seeds the players.
        first, second: specs of the players, as `create_player` takes them.
        opening: where the game begins.
        first_is_red: whether the first player has Red.
    """

    number: int
    first: str
    second: str
    opening: Opening
    first_is_red: bool


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where games are played."""

    concurrency: int | None = None  # games at a time; None: one, or one for each core of a cluster
    cluster: str | None = None  # address of a Ray cluster

    def open(self, config: MatchConfig) -> Pool[GameTask, PlayedGame]:
        """Engage workers; ConfigError where there is no cluster."""
        build = partial(GameWorker, config)
        if self.cluster is not None:
            return RayPool(build, self.cluster, self.concurrency)
        if (self.concurrency or 1) == 1:
            return InlinePool(build)
        # A worker holds one game at a time: a second one would wait while others are idle.
        return LocalPool(build, self.concurrency or 1, ahead=1)


class GameWorker:
    """Plays one game after the other."""

    def __init__(self, config: MatchConfig) -> None:
        self._config = config

    def run(self, task: GameTask) -> PlayedGame:
        """Play a game; whatever a player raises costs it this game."""
        with contextlib.ExitStack() as stack:
            players = []
            for side, spec in enumerate((task.first, task.second)):
                player = _build(spec, player_seed(self._config.seed, task.number, side))
                stack.callback(_close, player)
                players.append(player)
            first, second = players
            return play_game(first, second, task.number, task.opening, task.first_is_red, self._config)

    def close(self) -> None:
        """Nothing to give back: players end with their game."""


def player_seed(seed: int, number: int, side: int) -> int:
    """The seed of one player in one game; side 0 is the first player."""
    return random.Random(f"{seed}/{number}/{side}").getrandbits(31)


def match_tasks(
    first: str, second: str, games: int, openings: Sequence[Opening], seed: int
) -> Iterator[GameTask]:
    """The games of a match: in pairs, the first player has Red in games 1, 3, 5 ..."""
    for number, opening in enumerate(paired_openings(games, openings, seed), start=1):
        yield GameTask(
            number=number, first=first, second=second, opening=opening, first_is_red=number % 2 == 1
        )


def play_series(
    tasks: Iterable[GameTask],
    config: MatchConfig,
    place: Place,
    *,
    store: GameStore | None = None,
    on_game: Callable[[PlayedGame], None] | None = None,
    last_game: Callable[[Mapping[int, PlayedGame]], int | None] | None = None,
) -> tuple[PlayedGame, ...]:
    """Play the games that are not in the store yet, and return all of them in their order.

    Args:
        store: keeps every game as soon as it is finished.
        on_game: called after every game that is played now, in the order in which they end.
        last_game: from the finished games by number, the number of the game with which the series ends; None to
            play on. Games of a higher number are left out.

    Raises:
        ConfigError: there is no cluster at the address.
        RecordError: the store cannot be written; the games before are kept.
        WorkerError: worker processes keep ending by themselves.
    """
    played = {game.number: game for game in store.games()} if store is not None else {}
    last = last_game(played) if last_game is not None else None

    def missing() -> Iterator[GameTask]:
        for task in tasks:
            if task.number not in played:
                yield task

    if last is None:
        pool = place.open(config)
        try:
            for game in pool.results(missing()):
                if store is not None:
                    store.add(game)
                played[game.number] = game
                if on_game is not None:
                    on_game(game)
                last = last_game(played) if last_game is not None else None
                if last is not None:
                    break
        finally:
            pool.close()
    return tuple(played[n] for n in sorted(played) if last is None or n <= last)


class _UnbuiltPlayer:
    """Stands for a player that could not be built in its game, and loses it."""

    def __init__(self, spec: str, error: Exception) -> None:
        self.name = spec
        self._error = error

    def play(self, board: Board, limit: Limit) -> PlayResult:
        raise self._error

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        raise self._error

    def new_game(self) -> None:
        raise self._error

    def close(self) -> None:
        """Nothing to give back."""


def _build(spec: str, seed: int) -> Player:
    try:
        return create_player(spec, seed=seed)
    except Exception as error:
        return _UnbuiltPlayer(spec, error)


def _close(player: Player) -> None:
    # A player that fails while it is closed has finished its game already.
    with contextlib.suppress(Exception):
        player.close()
