"""Replacing the layers of a model while it is trained: what stands where, what learns, what is left."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.compress.successor import grouped, make_successor, plan_for
from xiangqi_gpt.compress.theseus import TheseusConfig, TheseusModel, TheseusTrainer, draw
from xiangqi_gpt.dataset.packed import PackedGames, pack
from xiangqi_gpt.dataset.windows import gather_windows
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.training.batches import collate
from xiangqi_gpt.training.train_config import TrainConfig, changed, preset

# A tokenizer that looks at the board between attention and feed-forward has more to replace in every layer.
KINDS: dict[str, dict[str, Any]] = {
    "square": {"encoder_blocks": 3},
    "iccs": {"encoder_blocks": 2, "tokenizer": "iccs"},
    "none": {"board": "none", "view": "red", "context_plies": 60},
}


def old_model(kind: str = "square", **changes: Any) -> XiangqiGPT:
    return tiny(layers=4, **KINDS[kind], **changes)


@pytest.fixture(scope="module")
def packed() -> PackedGames:
    return pack(games(30))[0]


def run_config(**changes: Any) -> TrainConfig:
    settings = {"precision": "no", "checkpoint_every": 4, "max_steps": 10, "batch_windows": 4, **changes}
    config = changed(
        preset("tiny"), [f"{k}={v!r}" for k, v in {"micro_batch_windows": 4, **settings}.items()]
    )
    return TrainConfig(**{**vars(config), "model": {}})


def trainer(packed: PackedGames, out: Path, resume: bool = False, **changes: Any) -> TheseusTrainer:
    old = old_model()
    theseus = TheseusConfig(rate=0.5, replacing=0.5)
    return TheseusTrainer(
        packed,
        out,
        run_config(**changes),
        theseus,
        predecessor=old,
        plan=plan_for(old.config, 2),
        resume=resume,
        device="cpu",
    )


def outputs(model: XiangqiGPT, packed: PackedGames) -> tuple[torch.Tensor, torch.Tensor]:
    windows = gather_windows(packed, np.arange(4), np.zeros(4, np.int64), 6, np.zeros(4, bool))
    batch = collate(windows, model.tokenizer, model.config.board != "none")
    with torch.no_grad():
        found = model(**batch.model_inputs())
    return found.logits, found.value_logits


def same(a: tuple[torch.Tensor, ...], b: tuple[torch.Tensor, ...]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_replaced_is_the_old_model_and_all_replaced_the_new(
    kind: str, packed: PackedGames, tmp_path: Path
) -> None:
    old = old_model(kind)
    plan = plan_for(old.config, 2)
    new = make_successor(old, plan)
    with torch.no_grad():
        for module in (*new.layers, *(new.looks or ())):
            for parameter in module.parameters():
                parameter.add_(0.1)
    alone = outputs(new, packed)
    before = outputs(old, packed)
    ship = TheseusModel(new, old, plan)
    assert len(ship.modules) == plan.modules
    assert same(outputs(new, packed), alone)
    ship.replace([False] * plan.modules)
    assert same(outputs(new, packed), before)
    ship.replace([True] + [False] * (plan.modules - 1))
    assert not same(outputs(new, packed), before)
    ship.replace([True] * plan.modules)
    new.save_pretrained(tmp_path)
    assert same(outputs(load_model(tmp_path), packed), alone)


def test_only_successors_learn_until_all_are_replaced(packed: PackedGames, tmp_path: Path) -> None:
    run = trainer(packed, tmp_path, max_steps=20)
    model = run.ship.successor
    frozen = copy.deepcopy(run._predecessor.state_dict())
    begin = copy.deepcopy(model.state_dict())
    run.run(time_limit=0)  # one step
    changed_names = {
        name for name, tensor in model.state_dict().items() if not torch.equal(tensor, begin[name])
    }
    assert changed_names
    assert all(name.startswith(("layers.", "encoder.blocks.")) for name in changed_names)
    run.run()
    changed_names = {
        name for name, tensor in model.state_dict().items() if not torch.equal(tensor, begin[name])
    }
    assert {"tokens.weight", "lm_head.weight", "value_head.weight"} <= changed_names
    assert all(torch.equal(tensor, frozen[name]) for name, tensor in run._predecessor.state_dict().items())


def test_a_stopped_run_goes_on_as_if_it_had_not(packed: PackedGames, tmp_path: Path) -> None:
    whole = trainer(packed, tmp_path / "whole").run()
    for _ in range(2):
        assert trainer(packed, tmp_path / "parts", resume=True).run(time_limit=0).reason == "time limit"
    parts = trainer(packed, tmp_path / "parts", resume=True).run()
    a, b = load_model(whole.checkpoint), load_model(parts.checkpoint)
    assert (a.config.layers, a.config.encoder_blocks) == (2, 2)
    assert all(torch.equal(x, b.state_dict()[name]) for name, x in a.state_dict().items())


def test_a_run_is_not_resumed_as_another(packed: PackedGames, tmp_path: Path) -> None:
    trainer(packed, tmp_path).run(time_limit=0)
    old = tiny(seed=1, layers=4, encoder_blocks=3)
    with pytest.raises(ConfigError, match="predecessor: expected"):
        TheseusTrainer(
            packed,
            tmp_path,
            run_config(),
            TheseusConfig(replacing=0.5),
            predecessor=old,
            plan=plan_for(old.config, 2),
            resume=True,
            device="cpu",
        )


def test_another_attention(packed: PackedGames, tmp_path: Path) -> None:
    old = tiny(layers=2)
    plan = plan_for(old.config, 2, attention="linear")
    assert [len(group) for group in (*plan.layers, *plan.blocks)] == [1, 1, 1]
    config = TheseusConfig(rate=0.3, replacing=0.5)
    result = TheseusTrainer(
        packed, tmp_path, run_config(max_steps=4), config, predecessor=old, plan=plan, device="cpu"
    ).run()
    model = load_model(result.checkpoint)
    assert model.config.attention == "linear"
    assert torch.isfinite(outputs(model, packed)[0]).all()


def test_rates_grow_linearly_and_draws_depend_on_the_step_alone() -> None:
    theseus = TheseusConfig(rate=0.4, replacing=0.5)
    assert [theseus.rate_at(share) for share in (0, 0.25, 0.5, 0.99)] == pytest.approx([0.4, 0.7, 1.0, 1.0])
    assert TheseusConfig(replacing=0.0).rate_at(0) == 1
    draws = [draw(0.5, 8, seed=3, step=step) for step in range(400)]
    assert draws == [draw(0.5, 8, seed=3, step=step) for step in range(400)]
    assert 0.45 < sum(map(sum, draws)) / 3200 < 0.55
    assert all(sum(draw(0.0, 8, 3, step)) == 1 for step in range(20))
    assert all(draw(1.0, 8, 3, 0))


def test_groups_are_neighbours_of_nearly_equal_number() -> None:
    assert grouped(4, 2) == (range(2), range(2, 4))
    assert grouped(5, 3) == (range(2), range(2, 4), range(4, 5))
    mixed = tiny(layers=4, attention=["full", "local(window=4)", "full", "local(window=8)"])
    new = make_successor(mixed, plan_for(mixed.config, 2))
    assert new.config.attention == ["full", "full"]


@pytest.mark.parametrize(
    ("layers", "blocks", "attention", "words"),
    [
        (0, None, None, "layers: expected 1 to 4, the layers of the model to compress, found 0"),
        (5, None, None, "layers: expected 1 to 4"),
        (4, None, None, "Nothing would get smaller"),
        (4, 3, "full", "Nothing would get smaller"),
        (2, 4, None, "encoder blocks: expected 1 to 3"),
        (2, 0, None, "encoder blocks: expected 1 to 3"),
    ],
)
def test_what_is_no_smaller_model_is_refused(
    layers: int, blocks: int | None, attention: str | None, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        plan_for(old_model().config, layers, blocks, attention)


def test_blocks_of_a_model_without_an_encoder_are_refused() -> None:
    with pytest.raises(ConfigError, match="a model with board='none' has none"):
        plan_for(old_model("none").config, 2, 1)
