"""A player for the tests of the fronts: the first legal move, with thoughts."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from xiangqi_gpt.players.base import Analysis, Limit, Line, Player, PlayResult, Value
from xiangqi_gpt.rules import Board, PlayerError


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


class PatientPlayer(FirstMovePlayer):
    """Thinks until it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_event = threading.Event()

    def play(self, board: Board, limit: Limit) -> PlayResult:
        self.stop_event.wait()
        return super().play(board, limit)


class StubbornPlayer(FirstMovePlayer):
    """Thinks for ever, and cannot be stopped."""

    def play(self, board: Board, limit: Limit) -> PlayResult:
        while True:
            time.sleep(60)


class MortalPlayer(FirstMovePlayer):
    """Takes its process with it when it first plays; `mark` is the file by which it remembers that it has."""

    def __init__(self, mark: Path, *, always: bool = False) -> None:
        super().__init__()
        self.mark, self.always = mark, always

    def play(self, board: Board, limit: Limit) -> PlayResult:
        if self.always or not self.mark.exists():
            self.mark.touch()
            os._exit(7)
        return super().play(board, limit)


def create_any(spec: str) -> Player:
    """A player by the name of its kind; a function of a module, so that it can be sent to a process."""
    kind, _, rest = spec.partition(" ")
    if kind == "none":
        raise PlayerError("expected a player, found none")
    if kind == "broken":
        raise RuntimeError("out of order")
    if kind == "mortal":
        return MortalPlayer(Path(rest))
    if kind == "dying":
        return MortalPlayer(Path(rest), always=True)
    return {"patient": PatientPlayer, "stubborn": StubbornPlayer}.get(kind, FirstMovePlayer)()
