"""The work of a worker, wherever it runs: take a task, ask the engine, return a row."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass, replace
from typing import Protocol

from xiangqi_gpt.errors import PlayerCrashError, PlayerError, PlayerTimeoutError
from xiangqi_gpt.teacher.teacher_engine import BadEngineAnswerError, TeacherEngine
from xiangqi_gpt.workers.journal import Row as Row

DEATHS = 3
"""How often an engine may die in one game before the game is dropped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One game to play or to label.

    Attributes:
        number: its place in the output, from 0; it also seeds the game.
        start_fen: the position before the first move.
        moves: indices of the given moves.
        noise: fraction of random moves among the moves after those.
    """

    number: int
    start_fen: str
    moves: tuple[int, ...]
    noise: float = 0.0


class Work(Protocol):
    """What to do with each task; sent to the workers once."""

    def start(self) -> TeacherEngine:
        """Start the engine. Raises PlayerError if it cannot be started."""

    def do(self, engine: TeacherEngine, task: Task) -> Row:
        """Do one task; the row depends on the task alone. Errors as in `TeacherEngine.label`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of a task.

    Attributes:
        number: the number of the task.
        row: the finished game, None if it was dropped.
        error: why it was dropped.
        is_fatal: all other tasks would fail too, because the engine cannot be started.
        searches: positions labelled, including those of restarted games.
        engine_seconds: time between requests and answers.
        seconds: time from task to result.
        deaths: engines that died during the task.
    """

    number: int
    row: Row | None = None
    error: PlayerError | None = None
    is_fatal: bool = False
    searches: int = 0
    engine_seconds: float = 0.0
    seconds: float = 0.0
    deaths: int = 0


class Worker:
    """One engine process and its tasks; an engine that dies is restarted."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._engine: TeacherEngine | None = None

    def run(self, task: Task) -> Result:
        """Do a task; never raises an error caused by an engine."""
        started = time.perf_counter()
        searches, seconds = 0, 0.0
        row: Row | None = None
        error: PlayerError | None = None
        is_fatal, deaths = False, 0
        while row is None and deaths < DEATHS:
            engine = None
            try:
                engine, begun = self._running()
                row = self._work.do(engine, task)
            except (PlayerCrashError, PlayerTimeoutError) as death:
                error = death
                deaths += 1
                is_fatal = engine is None
                self._engine = None
            except BadEngineAnswerError as bad_answer:
                error = bad_answer
                break
            except PlayerError as refusal:
                error, is_fatal = refusal, True
                break
            finally:
                if engine is not None:
                    searches += engine.searches - begun[0]
                    seconds += engine.seconds - begun[1]
        return Result(
            number=task.number,
            row=row,
            error=None if row is not None else error,
            is_fatal=is_fatal and row is None,
            searches=searches,
            engine_seconds=seconds,
            seconds=time.perf_counter() - started,
            deaths=deaths,
        )

    def close(self) -> None:
        """End the engine."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with contextlib.suppress(OSError):
                engine.close()

    def _running(self) -> tuple[TeacherEngine, tuple[int, float]]:
        """The engine, and its totals before this game."""
        if self._engine is None:
            self._engine = self._work.start()
        return self._engine, (self._engine.searches, self._engine.seconds)


class ClusterWorker(Worker):
    """A worker on some machine of a cluster: an error that stops the run names that machine."""

    def run(self, task: Task) -> Result:
        """Do a task; never raises what an engine may cause."""
        result = super().run(task)
        if result.is_fatal and result.error is not None:
            return replace(result, error=PlayerError(f"on {socket.gethostname()}: {result.error}"))
        return result
