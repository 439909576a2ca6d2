"""One referee for every game of every match.

A game ends by the rules alone, unless adjudication is asked for; one that reaches the cap is a draw and counted as
such. A player that plays an illegal move, dies or overruns its time loses that game, and the fault is counted apart:
a match with faults measures more than strength.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from enum import Enum

from xiangqi_gpt.arena.adjudication import Adjudication, Adjudicator
from xiangqi_gpt.arena.clocks import GameClock, TimeControl
from xiangqi_gpt.arena.openings import Opening
from xiangqi_gpt.errors import ConfigError, PlayerIllegalMoveError, PlayerTimeoutError, XiangqiError
from xiangqi_gpt.players.base import Limit, Player, PlayResult, warm_up
from xiangqi_gpt.players.scores import PIKAFISH
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.outcome import result_of_winner
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.rulesets import RuleSet, get_rule_set

MAX_PLIES = 300
TIME_GRACE = 5.0
MOVE_OVERHEAD = 0.05


class Fault(str, Enum):
    """How a game ends outside the rules; the last three are nobody's fault."""

    ILLEGAL = "illegal"
    CRASH = "crash"
    TIMEOUT = "timeout"
    FLAG = "flag"
    CAPPED = "capped"
    RESIGNED = "resigned"
    ADJUDICATED = "adjudicated_draw"


PLAYER_FAULTS = {"illegal": "illegal", "crashes": "crash", "timeouts": "timeout", "flags": "flag"}
"""What counts of faults are called, and the ending that each counts."""


@dataclass(frozen=True, kw_only=True)
class MatchConfig:
    """How games are played."""

    limit: Limit = field(default_factory=Limit)  # for every move of a player without a limit of its own
    clock: TimeControl | None = None  # time for all moves of a side; takes the place of a limit of time
    rules: str | RuleSet = "simple"  # name of a rule set, or one
    max_plies: int = MAX_PLIES  # plies, opening included, that make a draw
    time_grace: float = TIME_GRACE  # seconds beyond limit.time that are forgiven
    move_overhead: float = MOVE_OVERHEAD  # seconds of each move that the clock does not charge
    adjudication: Adjudication = field(default_factory=Adjudication)
    seed: int = 0  # order of the openings, and random numbers of the players

    def __post_init__(self) -> None:
        get_rule_set(self.rules)
        if self.max_plies < 1:
            raise ConfigError(f"expected max_plies of at least 1, found {self.max_plies!r}")
        for name, seconds in (("time_grace", self.time_grace), ("move_overhead", self.move_overhead)):
            if not 0 <= seconds < float("inf"):
                raise ConfigError(f"expected {name} of at least 0 s, found {seconds!r}")
        if self.clock is not None and self.limit.time is not None:
            raise ConfigError("Give either a clock or a time limit, not both.")


@dataclass(frozen=True)
class MoveInfo:
    """What is known of a played move.

    Attributes:
        seconds: how long the player took.
        score_cp: its score for itself, centipawns; None where it states none.
        depth: how many plies it searched; None if it does not report it.
    """

    seconds: float
    score_cp: int | None = None
    depth: int | None = None


@dataclass(frozen=True)
class PlayedGame:
    """One game of a match.

    Attributes:
        number: from 1, in the order of the schedule.
        opening: the position and moves given.
        moves: all moves from the start of the opening, the opening's included.
        red, black: names of the players.
        first_is_red: whether the match's first player had Red.
        winner: None for a draw.
        ending: a value of `Termination` or `Fault`.
        detail: the ending in words.
        infos: one for each move behind the opening.
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
    infos: tuple[MoveInfo, ...] = ()

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
class _End:
    winner: Color | None
    ending: str
    detail: str


def play_game(
    first: Player, second: Player, number: int, opening: Opening, first_is_red: bool, config: MatchConfig
) -> PlayedGame:
    """Play one game to its end. Whatever a player raises costs it the game."""
    red, black = (first, second) if first_is_red else (second, first)
    game = _Game(opening.board(), (red, black), config)
    end = game.play_out()
    return PlayedGame(
        number=number,
        opening=opening,
        moves=tuple(game.board.move_stack),
        red=red.name,
        black=black.name,
        first_is_red=first_is_red,
        winner=end.winner,
        ending=end.ending,
        detail=end.detail,
        infos=tuple(game.infos),
    )


class _Game:
    """One game that is being played."""

    def __init__(self, board: Board, players: tuple[Player, Player], config: MatchConfig) -> None:
        self.board = board
        self.infos: list[MoveInfo] = []
        self._players = players
        self._config = config
        self._clock = GameClock(config.clock, config.move_overhead) if config.clock is not None else None
        self._adjudicator = Adjudicator(config.adjudication)

    def play_out(self) -> _End:
        """Play to the end."""
        for color, player in zip(Color, self._players, strict=True):
            try:
                warm_up(player)  # no clock runs yet
                player.new_game()
            except Exception as error:
                return _End(color.other, Fault.CRASH.value, fault_text(player, error))
        end = self._end()
        while end is None:
            end = self._turn() or self._end()
        return end

    def _end(self) -> _End | None:
        """The end by the rules, or at the cap; None to play on."""
        outcome = self.board.outcome(self._config.rules)
        if outcome is not None:
            return _End(outcome.winner, outcome.termination.value, outcome.text_en)
        if self.board.ply >= self._config.max_plies:
            return _End(None, Fault.CAPPED.value, f"drawn at the cap of {self._config.max_plies} plies")
        return None

    def _turn(self) -> _End | None:
        """One move; the end where it is the player's fault or by its score."""
        board, mover = self.board, self.board.turn
        player = self._players[mover]
        started = time.monotonic()
        try:
            move, info = self._ask(player)
        # Whatever a player raises costs it the game, never the match.
        except Exception as error:
            seconds = time.monotonic() - started
            return _End(mover.other, self._fault_of(error, seconds), fault_text(player, error))
        fullmove = board.fullmove_number
        board.push(move)
        self.infos.append(info)
        ruling = self._adjudicator.after(mover, info.score_cp, fullmove)
        if ruling is None or board.outcome(self._config.rules) is not None:
            return None
        ending = Fault.ADJUDICATED if ruling.winner is None else Fault.RESIGNED
        return _End(ruling.winner, ending.value, ruling.text)

    def _ask(self, player: Player) -> tuple[Move, MoveInfo]:
        board, config, clock = self.board, self._config, self._clock
        limit = config.limit
        if clock is not None:
            limit = replace(limit, time=clock.allotment(board.turn), clock=clock.state())
        started = time.monotonic()
        # A copy, so that a player cannot change the game by accident.
        result = player.play(board.copy(), limit)
        seconds = time.monotonic() - started
        move = result.move
        if not board.is_legal(move):
            why = board.explain(move)
            raise PlayerIllegalMoveError(
                f"played {move.iccs!r} in {board.fen()!r}: {why.text_en if why is not None else 'not legal'}"
            )
        if clock is not None:
            if not clock.charge(board.turn, seconds):
                raise _FlagFallError(f"the flag fell after {seconds:.2f} s in {board.fen()!r}")
        elif limit.time is not None and seconds > limit.time + config.time_grace:
            raise PlayerTimeoutError(f"took {seconds:.1f} s of {limit.time:g} s in {board.fen()!r}")
        info = MoveInfo(seconds=round(seconds, 3), score_cp=_score(result), depth=_depth(player, result))
        return move, info

    def _fault_of(self, error: Exception, seconds: float) -> str:
        if isinstance(error, PlayerIllegalMoveError):
            return Fault.ILLEGAL.value
        if isinstance(error, _FlagFallError):
            return Fault.FLAG.value
        if isinstance(error, PlayerTimeoutError):
            # An engine that never answers has used up its clock as well.
            is_flag = self._clock is not None and not self._clock.charge(self.board.turn, seconds)
            return Fault.FLAG.value if is_flag else Fault.TIMEOUT.value
        return Fault.CRASH.value


class _FlagFallError(PlayerTimeoutError):
    """A player whose clock has run out."""


def fault_text(player: Player, error: Exception) -> str:
    """What a player did wrong, in one line with its name."""
    # Our own errors explain themselves; of a stranger's the type is half of the message.
    text = str(error) if isinstance(error, XiangqiError) else f"{type(error).__name__}: {error}"
    return text if player.name in text else f"{player.name}: {text}"


def _score(result: PlayResult) -> int | None:
    """Centipawns for the mover; of a player that states chances, what they stand for."""
    analysis = result.analysis
    if analysis is None:
        return None
    lines = [line for line in analysis.lines if line.move == result.move]
    if lines and lines[0].score_cp is not None:
        return lines[0].score_cp
    return PIKAFISH.centipawns(analysis.value) if analysis.value is not None else None


def _depth(player: Player, result: PlayResult) -> int | None:
    """The depth that a player states with its move, or an engine in the newest of its `info` lines."""
    if result.analysis is not None and result.analysis.depth is not None:
        return result.analysis.depth
    for text in reversed(getattr(player, "info_lines", ())):
        words = text.partition(" pv ")[0].split()
        if "depth" in words[:-1]:
            number = words[words.index("depth") + 1]
            if number.isdecimal() and len(number) < 6:
                return int(number)
    return None
