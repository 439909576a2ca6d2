"""Linear attention whose key features are exponentials, without overflow and strictly causal.

A weight is a sum over features f of a_tf exp(k_sf - L_tf), where L_tf = log sum over s <= t of exp(k_sf): the past of a
feature, normalised. What differs is how the features of a query share out: a = softmax(q) (``efficient``), or
a = softmax(q + L) (``linear_exp``), which is exp(q) . exp(k) over its sum. No exponent is ever positive, and none
depends on a later token.

Letters in shapes: B batch, H heads, T tokens of this call, D head size, R features (R' = 2 R where rotary positions
turn them, else R), N blocks of C tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.model.attention.recurrent import RecurrentAttention, wide
from xiangqi_gpt.model.attention.registry import expect_option, register

_BLOCK = 8  # tokens between which exponents are formed pair by pair
_LARGEST = 64.0  # where tokens are masked one by one, keys are held within this: exp() of it can be summed in float32


@dataclass(frozen=True)
class ExponentialState:
    """What is kept of the tokens so far, feature by feature."""

    means: Tensor  # (B, H, R', D): values averaged by exp(k)
    logs: Tensor  # (B, H, R): log of the sum of exp(k)
    length: int

    def reorder(self, index: Tensor) -> ExponentialState:
        return ExponentialState(
            self.means.index_select(0, index), self.logs.index_select(0, index), self.length
        )


class ExponentialAttention(RecurrentAttention):
    """A subclass states the exponents, and whether the past of a feature counts for its share (``joint``)."""

    rotates_features: ClassVar[bool] = True
    joint: ClassVar[bool] = True

    def exponents(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """q (..., T, D), k (..., S, D) -> (..., T, R), (..., S, R)."""
        return q, k

    @property
    def feature_count(self) -> int:
        """R."""
        return self.head_size

    def init_state(self, batch: int, like: Tensor) -> ExponentialState:
        logs = torch.full(
            (batch, self.heads, self.feature_count), -torch.inf, dtype=wide(like), device=like.device
        )
        return ExponentialState(torch.zeros_like(logs)[..., None].repeat(1, 1, 1, self.head_size), logs, 0)

    def masked(self, q: Tensor, k: Tensor, v: Tensor, visible: Tensor, rotation: Tensor | None) -> Tensor:
        q, k = self.exponents(q, k)
        fk = k.clamp(-_LARGEST, _LARGEST).exp()
        past = visible.to(fk.dtype) @ fk  # (B, H, T, R): exp(L)
        straight, crossed = self._shares(q, past.log(), rotation is not None)
        if rotation is None:
            return (straight / past @ fk.mT).masked_fill(~visible, 0) @ v
        queries, keys = _turned(straight / past, crossed / past, rotation), _turns(rotation) * _twice(fk)
        return (queries @ keys.mT).masked_fill(~visible, 0) @ v

    def recurrent(
        self, q: Tensor, k: Tensor, v: Tensor, state: ExponentialState | None, rotation: Tensor | None
    ) -> tuple[Tensor, ExponentialState]:
        q, k = self.exponents(q, k)
        if state is None:
            logs = k.logcumsumexp(2)
        else:
            logs = torch.cat([state.logs[:, :, None], k], 2).logcumsumexp(2)[:, :, 1:]
        straight, crossed = self._shares(q, logs, rotation is not None)
        weights, turns = straight, None
        if rotation is not None:
            weights, turns, k, logs = (
                _turned(straight, crossed, rotation),
                _turns(rotation),
                _twice(k),
                _twice(logs),
            )
        before = None
        if state is not None:
            before = (state.means, state.logs if rotation is None else _twice(state.logs))
        y, means = _averaged(weights, k, logs, turns, v, before)
        last = logs[:, :, -1, : self.feature_count]
        return y, ExponentialState(means, last, q.shape[2] + (0 if state is None else state.length))

    def _shares(self, q: Tensor, logs: Tensor, rotated: bool) -> tuple[Tensor, Tensor]:
        """a (B, H, T, R), and the same with the queries of the two features of a pair exchanged."""
        if not self.joint:
            shares = q.softmax(-1)
            return shares, _exchanged(shares) if rotated else shares
        total = (q + logs).logsumexp(-1, keepdim=True)
        shares = (q + logs - total).exp()
        return shares, (_exchanged(q) + logs - total).exp() if rotated else shares


def _averaged(
    a: Tensor, k: Tensor, logs: Tensor, turns: Tensor | None, v: Tensor, before: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor]:
    """y_t = sum over s <= t and f of a_tf turns_sf exp(k_sf - logs_tf) v_s, and the last of the means by feature.

    a, k, logs are (B, H, T, R'), turns (B or 1, 1, T, R'), v (B, H, T, D); *before* the means (B, H, R', D) and logs
    (B, H, R') of the tokens before. Within a block exponents are formed pair by pair; what came before it stands in
    its means, which later logs let fade.
    """
    length = k.shape[2]
    block = min(_BLOCK, length)
    pad = -length % block
    v, a = (_blocks(F.pad(x, (0, 0, 0, pad)), block) for x in (v, a))
    k = _blocks(F.pad(k, (0, 0, 0, pad), value=-torch.inf), block)
    logs = _blocks(torch.cat([logs, logs[:, :, -1:].expand(-1, -1, pad, -1)], 2), block)
    causal = torch.ones(block, block, dtype=torch.bool, device=k.device).tril()[..., None]
    pairs = (
        (k[..., None, :, :] - logs[..., :, None, :]).masked_fill(~causal, -torch.inf).exp()
    )  # (B, H, N, C, C, R')
    last = logs[..., -1, :]  # (B, H, N, R')
    ends = (k - last[..., None, :]).exp()
    if turns is not None:
        turns = _blocks(F.pad(turns, (0, 0, 0, pad)), block)
        pairs, ends = pairs * turns[..., None, :, :], ends * turns
    y = (pairs @ a[..., None])[..., 0] @ v
    added = ends.mT @ v  # (B, H, N, R', D)
    means, earlier = [], logs.new_full((), -torch.inf).expand_as(last[:, :, 0])
    mean = torch.zeros_like(added[:, :, 0])
    if before is not None:
        mean, earlier = before
    starts = torch.cat([earlier[:, :, None], last[:, :, :-1]], 2)
    fades = (starts - last).exp()[..., None]
    for n in range(k.shape[2]):
        means.append(mean)
        mean = mean * fades[:, :, n] + added[:, :, n]
    y = y + (a * (starts[..., None, :] - logs).exp()) @ torch.stack(means, 2)
    return y.flatten(2, 3)[:, :, :length], mean


def _blocks(x: Tensor, size: int) -> Tensor:
    return x.unflatten(2, (-1, size))


def _twice(x: Tensor) -> Tensor:
    return torch.cat([x, x], -1)


def _exchanged(x: Tensor) -> Tensor:
    """The two features of each pair in each other's place."""
    return x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)


def _turns(rotation: Tensor) -> Tensor:
    """What turns key features, (..., 2 R): cosines and sines apart, so that each feature keeps its own past."""
    return torch.cat([rotation.real.repeat_interleave(2, -1), rotation.imag.repeat_interleave(2, -1)], -1)


def _turned(straight: Tensor, crossed: Tensor, rotation: Tensor) -> Tensor:
    """What meets them on the side of the query, (..., 2 R).

    The product of a turned pair (a, b) with a turned pair (c, d), gathered by cos and sin of the key for c and for d.
    """
    cos, sin = rotation.real.repeat_interleave(2, -1), rotation.imag.repeat_interleave(2, -1)
    sign = torch.arange(cos.shape[-1], device=cos.device) % 2 * 2 - 1
    return torch.cat([cos * straight + sign * sin * crossed, sin * straight - sign * cos * crossed], -1)


@dataclass(frozen=True, kw_only=True)
class LinearExpConfig:
    """Exponential features have nothing to choose."""


@register("linear_exp", LinearExpConfig)
class LinearExp(ExponentialAttention):
    """sim = exp(q) . exp(k): what is left of a Performer with trained projections (kexue.fm/archives/8338)."""


@dataclass(frozen=True, kw_only=True)
class EfficientConfig:
    """Efficient attention has nothing to choose."""


@register("efficient", EfficientConfig)
class Efficient(ExponentialAttention):
    """Softmax over the features of a query, and for each feature over the keys so far (Shen et al., arXiv 1812.01243).

    Row t is what the original, not causal form gives on the tokens up to t.
    """

    joint = False


@dataclass(frozen=True, kw_only=True)
class PerformerConfig:
    """Random features."""

    features: int = 0  # how many; 0: four times the head size

    def __post_init__(self) -> None:
        expect_option("performer", "features", self.features, 0)


@register("performer", PerformerConfig)
class Performer(ExponentialAttention):
    """exp(q . k / sqrt(D)) estimated by positive orthogonal random features (FAVOR+, arXiv 2009.14794).

    The features are drawn once and saved with the weights: another draw would make no sense of a state.
    """

    rotates_features = False
    projection: Tensor

    def __init__(self, config: PerformerConfig, heads: int, head_size: int) -> None:
        super().__init__(config, heads, head_size)
        self.register_buffer("projection", orthogonal_features(self.feature_count, head_size))

    @property
    def feature_count(self) -> int:
        count: int = self.config.features or 4 * self.head_size
        return count

    def exponents(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        scale = self.head_size**-0.25
        q, k, projection = q * scale, k * scale, self.projection.to(k.dtype)
        # |q|^2 / 2 is the same for all features of a query and cancels out.
        return q @ projection.mT, k @ projection.mT - k.square().sum(-1, keepdim=True) / 2


def orthogonal_features(count: int, size: int) -> Tensor:
    """(count, size): Gaussian vectors whose directions are orthogonal in blocks of *size*; Gaussian lengths."""
    directions = []
    for _ in range(-(-count // size)):
        q, r = torch.linalg.qr(torch.randn(size, size))
        directions.append(q * r.diagonal().sign())  # without it the signs that QR chooses would show in q
    lengths = torch.randn(count, size).norm(dim=1, keepdim=True)
    return torch.cat(directions)[:count] * lengths
