"""What every player is: it is shown a board and a limit, and answers with a move or with an analysis.

Arena, window, command line and UCI know nothing else. Nothing here imports torch or starts a process.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What stops the thinking about one move, whichever comes first. All None: the player's own habit."""

    time: float | None = None  # seconds
    nodes: int | None = None  # positions searched
    depth: int | None = None  # plies

    def __post_init__(self) -> None:
        for name, value, least in (
            ("time", self.time, 0.0),
            ("nodes", self.nodes, 1),
            ("depth", self.depth, 1),
        ):
            # A NaN fails every comparison, so the test is written as a negation.
            if value is not None and not (least <= value < float("inf")):
                raise PlayerError(f"expected {name} of at least {least:g}, found {value!r}")

    @property
    def is_empty(self) -> bool:
        """True where nothing is limited."""
        return self.time is None and self.nodes is None and self.depth is None

    def __str__(self) -> str:
        parts = [f"{self.time:g} s"] if self.time is not None else []
        parts += [f"{self.nodes} nodes"] if self.nodes is not None else []
        parts += [f"depth {self.depth}"] if self.depth is not None else []
        return ", ".join(parts) or "none"


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """A UCI engine in a process of its own: how to start it and how long it thinks."""

    command: str  # program and arguments as one line
    limit: Limit = field(default_factory=Limit)  # for every move
    options: Mapping[str, str] = field(default_factory=dict)  # UCI options by name
    ranks: str | None = None  # "0-9", "1-10", None: told by the engine's options
    timeout: float | None = None  # seconds of silence that lose, None: a default


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
        points: what the side to move can expect behind the candidate, 0..1 (win 1, draw 1/2).
    """

    pv: tuple[Move, ...]
    prob: float | None = None
    logprob: float | None = None
    score_cp: int | None = None
    points: float | None = None

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
    """

    lines: tuple[Line, ...]
    value: Value | None = None
    leak: float | None = None


@dataclass(frozen=True)
class PlayResult:
    """A chosen move, with what was thought about it where the player tells."""

    move: Move
    analysis: Analysis | None = None


@runtime_checkable
class Player(Protocol):
    """Anything that can move.

    A player never changes the board that it is shown, and draws its random numbers from a seed given when
    it was made. It may offer `deterministic: bool`: False says that the same position may get another answer
    next time; and `stop_event: threading.Event`, which ends the thinking at once when it is set (by another
    thread, which clears it before the next question).
    """

    @property
    def name(self) -> str:
        """Shown in tables and records; names what changes the strength, such as nodes or temperature."""

    def play(self, board: Board, limit: Limit) -> PlayResult:
        """Choose a legal move; PlayerError where the board has none."""

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        """The best `multipv` candidates (None: all legal moves)."""

    def new_game(self) -> None:
        """Forget the game so far."""

    def close(self) -> None:
        """Give back processes and memory; closing twice is harmless."""


def is_deterministic(player: Player) -> bool:
    """Whether the same position always gets the same answer; a player that does not say so is taken to be."""
    return bool(getattr(player, "deterministic", True))


def stop_event_of(player: Player | None) -> threading.Event | None:
    """What ends the thinking of *player* at once when it is set; None where nothing does."""
    return getattr(player, "stop_event", None)


def legal_moves_or_error(board: Board) -> list[Move]:
    """The legal moves; PlayerError naming the position where there are none."""
    moves = board.legal_moves()
    if not moves:
        raise PlayerError(f"expected a position with legal moves, found none in {board.fen()!r}")
    return moves
