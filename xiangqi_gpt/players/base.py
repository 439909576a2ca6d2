"""What every player is: it is shown a board and a limit, and answers with a move or with an analysis.

Arena, window, command line and UCI know nothing else. Nothing here imports torch or starts a process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from xiangqi_gpt.engines.spec import Clock, EngineSpec, Limit
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

__all__ = [
    "NO_LIMIT",
    "THINKING_THREADS",
    "Analysis",
    "Clock",
    "EngineSpec",
    "HumanProb",
    "Limit",
    "Line",
    "PlayResult",
    "Player",
    "Value",
    "human_prob_of",
    "is_deterministic",
    "legal_moves_or_error",
    "stop_event_of",
]


HumanProb: TypeAlias = Callable[[Board, Move], float]
"""(board, legal move) -> how likely people are to play it, 0..1."""

THINKING_THREADS = 1
"""Threads to think with unless told otherwise: a search's batches are small, and threads wait for each other."""

NO_LIMIT = Limit()
"""The player's own limit, where it has one, or as long as it takes."""


@dataclass(frozen=True)
class Value:
    """Expected outcome for the side to move: three probabilities that sum to 1."""

    win: float
    draw: float
    loss: float

    @property
    def expectation(self) -> float:
        """Expected points, 0..1."""
        return self.win + self.draw / 2


@dataclass(frozen=True)
class Line:
    """One candidate: a move and what may follow it.

    Attributes:
        pv: the moves, the candidate first.
        prob: share of the candidate among all legal moves, 0..1.
        logprob: raw log-probability of the candidate's text (nats, at most 0).
        score_cp: centipawns for the side to move; a mate in n moves is 30000 - n, being mated -(30000 - n).
        value: expected outcome for the side to move after the candidate, where a search has tried it.
    """

    pv: tuple[Move, ...]
    prob: float | None = None
    logprob: float | None = None
    score_cp: int | None = None
    value: Value | None = None

    @property
    def points(self) -> float | None:
        """What the side to move can expect behind the candidate, 0..1 (win 1, draw 1/2); None where it is not known."""
        return None if self.value is None else self.value.expectation

    @property
    def move(self) -> Move:
        """The candidate itself."""
        return self.pv[0]


@dataclass(frozen=True)
class Analysis:
    """What a player thinks of a position.

    Attributes:
        lines: candidates, best first.
        value: expected outcome for the side to move.
        leak: probability that the player gives to everything but the legal moves, 0..1.
        depth: plies that a search looked ahead; None without a search.
    """

    lines: tuple[Line, ...]
    value: Value | None = None
    leak: float | None = None
    depth: int | None = None


@dataclass(frozen=True)
class Mind:
    """What goes on in a GPT before the move of a position.

    Attributes:
        moves: the earlier moves that it reads, oldest first.
        attention: by layer and head, the share (0..1) of what is read that comes from each of `moves`; the rest comes
            from the beginning of the text.
        belief: the piece codes (90) that a probe reads off, as Red sees the board; None without a probe.
        sureness: the probe's probabilities (90) of those codes; empty without one.
    """

    moves: tuple[Move, ...]
    attention: tuple[tuple[tuple[float, ...], ...], ...]
    belief: tuple[int, ...] | None = None
    sureness: tuple[float, ...] = ()


@dataclass(frozen=True)
class PlayResult:
    """A chosen move, with its analysis, if the player gives one."""

    move: Move
    analysis: Analysis | None = None


@runtime_checkable
class Player(Protocol):
    """Anything that can move.

    A player never changes the board that it is shown, and draws its random numbers from a seed given when
    it was made. It may offer `deterministic: bool`: False means that the same position may get another answer
    next time; and `stop_event: threading.Event`, which ends the thinking at once when it is set (by another
    thread, which clears it before the next question). It may offer `human_prob(board, move) -> float`: how likely
    people are to play a legal move, 0..1; and, if it is a GPT, `mind(board)`, which shows what it reads and believes.
    It may offer `warm_up()`, which does beforehand what its first answer would wait for; and `own_name: str`, what the
    program behind it calls itself, whatever name it goes by.
    Its `analyse` may take `on_progress`, called with the analysis so far several times a second, on any thread.
    """

    @property
    def name(self) -> str:
        """Shown in tables and records; names what changes the strength, such as nodes or temperature."""

    def play(self, board: Board, limit: Limit = NO_LIMIT) -> PlayResult:
        """Choose a legal move; PlayerError where the board has none. Without a limit the player's own one holds."""

    def analyse(self, board: Board, limit: Limit = NO_LIMIT, multipv: int | None = None) -> Analysis:
        """The best `multipv` candidates (None: all legal moves)."""

    def new_game(self) -> None:
        """Forget the game so far."""

    def close(self) -> None:
        """Give back processes and memory; closing twice is harmless."""


def is_deterministic(player: object) -> bool:
    """Whether the same position always gets the same answer; True unless the player states otherwise."""
    return bool(getattr(player, "deterministic", True))


def warm_up(player: Player) -> None:
    """Let *player* do beforehand what its first answer would wait for, where it offers that."""
    own: Callable[[], None] | None = getattr(player, "warm_up", None)
    if own is not None:
        own()


def own_name_of(player: Player) -> str:
    """What the program behind *player* calls itself; the name of the player where it does not say."""
    own: str = getattr(player, "own_name", "")
    return own or player.name


def stop_event_of(player: Player | None) -> threading.Event | None:
    """What ends the thinking of *player* at once when it is set; None where nothing does."""
    return getattr(player, "stop_event", None)


def mind_of(player: object, board: Board) -> Mind:
    """What a GPT attends to and believes on *board*; PlayerError where *player* is no GPT."""
    look = getattr(player, "mind", None)
    if look is None:
        raise PlayerError("Only a GPT shows its attention and its belief.")
    found: Mind = look(board)
    return found


def human_prob_of(player: Player | None) -> HumanProb | None:
    """How likely people are to play a move, where *player* knows; None where it does not."""
    return getattr(player, "human_prob", None)


def legal_moves_or_error(board: Board) -> list[Move]:
    """The legal moves; PlayerError naming the position where there are none."""
    moves = board.legal_moves()
    if not moves:
        raise PlayerError(f"There are no legal moves in {board.fen()!r}: the game is over.")
    return moves
