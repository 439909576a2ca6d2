"""What all recurrent variants share: a state of fixed size in float32, and one way to call them.

A recurrent variant weighs values by w_ij = sim(q_i, k_j) / sum_j sim(q_i, k_j), where sim is a product of features.
Sums over the past are carried in a state, so a token costs the same however many came before it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.attention.registry import PLAIN, Attention, Context


class RecurrentAttention(Attention):
    """A subclass computes in the precision it is given: float32 at least, whatever the model runs in.

    ``rotates_features``: a kernel that is a function of q . k takes rotary positions as softmax does, on queries and
    keys. Any other has its features turned, in the numerator alone (Su, kexue.fm/archives/8265): weights then depend
    on distances, but may be negative and do not sum to one.
    """

    packs_trees: ClassVar[bool] = False
    takes_bias: ClassVar[bool] = False

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        positions: Tensor,
        visible: Tensor | None = None,
        state: Any = None,
        context: Context = PLAIN,
    ) -> tuple[Tensor, Any]:
        name = type(self).__name__
        if context.bias is not None:
            raise ModelError(
                f"{name}: a score bias was given, but a recurrent variant has no scores to add it to"
            )
        if visible is not None and state is not None:
            raise ModelError(
                f"{name}: give either visible or a state, not both: the state is a sum over all tokens so far, "
                "and none of them can be hidden. Run the nodes of a tree level by level, one token per call, each on "
                "its parent's state (see reorder)"
            )
        rotation = context.rotation if self.rotates_features else None
        if rotation is not None:
            rotation = rotation[:, None]
        dtype = v.dtype
        # Autocast would run the products in half precision, whatever the type of their inputs.
        with torch.autocast(q.device.type, enabled=False):
            if dtype != torch.float64:
                q, k, v = q.float(), k.float(), v.float()
            if visible is not None:
                y, new = self.masked(q, k, v, visible[:, None], rotation), None
            else:
                past = None if state is None or state.length == 0 else state
                y, new = self.recurrent(q, k, v, past, rotation)
        return y.to(dtype), None if state is None else new

    def masked(self, q: Tensor, k: Tensor, v: Tensor, visible: Tensor, rotation: Tensor | None) -> Tensor:
        """Every pair of tokens, for any *visible* (B or 1, 1, T, T)."""
        raise NotImplementedError

    def recurrent(
        self, q: Tensor, k: Tensor, v: Tensor, state: Any, rotation: Tensor | None
    ) -> tuple[Tensor, Any]:
        """One line of tokens behind *state* (None at the start), and the state behind it."""
        raise NotImplementedError


def wide(like: Tensor) -> torch.dtype:
    """The type of a state: float32, or float64 where the model is."""
    return torch.float64 if like.dtype == torch.float64 else torch.float32
