"""The naive twins: every variant as its plain formula over all pairs of tokens, in float64.

Nothing here is shared with the variants themselves, nothing is fast, and nothing keeps exponents small. Letters in
shapes: B batch, H heads, T tokens, D head size, R features.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from xiangqi_gpt.model.attention.registry import PLAIN, Attention, Context


def naive_attention(
    module: Attention,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    positions: Tensor,
    visible: Tensor | None = None,
    context: Context = PLAIN,
) -> Tensor:
    """What *module* computes without a state, (B, H, T, D) float64; arguments as those of its forward."""
    return naive_weights(module, q, k, positions, visible, context) @ v.double()


def naive_weights(
    module: Attention,
    q: Tensor,
    k: Tensor,
    positions: Tensor,
    visible: Tensor | None = None,
    context: Context = PLAIN,
) -> Tensor:
    """The share that each token has in each, (B, H, T, T) float64."""
    name = type(module).__name__
    q, k = q.double(), k.double()
    if name in _SEES:
        mask = _seen(_SEES[name], module.config, positions, visible)[:, None]
        scores = torch.einsum("bhtd,bhsd->bhts", q, k) / math.sqrt(q.shape[-1])
        if context.bias is not None:
            scores = scores + context.bias(positions[:, :, None], positions[:, None, :]).double()
        weights = scores.exp() * mask
        return weights / weights.sum(-1, keepdim=True)
    count = q.shape[2]
    if visible is None:
        visible = torch.ones(1, count, count, dtype=torch.bool, device=q.device).tril()
    mask = visible[:, None]
    turn = context.rotation if module.rotates_features else None
    if name == "Efficient":
        return _efficient(q, k, mask, turn)
    sim = _SIMILARITY[name](module, q, k) * mask
    norm = sim.sum(-1, keepdim=True)
    if turn is not None:
        feature = _FEATURES[name]
        sim = torch.einsum("bhtr,bhsr->bhts", _turned(feature(q), turn), _turned(feature(k), turn)) * mask
    return sim / norm


_SEES: dict[str, Callable[[Any, int, int], bool]] = {
    "Full": lambda config, i, j: j <= i,
    "PrefixLM": lambda config, i, j: j <= i or j < config.prefix,
    "Local": lambda config, i, j: 0 <= i - j <= config.window,
    "Atrous": lambda config, i, j: j <= i and (i - j) % config.rate == 0,
    "Sparse": lambda config, i, j: j <= i and (i - j <= config.rate or (i - j) % config.rate == 0),
}


def _seen(
    sees: Callable[[Any, int, int], bool], config: Any, positions: Tensor, visible: Tensor | None
) -> Tensor:
    rows = []
    for b, row in enumerate(positions.tolist()):
        mask = torch.tensor([[sees(config, i, j) for j in row] for i in row])
        if visible is not None:
            mask = mask & visible[b % len(visible)].cpu()
        rows.append(mask)
    return torch.stack(rows).to(positions.device)


def _turned(x: Tensor, turn: Tensor) -> Tensor:
    """Each pair (a, b) of *x* (B, H, T, R) times the matrix ((cos, -sin), (sin, cos)) of its token."""
    cos, sin = turn.real.double()[:, None], turn.imag.double()[:, None]
    rows = [torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)]
    matrix = torch.stack(rows, -2)  # (B, 1, T, R/2, 2, 2)
    return (matrix @ x.unflatten(-1, (-1, 2))[..., None])[..., 0].flatten(-2)


def _efficient(q: Tensor, k: Tensor, mask: Tensor, turn: Tensor | None) -> Tensor:
    shares = q.softmax(-1)[:, :, :, None]  # (B, H, T, 1, R)
    keys = k.exp()[:, :, None] * mask[..., None]  # (B, H, T, S, R)
    keys = keys / keys.sum(3, keepdim=True)
    if turn is not None:
        # The keys of one query are as many tokens, each turned by its own angle.
        shares = _turned(shares.squeeze(3), turn)[:, :, :, None]
        keys = _turned(keys.flatten(1, 2), turn).unflatten(1, (q.shape[1], -1))
    return (shares * keys).sum(-1)


def _elu(x: Tensor) -> Tensor:
    return torch.nn.functional.elu(x) + 1


def _dot(f: Callable[[Tensor], Tensor]) -> Callable[[Any, Tensor, Tensor], Tensor]:
    return lambda module, q, k: torch.einsum("bhtr,bhsr->bhts", f(q), f(k))


def _scaled(module: Any, q: Tensor, k: Tensor) -> Tensor:
    return torch.einsum("bhtd,bhsd->bhts", q, k) / math.sqrt(q.shape[-1])


def _performer(module: Any, q: Tensor, k: Tensor) -> Tensor:
    w = module.projection.double()

    def features(x: Tensor) -> Tensor:
        x = x / q.shape[-1] ** 0.25
        return (x @ w.mT - (x * x).sum(-1, keepdim=True) / 2).exp() / math.sqrt(len(w))

    return torch.einsum("bhtr,bhsr->bhts", features(q), features(k))


_FEATURES: dict[str, Callable[[Tensor], Tensor]] = {"Linear": _elu, "LinearExp": torch.exp}
_SIMILARITY: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {
    "Linear": _dot(_elu),
    "LinearExp": _dot(torch.exp),
    "Cosine": lambda module, q, k: 1 + torch.cosine_similarity(q[:, :, :, None], k[:, :, None], dim=-1),
    "Performer": _performer,
    "Taylor": lambda module, q, k: sum(
        (_scaled(module, q, k) ** m / math.factorial(m) for m in range(module.config.order + 1)),
        torch.zeros(()),
    ),
    "Power": lambda module, q, k: (1 + _scaled(module, q, k) / module.config.order) ** module.config.order,
}
