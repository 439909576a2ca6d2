"""The attention layer: projections and positions around any variant."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from xiangqi_gpt.model.attention.registry import AttentionState, build_attention


class Rope:
    """Rotary position embedding, interleaved pairs (Su et al. 2021, arXiv 2104.09864).

    The pair (x_2k, x_2k+1) at position i turns by the angle i * base^(-2k/D); tables are float32, whatever the model.
    """

    def __init__(self, head_size: int, base: float) -> None:
        self.head_size = head_size
        self.base = base

    def angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin, each (B, 1, T, D/2), of the position ids (B, T)."""
        exponents = torch.arange(0, self.head_size, 2, device=positions.device, dtype=torch.float32) / self.head_size
        angle = positions[:, None, :, None].float() * self.base ** -exponents
        return angle.cos(), angle.sin()

    @staticmethod
    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Turn the pairs of *x* (B, H, T, D)."""
        pairs = x.float().unflatten(-1, (-1, 2))
        even, odd = pairs[..., 0], pairs[..., 1]
        turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1)
        return turned.flatten(-2).to(x.dtype)


class AttentionLayer(nn.Module):
    """Queries, keys and values of (B, T, width), the variant *name* in between, and the output projection."""

    def __init__(self, width: int, heads: int, name: str, config: Any, rope: Rope | None) -> None:
        super().__init__()
        self.heads = heads
        self.head_size = width // heads
        self.rope = rope
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.attention = build_attention(name, config, heads, self.head_size)

    def init_state(self, batch: int, like: Tensor) -> AttentionState:
        """The state before any token."""
        return self.attention.init_state(batch, like)

    def forward(
        self, x: Tensor, positions: Tensor, visible: Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, Any]:
        """x (B, T, width), positions (B, T), visible (B or 1, T, S) -> (B, T, width) and the extended state."""
        batch, length, width = x.shape
        # (B, T, 3, H, D) -> three of (B, H, T, D)
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, self.head_size).permute(2, 0, 3, 1, 4)
        if self.rope is not None:
            cos, sin = self.rope.angles(positions)
            q, k = self.rope.rotate(q, cos, sin), self.rope.rotate(k, cos, sin)
        y, state = self.attention(q, k, v, positions, visible, state)
        return self.out(y.transpose(1, 2).reshape(batch, length, width)), state
