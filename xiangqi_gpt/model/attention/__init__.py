"""The family of attention variants, chosen by name."""

from __future__ import annotations

from xiangqi_gpt.model.attention.checks import check_attention
from xiangqi_gpt.model.attention.exponential import ExponentialAttention, ExponentialState
from xiangqi_gpt.model.attention.layer import AttentionLayer
from xiangqi_gpt.model.attention.linear import LinearAttention, LinearState
from xiangqi_gpt.model.attention.recurrent import RecurrentAttention
from xiangqi_gpt.model.attention.registry import (
    BACKENDS,
    PLAIN,
    Attention,
    AttentionState,
    Context,
    attention_class,
    attention_names,
    build_attention,
    expect_option,
    parse_attention,
    register,
)
from xiangqi_gpt.model.attention.softmax import Full, FullConfig, KVCache, SoftmaxAttention

__all__ = [
    "BACKENDS",
    "PLAIN",
    "Attention",
    "AttentionLayer",
    "AttentionState",
    "Context",
    "ExponentialAttention",
    "ExponentialState",
    "Full",
    "FullConfig",
    "KVCache",
    "LinearAttention",
    "LinearState",
    "RecurrentAttention",
    "SoftmaxAttention",
    "attention_class",
    "attention_names",
    "build_attention",
    "check_attention",
    "expect_option",
    "parse_attention",
    "register",
]
