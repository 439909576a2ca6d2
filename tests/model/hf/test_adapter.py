"""Adapters of PEFT's LoRA: trained on the model, read wherever a model is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model.tiny import tiny
from xiangqi_gpt.errors import ModelError, PlayerError
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.generation import prompt_ids, text_inputs
from xiangqi_gpt.model.hf import XiangqiGPTForCausalLM, XiangqiTokenizer
from xiangqi_gpt.players import Limit, create_player
from xiangqi_gpt.rules.board import Board

peft = pytest.importorskip("peft")
# PEFT uses names that transformers has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*:FutureWarning")

GAME = "h2e2 h9g7 h0g2"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in `base`, and in `adapter` what one step of training of an adapter made."""
    root = tmp_path_factory.mktemp("peft")
    tiny().save_pretrained(root / "base")
    gpt = XiangqiGPTForCausalLM.from_pretrained(root / "base")
    choice = peft.LoraConfig(r=4, target_modules=["qkv", "up"], init_lora_weights=False)
    wrapped = peft.get_peft_model(gpt, choice)
    ids = XiangqiTokenizer()(GAME, return_tensors="pt").input_ids
    before = wrapped(ids, labels=ids).loss.item()
    optimizer = torch.optim.SGD((p for p in wrapped.parameters() if p.requires_grad), 0.05)
    wrapped(ids, labels=ids).loss.backward()
    optimizer.step()
    assert wrapped(ids, labels=ids).loss.item() < before
    wrapped.save_pretrained(root / "adapter")
    torch.save(logits(wrapped.eval()), root / "expected.pt")
    return root


def logits(model: Any) -> torch.Tensor:
    core = (
        model
        if isinstance(model, torch.nn.Module) and hasattr(model, "tokenizer")
        else model.base_model.model
    )
    with torch.inference_mode():
        found: torch.Tensor = model(**text_inputs(core, prompt_ids(core.tokenizer, Board()))).logits
    return found


def changed(folders: Path, to: Path, **changes: Any) -> Path:
    shutil.copytree(folders / "adapter", to)
    config = json.loads((to / "adapter_config.json").read_text())
    (to / "adapter_config.json").write_text(json.dumps({**config, **changes}))
    return to


def test_a_folder_of_an_adapter_is_a_model(folders: Path, tmp_path: Path) -> None:
    found = load_model(folders / "adapter")
    expected = torch.load(folders / "expected.pt")
    torch.testing.assert_close(logits(found), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(logits(load_model(folders / "base")), expected, rtol=1e-3, atol=1e-3)
    found.save_pretrained(tmp_path / "whole")
    assert torch.equal(logits(load_model(tmp_path / "whole")), logits(found))
    player = create_player(f"gpt:model={folders / 'adapter'}")
    assert player.play(Board(), Limit()).move in Board().legal_moves()
    player.close()


def test_a_base_is_found_beside_the_adapter(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "base", tmp_path / "base")
    moved = changed(folders, tmp_path / "adapter", base_model_name_or_path="../base")
    assert torch.equal(logits(load_model(moved)), logits(load_model(folders / "adapter")))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_model_name_or_path": "org/model"}, "no model directory: 'org/model'"),
        ({"base_model_name_or_path": "."}, "no model directory: '.'"),
        ({"base_model_name_or_path": None}, "no model directory: 'None'"),
        ({"peft_type": "IA3"}, "peft_type: expected 'LORA', found 'IA3'"),
        ({"r": 10**12}, "expected ranks from 1 to 4096"),
        ({"rank_pattern": {"up": 10**12}}, "expected ranks from 1 to 4096"),
        ({"r": 8}, "the adapter does not fit the model"),
        ({"target_modules": ["nowhere"]}, "the adapter does not fit the model"),
        ({"target_modules": ["qkv"]}, "expected the 4 weights of this adapter, found 8"),
    ],
)
def test_foreign_adapters_are_refused(
    changes: dict[str, Any], words: str, folders: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        load_model(changed(folders, tmp_path / "adapter", **changes))
    assert "\n" not in str(caught.value)


def test_adapters_that_are_not_finite_are_refused(folders: Path, tmp_path: Path) -> None:
    broken = changed(folders, tmp_path / "adapter")
    weights = load_file(broken / "adapter_model.safetensors")
    next(iter(weights.values()))[0, 0] = torch.nan
    save_file(weights, broken / "adapter_model.safetensors")
    with pytest.raises((ModelError, PlayerError), match="not finite"):
        create_player(f"gpt:model={broken}")
