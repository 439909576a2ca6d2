"""A penalty on the gradient of the loss with respect to the token embeddings (Su, kexue.fm/archives/7259).

A model whose loss changes little when its inputs do is less affected by unfamiliar contexts. The gradient is taken with
respect to the embedding *output*, separately for each occurrence of a token, not to the table, where occurrences add
up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextmanager
def embeddings_kept(model: Any) -> Iterator[list[Tensor]]:
    """Within this context, append the token embeddings (B, T, width) of every forward pass of *model* to the list.

    Meanwhile, attention is computed with plain products: the fused kernels cannot be differentiated twice.
    """
    kept: list[Tensor] = []
    hook = model.tokens.register_forward_hook(lambda _, __, output: kept.append(output))
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield kept
    finally:
        hook.remove()


def gradient_penalty(loss: Tensor, embeddings: Tensor) -> Tensor:
    """The sum of squares of the gradient of *loss* with respect to *embeddings*, itself differentiable."""
    (gradient,) = torch.autograd.grad(loss, embeddings, create_graph=True)
    return gradient.to(torch.promote_types(gradient.dtype, torch.float32)).square().sum()
