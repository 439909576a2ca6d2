"""Whole moves: two words or one, styles, what goes with what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.decoding.lines import after, random_line
from tests.model.tiny import SIZES, tiny
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.move_table import IMPOSSIBLE, MOVES, goal_logits, greedy_moves, origin_logits
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.tokens import POSSIBLE_MOVES

SPECIALS = 3
STYLED = {"styles": "human+teacher"}


def inputs(model: XiangqiGPT, rows: int = 2, plies: int = 3, seed: int = 1) -> dict[str, Any]:
    """Rows of whole plies and the first word of one more."""
    generator = torch.manual_seed(seed)
    k, vocabulary = model.tokenizer.slots, len(model.tokenizer.vocab)
    positions = torch.arange(1 + (plies - 1) * k + k - 1).expand(rows, -1)
    ids = torch.randint(SPECIALS, vocabulary, positions.shape, generator=generator)
    ids[:, 0] = model.tokenizer.vocab.bos_id
    return {
        "input_ids": ids,
        "slots": torch.where(positions == 0, k, (positions - 1) % k),
        "positions": positions,
        "boards": torch.randint(0, 15, (rows, plies, 90), generator=generator).to(torch.int8),
        "counters": torch.rand(rows, plies, 2, generator=generator),
        "board_index": (positions // k).clamp_max(plies - 1),
    }


@pytest.mark.parametrize("style", [0, 1])
@torch.inference_mode()
def test_two_words_are_the_distribution_of_whole_moves(style: int) -> None:
    """The product of the chances of both words, and of all 90 squares for the second, against the table itself."""
    model = tiny(**STYLED)
    given = inputs(model)
    at = torch.arange(3) * 2
    table = model(**given, move_index=at, style=style).move_logprobs
    assert table.shape == (2, 3, 1, SPECIALS + MOVES)
    assert torch.allclose(table.exp().sum(-1), torch.ones(2, 3, 1), atol=1e-5)
    whole = torch.zeros(2, 8100)
    whole[:, torch.from_numpy(POSSIBLE_MOVES)] = table[:, -1, 0, SPECIALS:].exp()
    found = torch.zeros(2, 90, 90)
    for origin in range(90):
        given["input_ids"][:, -1] = SPECIALS + origin
        chances = model(**given, style=style).logits.softmax(-1)
        assert not chances[:, -1, :SPECIALS].any()  # a move once begun is finished
        found[:, origin] = chances[:, -2, SPECIALS + origin, None] * chances[:, -1, SPECIALS:]
    assert torch.allclose(found.flatten(1), whole, atol=1e-6)
    assert torch.allclose(found.sum((1, 2)), 1 - table[:, -1, 0, :SPECIALS].exp().sum(-1), atol=1e-5)


@torch.inference_mode()
def test_one_word_is_the_same_table() -> None:
    model = tiny(tokenizer="move", **STYLED)
    given = inputs(model)
    for style in (0, 1):
        output = model(**given, move_index=torch.arange(3), style=style)
        assert torch.allclose(output.logits.log_softmax(-1), output.move_logprobs[:, :, 0], atol=1e-6)


@torch.inference_mode()
def test_styles_do_not_leak_into_each_other() -> None:
    """What one style is asked for stays when the other style's queries change, and both come out of one pass."""
    model = tiny(**STYLED)
    given, at = inputs(model), torch.arange(3) * 2
    both = model(**given, move_index=at).move_logprobs
    assert both.shape[2] == 2
    assert (both[:, :, 0] - both[:, :, 1]).abs().max() > 0.1
    assert model.move_table is not None
    for name in ("queries", "bias"):
        weight = getattr(model.move_table, name).weight
        weight[len(weight) // 2 :] = 0
    changed = model(**given, move_index=at).move_logprobs
    assert torch.equal(changed[:, :, 0], both[:, :, 0])
    assert (changed[:, :, 1] - both[:, :, 1]).abs().max() > 0.1
    for style in (0, 1):
        alone = model(**given, move_index=at, style=style).move_logprobs
        assert torch.equal(alone[:, :, 0], changed[:, :, style])


def test_gradients_of_one_style_leave_the_other_alone() -> None:
    model = tiny(**STYLED)
    output = model(**inputs(model), move_index=torch.arange(3) * 2, with_logits=False)
    assert output.logits is None
    output.move_logprobs[:, :, 1, SPECIALS].sum().backward()
    assert model.move_table is not None
    human, teacher = model.move_table.queries.weight.grad.chunk(2)
    assert not human.any()
    assert teacher.any()


@torch.inference_mode()
def test_boards_that_are_none_are_not_encoded() -> None:
    model = tiny(**STYLED)
    given = inputs(model)
    given["boards"][1, 2] = 0
    at = torch.arange(3) * 2
    whole = model(**given, move_index=at).move_logprobs
    rows = torch.tensor([0, 1, 2, 3, 4])
    part = model(**given, move_index=at, board_rows=rows).move_logprobs
    assert torch.allclose(part[0], whole[0], atol=1e-5)
    assert torch.allclose(part[1, :2], whole[1, :2], atol=1e-5)
    encoded = model.encode_boards(given["boards"], given["counters"], rows)
    assert not encoded.vectors[1, 2].any()
    assert not encoded.summary[1, 2].any()


def test_words_of_a_table() -> None:
    scores = torch.randn(4, MOVES, generator=torch.manual_seed(0)).double()
    dense = torch.full((4, 8100), -torch.inf).double()
    dense[:, torch.from_numpy(POSSIBLE_MOVES)] = scores
    dense = dense.view(4, 90, 90)
    assert torch.allclose(origin_logits(scores), dense.logsumexp(-1))
    origins = torch.tensor([0, 13, 45, 89])
    reached = goal_logits(scores, origins)
    assert torch.equal(reached.where(reached > IMPOSSIBLE, -torch.inf), dense[torch.arange(4), origins])
    logprobs = torch.cat([torch.full((4, SPECIALS), -9.0).double(), scores], -1).log_softmax(-1)
    said = POSSIBLE_MOVES[greedy_moves(logprobs).numpy()]
    first = dense.logsumexp(-1).argmax(-1)
    assert (said // 90 == first.numpy()).all()
    assert (said % 90 == dense[torch.arange(4), first].argmax(-1).numpy()).all()
    logprobs[2, 1] = 9.0
    assert greedy_moves(logprobs).tolist()[2] == -1


def test_scores_by_style() -> None:
    model = tiny(**STYLED)
    board = after(random_line(9), 9)
    human, teacher = (Scorer(model, style=style).score(board) for style in ("human", "teacher"))
    assert human.moves == teacher.moves
    assert abs(human.logprobs - teacher.logprobs).max() > 0.1
    assert (Scorer(model).score(board).logprobs == human.logprobs).all()
    model.config.default_style = "teacher"
    assert (Scorer(model).score(board).logprobs == teacher.logprobs).all()


def test_a_flat_table_says_every_move_alike() -> None:
    model = tiny()
    with torch.no_grad():
        model.lm_head.weight.zero_()
        assert model.move_table is not None
        for parameter in model.move_table.parameters():
            parameter.zero_()
    scorer = Scorer(model)
    flat = scorer.score(Board())
    texts = MOVES + SPECIALS
    assert flat.logprobs == pytest.approx(-torch.tensor(texts).double().log().item())
    assert flat.leak == pytest.approx(1 - 44 / texts)
    # Word by word a square with many moves comes first: a rook's on an empty board, and not a piece that stands there.
    assert flat.greedy is None
    legal = [scorer.score(Board()).sampled for _ in range(300)]
    assert 0 < sum(move is not None for move in legal) <= 20  # 6.3 are expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"tokenizer": "iccs", "move_head": "table"},
            "needs board='spatial' and tokenizer='square' or 'move'",
        ),
        ({"board": "bag", "move_head": "pointer"}, "choose move_head='tokens'"),
        ({"move_head": "tokens"}, "choose table or pointer"),
        ({"move_head": "rows"}, "one of table, pointer, tokens"),
        ({"move_head": "pointer", "styles": "human+teacher"}, "needs move_head='table'"),
        ({"board": "bag", "styles": "human+teacher"}, "needs move_head='table'"),
        ({"styles": "robot"}, "one of none, human"),
        ({"styles": "human+teacher", "default_style": "robot"}, "human, teacher; choose one"),
        ({"default_style": "human"}, "no styles"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        XiangqiGPTConfig(**{**SIZES, **changes})


def test_a_style_that_a_model_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"style='teacher': this model has no styles"):
        Scorer(tiny(), style="teacher")
    with pytest.raises(ConfigError, match="choose one of them"):
        Scorer(tiny(**STYLED), style="robot")


@pytest.mark.parametrize(
    ("changes", "head", "styles"),
    [
        ({}, "table", "human+teacher"),
        ({"tokenizer": "iccs"}, "tokens", "none"),
        ({"board": "bag"}, "tokens", "none"),
    ],
)
def test_automatic_choices(changes: dict[str, Any], head: str, styles: str) -> None:
    config = XiangqiGPTConfig(**{**SIZES, "styles": "auto", **changes})
    assert (config.move_head, config.styles) == (head, styles)


def test_models_from_before_there_was_a_table_load_as_they_were(tmp_path: Path) -> None:
    model = tiny(move_head="pointer")
    model.save_pretrained(tmp_path / "old")
    file = tmp_path / "old" / "config.json"
    config = json.loads(file.read_text())
    for key in ("move_head", "styles", "default_style"):
        del config[key]
    file.write_text(json.dumps(config))
    old = load_model(tmp_path / "old")
    assert (old.config.move_head, old.config.styles) == ("pointer", "none")
    board = after(random_line(5), 5)
    assert (Scorer(old).score(board).logprobs == Scorer(model).score(board).logprobs).all()
