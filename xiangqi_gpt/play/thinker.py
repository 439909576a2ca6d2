"""Questions to players and their answers; `analysis` asks them in processes, `InlineThinker` at once.

Each question names its worker: the *opponent* moves (and a *second* one against it), the *analyst* gives hints and
evaluations, the *reviewer* judges whole games. A worker holds one player and answers one question after another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Literal, Protocol, TypeAlias

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.play.reviewing import MoveReview, review_moves
from xiangqi_gpt.players.base import (
    NO_LIMIT,
    Analysis,
    Limit,
    Mind,
    Player,
    PlayResult,
    human_prob_of,
    mind_of,
    own_name_of,
    stop_event_of,
    warm_up,
)
from xiangqi_gpt.rules import Board

Create: TypeAlias = Callable[[str], Player]
WorkerName: TypeAlias = Literal["opponent", "second", "analyst", "reviewer"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something to ask.

    Attributes:
        kind: "load" the player of `spec` (a new game, if it is loaded), choose a "move" on `board`, analyse it
            ("hint"), tell its "mind" on it, or "review" the game that led to it.
        generation: comes back with the answer, so that answers to old questions can be recognised. A question of a
            newer generation interrupts its worker in one of an older.
        worker: who is asked.
        spec: the player; "" for the one that is loaded.
        limit: what stops the thinking; the player's own habit where it is empty.
        multipv: how many lines; None for all legal moves.
        wants_prob: also tell how likely people are to play the last move on `board`, if the player knows.
    """

    kind: Literal["load", "move", "hint", "mind", "review"]
    generation: int
    worker: WorkerName = "opponent"
    spec: str = ""
    board: Board | None = None
    limit: Limit = NO_LIMIT
    multipv: int | None = None
    wants_prob: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a question: a result, an analysis, a mind, a review, nothing (a player was loaded), or an error.

    Attributes:
        prob: how likely people are to play the last move on the board of the question, 0..1, where it was asked.
        is_partial: more will come: an analysis so far, or `done` moves of a review.
        was_restarted: the worker had died; it was started again and asked once more, so that more will come.
    """

    question: Question
    result: PlayResult | None = None
    analysis: Analysis | None = None
    mind: Mind | None = None
    review: tuple[MoveReview, ...] | None = None
    prob: float | None = None
    done: int = 0
    is_partial: bool = False
    was_restarted: bool = False
    error: Exception | None = None


class Thinker(Protocol):
    """Where a front sends its questions."""

    def ask(self, question: Question) -> None:
        """Take a question; returns at once."""

    def stop(self, worker: WorkerName) -> None:
        """Interrupt a worker. Its question gets no answer any more, or the one that it has by then."""

    def release(self, worker: WorkerName) -> None:
        """Give the player of a worker back, and its memory; the next question loads it again."""

    def answers(self) -> list[Answer]:
        """The answers that have come since the last call, oldest first."""

    def close(self) -> None:
        """Give the players back. Questions still open get no answer."""


class Worker:
    """Holds a player and answers one question after another.

    Args:
        create: builds a player from its spec; may take seconds.
    """

    def __init__(self, create: Create) -> None:
        self._create = create
        self._player: Player | None = None
        self._spec = ""
        self._interrupted = threading.Event()

    def answer(self, question: Question, report: Callable[[Answer], None]) -> Answer:
        """Answer a question.

        Args:
            report: called with partial answers; may be called on another thread.
        """
        try:
            return self._answer(question, report)
        except Exception as error:
            # Every failure of a player is shown at the board, whatever it raises.
            return Answer(question=question, error=error)

    def _answer(self, question: Question, report: Callable[[Answer], None]) -> Answer:
        is_new = self._load(question.spec)
        player, board = self._player, question.board
        if question.kind == "load":
            if player is not None:
                if is_new:
                    warm_up(player)  # now, and not while somebody waits for its first move
                else:
                    player.new_game()
            return Answer(question=question)
        if player is None or board is None:
            raise PlayerError(f"{question.kind!r} needs a loaded player and a board.")
        if question.kind == "mind":
            return Answer(question=question, mind=mind_of(player, board))
        # Imported here because scores come with arrays, which the window's process does not need.
        from xiangqi_gpt.players.scores import with_chances

        if question.kind == "move":
            result = player.play(board, question.limit)
            if result.analysis is not None:
                result = replace(result, analysis=with_chances(result.analysis, own_name_of(player)))
            return Answer(question=question, result=result, prob=_prob_of_last(player, question, board))
        if question.kind == "review":
            return self._review(player, question, board, report)
        name = own_name_of(player)

        def on_progress(analysis: Analysis) -> None:
            report(Answer(question=question, analysis=with_chances(analysis, name), is_partial=True))

        analysis = _analyse(player, question, board, on_progress)
        return Answer(question=question, analysis=with_chances(analysis, name))

    def _review(
        self, player: Player, question: Question, board: Board, report: Callable[[Answer], None]
    ) -> Answer:
        def on_done(done: int) -> None:
            if self._interrupted.is_set():
                raise PlayerError("the review was stopped")
            report(Answer(question=question, done=done, is_partial=True))

        found = review_moves(player, board, question.limit, on_done)
        return Answer(question=question, review=found, done=len(found))

    def _load(self, spec: str) -> bool:
        """Load the player of `spec`; whether it was not loaded before."""
        if spec in ("", self._spec) and self._player is not None:
            return False
        if not spec:
            return False
        player = self._create(spec)
        self.close()
        self._player, self._spec = player, spec
        player.new_game()
        return True

    def interrupt(self) -> None:
        """Have the player answer at once, if it can; may be called from another thread."""
        self._interrupted.set()
        stop = stop_event_of(self._player)
        if stop is not None:
            stop.set()

    def allow_time(self) -> None:
        """Let the player take its time again."""
        self._interrupted.clear()
        stop = stop_event_of(self._player)
        if stop is not None:
            stop.clear()

    def close(self) -> None:
        """Give the player back."""
        player, self._player = self._player, None
        if player is not None:
            player.close()


def _prob_of_last(player: Player, question: Question, board: Board) -> float | None:
    """How likely people are to play the last move on a board, where that is asked and the player knows."""
    human_prob = human_prob_of(player)
    if not question.wants_prob or human_prob is None or not board.move_stack:
        return None
    before = board.copy()
    move = before.pop()
    return human_prob(before, move)


def _analyse(
    player: Player, question: Question, board: Board, on_progress: Callable[[Analysis], None]
) -> Analysis:
    """The analysis of a player, with progress where the player reports it."""
    analyse: Any = player.analyse
    if "on_progress" in signature(analyse).parameters:
        found: Analysis = analyse(board, question.limit, question.multipv, on_progress=on_progress)
        return found
    return player.analyse(board, question.limit, question.multipv)


class InlineThinker:
    """Answers at once on the calling thread: for the terminal, scripts, pictures and tests."""

    def __init__(self, create: Create) -> None:
        self._create = create
        self._workers: dict[WorkerName, Worker] = {}
        self._done: list[Answer] = []

    def ask(self, question: Question) -> None:
        """Answer the question before returning."""
        worker = self._workers.setdefault(question.worker, Worker(self._create))
        self._done.append(worker.answer(question, self._done.append))

    def stop(self, worker: WorkerName) -> None:
        """Forget the answers of a worker that nobody has taken yet."""
        self._done = [answer for answer in self._done if answer.question.worker != worker]

    def release(self, worker: WorkerName) -> None:
        """Give the player of a worker back."""
        self.stop(worker)
        found = self._workers.pop(worker, None)
        if found is not None:
            found.close()

    def answers(self) -> list[Answer]:
        """The answers since the last call."""
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Give the players back."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()
