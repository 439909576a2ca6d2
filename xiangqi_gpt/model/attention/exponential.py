"""Linear attention whose key features are exponentials, without overflow and strictly causal.

A weight is a sum over features f of a_tf exp(k_sf - M_tf), where M_tf = max over s <= t of k_sf. What differs is how
the features of a query share out: with z_tf = sum over s <= t of exp(k_sf - M_tf), a = softmax(q) / z (``efficient``),
or a = exp(q + M) / sum_f exp(q + M) z (``linear_exp``), which is exp(q) . exp(k) over its sum. No exponent is ever
positive, and none depends on a later token.

Letters in shapes: B batch, H heads, T tokens of this call, D head size, R features (R' = 2 R where rotary positions
turn them, else R), N chunks of C tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.model.attention.recurrent import RecurrentAttention, wide
from xiangqi_gpt.model.attention.registry import expect_option, register

_CHUNK = 64  # tokens, a power of two: what came before a chunk stands in one sum
_LARGEST = 64.0  # where tokens are masked one by one, keys are held within this: exp() of it can be summed in float32


@dataclass(frozen=True)
class ExponentialState:
    """What is kept of the tokens so far, feature by feature."""

    sums: Tensor  # (B, H, R', D): of exp(k - tops) times values
    norms: Tensor  # (B, H, R): of exp(k - tops)
    tops: Tensor  # (B, H, R): the largest k
    length: int

    def reorder(self, index: Tensor) -> ExponentialState:
        sums, norms, tops = (x.index_select(0, index) for x in (self.sums, self.norms, self.tops))
        return ExponentialState(sums, norms, tops, self.length)


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
        norms = torch.zeros(batch, self.heads, self.feature_count, dtype=wide(like), device=like.device)
        sums = norms[..., None].repeat(1, 1, 1, self.head_size)
        return ExponentialState(sums, norms, torch.full_like(norms, -torch.inf), 0)

    def masked(self, q: Tensor, k: Tensor, v: Tensor, visible: Tensor, rotation: Tensor | None) -> Tensor:
        q, k = self.exponents(q, k)
        keys = k.clamp(-_LARGEST, _LARGEST).exp()
        shares = self._shares(q, torch.zeros_like(q), visible.to(keys.dtype) @ keys, rotation)
        if rotation is not None:
            keys = _twice(keys) * _turns(rotation)
        return (shares @ keys.mT).masked_fill(~visible, 0) @ v

    def recurrent(
        self, q: Tensor, k: Tensor, v: Tensor, state: ExponentialState | None, rotation: Tensor | None
    ) -> tuple[Tensor, ExponentialState]:
        q, k = self.exponents(q, k)
        length = k.shape[2]
        chunk = min(_CHUNK, 1 << (length - 1).bit_length())
        pad = (0, 0, 0, -length % chunk)
        if rotation is not None:
            rotation = _chunks(F.pad(rotation, pad), chunk)
        q, v = _chunks(F.pad(q, pad), chunk), _chunks(F.pad(v, pad), chunk)
        k = F.pad(k, pad, value=-torch.inf)
        # The result is the same whatever the tops, so none of its gradient goes through them.
        tops = k.detach().cummax(2).values
        if state is not None:
            tops = torch.maximum(tops, state.tops[:, :, None])
        past = _Past(_chunks(k, chunk), _chunks(tops, chunk), state)
        shares = self._shares(q, past.tops, past.norms, rotation)
        y, sums = past.mixed(shares, None if rotation is None else _turns(rotation), v)
        seen = length + (0 if state is None else state.length)
        return y.flatten(2, 3)[:, :, :length], ExponentialState(sums, past.end, tops[:, :, -1], seen)

    def _shares(self, q: Tensor, tops: Tensor, norms: Tensor, rotation: Tensor | None) -> Tensor:
        """a (..., T, R'), where *norms* are z and *tops* are M."""
        if self.joint:
            largest = (q + tops).detach().amax(-1, keepdim=True)
            shares = (q + tops - largest).exp()
            total = (shares * norms).sum(-1, keepdim=True)
            if rotation is None:
                return shares / total
            return _turned(shares, (_exchanged(q) + tops - largest).exp(), rotation) / total
        shares = q.softmax(-1)
        if rotation is None:
            return shares / norms
        return _turned(shares / norms, _exchanged(shares) / norms, rotation)


class _Past:
    """The tokens before each token, in the scale that it sees them in.

    Within a chunk they are gathered by halves: the keys in the first half of every 2, 4, 8, ... tokens in the scale of
    the top at its end, which fades for the tokens in the second half as their tops rise.
    """

    def __init__(self, k: Tensor, tops: Tensor, state: ExponentialState | None) -> None:
        """*k* and *tops* are (B, H, N, C, R)."""
        self.tops = tops
        self.state = state
        self.own = (k - tops).exp()
        self.levels: list[tuple[Tensor, Tensor]] = []  # keys and fades, (B, H, N, n, h, R) each
        half = 1
        while half < k.shape[3]:
            first, second = _halves(tops, half)
            middle = first[..., -1:, :]
            self.levels.append(((_halves(k, half)[0] - middle).exp(), (middle - second).exp()))
            half *= 2
        last = tops[..., -1, :]  # (B, H, N, R)
        before = (
            last.new_full((), -torch.inf).expand_as(last[:, :, :1])
            if state is None
            else state.tops[:, :, None]
        )
        starts = torch.cat([before, last[:, :, :-1]], 2)
        self.ends = (k - last[..., None, :]).exp()  # (B, H, N, C, R)
        self.fades = (starts - last).exp()  # of a chunk's beginning at its end, (B, H, N, R)
        self.carried = (starts[..., None, :] - tops).exp()  # and at each of its tokens
        norms = self.own
        for keys, fades in self.levels:
            first, second = _halves(norms, keys.shape[-2])
            norms = _joined(first, second + fades * keys.sum(-2, keepdim=True))
        start = torch.zeros_like(last[:, :, 0]) if state is None else state.norms
        norm_starts, self.end = _scan(start, self.fades, self.ends.sum(-2))
        self.norms = norms + self.carried * norm_starts[..., None, :]  # z, (B, H, N, C, R)

    def mixed(self, a: Tensor, turns: Tensor | None, v: Tensor) -> tuple[Tensor, Tensor]:
        """y_t = sum over s <= t and f of a_tf turns_sf exp(k_sf - M_tf) v_s, and the sums behind all tokens.

        *a* is (B, H, N, C, R'), *turns* (B or 1, 1, N, C, R') or None, *v* (B, H, N, C, D).
        """

        def turned(x: Tensor, turns: Tensor | None) -> Tensor:
            return x if turns is None else _twice(x) * turns

        def faded(a: Tensor, fades: Tensor) -> Tensor:
            return a * (fades if turns is None else _twice(fades))

        y = (a * turned(self.own, turns)).sum(-1, keepdim=True) * v
        for keys, fades in self.levels:
            half = keys.shape[-2]
            first, second = _halves(y, half)
            keys = turned(keys, None if turns is None else _halves(turns, half)[0])
            seen = (faded(_halves(a, half)[1], fades) @ keys.mT) @ _halves(v, half)[0]
            y = _joined(first, second + seen)
        added = turned(self.ends, turns).mT @ v  # (B, H, N, R', D)
        start = torch.zeros_like(added[:, :, 0]) if self.state is None else self.state.sums
        fades = self.fades if turns is None else _twice(self.fades)
        starts, end = _scan(start, fades[..., None], added)
        return y + faded(a, self.carried) @ starts, end


def _scan(start: Tensor, fades: Tensor, added: Tensor) -> tuple[Tensor, Tensor]:
    """What stands at the beginning of every chunk (B, H, N, ...), and at the end of the last."""
    starts = []
    for n in range(added.shape[2]):
        starts.append(start)
        start = start * fades[:, :, n] + added[:, :, n]
    return torch.stack(starts, 2), start


def _chunks(x: Tensor, size: int) -> Tensor:
    return x.unflatten(2, (-1, size))


def _halves(x: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The first and the second *size* of every 2 * size tokens: (..., C, R) -> two of (..., n, size, R)."""
    pairs = x.unflatten(-2, (-1, 2, size))
    return pairs[..., 0, :, :], pairs[..., 1, :, :]


def _joined(first: Tensor, second: Tensor) -> Tensor:
    return torch.stack([first, second], -3).flatten(-4, -2)


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
