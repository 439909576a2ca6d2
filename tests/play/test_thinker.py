"""Players asked at once, and in processes."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.play.players import FirstMovePlayer, create_any
from xiangqi_gpt.errors import PlayerCrashError
from xiangqi_gpt.play.analysis import ProcessThinker
from xiangqi_gpt.play.thinker import Answer, InlineThinker, Question
from xiangqi_gpt.players.base import Limit, Player, PlayResult
from xiangqi_gpt.rules import Board, Move, PlayerError

PATIENCE = 120.0  # seconds; only a failing test waits that long


class Inbox:
    """A thinker of processes whose answers can be waited for."""

    def __init__(self) -> None:
        self.bell = threading.Semaphore(0)
        self.waiting: list[Answer] = []
        self.thinker = ProcessThinker(create_any, self.bell.release)

    def ask(self, kind: str, generation: int = 0, spec: str = "", worker: str = "opponent") -> None:
        board = None if kind == "load" else Board()
        self.thinker.ask(
            Question(kind=kind, generation=generation, spec=spec, worker=worker, board=board)  # type: ignore[arg-type]
        )

    def next(self) -> Answer:
        while not self.waiting:
            assert self.bell.acquire(timeout=PATIENCE)
            self.waiting += self.thinker.answers()
        return self.waiting.pop(0)

    def load(self, spec: str) -> None:
        self.ask("load", spec=spec)
        assert self.next().error is None


def workers() -> list[BaseProcess]:
    return [process for process in multiprocessing.active_children() if process.name == "xiangqi-gpt-worker"]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    for process in workers():  # of the test before, given back in the background
        process.join(10)
    found = Inbox()
    yield found
    found.thinker.close()
    assert workers() == []


def test_questions_are_answered_in_processes_of_their_own(inbox: Inbox) -> None:
    inbox.load("first")
    inbox.ask("move")
    answer = inbox.next()
    assert answer.result is not None
    assert answer.result.move == Board().legal_moves()[0]
    inbox.ask("hint", worker="analyst", spec="first")
    analysis = inbox.next().analysis
    assert analysis is not None
    assert len(analysis.lines) == 44
    assert len(workers()) == 2
    inbox.ask("load", 1, spec="broken")
    assert "out of order" in str(inbox.next().error)
    inbox.ask("load", 2, spec="none")
    assert str(inbox.next().error) == "expected a player, found none"


def test_a_newer_question_interrupts_an_older_one(inbox: Inbox) -> None:
    inbox.load("patient")
    for generation in (1, 3):
        # The stop of the question before must not end this one, which would answer at once.
        inbox.ask("move", generation)
        inbox.ask("hint", generation + 1)
        assert inbox.next().question.generation == generation + 1
    inbox.ask("move", 5)
    inbox.thinker.stop("opponent")
    inbox.ask("hint", 5)
    assert inbox.next().question.kind == "hint"
    assert inbox.thinker.answers() == []


def test_a_released_worker_gives_its_process_back_and_can_be_asked_again(inbox: Inbox) -> None:
    inbox.load("stubborn")
    inbox.ask("move")
    (before,) = workers()
    inbox.thinker.release("opponent")
    inbox.load("first")
    before.join(PATIENCE)
    assert not before.is_alive()
    inbox.ask("move")
    assert inbox.next().result is not None


def test_closing_does_not_wait_for_a_player_that_never_answers(inbox: Inbox) -> None:
    inbox.load("stubborn")
    inbox.ask("move")
    inbox.thinker.close()
    assert workers() == []
    assert inbox.thinker.answers() == []


def test_a_worker_that_dies_is_started_again_and_asked_once_more(inbox: Inbox, tmp_path: Path) -> None:
    inbox.load(f"mortal {tmp_path / 'died'}")
    (before,) = workers()
    inbox.ask("move", 1)
    first, second = inbox.next(), inbox.next()
    assert first.was_restarted
    assert second.result is not None
    (after,) = workers()
    assert after.pid != before.pid


def test_a_worker_that_dies_twice_is_an_error_and_can_be_asked_again(inbox: Inbox, tmp_path: Path) -> None:
    inbox.load(f"dying {tmp_path / 'died'}")
    inbox.ask("move", 1)
    assert inbox.next().was_restarted
    assert isinstance(inbox.next().error, PlayerCrashError)
    inbox.load("first")
    inbox.ask("move", 2)
    assert inbox.next().result is not None


def test_the_process_of_the_window_loads_no_player() -> None:
    # The tests themselves import arrays and torch, so a fresh interpreter is asked.
    script = (
        "import sys, threading\n"
        "from tests.play.players import create_any\n"
        "from xiangqi_gpt.play.analysis import ProcessThinker\n"
        "from xiangqi_gpt.play.thinker import Question\n"
        "from xiangqi_gpt.rules import Board\n"
        "if __name__ == '__main__':\n"
        "    bell = threading.Semaphore(0)\n"
        "    thinker = ProcessThinker(create_any, bell.release)\n"
        "    thinker.ask(Question(kind='hint', generation=1, spec='first', board=Board()))\n"
        "    bell.acquire()\n"
        "    assert thinker.answers()[0].analysis is not None\n"
        "    thinker.close()\n"
        "    print(sorted({'numpy', 'torch', 'chess'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ)
    assert done.stdout == "[]\n", done.stderr


def test_loading_the_same_player_again_only_begins_a_new_game() -> None:
    made: list[FirstMovePlayer] = []

    def create(spec: str) -> Player:
        made.append(FirstMovePlayer())
        return made[-1]

    thinker = InlineThinker(create)
    for spec in ("a", "a", "b"):
        thinker.ask(Question(kind="load", generation=0, spec=spec))
    assert [player.games for player in made] == [2, 1]
    assert made[0].closed
    thinker.close()
    assert made[1].closed


def test_a_player_is_warmed_up_while_it_loads_and_not_while_somebody_waits_for_a_move() -> None:
    class Cold(FirstMovePlayer):
        def warm_up(self) -> None:
            happened.append("warm up")

        def play(self, board: Board, limit: Limit) -> PlayResult:
            happened.append("play")
            return super().play(board, limit)

    happened: list[str] = []
    thinker = InlineThinker(lambda spec: Cold())
    for _ in range(2):
        thinker.ask(Question(kind="load", generation=0, spec="a"))
        thinker.ask(Question(kind="move", generation=0, board=Board()))
    assert happened == ["warm up", "play", "play"]


def test_errors_come_back_as_answers() -> None:
    def create(spec: str) -> Player:
        raise PlayerError("no such player")

    thinker = InlineThinker(create)
    thinker.ask(Question(kind="load", generation=0, spec="x"))
    thinker.ask(Question(kind="move", generation=0, board=Board()))
    first, second = thinker.answers()
    assert str(first.error) == "no such player"
    assert second.error is not None
    assert second.result is None


@pytest.mark.parametrize(("wants", "knows"), [(True, True), (False, True), (True, False)])
def test_the_probability_of_the_last_move_comes_with_the_answer_where_it_is_wanted(
    wants: bool, knows: bool
) -> None:
    class Knowing(FirstMovePlayer):
        def human_prob(self, board: Board, move: Move) -> float:
            assert board.fen() == Board().fen()
            return 0.25 if move == Move.from_iccs("h2e2") else 0.0

    thinker = InlineThinker(lambda spec: Knowing() if knows else FirstMovePlayer())
    board = Board()
    board.push(Move.from_iccs("h2e2"))
    thinker.ask(Question(kind="move", generation=0, spec="x", board=board, wants_prob=wants))
    (answer,) = thinker.answers()
    assert answer.prob == (0.25 if wants and knows else None)
    assert board.move_stack == [Move.from_iccs("h2e2")]
