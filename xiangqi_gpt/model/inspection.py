"""What goes on inside a model while it reads: its residual stream, and the attention of its heads.

Letters in shapes: B rows, T tokens, W width, H heads, L layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from xiangqi_gpt.model.attention.layer import AttentionLayer
from xiangqi_gpt.model.attention.naive import naive_weights
from xiangqi_gpt.model.gpt import XiangqiGPT


@contextmanager
def watch_residual(model: XiangqiGPT) -> Iterator[list[Tensor]]:
    """Collects the residual stream of every forward pass of *model*.

    A pass adds L + 1 tensors (B, T, W): the embeddings, then the stream behind each layer, before the last norm.
    """
    found: list[Tensor] = []
    hooks: list[Any] = [
        model.layers[0].register_forward_pre_hook(lambda _, inputs: found.append(inputs[0])),
        *(layer.register_forward_hook(_append_first(found)) for layer in model.layers),
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def watch_attention(model: XiangqiGPT) -> Iterator[list[Tensor]]:
    """Collects the attention of every forward pass of *model* without states.

    A pass adds L tensors (B, H, T, T), float64: the share that each token (column) has in what each token (row) reads.
    Variants with a recurrence have such shares as well, but with rotary positions theirs do not add up to 1, and some
    may be negative.
    """
    found: list[Tensor] = []
    hooks = [layer.register_forward_pre_hook(_append_weights(found)) for layer in model.attention_layers()]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _append_first(found: list[Tensor]) -> Callable[[nn.Module, Any, Any], None]:
    def hook(_: nn.Module, inputs: Any, output: Any) -> None:
        found.append(output[0])

    return hook


def _append_weights(found: list[Tensor]) -> Callable[[nn.Module, Any], None]:
    def hook(layer: nn.Module, inputs: Any) -> None:
        assert isinstance(layer, AttentionLayer)
        x, positions, visible, state, context = inputs
        assert state is None
        q, k, _ = layer.project(x, context)
        found.append(naive_weights(layer.attention, q, k, positions, visible, context))

    return hook
