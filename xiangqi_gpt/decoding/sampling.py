"""Choosing a move from the scores of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.decoding.scorer import MoveScores
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.outcome import Termination
from xiangqi_gpt.rules.rulesets import RuleSet

_PERPETUAL = (Termination.PERPETUAL_CHECK, Termination.PERPETUAL_CHASE, Termination.PERPETUAL_ATTACK)


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a move is drawn from the legal ones.

    The shares of the legal moves are first sharpened by the temperature, P ** (1 / temperature); then, in this order,
    all but the ``top_k`` likeliest go, all but the fewest that together hold ``top_p``, and all below ``min_p`` times
    the likeliest. What is left is drawn from. Temperature 0 takes the likeliest move. Of equally likely moves at an
    edge the first in the order of the moves stay.
    """

    temperature: float = 0.0
    top_k: int | None = None  # moves
    top_p: float | None = None  # share of the probability, above 0 to 1
    min_p: float | None = None  # in units of the largest share, 0..1

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 100.0:
            raise ConfigError(f"temperature: expected a number from 0 to 100, found {self.temperature!r}")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"top_k: expected at least 1 move, found {self.top_k!r}")
        if self.top_p is not None and not 0.0 < self.top_p <= 1.0:
            raise ConfigError(f"top_p: expected a share above 0 and at most 1, found {self.top_p!r}")
        if self.min_p is not None and not 0.0 <= self.min_p <= 1.0:
            raise ConfigError(f"min_p: expected a share from 0 to 1, found {self.min_p!r}")
        if self.temperature == 0 and self.filters:
            raise ConfigError(
                f"temperature: expected a number above 0 with {', '.join(self.filters)}, found 0, "
                "which always takes the likeliest move"
            )

    @property
    def filters(self) -> tuple[str, ...]:
        """The names of the limits that are set."""
        return tuple(key for key in ("top_k", "top_p", "min_p") if getattr(self, key) is not None)

    def shares(self, logprobs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The probability (N,) that each of N moves is drawn, given their log-probabilities (-inf: never).

        The temperature is above 0.
        """
        weights = np.exp((logprobs - logprobs.max()) / self.temperature)
        order = np.argsort(-weights, kind="stable")
        ranked = weights[order] / weights.sum()
        keep = np.ones(len(ranked), bool)
        if self.top_k is not None:
            keep[self.top_k :] = False
        if self.top_p is not None:
            held = ranked * keep / (ranked * keep).sum()
            # A move stays while those before it hold less than the share; the first always does.
            keep[1:] &= np.cumsum(held)[:-1] < self.top_p
        if self.min_p is not None:
            keep &= ranked >= self.min_p * ranked[0]
        kept = np.zeros_like(weights)
        kept[order[keep]] = weights[order[keep]]
        shares: npt.NDArray[np.float64] = kept / kept.sum()
        return shares


def repetition_risk(board: Board, move: Move) -> int:
    """How often the position after *move* has stood on the board before, 0 if never."""
    board.push(move)
    try:
        return board.repetitions() - 1
    finally:
        board.pop()


def loses_by_repetition(board: Board, move: Move, rules: RuleSet) -> bool:
    """Whether the rules call *move* a loss for perpetual check or chase, at once or after one reply of the opponent.

    It is often the reply that brings a position up once too often: whoever gives the last check does not end the cycle.
    """
    # The occurrences of a position that are counted span at least four plies each.
    if board.halfmove_clock + 2 < 4 * (rules.repetitions - 1):
        return False
    side = board.turn
    board.push(move)
    try:
        if _lost(board, rules, side):
            return True
        if not board.halfmove_clock:
            return False
        for reply in board.legal_moves():
            board.push(reply)
            try:
                if _lost(board, rules, side):
                    return True
            finally:
                board.pop()
        return False
    finally:
        board.pop()


def _lost(board: Board, rules: RuleSet, side: int) -> bool:
    if board.repetitions() < rules.repetitions:
        return False
    outcome = board.outcome(rules)
    return outcome is not None and outcome.termination in _PERPETUAL and outcome.winner == 1 - side


def open_moves(
    board: Board, scores: MoveScores, *, guard: bool = True, rules: RuleSet | None = None
) -> npt.NDArray[np.bool_]:
    """(N,) which of ``scores.moves`` may be chosen; never none of them.

    The repetition guard, *guard*, leaves out moves that bring back a position of the game, so that plain argmax does
    not shuffle to and fro. A side whose expected score is well below a draw may repeat: there a draw is a gain.

    With *rules*, moves by which the game would be lost for perpetual check or chase are left out as well, whoever
    stands better. Where only one of both can be heeded it is this one.
    """
    found = np.ones(len(scores.moves), bool)
    if rules is not None:
        safe = np.array([not loses_by_repetition(board, move, rules) for move in scores.moves])
        if safe.any():
            found = safe
    losing = scores.value[0] + scores.value[1] / 2 < 0.25
    if guard and not losing and len(board.move_stack) >= 4:
        fresh = np.array([repetition_risk(board, move) == 0 for move in scores.moves]) & found
        if fresh.any():
            found = fresh
    return found


def choose(
    board: Board,
    scores: MoveScores,
    *,
    temperature: float = 0.0,
    rng: np.random.Generator | None = None,
    guard: bool = True,
    sampling: Sampling | None = None,
    rules: RuleSet | None = None,
    avoid: npt.NDArray[np.bool_] | None = None,
) -> int:
    """The index of a move in ``scores.moves``.

    Temperature 0 takes the likeliest move; above it a move is drawn with probability proportional to
    P(move | legal) ** (1 / temperature), with *rng*. *sampling* says more about the drawing, *temperature* included.
    *guard* and *rules*: see :func:`open_moves`. *avoid*, (N,), marks moves that are chosen only if no others are left.
    """
    sampling = sampling or Sampling(temperature=temperature)
    allowed = open_moves(board, scores, guard=guard, rules=rules)
    if avoid is not None and (allowed & ~avoid).any():
        allowed &= ~avoid
    logprobs = np.where(allowed, scores.logprobs, -np.inf)
    if sampling.temperature <= 0:
        return int(logprobs.argmax())
    if rng is None:
        raise ValueError("A temperature above 0 needs a random generator (rng).")
    return int(rng.choice(len(logprobs), p=sampling.shares(logprobs)))
