"""Left and right: the rules of Xiangqi do not tell them apart, so a model may be asked twice.

A position and its mirror image have the same moves, mirrored. A model that has learned from both gives them nearly, not
quite, the same probabilities; the mean of the two is better than either, at twice the cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xiangqi_gpt.decoding.scorer import MoveScores, Scorer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.views import mirrored_board


class SymmetricScorer:
    """Scores that do not change when left and right are exchanged.

    The probability of a move is the mean of what *scorer* says of it on the board and of its mirror image on the
    mirrored board, and so are those of win, draw and loss. What the model would say by itself (``greedy``, ``sampled``,
    ``legal_set``) is that of the board as it stands.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def score(self, board: Board) -> MoveScores:
        """Score all legal moves of *board*; ValueError where there are none."""
        return self.score_many([board])[0]

    def score_many(self, boards: Sequence[Board], batch: int = 32) -> list[MoveScores]:
        """Score several positions, as :meth:`Scorer.score_many` does."""
        both = [one for board in boards for one in (board, mirrored_board(board))]
        scored = self.scorer.score_many(both, batch)
        return [_mean(one, other) for one, other in zip(scored[::2], scored[1::2], strict=True)]

    def score_line(self, root: Board, moves: Sequence[Move], batch: int = 32) -> list[MoveScores]:
        """Score every position of a game, as :meth:`Scorer.score_line` does."""
        straight = self.scorer.score_line(root, moves, batch)
        turned = self.scorer.score_line(mirrored_board(root), [move.mirrored() for move in moves], batch)
        return [_mean(one, other) for one, other in zip(straight, turned, strict=True)]


def _mean(straight: MoveScores, turned: MoveScores) -> MoveScores:
    place = {move: i for i, move in enumerate(turned.moves)}
    same = turned.logprobs[[place[move.mirrored()] for move in straight.moves]]
    return MoveScores(
        moves=straight.moves,
        logprobs=np.logaddexp(straight.logprobs, same) - np.log(2),
        value=(straight.value + turned.value) / 2,
        greedy=straight.greedy,
        sampled=straight.sampled,
        legal_set=straight.legal_set,
    )
