"""The family as attention implementations of transformers: for any of its causal models, not ours alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model.attention.registry import Attention, build_attention, parse_attention
from xiangqi_gpt.model.attention.softmax import KVCache, SoftmaxAttention

PREFIX = "xiangqi_gpt."


def register_with_transformers(spec: str) -> str:
    """Make the variant *spec*, such as ``local(window=8)``, known to transformers; returns the name to ask for.

    The name is what a model takes as ``attn_implementation``. Positions are the model's own matter; predicates see the
    index of a token in its row. A recurrent variant runs through the cached keys again at every step: what transformers
    caches is keys and values, not states.

    Raises:
        ConfigError: no variant, or one with numbers of its own, for which a model of another kind has no place.
    """
    ((name, config),) = parse_attention(spec, 1)
    if build_attention(name, config, 1, 8).state_dict():
        raise ConfigError(
            f"attention {spec!r} keeps numbers with the weights of the model, so it cannot be an attention "
            "implementation of other models"
        )

    @lru_cache(maxsize=16)
    def build(heads: int, head_size: int) -> Attention:
        return build_attention(name, config, heads, head_size)

    def attend(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        scaling: float | None = None,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> tuple[Tensor, None]:
        _check_call(spec, module, query, scaling, dropout, kwargs)
        groups = query.shape[1] // key.shape[1]
        if groups > 1:
            key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        y = _run(build(*query.shape[1::2]), query, key, value, attention_mask)
        return y.transpose(1, 2).contiguous(), None

    AttentionInterface.register(PREFIX + spec, attend)
    AttentionMaskInterface.register(PREFIX + spec, sdpa_mask)
    return PREFIX + spec


def _run(variant: Attention, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """*variant* for the last T of S tokens, of which k and v hold all; *mask* (B or 1, 1, T, S) or None."""
    new, seen = q.shape[2], k.shape[2]
    at = torch.arange(seen, device=q.device).expand(len(q), -1)
    visible = None if mask is None else mask[:, 0]
    if new == seen:
        return variant(q, k, v, at, visible)[0]
    past = seen - new
    before = (k[:, :, :past], v[:, :, :past])
    if isinstance(variant, SoftmaxAttention):
        state: Any = KVCache(*before, at[:, :past])
    elif (
        visible is not None
    ):  # hidden tokens cannot be in a state: no queries of the past, but all of its keys
        q = torch.cat([torch.zeros_like(k[:, :, :past]), q], 2)
        own = torch.ones(1, past, seen, dtype=torch.bool, device=q.device).tril().expand(len(visible), -1, -1)
        return variant(q, k, v, at, torch.cat([own, visible], 1))[0][:, :, past:]
    else:
        state = variant(before[0], *before, at[:, :past], None, variant.init_state(len(q), q))[1]
    return variant(q, k[:, :, past:], v[:, :, past:], at[:, past:], visible, state)[0]


def _check_call(
    spec: str, module: nn.Module, q: Tensor, scaling: float | None, dropout: float, kwargs: dict[str, Any]
) -> None:
    """ModelError where a model asks for something that the family does not compute."""
    usual = q.shape[-1] ** -0.5
    causal = kwargs.get("is_causal")
    for what, asked, wanted in (
        ("dropout of weights", dropout, 0.0),
        ("a scale", usual if scaling is None else scaling, usual),
        ("is_causal", getattr(module, "is_causal", True) if causal is None else causal, True),
        ("softcap", kwargs.get("softcap"), None),
        ("position_bias", kwargs.get("position_bias"), None),
    ):
        if asked != wanted:
            found = type(asked).__name__ if isinstance(asked, Tensor) else repr(asked)
            raise ModelError(f"attention {spec!r}: expected {what} of {wanted!r}, found {found}")
