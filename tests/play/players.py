"""A player for the tests of the fronts: the first legal move, with thoughts."""

from __future__ import annotations

from xiangqi_gpt.players.base import Analysis, Limit, Line, PlayResult, Value
from xiangqi_gpt.rules import Board


class FirstMovePlayer:
    """Plays the first legal move and gives it half of the probability."""

    name = "first"

    def __init__(self) -> None:
        self.games = 0
        self.closed = False

    def play(self, board: Board, limit: Limit) -> PlayResult:
        analysis = self.analyse(board, limit)
        return PlayResult(analysis.lines[0].move, analysis)

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        moves = board.legal_moves()
        rest = 0.5 / max(1, len(moves) - 1)
        lines = tuple(Line((m,), prob=rest if i else 0.5, logprob=-1.0) for i, m in enumerate(moves))
        return Analysis(lines[:multipv], Value(0.5, 0.3, 0.2), leak=0.012)

    def new_game(self) -> None:
        self.games += 1

    def close(self) -> None:
        self.closed = True


def create_first(spec: str) -> FirstMovePlayer:
    """As `create_player`, for any spec."""
    return FirstMovePlayer()
