"""Variants and encodings of positions to run every shared test on, and ways to call them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xiangqi_gpt.model.attention import Attention, Context, attention_class, build_attention, parse_attention
from xiangqi_gpt.model.positions import SCORE_BIASES, Positions, create_positions, rotate

SOFTMAX = [
    "full",
    "prefix_lm(prefix=5)",
    "local(window=3)",
    "local(window=0)",
    "atrous(rate=3)",
    "sparse(rate=3)",
]
RECURRENT = [
    "linear",
    "linear_exp",
    "efficient",
    "cosine",
    "performer(features=24)",
    "taylor(order=2)",
    "power(order=2)",
    "power(order=4)",
]
VARIANTS = SOFTMAX + RECURRENT
HEADS, HEAD_SIZE = 3, 8


def name_of(spec: str) -> str:
    return spec.partition("(")[0]


def pairs() -> list[tuple[str, str]]:
    """Every variant with every encoding that acts inside attention."""
    return [
        (spec, position)
        for spec, position in itertools.product(VARIANTS, ["none", "rope", "alibi", "t5"])
        if position not in SCORE_BIASES or attention_class(name_of(spec)).takes_bias
    ]


@dataclass(frozen=True)
class Case:
    """A variant and an encoding, called as the attention layer would call them."""

    module: Attention
    position: Positions
    name: str

    @classmethod
    def of(cls, spec: str, position: str = "none", heads: int = HEADS, head_size: int = HEAD_SIZE) -> Case:
        torch.manual_seed(7)
        ((name, config),) = parse_attention(spec, 1)
        encoding = create_positions(position, width=heads * head_size, heads=heads, max_positions=999)
        return cls(build_attention(name, config, heads, head_size), encoding, position)

    def context(self, positions: Tensor, consecutive: bool = False, backend: str = "sdpa") -> Context:
        bias = self.position.bias if self.name in SCORE_BIASES else None
        return Context(
            consecutive=consecutive, rotation=self.position.rotation(positions), bias=bias, backend=backend
        )

    def turned(self, q: Tensor, k: Tensor, context: Context) -> tuple[Tensor, Tensor]:
        if context.rotation is None or self.module.rotates_features:
            return q, k
        return rotate(q, context.rotation[:, None]), rotate(k, context.rotation[:, None])

    def __call__(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        positions: Tensor | None = None,
        visible: Tensor | None = None,
        state: Any = None,
        consecutive: bool = False,
        backend: str = "sdpa",
    ) -> tuple[Tensor, Any]:
        if positions is None:
            positions = torch.arange(q.shape[2], device=q.device).expand(len(q), -1)
        context = self.context(positions, consecutive, backend)
        q, k = self.turned(q, k, context)
        y, new = self.module(q, k, v, positions, visible, state, context)
        return y, new

    def in_parts(self, q: Tensor, k: Tensor, v: Tensor, cuts: list[int]) -> tuple[Tensor, Any]:
        """The line cut into calls that end at *cuts*, each behind the state of the one before."""
        state: Any = self.module.init_state(len(q), q)
        out, first = [], 0
        for last in cuts:
            at = torch.arange(first, last, device=q.device).expand(len(q), -1)
            y, state = self(*(x[:, :, first:last] for x in (q, k, v)), at, None, state)
            out.append(y)
            first = last
        return torch.cat(out, 2), state


def inputs(
    length: int, *, batch: int = 2, dtype: torch.dtype = torch.float64, seed: int = 0, grad: bool = False
) -> list[Tensor]:
    """q, k, v of (B, H, T, D), standard normal."""
    draw = torch.Generator().manual_seed(seed)
    shape = (batch, HEADS, length, HEAD_SIZE)
    return [
        torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype).requires_grad_(grad)
        for _ in range(3)
    ]


def causal(length: int) -> Tensor:
    return torch.ones(1, length, length, dtype=torch.bool).tril()
