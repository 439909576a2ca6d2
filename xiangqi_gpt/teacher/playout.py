"""Play-outs: the engine plays against itself, disturbed by random moves, and labels every ply."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from xiangqi_gpt.players.base import EngineSpec
from xiangqi_gpt.records.record import is_start, split_of
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.outcome import Outcome
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.teacher.teacher_engine import Game, Label, TeacherEngine
from xiangqi_gpt.teacher.work import Row, Task

WON_SCORE = 1_000
"""Centipawns from which a game that reaches its last ply counts as won."""


@dataclass(frozen=True, kw_only=True)
class PlayOut:
    """How a game is continued from the start given by its task."""

    engine: EngineSpec
    seed: int = 0
    max_plies: int = 300  # total plies, including those of the start, after which the score decides
    rules: str = "asian"  # rule set that ends games
    multipv: int = 1  # number of moves per label

    def start(self) -> TeacherEngine:
        """Start the engine."""
        return TeacherEngine(self.engine, multipv=self.multipv)

    def do(self, engine: TeacherEngine, task: Task) -> Row:
        """Play one game to its end and return its row; the columns are those of `schema.TEACHER_SCHEMA`."""
        rng = random.Random(f"{self.seed}/{task.number}/noise")
        game = Game(Board(task.start_fen, strict=False), engine.ranks)
        for index in task.moves:
            game.push(MOVES[index])
        board = game.board
        engine.new_game()
        labels: list[Label] = []
        outcome = board.outcome(self.rules)
        while outcome is None and board.ply < self.max_plies:
            label = engine.label(game)
            labels.append(label)
            is_noise = task.noise > 0 and rng.random() < task.noise
            game.push(rng.choice(board.legal_moves()) if is_noise else label.best)
            outcome = board.outcome(self.rules)
        result, end = _ending(board, outcome, labels[-1].cp if labels else 0)
        fen, moves = task.start_fen, board.move_stack
        return {
            "id": game_id(fen, moves),
            "split": split_of(fen, moves),
            "start_fen": "" if is_start(fen) else fen,
            "moves": " ".join([move.iccs for move in moves]),
            "first_label": len(task.moves),
            "result": result,
            "end": end,
            "noise": task.noise,
            "plies": len(moves),
            "engine": engine.identity,
            **label_columns(labels, self.multipv),
        }


def label_columns(labels: Sequence[Label | None], multipv: int) -> Row:
    """The columns of the labels; None for a position that was not labelled."""
    row: Row = {
        "teacher_best": " ".join(["-" if found is None else found.best.iccs for found in labels]),
        "teacher_cp": [None if found is None else found.cp for found in labels],
    }
    if multipv > 1:
        lines = [() if found is None else found.lines for found in labels]
        row["teacher_multipv"] = [" ".join([move.iccs for move, _ in line]) for line in lines]
        row["teacher_multipv_cp"] = [[cp for _, cp in line] for line in lines]
    return row


def game_id(start_fen: str, moves: Sequence[Move]) -> str:
    """Sixteen hexadecimal digits that identify a game."""
    fen = "" if is_start(start_fen) else start_fen
    text = f"{fen}|{' '.join([move.iccs for move in moves])}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]


def _ending(board: Board, outcome: Outcome | None, last_cp: int) -> tuple[str, str]:
    """Result and ending: mate (also stalemate), drawn, or adjudicated (by the score, or a perpetual)."""
    if outcome is not None:
        if outcome.winner is None:
            return outcome.result, "drawn"
        return outcome.result, "adjudicated" if board.legal_indices() else "mate"
    if abs(last_cp) < WON_SCORE:
        return "1/2-1/2", "adjudicated"
    # The score is for the position before the last move, so its side is no longer to move.
    red_is_ahead = (last_cp > 0) == (board.turn is Color.BLACK)
    return "1-0" if red_is_ahead else "0-1", "adjudicated"
