"""The exact scores of every tokenizer, board mode and attention variant against running every move by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.decoding.lines import after, random_line
from tests.model.combinations import BOARDS, NAMES, combinations
from tests.model.tiny import tiny
from xiangqi_gpt.decoding import MoveScores, Scorer
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.context import board_features, context_start
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.tokens import POSSIBLE_MOVES, Condition


def rerun(model: XiangqiGPT, board: Board, prefix: list[int]) -> np.ndarray:
    """The scores of all legal moves by the definition: a row each, the whole context and the move's own tokens."""
    tokenizer, k, c = model.tokenizer, model.tokenizer.slots, len(prefix)
    start = context_start(board.ply, model.config.context_plies)
    past = Board()
    history: list[int] = []
    features = []
    for ply, played in enumerate([*board.move_stack, None]):
        if ply >= start:
            features.append(board_features(past))
            history += [] if played is None else tokenizer.encode(past, played)
        if played is not None:
            past.push(played)
    texts = [tokenizer.encode(board, move) for move in board.legal_moves()]
    ids = torch.tensor([[*prefix, tokenizer.vocab.bos_id, *history, *text] for text in texts])[:, :-1]
    length = ids.shape[1]
    places = torch.arange(length)
    slots = torch.where(places <= c, k, (places - c - 1) % k)
    index = (places - c).clamp_min(0) // k
    encoded = None
    if model.encoder is not None:
        boards = torch.from_numpy(np.stack([b for b, _ in features]))[None]
        counters = torch.from_numpy(np.stack([n for _, n in features]))[None]
        encoded = model.encode_boards(boards, counters)
        encoded = type(encoded)(
            encoded.summary.expand(len(texts), -1, -1),
            None if encoded.vectors is None else encoded.vectors.expand(len(texts), -1, -1, -1),
        )
    output = model(
        input_ids=ids,
        slots=slots.expand(len(texts), -1),
        positions=places.expand(len(texts), -1),
        encoded=encoded,
        board_index=index.expand(len(texts), -1),
    )
    logprobs = output.logits[:, length - k :].double().log_softmax(-1)
    return logprobs.gather(2, torch.tensor(texts)[:, :, None])[..., 0].sum(1).numpy()


def build(name: str, board: str, attention: str = "full", **changes: object) -> XiangqiGPT:
    plies = 60 if board == "none" else 5
    # The weights of power attention can cancel: it is exact only as far as float32 is.
    scale = 0.05 if attention == "power" else 0.2
    return tiny(
        tokenizer=name,
        board=board,
        attention=attention,
        context_plies=plies,
        initializer_range=scale,
        **changes,
    )


@pytest.mark.parametrize(("name", "board", "attention"), combinations())
@torch.inference_mode()
def test_scores_equal_running_every_move_by_itself(name: str, board: str, attention: str) -> None:
    model = build(name, board, attention)
    moves = random_line(12)
    scorer = Scorer(model)
    for ply in (0, 10, 11):  # the whole context, a prompt run at once, one more ply behind its states
        position = after(moves, ply)
        scores = scorer.score(position)
        assert list(scores.moves) == position.legal_moves()
        assert np.abs(scores.logprobs - rerun(model, position, [])).max() < 1e-5
        assert 0 < scores.leak < 1


def same(a: MoveScores, b: MoveScores) -> None:
    assert a.moves == b.moves
    assert np.abs(a.logprobs - b.logprobs).max() < 1e-5
    assert np.abs(a.value - b.value).max() < 1e-5
    assert (a.greedy, a.legal_set) == (b.greedy, b.legal_set)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_line_at_once_equals_position_by_position(name: str, board: str) -> None:
    model = build(name, board, legal_head=True, condition="result+strength")
    moves = random_line(9, seed=1)
    for condition in (Condition(), Condition(result="win", strength=2300)):
        at_once = Scorer(model, condition=condition).score_line(Board(), moves, batch=3)
        for ply, scores in enumerate(at_once):
            same(scores, Scorer(model, condition=condition).score(after(moves, ply)))


@pytest.mark.parametrize("name", ["square", "chinese"])
@torch.inference_mode()
def test_a_condition_is_a_prefix_that_the_scores_depend_on(name: str) -> None:
    model = build(name, "spatial", condition="result")
    words = {"win": ("<red wins>", "<black wins>"), "draw": ("<drawn>",) * 2, None: ("<?>",) * 2}
    for ply in (4, 5):
        position = after(random_line(5), ply)
        found = {}
        for result, by_turn in words.items():
            scores = Scorer(model, condition=Condition(result=result)).score(position)
            token = model.tokenizer.vocab.id(by_turn[int(position.turn)])
            assert np.abs(scores.logprobs - rerun(model, position, [token])).max() < 1e-5
            found[result] = scores.logprobs
        assert np.abs(found["win"] - found["draw"]).max() > 1e-3
        assert np.abs(found["win"] - found[None]).max() > 1e-3


def test_conditions_that_a_model_does_not_know_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"strength: this model was trained with condition='result'"):
        Scorer(build("square", "bag", condition="result"), condition=Condition(result="win", strength=2000))
    with pytest.raises(ConfigError, match="result: expected win, draw or loss, found 'red'"):
        Condition(result="red")


@pytest.mark.parametrize("board", BOARDS)
@torch.inference_mode()
def test_the_legal_set_is_read_from_the_head_and_changes_no_score(board: str) -> None:
    with_head = build("square", board, legal_head=True)
    without = build("square", board)
    weights = with_head.state_dict()
    without.load_state_dict({key: weights[key] for key in without.state_dict()})
    position = after(random_line(7), 7)  # Black to move
    scores = Scorer(with_head).score(position)
    plain = Scorer(without).score(position)
    assert np.array_equal(scores.logprobs, plain.logprobs)
    assert np.array_equal(scores.value, plain.value)
    assert plain.legal_set is None
    assert scores.legal_set is not None
    assert scores.legal_set
    assert {move.rotated().index for move in scores.legal_set} <= set(POSSIBLE_MOVES.tolist())
    assert with_head.legal_head is not None
    with torch.no_grad():  # a head that says the same of all moves
        head = with_head.legal_head
        for parameter in head.parameters():
            parameter.zero_()
        head.bias.bias.copy_(torch.tensor([-1.0, 0.0]))
        assert not Scorer(with_head).score(position).legal_set
        head.bias.bias.copy_(torch.tensor([1.0, 0.0]))
        assert len(Scorer(with_head).score(position).legal_set or ()) == 2086
