"""The analyst and the reviewer at the board: hints, evaluations, reviews, and how they are stopped."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from tests.play.players import FirstMovePlayer, create_first
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.reviewing import MoveReview
from xiangqi_gpt.play.settings import ANALYST, Settings
from xiangqi_gpt.play.thinker import Answer, InlineThinker, Question, WorkerName
from xiangqi_gpt.players.base import Analysis, Line, Player, Value
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.rules import Board, Color, Move, PlayerError
from xiangqi_gpt.texts import Message


class Waiting:
    """A thinker that keeps its questions until a test answers them."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.stopped: list[WorkerName] = []
        self.released: list[WorkerName] = []
        self.inbox: list[Answer] = []

    def ask(self, question: Question) -> None:
        self.questions.append(question)

    def stop(self, worker: WorkerName) -> None:
        self.stopped.append(worker)

    def release(self, worker: WorkerName) -> None:
        self.released.append(worker)

    def answers(self) -> list[Answer]:
        found, self.inbox = self.inbox, []
        return found

    def close(self) -> None:
        """Nothing to give back."""


def played(*texts: str, analysis: bool = False) -> GameState:
    state = GameState(player_ready=True, humans=frozenset(Color), settings=Settings(analysis=analysis))
    for text in texts:
        actions.play(state, Move.from_iccs(text))
    return state


def opinion(board: Board, win: float = 0.6) -> Analysis:
    return Analysis((Line((board.legal_moves()[0],), prob=0.5),), Value(win, 0.2, 0.8 - win), depth=3)


def test_hints_come_from_the_analyst_whoever_is_the_opponent() -> None:
    asked: list[str] = []

    def create(spec: str) -> Player:
        asked.append(spec)
        return FirstMovePlayer()

    state = GameState(spec="random")
    thinker = InlineThinker(create)
    actions.toggle_hint(state)
    for _ in range(3):
        actions.exchange(state, thinker)
    assert asked == ["random", ANALYST]
    assert state.hint is not None
    assert state.red_value == (0.5, 0.3, 0.2)


def test_a_hint_grows_while_the_analyst_thinks() -> None:
    state, thinker = played(), Waiting()
    actions.toggle_hint(state)
    actions.exchange(state, thinker)
    (question,) = thinker.questions
    assert (question.worker, question.kind, question.spec) == ("analyst", "hint", ANALYST)
    for win, is_partial in ((0.4, True), (0.6, False)):
        thinker.inbox.append(
            Answer(question=question, analysis=opinion(state.board, win), is_partial=is_partial)
        )
        actions.exchange(state, thinker)
        assert state.hint is not None
        assert state.hint.is_partial == state.wants_hint == is_partial
        assert state.red_value == pytest.approx((win, 0.2, 0.8 - win))
    assert len(thinker.questions) == 1
    actions.toggle_hint(state)
    actions.toggle_hint(state)
    actions.exchange(state, thinker)
    assert state.hint is not None, "what is known is not asked again"
    assert len(thinker.questions) == 1


def test_a_hint_that_nobody_wants_any_more_is_stopped() -> None:
    state, thinker = played(), Waiting()
    actions.toggle_hint(state)
    actions.exchange(state, thinker)
    actions.play(state, Move.from_iccs("h2e2"))
    actions.exchange(state, thinker)
    assert thinker.stopped == ["analyst"]
    late = Answer(question=thinker.questions[0], analysis=opinion(Board()))
    assert not actions.receive(state, late)
    assert state.hint is None


def test_with_analysis_every_position_that_is_shown_is_evaluated() -> None:
    state, thinker = played("h2e2", "h9g7", analysis=True), InlineThinker(create_first)
    for ply in (2, 1, 0):
        actions.go_to(state, ply)
        assert state.evaluation is None
        for _ in range(2):
            actions.exchange(state, thinker)
        assert state.evaluation is not None
        assert state.thought is state.evaluation
        # The player of the tests gives the side to move 0.5 wins and 0.3 draws.
        assert state.red_value == ((0.2, 0.3, 0.5) if ply == 1 else (0.5, 0.3, 0.2))
    assert state.curve == pytest.approx([0.35, 0.65])
    actions.toggle_analysis(state)
    actions.play(state, Move.from_iccs("h0g2"))
    for _ in range(2):
        actions.exchange(state, thinker)
    assert state.evaluations.get(state.tree.live) is None
    assert state.curve[2] is None


def test_an_answer_may_come_when_another_game_is_on_the_board() -> None:
    state, thinker = played("h2e2", analysis=True), Waiting()
    actions.exchange(state, thinker)
    (question,) = thinker.questions
    assert question.board is not None
    actions.new_game(state, fen="3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1")
    thinker.inbox.append(Answer(question=question, analysis=opinion(question.board)))
    actions.exchange(state, thinker)
    assert state.evaluation is None
    actions.undo(state)
    assert state.evaluation is not None


def test_looking_elsewhere_stops_the_analysis_of_a_position() -> None:
    state, thinker = played("h2e2", analysis=True), Waiting()
    actions.exchange(state, thinker)
    actions.exchange(state, thinker)
    assert len(thinker.questions) == 1
    actions.go_to(state, 0)
    actions.exchange(state, thinker)
    assert thinker.stopped == ["analyst"]
    assert len(thinker.questions) == 2
    assert thinker.questions[1].generation > thinker.questions[0].generation


def test_a_finished_game_is_not_analysed() -> None:
    state = GameState(
        board=Board("3k5/R8/9/9/9/9/9/9/4R4/4K4 w - - 0 1"),
        humans=frozenset(Color),
        player_ready=True,
        settings=Settings(analysis=True),
    )
    actions.play(state, Move.from_iccs("e1d1"))
    assert state.outcome is not None
    assert state.analysed is None


def test_an_analyst_that_fails_is_asked_again_only_on_demand() -> None:
    def create(spec: str) -> Player:
        raise PlayerError("no such player")

    state, thinker = played("h2e2", analysis=True), InlineThinker(create)
    for _ in range(3):
        actions.exchange(state, thinker)
    assert state.notice is not None
    assert state.notice.text("en") == "No analysis: no such player"
    assert state.analysed is None
    actions.toggle_hint(state)
    assert state.analysed is state.tree.live


def test_a_restarted_opponent_is_told_of() -> None:
    state = GameState(player_ready=True, humans=frozenset((Color.BLACK,)))
    state.work = "move"
    question = Question(kind="move", generation=state.generation)
    assert actions.receive(state, Answer(question=question, is_partial=True, was_restarted=True))
    assert state.notice == replace(state.notice, message=Message.of("game.restarted"))  # type: ignore[type-var]
    assert state.work == "move"


def test_a_game_is_reviewed_in_the_tree() -> None:
    state, thinker = played("h2e2", "h9g7", "a0a1"), InlineThinker(create_first)
    actions.toggle_review(state)
    assert state.status()[0] == "Reviewing: 0 of 3 moves"
    for _ in range(2):
        actions.exchange(state, thinker)
    assert state.review is None
    assert state.status()[0].startswith("Reviewed: ")
    assert all(points is not None for points in state.curve)


def test_marks_words_and_better_lines_are_one_step() -> None:
    state, thinker = played("h2e2", "h9g7"), Waiting()
    actions.toggle_review(state)
    actions.exchange(state, thinker)
    (question,) = thinker.questions
    thinker.inbox.append(Answer(question=question, done=1, is_partial=True))
    actions.exchange(state, thinker)
    assert state.status()[0] == "Reviewing: 1 of 2 moves"
    better = (Move.from_iccs("b2e2"), Move.from_iccs("b9c7"))
    reviews = (
        MoveReview(ply=0, before=0.6, after=0.3, mark="??", best=better, words=Message.of("game.human")),
        MoveReview(ply=1, before=0.3, after=0.3, mark="", best=(Move.from_iccs("h9g7"),)),
    )
    thinker.inbox.append(Answer(question=question, review=reviews, done=2))
    actions.exchange(state, thinker)
    first, other = state.tree.root.children
    assert (first.nags, first.comment) == ((4,), "Human")
    assert [node.move for node in other.walk()] == list(better)
    assert state.curve == [0.3, 0.3]
    assert thinker.released == ["reviewer"]
    assert state.status()[0] == "Reviewed: 0 inaccuracies (?!), 0 mistakes (?), 1 blunders (??)"
    actions.undo(state)
    assert (first.nags, first.comment, len(state.tree.root.children)) == ((), "", 1)
    assert len(state.history) == 2


def test_a_second_review_writes_nothing_twice() -> None:
    state = played("h2e2")
    words = Message.of("game.human")
    one = MoveReview(ply=0, before=0.6, after=0.3, mark="?", best=(Move.from_iccs("b2e2"),), words=words)
    for _ in range(2):
        actions.annotate(state.tree, state.tree.live.path, (one,), "en")
    assert state.tree.live.comment == "Human"
    assert len(state.tree.root.children) == 2


def test_a_review_can_be_stopped_and_belongs_to_its_game() -> None:
    state, thinker = played("h2e2"), Waiting()
    actions.toggle_review(state)
    actions.exchange(state, thinker)
    assert actions.escape(state)
    actions.exchange(state, thinker)
    actions.exchange(state, thinker)
    assert thinker.released == ["reviewer"]
    late = Answer(question=thinker.questions[0], review=())
    assert not actions.receive(state, late)
    actions.toggle_review(state)
    actions.exchange(state, thinker)
    actions.new_game(state)
    assert state.review is None
    actions.exchange(state, thinker)
    assert thinker.released == ["reviewer"] * 2
    actions.toggle_review(state)
    assert state.status() == ("There is no move to review", "warn")


def test_evaluations_do_not_keep_old_games_alive() -> None:
    state = played("h2e2")
    node = state.tree.live
    state.evaluations[node] = Thought(state.board, opinion(state.board))
    state.tree = GameTree()
    del node
    gc.collect()
    assert len(state.evaluations) == 0


def test_a_hint_may_be_about_an_earlier_position_or_a_variation() -> None:
    state, thinker = played("h2e2", "h9g7"), Waiting()
    actions.go_to(state, 1)
    actions.add_variation(state, Move.from_iccs("b9c7"))
    assert state.may_hint
    actions.toggle_hint(state)
    actions.exchange(state, thinker)
    (question,) = thinker.questions
    assert question.board is not None
    assert question.board.fen() == state.shown_board.fen()
    assert "looking for a hint" in state.status()[0]
    thinker.inbox.append(Answer(question=question, analysis=opinion(state.shown_board)))
    actions.exchange(state, thinker)
    assert state.thought is state.shown_hint is state.hint is not None
    actions.go_live(state)
    assert state.shown_hint is None, "it belongs to its position"
    actions.toggle_hint(state)
    assert state.hinted is state.tree.live


def test_there_is_no_hint_where_the_game_is_over() -> None:
    state = played()
    actions.new_game(state, fen="3k5/R8/9/9/9/9/9/9/4R4/4K4 w")
    actions.add_variation(state, Move.from_iccs("e1d1"))
    assert not state.may_hint
    actions.toggle_hint(state)
    assert state.hinted is None
    assert state.status() == ("The game is over; N begins a new one", "warn")
