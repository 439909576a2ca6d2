"""Combinations of variants that make no sense, refused before a model is built."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.attention.registry import attention_class
from xiangqi_gpt.model.positions import SCORE_BIASES


def check_attention(
    parsed: Sequence[tuple[str, Any]], *, position: str, head_size: int, slots: int, read: int
) -> None:
    """ConfigError, with the reason, where the layers *parsed* do not go together or not with the rest.

    *position* is the name of the encoding of positions, *slots* the number of tokens a ply, *read* the number of
    tokens at the beginning that are inputs only: the condition tokens and BOS.
    """
    classes = [attention_class(name) for name, _ in parsed]
    for (name, config), cls in zip(parsed, classes, strict=True):
        cls.check(config, head_size)
        if position in SCORE_BIASES and not cls.takes_bias:
            raise ConfigError(
                f"position: expected one of rope, learned, sinusoidal, none with attention {name!r}, "
                f"found {position!r}, which adds to attention scores; a recurrent variant has none"
            )
    stride = math.gcd(*(cls.stride(config) for (_, config), cls in zip(parsed, classes, strict=True)))
    if stride == 0:
        raise ConfigError(
            "attention: no layer sees earlier tokens, so a token sees only itself; add a full or a local layer"
        )
    if math.gcd(stride, slots) > 1:
        raise ConfigError(
            f"attention: all layers look back over multiples of {stride} tokens, and a ply has {slots}: a token would "
            "never see the others of its move; choose a rate without a common factor, or add a local layer"
        )
    prefixes = {config.prefix if name == "prefix_lm" else 0 for name, config in parsed}
    if len(prefixes) > 1:
        raise ConfigError(
            "attention: prefix_lm needs the same prefix in all layers, or it has no effect: what one layer shows to "
            "the prefix, the next layer hides"
        )
    longest = max(prefixes, default=0)
    if longest > read:
        raise ConfigError(
            f"attention: prefix_lm: expected a prefix of at most {read} (the condition tokens and BOS), found "
            f"{longest}; a longer one would show moves to the tokens that predict them"
        )
