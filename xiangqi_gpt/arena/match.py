"""One referee for every match.

Each opening is played twice, with colours exchanged. A game ends by the rules alone; one that reaches the
cap is a draw and counted as such. A player that plays an illegal move, dies or overruns its time loses that
game, and the fault is counted apart: a match with faults measures more than strength.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from xiangqi_gpt.arena.elo import EloEstimate, estimate_elo
from xiangqi_gpt.arena.openings import Opening, load_openings
from xiangqi_gpt.errors import ConfigError, PlayerIllegalMoveError, PlayerTimeoutError, XiangqiError
from xiangqi_gpt.players.base import Limit, Player, is_deterministic
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.outcome import result_of_winner
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.rulesets import RuleSet, get_rule_set

MAX_PLIES = 300
TIME_GRACE = 5.0


class Fault(str, Enum):
    """How a game ends outside the rules; `CAPPED` is nobody's fault."""

    CAPPED = "capped"
    ILLEGAL = "illegal"
    CRASH = "crash"
    TIMEOUT = "timeout"


@dataclass(frozen=True, kw_only=True)
class MatchConfig:
    """How a match is played."""

    limit: Limit = field(default_factory=Limit)  # for every move of a player without a limit of its own
    rules: str | RuleSet = "simple"  # name of a rule set, or one
    max_plies: int = MAX_PLIES  # plies, opening included, that make a draw
    time_grace: float = TIME_GRACE  # seconds beyond limit.time that are forgiven
    seed: int = 0  # order of the openings

    def __post_init__(self) -> None:
        get_rule_set(self.rules)
        if self.max_plies < 1:
            raise ConfigError(f"expected max_plies of at least 1, found {self.max_plies!r}")
        if not self.time_grace >= 0:
            raise ConfigError(f"expected time_grace of at least 0 s, found {self.time_grace!r}")


@dataclass(frozen=True)
class PlayedGame:
    """One game of a match.

    Attributes:
        number: from 1, in order of play.
        opening: the moves given.
        moves: all moves from the standard start, the opening's included.
        red, black: names of the players.
        first_is_red: whether the match's first player had Red.
        winner: None for a draw.
        ending: a value of `Termination` or `Fault`.
        detail: the ending in words.
    """

    number: int
    opening: Opening
    moves: tuple[Move, ...]
    red: str
    black: str
    first_is_red: bool
    winner: Color | None
    ending: str
    detail: str

    @property
    def result(self) -> str:
        """ "1-0" (Red wins), "0-1" or "1/2-1/2"."""
        return result_of_winner(self.winner)

    @property
    def points(self) -> float:
        """Points of the match's first player: 1, 0.5 or 0."""
        if self.winner is None:
            return 0.5
        return 1.0 if (self.winner is Color.RED) == self.first_is_red else 0.0


@dataclass(frozen=True)
class MatchResult:
    """The games of a match, from the first player's view; faults are those of both players."""

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
    def elo(self) -> EloEstimate:
        """Difference to the second player, from game pairs."""
        return estimate_elo([game.points for game in self.games])

    def count(self, ending: str) -> int:
        """Games that ended this way: a value of `Termination` or `Fault`."""
        return sum(game.ending == ending for game in self.games)

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
            "capped": self.count(Fault.CAPPED),
            "illegal": self.count(Fault.ILLEGAL),
            "crashes": self.count(Fault.CRASH),
            "timeouts": self.count(Fault.TIMEOUT),
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
    if games < 1:
        raise ConfigError(f"expected at least 1 game, found {games!r}")
    if not openings:
        raise ConfigError("expected at least one opening, found none")
    if games > 2 * len(openings) and is_deterministic(first) and is_deterministic(second):
        raise ConfigError(
            f"expected at most {2 * len(openings)} games from {len(openings)} openings, found "
            f"{games}: {first.name} and {second.name} always answer alike and would repeat whole games"
        )
    played = []
    order = _opening_order(openings, config.seed)
    opening = openings[0]
    for number in range(1, games + 1):
        first_is_red = number % 2 == 1
        if first_is_red:
            opening = next(order)
        game = _play_game(first, second, number, opening, first_is_red, config)
        played.append(game)
        if on_game is not None:
            on_game(game)
    return MatchResult(tuple(played))


def _opening_order(openings: Sequence[Opening], seed: int) -> Iterator[Opening]:
    shuffle = random.Random(seed)
    while True:
        order = list(openings)
        shuffle.shuffle(order)
        yield from order


def _play_game(
    first: Player, second: Player, number: int, opening: Opening, first_is_red: bool, config: MatchConfig
) -> PlayedGame:
    red, black = (first, second) if first_is_red else (second, first)
    board = opening.board()
    winner, ending, detail = _play_out(board, (red, black), config)
    return PlayedGame(
        number=number,
        opening=opening,
        moves=tuple(board.move_stack),
        red=red.name,
        black=black.name,
        first_is_red=first_is_red,
        winner=winner,
        ending=ending,
        detail=detail,
    )


def _play_out(
    board: Board, players: tuple[Player, Player], config: MatchConfig
) -> tuple[Color | None, str, str]:
    """Play on `board` to the end: winner, ending, words."""
    for color, player in zip(Color, players, strict=True):
        try:
            player.new_game()
        except Exception as error:
            return color.other, Fault.CRASH.value, _words(player, error)
    while True:
        outcome = board.outcome(config.rules)
        if outcome is not None:
            return outcome.winner, outcome.termination.value, outcome.text_en
        if board.ply >= config.max_plies:
            return None, Fault.CAPPED.value, f"drawn at the cap of {config.max_plies} plies"
        player = players[board.turn]
        try:
            move = _ask(player, board, config)
        except PlayerIllegalMoveError as error:
            return board.turn.other, Fault.ILLEGAL.value, _words(player, error)
        except PlayerTimeoutError as error:
            return board.turn.other, Fault.TIMEOUT.value, _words(player, error)
        except Exception as error:  # Whatever a player raises costs it the game, never the match.
            return board.turn.other, Fault.CRASH.value, _words(player, error)
        board.push(move)


def _ask(player: Player, board: Board, config: MatchConfig) -> Move:
    started = time.monotonic()
    # A copy, so that a player cannot change the game by accident.
    move = player.play(board.copy(), config.limit).move
    seconds = time.monotonic() - started
    if not board.is_legal(move):
        why = board.explain(move)
        raise PlayerIllegalMoveError(
            f"played {move.iccs!r} in {board.fen()!r}: {why.text_en if why is not None else 'not legal'}"
        )
    if config.limit.time is not None and seconds > config.limit.time + config.time_grace:
        raise PlayerTimeoutError(f"took {seconds:.1f} s of {config.limit.time:g} s in {board.fen()!r}")
    return move


def _words(player: Player, error: Exception) -> str:
    # Our own errors explain themselves; of a stranger's the type is half of the message.
    text = str(error) if isinstance(error, XiangqiError) else f"{type(error).__name__}: {error}"
    return text if player.name in text else f"{player.name}: {text}"
