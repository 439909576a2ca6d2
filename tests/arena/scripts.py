"""Players for tests of the arena."""

from __future__ import annotations

from collections.abc import Callable

from xiangqi_gpt.arena.openings import Opening
from xiangqi_gpt.players import Analysis, Limit, Line, PlayerError, PlayResult
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def opening(text: str) -> Opening:
    return Opening(tuple(Move.from_iccs(word) for word in text.split()))


class Scorer:
    """Plays the first legal move with a score for each of its moves in turn, and remembers its limits."""

    deterministic = True

    def __init__(self, score: Callable[[int], int | None], name: str = "scorer") -> None:
        self.name = name
        self.limits: list[Limit] = []
        self._score = score

    def play(self, board: Board, limit: Limit) -> PlayResult:
        self.limits.append(limit)
        move = board.legal_moves()[0]
        return PlayResult(move, Analysis((Line((move,), score_cp=self._score(len(self.limits))),)))

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        raise PlayerError("not asked for")

    def new_game(self) -> None:
        pass

    def close(self) -> None:
        pass
