"""Players without a model: the yardsticks at the bottom of the scale."""

from __future__ import annotations

import random

from xiangqi_gpt.players.base import NO_LIMIT, Analysis, Limit, Line, PlayResult, legal_moves_or_error
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.captures import piece_value
from xiangqi_gpt.rules.move import Move


class RandomPlayer:
    """Every legal move with the same probability."""

    deterministic = False

    def __init__(self, *, seed: int = 0, name: str = "random") -> None:
        self.name = name
        self._random = random.Random(seed)

    def play(self, board: Board, limit: Limit = NO_LIMIT) -> PlayResult:
        """A uniformly drawn legal move; the limit does not matter."""
        return PlayResult(self._random.choice(legal_moves_or_error(board)))

    def analyse(self, board: Board, limit: Limit = NO_LIMIT, multipv: int | None = None) -> Analysis:
        """Legal moves in the order of the board, all equally probable."""
        moves = legal_moves_or_error(board)
        return Analysis(tuple(Line((move,), prob=1 / len(moves)) for move in moves[:multipv]))

    def new_game(self) -> None:
        """Keeps the random numbers running, so that the games of a match differ."""

    def close(self) -> None:
        """Nothing to give back."""


class GreedyPlayer:
    """Takes the most valuable piece that can be taken, blind to recapture; else any legal move."""

    deterministic = False

    def __init__(self, *, seed: int = 0, name: str = "greedy") -> None:
        self.name = name
        self._random = random.Random(seed)

    def play(self, board: Board, limit: Limit = NO_LIMIT) -> PlayResult:
        """The best capture, ties broken at random; the limit does not matter."""
        gains = self._gains(board)
        best = max(gain for gain, _ in gains)
        return PlayResult(self._random.choice([move for gain, move in gains if gain == best]))

    def analyse(self, board: Board, limit: Limit = NO_LIMIT, multipv: int | None = None) -> Analysis:
        """Legal moves by what they take; the score is the gain in hundredths of a pawn."""
        gains = sorted(self._gains(board), key=lambda pair: -pair[0])
        return Analysis(tuple(Line((move,), score_cp=round(100 * gain)) for gain, move in gains[:multipv]))

    def new_game(self) -> None:
        """Keeps the random numbers running, so that the games of a match differ."""

    def close(self) -> None:
        """Nothing to give back."""

    @staticmethod
    def _gains(board: Board) -> list[tuple[float, Move]]:
        gains = []
        for move in legal_moves_or_error(board):
            taken = board.piece_at(move.to_square)
            gains.append((piece_value(taken, move.to_square) if taken is not None else 0.0, move))
        return gains
