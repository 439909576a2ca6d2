"""The legal head beside the language model, and the conditions a player can ask for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from tests.model.tiny import tiny
from tests.training.games import games
from tests.training.test_loop import config
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.evaluation.games import random_boards
from xiangqi_gpt.evaluation.legality import measure_legality, measure_legality_of_boards
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.players import Limit, PlayerError, create_player
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.training.loop import Trainer

KEYS = ("legal_set_precision", "legal_set_recall", "legal_set_f1")


def test_the_figures_are_those_of_the_sets() -> None:
    model = tiny(legal_head=True)
    boards = list(random_boards(6, 12))
    result = dataclasses.asdict(measure_legality_of_boards(Scorer(model), boards))
    hits = taken = legal = 0
    for board in boards:
        said = Scorer(model).score(board).legal_set
        assert said is not None
        true = set(board.legal_moves())
        hits += len(said & true)
        taken += len(said)
        legal += len(true)
    precision, recall = hits / taken, hits / legal
    assert 0 < precision < recall < 1
    expected = (precision, recall, 2 * precision * recall / (precision + recall))
    assert [result[key] for key in KEYS] == pytest.approx(expected)


def test_without_the_head_they_are_null() -> None:
    result = dataclasses.asdict(measure_legality(Scorer(tiny()), games(2)))
    assert [result[key] for key in KEYS] == [None] * 3


def test_a_head_that_takes_nothing_for_legal_has_no_precision() -> None:
    model = tiny(legal_head=True)
    assert model.legal_head is not None
    with torch.no_grad():
        for parameter in model.legal_head.parameters():
            parameter.zero_()
    result = measure_legality(Scorer(model), games(1))
    assert (result.legal_set_precision, result.legal_set_recall, result.legal_set_f1) == (None, 0.0, 0.0)


def test_a_run_with_conditions_makes_a_model_to_play_with(tmp_path: Path) -> None:
    settings = config(condition="result+strength", legal_head=True, max_steps=2)
    made = Trainer(pack(games(40))[0], tmp_path, settings, device="cpu").run().checkpoint
    model = load_model(made)
    assert (model.config.condition, model.config.legal_head) == ("result+strength", True)
    shares = {}
    for options in ("", ",result=win", ",result=loss,strength=2500"):
        player = create_player(f"gpt:model={made},threads=1{options}")
        [best, *_] = player.analyse(Board(), Limit()).lines
        assert best.prob is not None
        shares[options] = best.prob
        player.close()
    assert len(set(shares.values())) == 3
    for options, words in (
        ("result=red", "result: expected win, draw or loss, found 'red'"),
        ("strength=0", "strength: expected an Elo rating from 1 to 9999, found 0"),
    ):
        with pytest.raises(PlayerError, match=words):
            create_player(f"gpt:model={made},threads=1,{options}")
    plain = (
        Trainer(pack(games(40))[0], tmp_path / "plain", config(max_steps=1), device="cpu").run().checkpoint
    )
    with pytest.raises(PlayerError, match="result: this model was trained with condition="):
        create_player(f"gpt:model={plain},threads=1,result=win")
