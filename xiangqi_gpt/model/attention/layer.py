"""The attention layer: projections and rotary positions around any variant."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from xiangqi_gpt.model.attention.registry import PLAIN, AttentionState, Context, build_attention
from xiangqi_gpt.model.positions import rotate


class AttentionLayer(nn.Module):
    """Queries, keys and values of (B, T, width), the variant *name* in between, and the output projection."""

    def __init__(self, width: int, heads: int, name: str, config: Any) -> None:
        super().__init__()
        self.heads = heads
        self.head_size = width // heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.attention = build_attention(name, config, heads, self.head_size)

    def init_state(self, batch: int, like: Tensor) -> AttentionState:
        """The state before any token."""
        return self.attention.init_state(batch, like)

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        visible: Tensor | None = None,
        state: Any = None,
        context: Context = PLAIN,
    ) -> tuple[Tensor, Any]:
        """x (B, T, width), positions (B, T), visible (B or 1, T, S) -> (B, T, width) and the extended state."""
        y, state = self.attention(*self.project(x, context), positions, visible, state, context)
        return self.out(y.transpose(1, 2).reshape(x.shape)), state

    def project(self, x: Tensor, context: Context) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, T, width), (B, H, T, D) each, with their rotary positions."""
        batch, length, _ = x.shape
        qkv = self.qkv(x).view(batch, length, 3 * self.heads, self.head_size)
        q, k, v = qkv.split(self.heads, 2)  # (B, T, H, D)
        if context.rotation is not None and not self.attention.rotates_features:
            turn = context.rotation[:, :, None]
            # One by one: turned together their gradients would be copied once more on the way into the projection's.
            q, k = rotate(q, turn), rotate(k, turn)
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
