"""Asking a player without waiting for it: questions go to a worker thread, answers come back by a queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from xiangqi_gpt.players.base import Analysis, Limit, Player, PlayResult, stop_event_of
from xiangqi_gpt.rules import Board, XiangqiError

Create: TypeAlias = Callable[[str], Player]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something to ask: load the player of `spec` (a new game, if it is loaded), choose a move on `board`, or
    analyse it.

    `generation` comes back with the answer, so that answers to old questions can be recognised.
    """

    kind: Literal["load", "move", "hint"]
    generation: int
    spec: str = ""
    board: Board | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a question: a result, an analysis, nothing (a player was loaded), or an error."""

    question: Question
    result: PlayResult | None = None
    analysis: Analysis | None = None
    error: Exception | None = None


class Thinker(Protocol):
    """Where a front sends its questions."""

    def ask(self, question: Question) -> None:
        """Take a question; returns at once."""

    def answers(self) -> list[Answer]:
        """The answers that have come since the last call, oldest first."""

    def close(self) -> None:
        """Give the player back. Questions still open get no answer."""


class _PlayerWorker:
    """Holds the player and answers one question after another."""

    def __init__(self, create: Create) -> None:
        self._create = create
        self._player: Player | None = None
        self._spec = ""

    def answer(self, question: Question) -> Answer:
        try:
            return self._answer(question)
        except Exception as error:
            # Every failure of a player is shown at the board, whatever it raises.
            return Answer(question=question, error=error)

    def _answer(self, question: Question) -> Answer:
        if question.kind == "load":
            if self._player is None or question.spec != self._spec:
                player = self._create(question.spec)
                self.close()
                self._player, self._spec = player, question.spec
            self._player.new_game()
            return Answer(question=question)
        if self._player is None or question.board is None:
            raise XiangqiError(f"{question.kind!r} needs a loaded player and a board.")
        if question.kind == "move":
            return Answer(question=question, result=self._player.play(question.board, Limit()))
        return Answer(question=question, analysis=self._player.analyse(question.board, Limit()))

    def interrupt(self) -> None:
        """Have the player answer at once, if it can; may be called from another thread."""
        stop = stop_event_of(self._player)
        if stop is not None:
            stop.set()

    def allow_time(self) -> None:
        """Let the player take its time again."""
        stop = stop_event_of(self._player)
        if stop is not None:
            stop.clear()

    def close(self) -> None:
        if self._player is not None:
            self._player.close()
            self._player = None


class InlineThinker:
    """Answers at once on the calling thread: for scripts, pictures and tests."""

    def __init__(self, create: Create) -> None:
        self._worker = _PlayerWorker(create)
        self._done: list[Answer] = []

    def ask(self, question: Question) -> None:
        """Answer the question before returning."""
        self._done.append(self._worker.answer(question))

    def answers(self) -> list[Answer]:
        """The answers since the last call."""
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Give the player back."""
        self._worker.close()


class ThreadThinker:
    """Answers on a worker thread, which alone touches the player.

    Args:
        create: builds a player from its spec; may take seconds.
        wake: called on the worker thread after each answer.
    """

    def __init__(self, create: Create, wake: Callable[[], None]) -> None:
        self._worker = _PlayerWorker(create)
        self._wake = wake
        self._questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._newest = 0
        self._closing = False
        # A daemon, so that an engine that never answers cannot keep the program from ending.
        self._thread = threading.Thread(target=self._work, name="xiangqi-gpt-thinker", daemon=True)
        self._thread.start()

    def ask(self, question: Question) -> None:
        """Queue a question; one of an older generation is skipped, or cut short where it is being thought about."""
        outdated = question.generation > self._newest
        self._newest = max(self._newest, question.generation)
        if outdated:
            self._worker.interrupt()
        self._questions.put(question)

    def answers(self) -> list[Answer]:
        """The answers since the last call."""
        found: list[Answer] = []
        while not self._done.empty():
            found.append(self._done.get())
        return found

    def close(self, timeout: float = 2.0) -> None:
        """Stop after the question in hand, waiting at most `timeout` seconds for it."""
        self._closing = True
        self._worker.interrupt()
        self._questions.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while (question := self._questions.get()) is not None and not self._closing:
            self._worker.allow_time()
            # Checked after this: a question that came in between has interrupted nothing.
            if self._closing or (question.kind != "load" and question.generation < self._newest):
                continue
            self._done.put(self._worker.answer(question))
            if not self._closing:
                self._wake()
        self._worker.close()
