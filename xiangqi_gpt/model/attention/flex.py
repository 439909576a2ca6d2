"""FlexAttention as the backend of the softmax family, for CUDA.

The mask of a call becomes a block mask, so blocks that nobody sees are skipped. On a CPU it computes the forward pass
uncompiled, which serves tests alone.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from xiangqi_gpt.errors import ModelError


@lru_cache(maxsize=1)
def _compiled() -> Any:
    return torch.compile(flex_attention)


def flex(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(q k / sqrt(D) + bias) v over the keys that *mask* (B or 1, T, S) lets through.

    q is (B, H, T, D), k and v (B, H, S, D), *bias* (B or 1, H, T, S).
    """
    on_cpu = q.device.type == "cpu"
    if on_cpu and torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v)):
        raise ModelError(
            "flex_attention cannot train on a CPU (it has no backward pass there); use a CUDA device or another backend"
        )

    def visible(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return mask[b if len(mask) > 1 else 0, i, j]

    def biased(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        assert bias is not None
        return score + bias[b if len(bias) > 1 else 0, h, i, j]

    rows = len(mask) if len(mask) > 1 else None
    blocks = create_block_mask(visible, rows, None, q.shape[2], k.shape[2], device=q.device)
    attend = flex_attention if on_cpu else _compiled()
    q, k, v = (x.contiguous() for x in (q, k, v))
    with warnings.catch_warnings():
        if on_cpu:
            warnings.filterwarnings("ignore", message=".*flex_attention called without torch.compile.*")
        y: Tensor = attend(q, k, v, score_mod=None if bias is None else biased, block_mask=blocks)
    return y
