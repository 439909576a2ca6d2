"""The model inside transformers: Auto classes, folders both ways, labels, memory for time, adapters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from tests.model.tiny import MODES, tiny
from xiangqi_gpt.errors import ConfigError, MoveError
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.generation import greedy_unmasked, prompt_ids, text_inputs
from xiangqi_gpt.model.hf import XiangqiGPTForCausalLM, XiangqiTokenizer
from xiangqi_gpt.model.hf.configuration import XiangqiGPTPreTrainedConfig
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

GAME = "h2e2 h9g7 h0g2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tiny().save_pretrained(path)
    return path


AUTO = """
import sys
{imports}
for auto, name in (
    (AutoTokenizer, "XiangqiTokenizer"),
    (AutoModelForCausalLM, "XiangqiGPTForCausalLM"),
    (AutoConfig, "XiangqiGPTPreTrainedConfig"),
):
    assert type(auto.from_pretrained(sys.argv[1]{trust})).__name__ == name
"""
TRANSFORMERS = "from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer"


@pytest.mark.parametrize(
    ("imports", "trust"),
    [
        (f"import xiangqi_gpt\n{TRANSFORMERS}", ""),
        (f"{TRANSFORMERS}\nimport xiangqi_gpt", ""),
        (f"import transformers, xiangqi_gpt\n{TRANSFORMERS}", ""),
        (TRANSFORMERS, ", trust_remote_code=True"),
    ],
    ids=["before", "after", "between", "trust_remote_code"],
)
def test_importing_the_package_is_enough(imports: str, trust: str, folder: Path, tmp_path: Path) -> None:
    script = AUTO.format(imports=imports, trust=trust)
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("mode", [*MODES, "tied", "int8"])
def test_folders_are_read_by_both_and_written_by_both(mode: str, tmp_path: Path) -> None:
    wide = {"width": 64, "encoder_width": 64, "quantization": "int8"}
    gpt = tiny(**{**MODES, "tied": {"tie_word_embeddings": True}, "int8": wide}[mode])
    ids = prompt_ids(gpt.tokenizer, Board())
    gpt.save_pretrained(tmp_path / "core")
    coat = AutoModelForCausalLM.from_pretrained(tmp_path / "core", dtype="float32").eval()
    coat.save_pretrained(tmp_path / "coat")
    again = load_model(tmp_path / "coat")
    assert {p.name for p in (tmp_path / "core").iterdir()} == {p.name for p in (tmp_path / "coat").iterdir()}
    assert again.config == gpt.config
    with torch.inference_mode():
        expected = gpt(**text_inputs(gpt, ids)).logits
        for other in (coat, again, XiangqiGPTForCausalLM.of(gpt), XiangqiGPTForCausalLM.of(gpt).core()):
            assert torch.equal(other(**text_inputs(other, ids)).logits, expected)


def test_another_form_of_a_model_shares_its_weights() -> None:
    gpt = tiny(tie_word_embeddings=True)
    coat = XiangqiGPTForCausalLM.of(gpt)
    assert XiangqiGPTForCausalLM.of(coat) is coat
    assert coat.get_output_embeddings().weight is gpt.tokens.weight
    assert {id(p) for p in coat.parameters()} == {id(p) for p in gpt.parameters()}


@pytest.mark.parametrize("name", ["square", "iccs", "move", "wxf", "chinese"])
def test_a_tokenizer_reads_games_and_writes_them(name: str, tmp_path: Path) -> None:
    tiny(board="bag", tokenizer=name, condition="result+strength").save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    ids = tokenizer("炮二平五 h9g7 H2+3").input_ids
    board = Board()
    for text in GAME.split():
        board.push(Move.from_iccs(text))
    assert ids == prompt_ids(tokenizer.moves, board)[0].tolist()
    assert tokenizer.decode(ids[4:]) == GAME
    assert tokenizer.decode(ids, skip_special_tokens=True) == GAME
    assert len(tokenizer) == tokenizer.vocab_size == len(tokenizer.moves.vocab)
    tokenizer.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path)(GAME).input_ids == ids
    with pytest.raises(MoveError):
        tokenizer("h2e2 h2e2")


def test_rows_of_a_batch_are_padded_at_the_right() -> None:
    gpt, tokenizer = XiangqiGPTForCausalLM.of(tiny()), XiangqiTokenizer()
    batch = tokenizer([GAME, "h2e2"], padding=True, return_tensors="pt")
    alone = tokenizer("h2e2", return_tensors="pt")
    with torch.inference_mode():
        together, single = gpt(**batch).logits, gpt(**alone).logits
    torch.testing.assert_close(together[1:, : single.shape[1]], single, rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="padding must be at the right end"):
        gpt(**tokenizer([GAME, "h2e2"], padding=True, padding_side="left", return_tensors="pt"))


@pytest.mark.parametrize("mode", ["spatial", "none-iccs", "conditions"])
def test_labels_are_the_ids_and_shifted_inside(mode: str) -> None:
    """The loss of a game is what the logits before each token say of it; condition tokens and BOS cost nothing."""
    gpt = XiangqiGPTForCausalLM.of(
        tiny(**{**MODES, "conditions": {"board": "bag", "condition": "result"}}[mode])
    )
    config = gpt.config
    tokenizer = XiangqiTokenizer(config.tokenizer, config.view, config.condition)
    ids = tokenizer(GAME, return_tensors="pt").input_ids
    output = gpt(ids, labels=ids)
    read = gpt.tokenizer.condition.length + 1
    steps = [F.cross_entropy(output.logits[0, i - 1], ids[0, i]) for i in range(read, ids.shape[1])]
    torch.testing.assert_close(output.loss, torch.stack(steps).mean())
    some = ids.clone()
    some[:, :-1] = -100
    torch.testing.assert_close(gpt(ids, labels=some).loss, steps[-1])


def test_a_token_that_is_to_be_predicted_is_not_seen() -> None:
    """Changing the label of a token, and so the token itself, moves no logit that the loss measures it by."""
    for condition, attention in (("none", "full"), ("strength", "prefix_lm(prefix=3)")):
        gpt = XiangqiGPTForCausalLM.of(
            tiny(board="none", view="red", context_plies=9, condition=condition, attention=attention)
        )
        tokenizer = XiangqiTokenizer("square", "red", condition)
        ids = tokenizer(GAME, return_tensors="pt").input_ids
        with torch.inference_mode():
            before = gpt(ids).logits
            for at in range(gpt.tokenizer.condition.length + 1, ids.shape[1]):
                other = ids.clone()
                other[0, at] = ids[0, at] + 1
                after = gpt(other).logits
                assert torch.equal(after[:, :at], before[:, :at])
                assert not torch.equal(after[:, at:], before[:, at:])


def test_labels_of_branches_are_refused_with_the_reason() -> None:
    gpt = XiangqiGPTForCausalLM.of(tiny())
    inputs = text_inputs(gpt, prompt_ids(gpt.tokenizer, Board()))
    visible = torch.ones(1, 1, 1, dtype=torch.bool)
    with pytest.raises(ConfigError, match="labels: no loss for packed branches"):
        gpt(**inputs, visible=visible, labels=inputs["input_ids"])


def test_what_comes_back_is_a_tuple_where_asked() -> None:
    gpt = XiangqiGPTForCausalLM.of(tiny())
    ids = prompt_ids(gpt.tokenizer, Board())
    whole, parts = gpt(ids), gpt(ids, return_dict=False)
    assert isinstance(parts, tuple)
    assert torch.equal(parts[0], whole.logits)
    assert torch.equal(whole["value_logits"], parts[1])


def test_a_text_longer_than_the_context_is_refused() -> None:
    gpt = XiangqiGPTForCausalLM.of(tiny(context_plies=3))
    ids = XiangqiTokenizer()(GAME, return_tensors="pt").input_ids
    assert gpt(ids[:, :5]).logits.shape == (1, 5, 93)
    with pytest.raises(ConfigError, match="texts of fewer than 3 plies"):
        gpt(ids)


def test_gradients_are_those_without_checkpoints() -> None:
    gpt, other = (XiangqiGPTForCausalLM.of(tiny(seed=1)) for _ in range(2))
    # As it is called from transformers 5.24 on, and before.
    enable = getattr(other, "activation_checkpointing_enable", None) or other.gradient_checkpointing_enable
    enable()
    assert other.gradient_checkpointing
    ids = XiangqiTokenizer()(GAME, return_tensors="pt").input_ids
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    other.layers[0].register_forward_pre_hook(count)  # a second run may end before the layer does
    for model in (gpt, other):
        model.train()
        model(ids, labels=ids).loss.backward()
    assert calls == 2
    for (name, a), (_, b) in zip(gpt.named_parameters(), other.named_parameters(), strict=True):
        if a.grad is not None or b.grad is not None:
            torch.testing.assert_close(a.grad, b.grad, msg=name)


def test_the_greedy_text_is_that_of_generate() -> None:
    gpt, board = tiny(seed=2), Board()
    prompt = prompt_ids(gpt.tokenizer, board)
    coat: Any = XiangqiGPTForCausalLM.of(gpt)
    said = coat.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=2,
        do_sample=False,
        eos_token_id=0,
        pad_token_id=0,
    )
    assert greedy_unmasked(gpt, board) == said[0, 1:].tolist()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attn_implementation": "org/kernel"}, "found 'attn_implementation' = 'org/kernel'"),
        ({"_attn_implementation": "org/kernel"}, "found '_attn_implementation'"),
        ({"quantization_config": {"quant_method": "gptq"}}, "found 'quantization_config'"),
        ({"rope_scaling": {}}, "found 'rope_scaling'"),
        ({"width": 1_000_000_000}, "width: expected at most 16384"),
    ],
)
def test_only_known_settings_reach_transformers(
    changes: dict[str, Any], words: str, folder: Path, tmp_path: Path
) -> None:
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **changes}))
    for auto in (AutoConfig, AutoModelForCausalLM):
        with pytest.raises(ConfigError, match=words):
            auto.from_pretrained(tmp_path)
    with pytest.raises(ConfigError):
        XiangqiGPTPreTrainedConfig(**changes)
    with pytest.raises(ConfigError, match="attn_implementation: expected one of sdpa"):
        AutoConfig.from_pretrained(folder, attn_implementation="org/kernel")


def test_the_vocabulary_keeps_its_size() -> None:
    with pytest.raises(ConfigError, match="cannot be changed"):
        XiangqiGPTForCausalLM.of(tiny()).resize_token_embeddings(100)
