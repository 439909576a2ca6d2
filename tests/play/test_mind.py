"""The look into the opponent: asked where it is free, kept by position, and honest where there is nothing to see."""

from __future__ import annotations

import pytest

from tests.play.players import FirstMovePlayer
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.play import actions, mind
from xiangqi_gpt.play.commands import COMMANDS, of_key
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.thinker import Answer, InlineThinker, Question
from xiangqi_gpt.players.base import Mind
from xiangqi_gpt.rules import Board, Color


class OpenPlayer(FirstMovePlayer):
    """Two layers of two heads; the last move has most of the attention, and its target is believed to be empty."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def mind(self, board: Board) -> Mind:
        self.asked += 1
        if board.ply > 8:
            raise PlayerError("too long")
        moves = tuple(board.move_stack[-3:])
        shares = [0.1] * len(moves)
        if shares:
            shares[-1] = 0.6
        belief = list(board.squares)
        if moves:
            belief[moves[-1].to_square] = 0
        even = tuple(0.2 for _ in moves)
        return Mind(moves, ((even, even), (tuple(shares), even)), tuple(belief), (0.9,) * 90)


def game(plies: int = 4, spec: str = "gpt") -> tuple[GameState, InlineThinker, OpenPlayer]:
    player = OpenPlayer()
    state = GameState(spec=spec, humans=frozenset((Color.RED, Color.BLACK)))
    thinker = InlineThinker(lambda _: player)
    pump(state, thinker)
    for _ in range(plies):
        actions.play(state, state.board.legal_moves()[0])
    return state, thinker, player


def pump(state: GameState, thinker: InlineThinker) -> None:
    for _ in range(4):
        actions.exchange(state, thinker)


def test_the_attention_of_every_position_looked_at() -> None:
    state, thinker, player = game()
    pump(state, thinker)
    assert player.asked == 0  # nobody wants to see it
    mind.toggle_attention(state)
    pump(state, thinker)
    pump(state, thinker)
    assert player.asked == 1  # all layers and heads come with one answer
    shares = [(ply.move, share) for ply, share in mind.attended(state)]
    assert shares[0] == (state.board.move_stack[-1], pytest.approx(0.4))  # the mean of 0.6 and 0.2
    assert len(shares) == 3
    assert [move for move, _ in shares[1:]] == state.board.move_stack[-3:-1]
    # The heads of the last layer one by one, then their mean again; the next layer.
    mind.next_head(state)
    assert mind.attended(state)[0][1] == 0.6
    mind.next_head(state)
    assert mind.attended(state)[0][1] == 0.2
    mind.next_head(state)
    assert state.mind.head is None
    mind.next_layer(state)
    assert (state.mind.layer, mind.attended(state)[0][1]) == (0, pytest.approx(0.2))
    mind.next_layer(state)
    assert state.mind.layer == 1
    # An earlier position is asked about once.
    for _ in range(2):
        actions.go_to(state, 1)
        pump(state, thinker)
        assert len(mind.attended(state)) == 1
        actions.go_live(state)
        pump(state, thinker)
    assert player.asked == 2
    mind.toggle_attention(state)
    assert state.mind.shows == ""


def test_the_belief_differs_where_it_does() -> None:
    state, thinker, _ = game()
    mind.toggle_belief(state)
    assert mind.differences(state) is None  # not known yet
    pump(state, thinker)
    assert mind.differences(state) == [(state.board.move_stack[-1].to_square, 0)]


def test_a_model_without_a_probe_has_no_belief(monkeypatch: pytest.MonkeyPatch) -> None:
    state, thinker, player = game()
    monkeypatch.setattr(player, "mind", lambda board: Mind((), (((),),)))
    mind.toggle_belief(state)
    pump(state, thinker)
    assert mind.mind(state) is not None
    assert mind.differences(state) is None


def test_only_a_gpt_is_looked_into() -> None:
    state, thinker, player = game(spec="greedy")
    COMMANDS["attention"].act(state)  # type: ignore[misc]
    assert state.mind.shows == ""
    assert state.notice is not None
    assert "Only a GPT" in state.notice.text("en")
    # The opponent is changed while the view is on: what is known belongs to the other player.
    state, thinker, player = game()
    mind.toggle_attention(state)
    pump(state, thinker)
    assert mind.mind(state) is not None
    state.spec = "greedy"
    assert mind.mind(state) is None
    pump(state, thinker)
    assert state.mind.shows == ""
    assert player.asked == 1


def test_a_mind_that_cannot_be_read_is_told_once() -> None:
    state, thinker, player = game(plies=9)
    mind.toggle_attention(state)
    pump(state, thinker)
    assert state.mind.shows == ""
    assert state.notice is not None
    assert "too long" in state.notice.text("en")
    pump(state, thinker)
    assert player.asked == 1
    assert not state.stalled


def test_answers_that_come_too_late() -> None:
    state, _, _ = game()

    class Silent(InlineThinker):
        def ask(self, question: Question) -> None:
            asked.append(question)

    asked: list[Question] = []
    silent = Silent(lambda _: OpenPlayer())
    mind.toggle_attention(state)
    pump(state, silent)
    assert [question.kind for question in asked] == ["mind"]  # one at a time
    late = Answer(question=asked[0], mind=Mind((), ()))
    actions.play(state, state.board.legal_moves()[0])
    state.generation += 1
    pump(state, silent)
    assert len(asked) == 2
    assert not actions.receive(state, late)
    assert mind.mind(state) is None


def test_while_the_opponent_thinks_it_is_not_asked() -> None:
    state, _, _ = game()
    state.work = "move"
    mind.toggle_attention(state)

    class Refusing(InlineThinker):
        def ask(self, question: Question) -> None:
            raise AssertionError(question.kind)

    mind.ask_mind(state, Refusing(lambda _: OpenPlayer()))


def test_keys() -> None:
    state, thinker, _ = game()
    for key, name in (("w", "attention"), ("k", "belief"), ("j", "next_head"), ("shift+j", "next_layer")):
        command = of_key(state, key)
        assert command is not None
        assert command.id == name
    assert not COMMANDS["next_head"].enabled(state)
    mind.toggle_attention(state)
    pump(state, thinker)
    assert COMMANDS["next_head"].enabled(state)
    assert COMMANDS["attention"].is_on(state)
