"""Starts of play-outs: the standard start or the beginning of a recorded game, then a few random plies.

No two are alike. Everything is drawn from the seed and the number of the game, in order, so the first games of a longer
run are the games of a shorter one.
"""

from __future__ import annotations

import hashlib
import random
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.records.record import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import MOVES
from xiangqi_gpt.rules.rulesets import get_rule_set
from xiangqi_gpt.teacher.work import Task

MAX_PLIES = 2_000
"""Largest allowed number of plies per game."""

_DRAWS = 8
"""How often a start is redrawn before it gets one more random ply."""

_MOST_DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class StartConfig:
    """How starts are drawn."""

    seed: int = 0
    noise: tuple[float, ...] = (
        0.0,
        0.0,
        0.05,
        0.1,
        0.2,
    )  # fractions of random moves; each game draws one of them
    random_plies: tuple[int, int] = (0, 3)  # fewest and most random plies before the engine takes over
    cut: tuple[int, int] = (0, 60)  # fewest and most plies taken from a recorded game
    records_share: float = 1.0  # fraction of games that begin with plies of a recorded game, if there are any
    max_plies: int = 300  # a start is shorter than this
    rules: str = "asian"  # no start is already over under these rules

    def __post_init__(self) -> None:
        if not self.noise or not all(0 <= share <= 1 for share in self.noise):
            raise ConfigError(f"expected shares of random moves from 0 to 1, found {self.noise!r}")
        for what, (least, most) in (("random plies", self.random_plies), ("plies of a record", self.cut)):
            if not 0 <= least <= most <= MAX_PLIES:
                raise ConfigError(f"expected {what} from 0 to {MAX_PLIES}, found {least}-{most}")
        if not 1 <= self.max_plies <= MAX_PLIES:
            raise ConfigError(f"expected max_plies from 1 to {MAX_PLIES}, found {self.max_plies!r}")
        get_rule_set(self.rules)
        if not 0 <= self.records_share <= 1:
            raise ConfigError(f"expected a share of recorded games from 0 to 1, found {self.records_share!r}")


class Openings:
    """Recorded games to start from, packed: a game takes two bytes per ply.

    Attributes:
        fingerprint: differs for other games, or for the same games in another order.
    """

    def __init__(self, games: Iterable[GameRecord], most_plies: int) -> None:
        self._fens: list[str] = []
        self._moves: list[bytes] = []
        digest = hashlib.sha1(usedforsecurity=False)
        for game in games:
            packed = array("H", [move.index for move in game.moves[:most_plies]]).tobytes()
            self._fens.append(game.start_fen)
            self._moves.append(packed)
            digest.update(f"{game.start_fen}|".encode() + packed + b"\n")
        self.fingerprint = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._fens)

    def game(self, number: int) -> tuple[str, list[int]]:
        """Start position and moves of one of them."""
        return self._fens[number], array("H", self._moves[number]).tolist()


def play_out_tasks(count: int, config: StartConfig, openings: Openings | None = None) -> Iterator[Task]:
    """Yield `count` starts.

    Raises ConfigError if there are not enough different starts.
    """
    taken: set[bytes] = set()
    for number in range(count):
        rng = random.Random(f"{config.seed}/{number}/start")
        for draw in range(_MOST_DRAWS):
            fen, moves = _drawn(rng, config, openings, draw // _DRAWS)
            key = hashlib.sha1(f"{fen}|{moves}".encode(), usedforsecurity=False).digest()[:10]
            if key not in taken and _goes_on(fen, moves, config):
                taken.add(key)
                yield Task(number=number, start_fen=fen, moves=tuple(moves), noise=rng.choice(config.noise))
                break
        else:
            raise ConfigError(
                f"There are only {number} different starts, and {count} are wanted; ask for fewer games"
            )


def _drawn(
    rng: random.Random, config: StartConfig, openings: Openings | None, further: int
) -> tuple[str, list[int]]:
    """One start, with more random plies than configured if all short starts are used."""
    fen, moves = START_FEN, []
    if openings is not None and len(openings) and rng.random() < config.records_share:
        fen, played = openings.game(rng.randrange(len(openings)))
        least, most = config.cut
        most = min(most, len(played))
        moves = played[: rng.randint(min(least, most), most)]
    board = Board(fen, strict=False)
    for index in moves:
        board.push(MOVES[index])
    for _ in range(rng.randint(*config.random_plies) + further):
        legal = board.legal_indices()
        if not legal:
            break
        moves.append(rng.choice(legal))
        board.push(MOVES[moves[-1]])
    return fen, moves


def _goes_on(fen: str, moves: list[int], config: StartConfig) -> bool:
    board = Board(fen, strict=False)
    for index in moves:
        board.push(MOVES[index])
    return len(moves) < config.max_plies and board.outcome(config.rules) is None
