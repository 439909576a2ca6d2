"""Choosing a move from the scores of all of them."""

from __future__ import annotations

import numpy as np

from xiangqi_gpt.decoding.scorer import MoveScores
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def repetition_risk(board: Board, move: Move) -> int:
    """How often the position after *move* has stood on the board before, 0 if never."""
    board.push(move)
    try:
        return board.repetitions() - 1
    finally:
        board.pop()


def choose(
    board: Board,
    scores: MoveScores,
    *,
    temperature: float = 0.0,
    rng: np.random.Generator | None = None,
    guard: bool = True,
) -> int:
    """The index of a move in ``scores.moves``.

    Temperature 0 takes the likeliest move; above it a move is drawn with probability proportional to
    P(move | legal) ** (1 / temperature), with *rng*.

    The repetition guard, *guard*, leaves out moves that bring back a position of the game, so that plain argmax does
    not shuffle to and fro. A side whose expected score is well below a draw may repeat: there a draw is a gain. It
    never leaves out all moves.
    """
    open_moves = np.ones(len(scores.moves), bool)
    losing = scores.value[0] + scores.value[1] / 2 < 0.25
    if guard and not losing and len(board.move_stack) >= 4:
        fresh = np.array([repetition_risk(board, move) == 0 for move in scores.moves])
        if fresh.any():
            open_moves = fresh
    logprobs = np.where(open_moves, scores.logprobs, -np.inf)
    if temperature <= 0:
        return int(logprobs.argmax())
    if rng is None:
        raise ValueError("a temperature above 0 needs a random generator, found none")
    weights = np.exp((logprobs - logprobs.max()) / temperature)
    return int(rng.choice(len(weights), p=weights / weights.sum()))
