"""The family inside models of transformers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM, PreTrainedModel

from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model.hf.attention_interface import register_with_transformers


def gpt2(**changes: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=30, n_positions=60, n_embd=32, n_layer=2, n_head=4, initializer_range=0.2,
        bos_token_id=1, eos_token_id=2, **changes,
    )  # fmt: skip
    return GPT2LMHeadModel(config).eval()


def mistral(window: int | None) -> PreTrainedModel:
    """Grouped keys: two query heads a key head."""
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=30, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, sliding_window=window, initializer_range=0.2, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return MistralForCausalLM(config).eval()


def logits(model: PreTrainedModel, spec: str | None = None, **kwargs: Any) -> Tensor:
    if spec is not None:
        model.set_attn_implementation(register_with_transformers(spec))
    with torch.inference_mode():
        found: Tensor = model(**kwargs).logits
    return found


IDS = torch.randint(3, 30, (2, 20), generator=torch.Generator().manual_seed(0))


def test_full_is_what_models_have() -> None:
    for model in (gpt2(), mistral(None)):
        torch.testing.assert_close(
            logits(model, "full", input_ids=IDS), logits(model, input_ids=IDS), rtol=1e-4, atol=1e-4
        )
    padding = torch.ones_like(IDS)
    padding[0, :5] = 0
    model = gpt2()
    expected = logits(model, input_ids=IDS, attention_mask=padding)
    found = logits(model, "full", input_ids=IDS, attention_mask=padding)
    torch.testing.assert_close(found[0, 5:], expected[0, 5:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-4)


def test_local_is_the_sliding_window_of_mistral() -> None:
    """Its window counts the token itself."""
    expected = logits(mistral(5), input_ids=IDS)
    found = logits(mistral(None), "local(window=4)", input_ids=IDS)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits(mistral(None), "full", input_ids=IDS), expected, atol=1e-2)


@pytest.mark.parametrize("spec", ["atrous(rate=3)", "sparse", "linear", "linear_exp", "efficient", "taylor"])
def test_generated_from_a_cache_as_without_one(spec: str) -> None:
    model = gpt2()
    model.set_attn_implementation(register_with_transformers(spec))
    padding = torch.ones_like(IDS)
    padding[0, :3] = 0
    for mask in (torch.ones_like(IDS), padding):
        lines = [
            model.generate(
                IDS, attention_mask=mask, max_new_tokens=8, do_sample=False, use_cache=cache, pad_token_id=0
            )
            for cache in (True, False)
        ]
        assert torch.equal(*lines)
        assert lines[0].shape[1] > IDS.shape[1]


def test_what_the_family_does_not_compute_is_refused() -> None:
    with pytest.raises(ConfigError, match="keeps numbers with the weights"):
        register_with_transformers("performer")
    with pytest.raises(ConfigError, match="expected one of atrous"):
        register_with_transformers("windowed")
    model = gpt2(attn_pdrop=0.1)
    model.set_attn_implementation(register_with_transformers("linear"))
    model.train()
    with pytest.raises(ModelError, match=r"expected dropout of weights of 0\.0, found 0\.1"):
        model(input_ids=IDS)
    model = gpt2(scale_attn_weights=False)
    model.set_attn_implementation(register_with_transformers("linear"))
    with pytest.raises(ModelError, match=r"expected a scale of 0\.35\d*, found 1\.0"):
        model(input_ids=IDS)
