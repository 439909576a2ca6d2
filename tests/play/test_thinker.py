from __future__ import annotations

import threading

from tests.play.players import FirstMovePlayer, create_first
from xiangqi_gpt.play.thinker import Answer, InlineThinker, Question, ThreadThinker
from xiangqi_gpt.players.base import Limit, Player, PlayResult
from xiangqi_gpt.rules import Board, PlayerError

PATIENCE = 30.0  # seconds; only a failing test waits that long


class GatedPlayer(FirstMovePlayer):
    """Says when it has begun to think and goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.gate = threading.Event()

    def play(self, board: Board, limit: Limit) -> PlayResult:
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        return super().play(board, limit)


class Inbox:
    """Collects the answers of a thinker; `wake` tells that there are some."""

    def __init__(self) -> None:
        self.bell = threading.Semaphore(0)
        self.threads: set[int] = set()
        self.waiting: list[Answer] = []

    def wake(self) -> None:
        self.threads.add(threading.get_ident())
        self.bell.release()

    def next(self, thinker: ThreadThinker) -> Answer:
        assert self.bell.acquire(timeout=PATIENCE)
        self.waiting += thinker.answers()
        return self.waiting.pop(0)


def test_questions_are_answered_on_another_thread() -> None:
    inbox = Inbox()
    thinker = ThreadThinker(create_first, inbox.wake)
    thinker.ask(Question(kind="load", generation=0, spec="x"))
    assert inbox.next(thinker).error is None
    board = Board()
    thinker.ask(Question(kind="move", generation=0, board=board))
    answer = inbox.next(thinker)
    assert answer.result is not None
    assert answer.result.move == board.legal_moves()[0]
    thinker.ask(Question(kind="hint", generation=0, board=board))
    analysis = inbox.next(thinker).analysis
    assert analysis is not None
    assert len(analysis.lines) == 44
    assert threading.get_ident() not in inbox.threads
    thinker.close()


def test_asking_does_not_wait_and_outdated_questions_are_skipped() -> None:
    player, inbox = GatedPlayer(), Inbox()
    thinker = ThreadThinker(lambda spec: player, inbox.wake)
    thinker.ask(Question(kind="load", generation=0, spec="x"))
    inbox.next(thinker)
    thinker.ask(Question(kind="move", generation=1, board=Board()))
    assert player.begun.wait(PATIENCE)
    thinker.ask(Question(kind="hint", generation=1, board=Board()))
    thinker.ask(Question(kind="move", generation=2, board=Board()))
    assert thinker.answers() == []
    player.gate.set()
    generations = [inbox.next(thinker).question for _ in range(2)]
    assert [(q.kind, q.generation) for q in generations] == [("move", 1), ("move", 2)]
    thinker.close()
    assert player.closed


class PatientPlayer(FirstMovePlayer):
    """Thinks until it is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.stop_event = threading.Event()

    def play(self, board: Board, limit: Limit) -> PlayResult:
        self.begun.set()
        assert self.stop_event.wait(PATIENCE)
        return super().play(board, limit)


def test_a_search_that_nobody_waits_for_is_stopped() -> None:
    player, inbox = PatientPlayer(), Inbox()
    thinker = ThreadThinker(lambda spec: player, inbox.wake)
    thinker.ask(Question(kind="load", generation=0, spec="x"))
    inbox.next(thinker)
    for generation in (1, 3):
        # The stop of the question before must not end this one.
        player.begun.clear()
        thinker.ask(Question(kind="move", generation=generation, board=Board()))
        assert player.begun.wait(PATIENCE)
        assert not player.stop_event.is_set()
        thinker.ask(Question(kind="hint", generation=generation + 1, board=Board()))
        answers = [inbox.next(thinker) for _ in range(2)]
        assert [(a.question.kind, a.error) for a in answers] == [("move", None), ("hint", None)]
    thinker.ask(Question(kind="move", generation=4, board=Board()))
    assert player.begun.wait(PATIENCE)
    thinker.close(timeout=PATIENCE)
    assert player.closed


def test_closing_does_not_wait_for_a_player_that_never_answers() -> None:
    player = GatedPlayer()
    thinker = ThreadThinker(lambda spec: player, lambda: None)
    thinker.ask(Question(kind="load", generation=0, spec="x"))
    thinker.ask(Question(kind="move", generation=0, board=Board()))
    assert player.begun.wait(PATIENCE)
    thinker.close(timeout=0.0)
    player.gate.set()


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
