"""The family of attention variants, chosen by name."""

from __future__ import annotations

from xiangqi_gpt.model.attention.layer import AttentionLayer
from xiangqi_gpt.model.attention.registry import (
    Attention,
    AttentionState,
    attention_names,
    build_attention,
    parse_attention,
    register,
)
from xiangqi_gpt.model.attention.softmax import Full, FullConfig, KVCache

__all__ = [
    "Attention",
    "AttentionLayer",
    "AttentionState",
    "Full",
    "FullConfig",
    "KVCache",
    "attention_names",
    "build_attention",
    "parse_attention",
    "register",
]
