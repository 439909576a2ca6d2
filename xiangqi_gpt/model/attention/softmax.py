"""Softmax attention under a predicate on position ids.

Letters in shapes: B batch, H heads, T tokens of this call, S tokens that are attended to, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.attention.flex import flex
from xiangqi_gpt.model.attention.registry import PLAIN, Attention, Context, expect_option, register
from xiangqi_gpt.model.positions import one_row


@dataclass(frozen=True)
class KVCache:
    """Keys (as attended to: rotated already), values and position ids of the tokens so far.

    Tokens that no later one can see may be gone: the first *dropped*. *line*: the tokens are one line of play;
    after a packed tree they are not, and nothing more is dropped.
    """

    k: Tensor  # (B, H, S, D)
    v: Tensor  # (B, H, S, D)
    positions: Tensor  # (B, S)
    dropped: int = 0
    line: bool = True

    @property
    def length(self) -> int:
        return self.dropped + self.k.shape[2]

    def reorder(self, index: Tensor) -> KVCache:
        k, v, positions = (t.index_select(0, index) for t in (self.k, self.v, self.positions))
        return KVCache(k, v, positions, self.dropped, self.line)

    def extended(self, k: Tensor, v: Tensor, positions: Tensor, line: bool) -> KVCache:
        return KVCache(
            torch.cat([self.k, k], 2),
            torch.cat([self.v, v], 2),
            torch.cat([self.positions, positions], 1),
            self.dropped,
            self.line and line,
        )

    def last(self, count: int) -> KVCache:
        """Without all tokens but the last *count*, copied so that the memory of the others goes too."""
        first = self.k.shape[2] - count
        if first <= 0 or not self.line:
            return self
        kept = (self.k[:, :, first:].clone(), self.v[:, :, first:].clone(), self.positions[:, first:].clone())
        return KVCache(*kept, self.dropped + first)


class SoftmaxAttention(Attention):
    """A = softmax(q k / sqrt(D) + bias) over the keys that ``predicate`` lets through; y = A v.

    A subclass states its predicate; every query must be let see itself.
    """

    @property
    def prefix(self) -> int:
        """Positions below this one are seen by every query, those before them included."""
        return 0

    @property
    def memory(self) -> int | None:
        """How many tokens before it a query may see at most; None: all of them."""
        return None

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        """Whether the query at position *i* may see the key at position j <= i; None means always.

        *i* is (B, T, 1) and *j* (B, 1, S): the result broadcasts to (B, T, S).
        """
        raise NotImplementedError

    def fast(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor | None:
        """The same by a cheaper way, for positions 0..T-1 without anything else; None where there is none."""
        return None

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
        context: Context = PLAIN,
    ) -> tuple[Tensor, Any]:
        cache: KVCache | None = state
        if cache is None:
            return self._attend(q, k, v, positions, positions, visible, context), None
        if 0 < cache.length < self.prefix:
            raise ModelError(
                f"prefix_lm(prefix={self.prefix}): give the first {self.prefix} tokens in one call, because they see "
                f"each other; the state already holds {cache.length} of them"
            )
        new = cache.extended(k, v, positions, visible is None)
        if visible is not None:
            visible = visible[..., new.dropped :]
        y = self._attend(q, new.k, new.v, positions, new.positions, visible, context)
        return y, new if self.memory is None else new.last(self.memory)

    def _attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        positions: Tensor,
        key_positions: Tensor,
        visible: Tensor | None,
        context: Context,
    ) -> Tensor:
        bias = context.bias
        sdpa = context.backend == "sdpa"
        line = visible is None and q.shape[2] == k.shape[2]
        if sdpa and bias is None and line and context.consecutive:
            y = self.fast(q, k, v)
            if y is not None:
                return y
        i, j = one_row(positions)[:, :, None], one_row(key_positions)[:, None, :]
        own = self.predicate(i, j)
        one = q.shape[2] == 1
        if sdpa and bias is None and own is None and visible is None and self.prefix == 0 and (line or one):
            # is_causal aligns its triangle to the top left, which is right for a line of equal length alone.
            return F.scaled_dot_product_attention(q, k, v, is_causal=not one)
        mask = self._mask(i, j, visible, own)
        added = None if bias is None else bias(i, j).to(q.dtype)
        if context.backend == "flex_attention":
            return flex(q, k, v, mask, added)
        mask = mask[:, None]
        if added is not None:
            mask = added.masked_fill(~mask, -torch.inf)
        if sdpa:
            return F.scaled_dot_product_attention(q, k, v, mask)
        return _eager(q, k, v, mask)

    def _mask(self, i: Tensor, j: Tensor, visible: Tensor | None, own: Tensor | None) -> Tensor:
        """Who sees whom, (B or 1, T, S), where the predicate is *own*."""
        seen = j <= i if visible is None else visible
        if self.prefix:
            # In a packed segment, only tokens of the prefix stand at the index of their position; branches do not.
            both = (i < self.prefix) & (j < self.prefix)
            if visible is not None:
                columns = torch.arange(j.shape[-1], device=j.device)
                both = both & (j == columns) & (i == columns[-i.shape[1] :, None])
            seen = seen | both
        return seen if own is None else own & seen


def _eager(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """In plain products: slower, but it can be differentiated twice."""
    scores = q @ k.mT * q.shape[-1] ** -0.5
    scores = scores if scores.dtype == torch.float64 else scores.float()
    scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1).to(v.dtype) @ v


@dataclass(frozen=True, kw_only=True)
class FullConfig:
    """Full attention has nothing to choose."""


@register("full", FullConfig)
class Full(SoftmaxAttention):
    """Every token sees itself and all tokens before it."""

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        return None


@dataclass(frozen=True, kw_only=True)
class PrefixLMConfig:
    """How much is read at once before anything is predicted."""

    prefix: int = 1  # tokens; those at positions below it see each other

    def __post_init__(self) -> None:
        expect_option("prefix_lm", "prefix", self.prefix, 1)


@register("prefix_lm", PrefixLMConfig)
class PrefixLM(SoftmaxAttention):
    """Full, and the tokens of a prefix see each other both ways (UniLM, Dong et al. 2019, arXiv 1905.03197)."""

    @property
    def prefix(self) -> int:
        length: int = self.config.prefix
        return length

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        return None


@dataclass(frozen=True, kw_only=True)
class LocalConfig:
    """How far back a token sees."""

    window: int = 8  # positions; window + 1 keys, its own included

    def __post_init__(self) -> None:
        expect_option("local", "window", self.window, 0)


@register("local", LocalConfig)
class Local(SoftmaxAttention):
    """Truncated self-attention: a token sees those at most ``window`` positions before it."""

    @classmethod
    def stride(cls, config: LocalConfig) -> int:
        return min(1, config.window)

    @property
    def memory(self) -> int:
        window: int = self.config.window
        return window

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        return i - j <= self.config.window

    def fast(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor | None:
        """Blocks of at least a window of tokens; each sees itself and the block before it."""
        length, window = q.shape[2], self.config.window
        block = max(window, 32)
        if length <= 2 * block:
            return None
        q, k, v = (
            F.pad(x, (0, 0, 0, -length % block)).unflatten(2, (-1, block)).flatten(0, 1) for x in (q, k, v)
        )
        # (B * H, blocks, block, D); keys and values of the block before are laid in front.
        k, v = (torch.cat([F.pad(x, (0, 0, 0, 0, 1, 0))[:, :-1], x], 2) for x in (k, v))
        at = torch.arange(block, device=q.device)[:, None] + block
        key = torch.arange(2 * block, device=q.device)
        mask = (key <= at) & (at - key <= window)
        first = mask & (key >= block)  # nothing stands before the first block
        masks = torch.cat([first[None], mask.expand(q.shape[1] - 1, -1, -1)])[None]
        y = F.scaled_dot_product_attention(q, k, v, masks)
        return y.flatten(1, 2)[:, :length].unflatten(0, (-1, self.heads))


@dataclass(frozen=True, kw_only=True)
class AtrousConfig:
    """How far apart the keys of a token are."""

    rate: int = 3  # positions

    def __post_init__(self) -> None:
        expect_option("atrous", "rate", self.rate, 1)


@register("atrous", AtrousConfig)
class Atrous(SoftmaxAttention):
    """A token sees itself and every ``rate``-th one before it."""

    @classmethod
    def stride(cls, config: AtrousConfig) -> int:
        return config.rate

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        return (i - j) % self.config.rate == 0

    def fast(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor | None:
        """Each residue class of positions is a sequence of its own under full attention."""
        length, rate = q.shape[2], self.config.rate
        if rate == 1 or length <= 2 * rate:
            return None
        # (B, H, T, D) -> (B, H * rate, T / rate, D)
        q, k, v = (
            F.pad(x, (0, 0, 0, -length % rate)).unflatten(2, (-1, rate)).transpose(2, 3).flatten(1, 2)
            for x in (q, k, v)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return y.unflatten(1, (-1, rate)).transpose(2, 3).flatten(2, 3)[:, :, :length]


@dataclass(frozen=True, kw_only=True)
class SparseConfig:
    """One number for both reaches."""

    rate: int = 3  # positions

    def __post_init__(self) -> None:
        expect_option("sparse", "rate", self.rate, 1)


@register("sparse", SparseConfig)
class Sparse(SoftmaxAttention):
    """A token sees the ``rate`` tokens before it and every ``rate``-th one: one softmax over the union of both sets."""

    def predicate(self, i: Tensor, j: Tensor) -> Tensor | None:
        return (i - j <= self.config.rate) | ((i - j) % self.config.rate == 0)
