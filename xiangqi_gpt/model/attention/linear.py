"""Linear attention: sim(q, k) = f(q) . g(k) for feature maps f and g, by one causal recurrence in chunks.

Katharopoulos et al. 2020 (arXiv 2006.16236), kexue.fm/archives/7546 and 8601. Letters in shapes: B batch, H heads, T
tokens of this call, D head size, R features, C tokens of a chunk.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model.attention.recurrent import RecurrentAttention, wide
from xiangqi_gpt.model.attention.registry import expect_option, register
from xiangqi_gpt.model.positions import rotate

_MOST_FEATURES = 20_000  # a state of more would be larger than any cache of keys and values here


@dataclass(frozen=True)
class LinearState:
    """Sums over the tokens so far."""

    sums: Tensor  # (B, H, R, D) of features of keys times values
    norms: Tensor  # (B, H, R) of features of keys
    length: int

    def reorder(self, index: Tensor) -> LinearState:
        return LinearState(self.sums.index_select(0, index), self.norms.index_select(0, index), self.length)


class LinearAttention(RecurrentAttention):
    """A subclass states its feature map: ``features``, or one for queries and one for keys.

    Features must be such that no similarity is negative. ``kernel`` may state a cheaper formula for the same number.
    """

    rotates_features: ClassVar[bool] = True
    chunk: ClassVar[int] = 64  # tokens; best or nearly so from 128 tokens on

    def features(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., R)."""
        raise NotImplementedError

    def query_features(self, q: Tensor) -> Tensor:
        """A factor that all features of one query share cancels out."""
        return self.features(q)

    def key_features(self, k: Tensor) -> Tensor:
        return self.features(k)

    def kernel(self, q: Tensor, k: Tensor) -> Tensor | None:
        """sim(q, k) without features, (..., T, D), (..., S, D) -> (..., T, S); None: by features."""
        return None

    def init_state(self, batch: int, like: Tensor) -> LinearState:
        zero = like.new_zeros(batch, self.heads, 1, self.head_size, dtype=wide(like))
        norms = torch.zeros_like(self.key_features(zero)[:, :, 0])
        return LinearState(norms[..., None].repeat(1, 1, 1, self.head_size), norms, 0)

    def masked(self, q: Tensor, k: Tensor, v: Tensor, visible: Tensor, rotation: Tensor | None) -> Tensor:
        sim = self.kernel(q, k)
        if sim is not None:
            sim = sim.masked_fill(~visible, 0)
            return _divided(sim @ v, sim.sum(-1, keepdim=True))
        fq, fk = self.query_features(q), self.key_features(k)
        sim = (fq @ fk.mT).masked_fill(~visible, 0)
        norm = sim.sum(-1, keepdim=True)
        if rotation is not None:
            sim = (_turned(fq, rotation) @ _turned(fk, rotation).mT).masked_fill(~visible, 0)
        return _divided(sim @ v, norm)

    def recurrent(
        self, q: Tensor, k: Tensor, v: Tensor, state: LinearState | None, rotation: Tensor | None
    ) -> tuple[Tensor, LinearState]:
        sums = norms = None
        if state is not None:
            sums, norms = state.sums, state.norms
        out = []
        for first in range(0, q.shape[2], self.chunk):
            part = slice(first, first + self.chunk)
            qc, kc, vc = q[:, :, part], k[:, :, part], v[:, :, part]
            fq, fk = self.query_features(qc), self.key_features(kc)
            exact = self.kernel(qc, kc)
            sim = (fq @ fk.mT if exact is None else exact).tril()
            norm = sim.sum(-1, keepdim=True)
            if norms is not None:
                norm = norm + fq @ norms[..., None]
            added = fk.sum(2)
            if rotation is not None:
                fq, fk = _turned(fq, rotation[:, :, part]), _turned(fk, rotation[:, :, part])
                sim = (fq @ fk.mT).tril()
            y = sim @ vc
            if sums is not None:
                y = y + fq @ sums
            out.append(_divided(y, norm))
            # The sums before a chunk are carried, never the sums behind it less its own: that would cancel.
            sums = fk.mT @ vc if sums is None else sums + fk.mT @ vc
            norms = added if norms is None else norms + added
        assert sums is not None
        assert norms is not None
        return torch.cat(out, 2), LinearState(
            sums, norms, q.shape[2] + (0 if state is None else state.length)
        )


def _turned(features: Tensor, rotation: Tensor) -> Tensor:
    if features.shape[-1] != 2 * rotation.shape[-1]:
        raise ModelError(
            f"rope: expected {2 * rotation.shape[-1]} features (the head size), found {features.shape[-1]}; "
            "a variant with another number of features sets rotates_features = False"
        )
    return rotate(features, rotation)


def _divided(y: Tensor, norm: Tensor) -> Tensor:
    """y / norm, and 0 where every similarity has underflowed."""
    return y / norm.clamp_min(torch.finfo(norm.dtype).tiny)


@dataclass(frozen=True, kw_only=True)
class LinearConfig:
    """The plain feature map has nothing to choose."""


@register("linear", LinearConfig)
class Linear(LinearAttention):
    """elu(x) + 1."""

    def features(self, x: Tensor) -> Tensor:
        return x.clamp_max(0).exp() + x.relu()  # elu(x) + 1 itself rounds to 0 from -17 on


@dataclass(frozen=True, kw_only=True)
class CosineConfig:
    """The cosine kernel has nothing to choose."""


@register("cosine", CosineConfig)
class Cosine(LinearAttention):
    """sim = 1 + cos(q, k), between 0 and 2 (kexue.fm/archives/7546)."""

    rotates_features = False

    def features(self, x: Tensor) -> Tensor:
        return torch.cat([torch.ones_like(x[..., :1]), F.normalize(x, dim=-1)], -1)


@lru_cache(maxsize=16)
def _monomials(size: int, order: int, device: str, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
    """For each degree 1..order: the index tuples (R_m, m) of all products of m coordinates, and 1 / sqrt(alpha!)."""
    tables = []
    # Tables outlive the call, which may be one of inference whose tensors no later training could use.
    with torch.inference_mode(False):
        for degree in range(1, order + 1):
            tuples = list(itertools.combinations_with_replacement(range(size), degree))
            counts = [
                math.prod(math.factorial(len(list(g))) for _, g in itertools.groupby(t)) for t in tuples
            ]
            weights = torch.tensor(counts, dtype=torch.float64, device="cpu") ** -0.5
            tables.append((torch.tensor(tuples, device=device), weights.to(device, dtype)))
    return tables


class PolynomialAttention(LinearAttention):
    """sim = sum over m of c_m (q . k)^m / m!, q and k scaled by D^(-1/4); features are the monomials of each degree."""

    rotates_features = False

    @classmethod
    def check(cls, config: TaylorConfig | PowerConfig, head_size: int) -> None:
        features = math.comb(head_size + config.order, config.order)
        if features > _MOST_FEATURES:
            raise ConfigError(
                f"attention: order {config.order}: expected at most {_MOST_FEATURES:,} features, "
                f"found {features:,} with heads of size {head_size}"
            )

    def coefficient(self, degree: int) -> float:
        """c_m >= 0."""
        raise NotImplementedError

    def features(self, x: Tensor) -> Tensor:
        x = x * self.head_size**-0.25
        parts = [torch.ones_like(x[..., :1])]
        tables = _monomials(x.shape[-1], self.config.order, str(x.device), x.dtype)
        for degree, (index, weight) in enumerate(tables, 1):
            parts.append(x[..., index].prod(-1) * (weight * math.sqrt(self.coefficient(degree))))
        return torch.cat(parts, -1)

    def kernel(self, q: Tensor, k: Tensor) -> Tensor:
        return self.polynomial(q @ k.mT * self.head_size**-0.5)

    def polynomial(self, x: Tensor) -> Tensor:
        """sum over m of c_m x^m / m!, of every element."""
        raise NotImplementedError


def _expect_even(name: str, order: object) -> None:
    expect_option(name, "order", order, 1)
    assert isinstance(order, int)
    if order % 2:
        raise ConfigError(
            f"attention {name!r}: order: expected an even number, found {order}; odd orders give negative weights"
        )


@dataclass(frozen=True, kw_only=True)
class TaylorConfig:
    """Where the series of exp is cut off."""

    order: int = 2  # even

    def __post_init__(self) -> None:
        _expect_even("taylor", self.order)


@register("taylor", TaylorConfig)
class Taylor(PolynomialAttention):
    """exp(x) as sum of x^m / m! up to ``order`` (kexue.fm/archives/8601)."""

    def coefficient(self, degree: int) -> float:
        return 1.0

    def polynomial(self, x: Tensor) -> Tensor:
        y = torch.ones_like(x)
        for degree in range(self.config.order, 0, -1):
            y = 1 + y * x / degree
        return y


@dataclass(frozen=True, kw_only=True)
class PowerConfig:
    """The N of (1 + x/N)^N."""

    order: int = 2  # even

    def __post_init__(self) -> None:
        _expect_even("power", self.order)


@register("power", PowerConfig)
class Power(PolynomialAttention):
    """exp(x) as (1 + x/N)^N (kexue.fm/archives/8601)."""

    def coefficient(self, degree: int) -> float:
        order: int = self.config.order
        return math.perm(order, degree) / order**degree

    def polynomial(self, x: Tensor) -> Tensor:
        y: Tensor = (1 + x / self.config.order) ** self.config.order
        return y
