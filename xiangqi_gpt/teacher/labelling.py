"""Labels for existing games: the engine's best move and score at every ply, or at every nth."""

from __future__ import annotations

from dataclasses import dataclass

from xiangqi_gpt.players.base import EngineSpec
from xiangqi_gpt.records.record import TeacherLabels
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.teacher.playout import label_columns
from xiangqi_gpt.teacher.teacher_engine import Game, Label, TeacherEngine
from xiangqi_gpt.teacher.work import Row, Task


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """How the positions of a game are labelled."""

    engine: EngineSpec
    every: int = 1  # plies from one label to the next
    multipv: int = 1  # number of moves per label

    def start(self) -> TeacherEngine:
        """Start the engine."""
        return TeacherEngine(self.engine, multipv=self.multipv)

    def do(self, engine: TeacherEngine, task: Task) -> Row:
        """Label the positions of one game and return the columns of its labels.

        The first label of game k is at ply k modulo `every`, so that both sides get labels.
        """
        game = Game(Board(task.start_fen, strict=False), engine.ranks)
        engine.new_game()
        labels: list[Label | None] = []
        for ply, index in enumerate(task.moves):
            is_wanted = (ply - task.number) % self.every == 0
            labels.append(engine.label(game) if is_wanted else None)
            game.push(MOVES[index])
        return label_columns(labels, self.multipv)


def labels_of(row: Row) -> TeacherLabels:
    """The labels of a row, as a record holds them."""
    best = tuple([None if text == "-" else _move(text) for text in row["teacher_best"].split()])
    lines = tuple(
        tuple((_move(text), cp) for text, cp in zip(texts.split(), scores, strict=True))
        for texts, scores in zip(
            row.get("teacher_multipv", ()), row.get("teacher_multipv_cp", ()), strict=True
        )
    )
    return TeacherLabels(0, best, tuple(row["teacher_cp"]), lines)


def _move(text: str) -> Move:
    return Move.from_iccs(text)
