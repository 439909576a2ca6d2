"""A penalty on the gradient of the loss by the token embeddings (Su, kexue.fm/archives/7259).

A model whose loss changes little when its inputs do is less put off by contexts that it has never seen. The gradient is
that by the embedding *output*, each occurrence of a token for itself, not that by the table, where occurrences add up.
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
    """Within, the token embeddings (B, T, width) of every forward pass of *model* are put into the list given.

    Attention is computed in plain products meanwhile: the fused kernels cannot be differentiated twice.
    """
    kept: list[Tensor] = []
    hook = model.tokens.register_forward_hook(lambda _, __, output: kept.append(output))
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield kept
    finally:
        hook.remove()


def gradient_penalty(loss: Tensor, embeddings: Tensor) -> Tensor:
    """The sum of squares of the gradient of *loss* by *embeddings*, itself differentiable."""
    (gradient,) = torch.autograd.grad(loss, embeddings, create_graph=True)
    return gradient.to(torch.promote_types(gradient.dtype, torch.float32)).square().sum()
