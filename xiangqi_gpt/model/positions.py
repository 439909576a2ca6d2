"""Where a token stands: encodings of position ids, chosen by name.

Letters in shapes: B batch, H heads, T tokens of this call, S tokens seen so far, W width, D head size. An encoding may
act in three places: on the input vectors (``learned``, ``sinusoidal``), on queries and keys (``rope``), on the scores
(``alibi``, ``t5``).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from xiangqi_gpt.errors import ConfigError

POSITIONS = ("rope", "learned", "sinusoidal", "alibi", "t5", "none")
SCORE_BIASES = ("alibi", "t5")  # those that add to scores, and so need some
T5_BUCKETS = 32
T5_MAX_DISTANCE = 128  # tokens: everything farther shares the last bucket


def one_row(positions: Tensor) -> Tensor:
    """(1, T) where all rows of *positions* (B, T) are one row in memory, else *positions* as it is.

    What is computed from positions alone then is computed once, not once a row; no value is looked at.
    """
    return positions[:1] if positions.stride(0) == 0 else positions


class Positions(nn.Module):
    """No encoding at all, and what the encodings have in common."""

    def embed(self, positions: Tensor) -> Tensor | None:
        """What to add to the input vectors at *positions* (B, T): (B or 1, T, W), or None."""
        return None

    def rotation(self, positions: Tensor) -> Tensor | None:
        """The turns of queries and keys at *positions* (B, T): complex (B or 1, T, D/2), or None."""
        return None

    def bias(self, i: Tensor, j: Tensor) -> Tensor:
        """What to add to the scores of queries at *i* (B, T, 1) for keys at *j* (B, 1, S): (B or 1, H, T, S)."""
        raise NotImplementedError


class Rope(Positions):
    """Rotary position embedding, interleaved pairs (Su et al. 2021, arXiv 2104.09864).

    The pair (x_2k, x_2k+1) at position i turns by the angle i * base^(-2k/D); tables are float32, whatever the model.
    Turns are complex numbers, or pairs of cosine and sine (..., D/2, 2) where ``in_pairs`` is set, for forms of the
    model that know no complex numbers.
    """

    in_pairs = False

    def __init__(self, head_size: int, base: float) -> None:
        super().__init__()
        self.head_size = head_size
        self.base = base

    def rotation(self, positions: Tensor) -> Tensor:
        exponents = (
            torch.arange(0, self.head_size, 2, device=positions.device, dtype=torch.float32) / self.head_size
        )
        angle = one_row(positions)[..., None].float() * self.base**-exponents
        if self.in_pairs:
            return torch.stack([angle.cos(), angle.sin()], -1)
        return torch.complex(angle.cos(), angle.sin())


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn the pairs of *x* (..., D) by *rotation*, complex (..., D/2) or in pairs, in float32 at least."""
    wide = x if x.dtype == torch.float64 else x.float()
    if not rotation.is_complex():
        (a, b), (cos, sin) = wide.unflatten(-1, (-1, 2)).unbind(-1), rotation.unbind(-1)
        return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2).to(x.dtype)
    pairs = torch.view_as_complex(wide.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2).to(x.dtype)


class Learned(Positions):
    """One learned vector a position (Radford et al. 2018); ends at ``max_positions``."""

    def __init__(self, max_positions: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(max_positions, width)

    def embed(self, positions: Tensor) -> Tensor:
        vectors: Tensor = self.table(one_row(positions))
        return vectors


def sinusoids(positions: Tensor, width: int, base: float = 10000.0) -> Tensor:
    """(..., W) float32: sin and cos of i * base^(-2k/W), interleaved (Vaswani et al. 2017, arXiv 1706.03762)."""
    exponents = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32) / width
    angle = positions[..., None].float() * base**-exponents
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)


class Sinusoidal(Positions):
    """Fixed sinusoids, scaled by *scale* so that they do not drown token vectors that start small."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.width = width
        self.scale = scale

    def embed(self, positions: Tensor) -> Tensor:
        return self.scale * sinusoids(one_row(positions), self.width)


def alibi_slopes(heads: int, device: torch.device | str = "cpu") -> Tensor:
    """(H,) float32: 2^(-8k/H) for k = 1..H where H is a power of two.

    Otherwise those of the power of two below, then every second one of the power of two above.
    """
    below = 2 ** int(math.log2(heads))
    slopes = torch.exp2(torch.arange(1, below + 1, device=device, dtype=torch.float32) * (-8 / below))
    odd = 1 + 2 * torch.arange(heads - below, device=device, dtype=torch.float32)
    return torch.cat([slopes, torch.exp2(odd * (-4 / below))])


class Alibi(Positions):
    """A penalty in proportion to the distance, with a slope for every head (Press et al., arXiv 2108.12409)."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def bias(self, i: Tensor, j: Tensor) -> Tensor:
        distance = (i - j).abs().float()  # a prefix is seen from both sides
        return -alibi_slopes(self.heads, i.device)[:, None, None] * distance[:, None]


def t5_bucket(distance: Tensor) -> Tensor:
    """The bucket 0-31 of a distance i - j: exact below 16, then by its logarithm up to 128; the future counts as 0."""
    exact = T5_BUCKETS // 2
    distance = distance.clamp_min(0)
    share = torch.log(distance.clamp_min(exact).float() / exact) / math.log(T5_MAX_DISTANCE / exact)
    far = (exact + (share * (T5_BUCKETS - exact)).long()).clamp_max(T5_BUCKETS - 1)
    return torch.where(distance < exact, distance, far)


class T5Bias(Positions):
    """A learned number a head and bucket of distances, shared by all layers (Raffel et al. 2020, arXiv 1910.10683).

    Scores keep their division by sqrt(D), which T5 itself leaves out.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.table = nn.Embedding(T5_BUCKETS, heads)

    def bias(self, i: Tensor, j: Tensor) -> Tensor:
        values: Tensor = self.table(t5_bucket(i - j))  # (B, T, S, H)
        return values.permute(0, 3, 1, 2)


def create_positions(
    name: str, *, width: int, heads: int, max_positions: int, rope_base: float = 10000.0, scale: float = 0.02
) -> Positions:
    """The encoding called *name*; *scale* is the standard deviation of the token vectors at the start of training."""
    if name == "rope":
        return Rope(width // heads, rope_base)
    if name == "learned":
        return Learned(max_positions, width)
    if name == "sinusoidal":
        return Sinusoidal(width, scale * math.sqrt(2))  # the root mean square of a sinusoid is 1 / sqrt(2)
    if name == "alibi":
        return Alibi(heads)
    if name == "t5":
        return T5Bias(heads)
    if name == "none":
        return Positions()
    raise ConfigError(f"position: expected one of {', '.join(POSITIONS)}, found {name!r}")
