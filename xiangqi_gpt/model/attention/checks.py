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
                f"found {position!r}: it adds to scores, and a recurrent variant has none"
            )
    stride = math.gcd(*(cls.stride(config) for (_, config), cls in zip(parsed, classes, strict=True)))
    if stride == 0:
        raise ConfigError(
            "attention: expected a layer that sees earlier tokens, found none: every token sees itself alone"
        )
    if math.gcd(stride, slots) > 1:
        raise ConfigError(
            f"attention: expected rates without a common factor with the {slots} tokens of a ply, or a layer of "
            f"another kind (local) between, found layers that all look back over multiples of {stride}: a token would "
            "never see the other tokens of a move"
        )
    prefixes = {config.prefix if name == "prefix_lm" else 0 for name, config in parsed}
    if len(prefixes) > 1:
        raise ConfigError(
            "attention: expected prefix_lm with one prefix in all layers or in none, found a mixture: what one layer "
            "shows to the prefix the next would hide"
        )
    longest = max(prefixes, default=0)
    if longest > read:
        raise ConfigError(
            f"attention: expected prefix_lm with a prefix of at most {read} (the condition tokens and BOS), found "
            f"{longest}: a longer one would show moves to the tokens that have to predict them"
        )
