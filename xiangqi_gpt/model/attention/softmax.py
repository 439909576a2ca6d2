"""Softmax attention under a predicate on position ids."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.model.attention.registry import Attention, register


@dataclass(frozen=True)
class KVCache:
    """Keys (as attended to: rotated already), values and position ids of all tokens so far."""

    k: Tensor  # (B, H, S, D)
    v: Tensor  # (B, H, S, D)
    positions: Tensor  # (B, S)

    @property
    def length(self) -> int:
        return self.k.shape[2]

    def reorder(self, index: Tensor) -> KVCache:
        return KVCache(*(getattr(self, f.name).index_select(0, index) for f in dataclasses.fields(self)))

    def extended(self, k: Tensor, v: Tensor, positions: Tensor) -> KVCache:
        return KVCache(
            torch.cat([self.k, k], 2),
            torch.cat([self.v, v], 2),
            torch.cat([self.positions, positions], 1),
        )


class SoftmaxAttention(Attention):
    """A = softmax(q k / sqrt(D)) over the keys that ``predicate`` lets through; y = A v.

    A subclass states its predicate; every query must be let see itself.
    """

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        """Whether the query at position *i* may see the key at position j <= i; None means always.

        *i* is (B, T, 1) and *j* (B, 1, S): the result broadcasts to (B, T, S).
        """
        raise NotImplementedError

    def init_state(self, batch: int, like: Tensor) -> KVCache:
        empty = like.new_zeros(batch, self.heads, 0, self.head_size)
        return KVCache(empty, empty, torch.zeros(batch, 0, dtype=torch.long, device=like.device))

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        positions: Tensor,
        visible: Tensor | None = None,
        state: Any = None,
    ) -> tuple[Tensor, Any]:
        cache: KVCache | None = state
        new = None
        key_positions = positions
        if cache is not None:
            new = cache.extended(k, v, positions)
            k, v, key_positions = new.k, new.v, new.positions
        mask = self._mask(positions, key_positions, visible)
        if mask is None and q.shape[2] == k.shape[2]:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True), new
        if mask is None and q.shape[2] > 1:  # is_causal would align the triangle to the top left
            mask = (key_positions[:, None, :] <= positions[:, :, None])
        y = F.scaled_dot_product_attention(q, k, v, None if mask is None else mask[:, None])
        return y, new

    def _mask(self, positions: Tensor, key_positions: Tensor, visible: Tensor | None) -> Tensor | None:
        i, j = positions[:, :, None], key_positions[:, None, :]  # (B, T, 1), (B, 1, S)
        own = self.predicate(i, j)
        if own is None:
            return visible
        return own & ((j <= i) if visible is None else visible)


@dataclass(frozen=True, kw_only=True)
class FullConfig:
    """Full attention has nothing to choose."""


@register("full", FullConfig)
class Full(SoftmaxAttention):
    """Every token sees itself and all tokens before it."""

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        return None
