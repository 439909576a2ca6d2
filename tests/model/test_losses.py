"""ZLPR against its formula, its optimum, and the ways it could fail."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.model.losses import zlpr


def plain(s: Tensor, t: Tensor) -> Tensor:
    """The formula as it is written."""
    return (1 + ((1 - t) * s.exp()).sum(-1)).log() + (1 + (t * (-s).exp()).sum(-1)).log()


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("soft", [False, True])
def test_the_formula(soft: bool) -> None:
    s, u = numbers(7, 50), numbers(7, 50, seed=1).sigmoid()
    t = u if soft else (u > 0.7).double()
    assert torch.allclose(zlpr(s, t), plain(s, t), rtol=0, atol=1e-13)


def test_the_identity_of_pairs() -> None:
    """exp of the loss is 1 + sums over the set, over the rest, and over all pairs of both."""
    s = numbers(12)
    t = torch.tensor([1.0] * 5 + [0.0] * 7, dtype=torch.float64)
    rest, inside = s[5:].exp().sum(), (-s[:5]).exp().sum()
    pairs = (s[5:, None] - s[None, :5]).exp().sum()
    assert math.isclose(zlpr(s, t).exp().item(), (1 + pairs + rest + inside).item(), rel_tol=1e-13)


def test_never_above_the_sum_of_binary_cross_entropies() -> None:
    s = numbers(200, 9)
    t = (numbers(200, 9, seed=2) > 0).double()
    bce = F.binary_cross_entropy_with_logits(s, t, reduction="none").sum(-1)
    loss = zlpr(s, t)
    assert (loss <= bce + 1e-12).all()
    two = torch.tensor([1.0, 0.0], dtype=torch.float64)  # one inside, one outside: the same
    assert torch.allclose(
        zlpr(s[:, :2], two),
        F.binary_cross_entropy_with_logits(s[:, :2], two.expand(200, 2), reduction="none").sum(-1),
    )


def test_a_soft_target_is_met_where_the_sigmoid_of_twice_the_score_is_the_target() -> None:
    t = torch.tensor([0.1, 0.3, 0.5, 0.8, 0.97], dtype=torch.float64)
    s = (t.logit() / 2).requires_grad_()
    (slope,) = torch.autograd.grad(zlpr(s, t), s)
    assert slope.abs().max() < 1e-15
    s = torch.zeros_like(t).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [s], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = zlpr(s, t)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert torch.allclose((2 * s).sigmoid(), t, rtol=0, atol=1e-7)


@pytest.mark.parametrize("soft", [False, True])
def test_masked_classes_are_not_there(soft: bool) -> None:
    s = numbers(4, 30)
    t = numbers(4, 30, seed=1).sigmoid()
    t = t if soft else t.round()
    mask = torch.arange(30) % 3 > 0
    full = s.clone().requires_grad_()
    loss = zlpr(full, t, mask)
    assert torch.equal(loss, zlpr(s[:, mask], t[:, mask]))
    loss.sum().backward()
    assert full.grad is not None
    assert (full.grad[:, ~mask] == 0).all()
    assert (full.grad[:, mask] != 0).all()


@pytest.mark.parametrize("targets", ["all", "none", "some", "nothing counts"])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_gradients_are_finite(targets: str, scale: float) -> None:
    s = (numbers(3, 40).float() * scale).requires_grad_()
    t = {"all": torch.ones(3, 40), "none": torch.zeros(3, 40)}.get(
        targets, (numbers(3, 40, seed=1) > 0).float()
    )
    mask = torch.zeros(40, dtype=torch.bool) if targets == "nothing counts" else None
    loss = zlpr(s, t, mask)
    loss.sum().backward()
    assert s.grad is not None
    assert torch.isfinite(loss).all()
    assert torch.isfinite(s.grad).all()
    assert (loss == 0).all() == (targets == "nothing counts")


def test_autocast_does_not_reach_it() -> None:
    s, t = numbers(5, 2086).float(), (numbers(5, 2086, seed=1) > 2).float()
    with torch.autocast("cpu", torch.bfloat16):
        loss = zlpr(s, t)
        rounded = zlpr(s.bfloat16(), t)
    assert loss.dtype == rounded.dtype == torch.float32
    assert torch.equal(loss, zlpr(s, t))
    assert torch.allclose(rounded, zlpr(s.bfloat16().float(), t))
