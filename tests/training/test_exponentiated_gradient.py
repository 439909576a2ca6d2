"""Exponentiated gradient with learned step sizes: closed forms, AdamW as a special case, bounds, and resuming."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.games import games
from tests.training.test_loop import config, log
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.training.exponentiated_gradient import LARGEST_GAIN, ExponentiatedGradient
from xiangqi_gpt.training.loop import Trainer

CURVATURES = np.array([0.1, 1.0, 3.0])
BEGIN = np.array([2.0, -1.0, 0.5])


def descended(gain_rate: float, steps: int, rate: float) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """The weights and gains after *steps* steps on the sum of h w^2 / 2, and the losses before each step."""
    weight = torch.nn.Parameter(torch.tensor(BEGIN))
    optimizer = ExponentiatedGradient([weight], lr=rate, gain_rate=gain_rate)

    def loss() -> float:
        optimizer.zero_grad()
        total = (torch.tensor(CURVATURES) * weight**2).sum() / 2
        total.backward()
        return float(total.detach())

    losses = [optimizer.step(loss) for _ in range(steps)]
    return weight.detach().numpy(), optimizer.state[weight]["log_gain"].exp().numpy(), losses


def test_plain_descent_on_a_quadratic() -> None:
    weights, gains, losses = descended(0.0, 20, 0.2)
    np.testing.assert_allclose(weights, BEGIN * (1 - 0.2 * CURVATURES) ** 20, rtol=1e-12)
    assert (gains == 1).all()
    assert losses[0] == pytest.approx(float((CURVATURES * BEGIN**2).sum() / 2))


def test_learned_steps_on_a_quadratic() -> None:
    """gain[t] = exp(rate * sum of g[k-1] g[k]), and w[T] = w[0] * product of (1 - lr h gain[t])."""
    steps, rate, gain_rate = 25, 0.4, 0.7
    weights, gains, losses = descended(gain_rate, steps, rate)
    path, products = [BEGIN], np.zeros(3)
    gained = np.ones(3)
    for t in range(steps):
        gradient = CURVATURES * path[-1]
        if t:
            products += CURVATURES * path[-2] * gradient
        gained = np.exp(gain_rate * products)
        path.append(path[-1] * (1 - rate * CURVATURES * gained))
    np.testing.assert_allclose(weights, path[-1], rtol=1e-9)
    np.testing.assert_allclose(gains, gained, rtol=1e-9)
    # The first weight's gradients keep their sign, those of the third, which overshoots, alternate.
    assert gains[0] > 1 > gains[2]
    assert losses[-1] < descended(0.0, steps, rate)[2][-1]


def test_without_learned_gains_the_adaptive_form_is_adamw() -> None:
    rng = torch.Generator().manual_seed(0)
    begin = torch.randn(5, 3, generator=rng, dtype=torch.float64)
    mine, theirs = (torch.nn.Parameter(begin.clone()) for _ in range(2))
    options = {"lr": 0.01, "betas": (0.9, 0.95), "weight_decay": 0.1}
    ours = ExponentiatedGradient([mine], gain_rate=0.0, adaptive=True, **options)  # type: ignore[arg-type]
    adamw = torch.optim.AdamW([theirs], **options)  # type: ignore[arg-type]
    for _ in range(30):
        mine.grad = torch.randn(5, 3, generator=rng, dtype=torch.float64)
        theirs.grad = mine.grad.clone()
        ours.step()
        adamw.step()
    torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("adaptive", [False, True])
def test_gains_are_bounded(adaptive: bool) -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = ExponentiatedGradient([weight], lr=1e-3, gain_rate=1.0, adaptive=adaptive)
    for step in range(60):
        weight.grad = torch.tensor([1.0, 1.0 if step % 2 else -1.0])
        optimizer.step()
    gains = optimizer.state[weight]["log_gain"].exp()
    torch.testing.assert_close(gains, torch.tensor([LARGEST_GAIN, 1 / LARGEST_GAIN]))
    assert math.isfinite(float(weight.detach().abs().sum()))


@pytest.mark.parametrize("optimizer", ["eg", "eg-adamw"])
def test_resumed_is_bit_equal_to_uninterrupted(tmp_path: Path, optimizer: str) -> None:
    packed = pack(games(40))[0]
    settings = {"optimizer": optimizer, "gain_rate": 0.1, "schedule": "constant"}
    whole = Trainer(packed, tmp_path / "whole", config(**settings), device="cpu").run()
    Trainer(packed, tmp_path / "parts", config(**settings, max_steps=6), device="cpu").run()
    second = Trainer(
        packed, tmp_path / "parts", config(**settings), resume=True, device="cpu", on_note=lambda text: None
    )
    assert any(state["log_gain"].any() for state in second.optimizer.state.values())
    done = second.run()
    assert log(tmp_path / "whole") == log(tmp_path / "parts")
    a, b = load_model(whole.checkpoint).state_dict(), load_model(done.checkpoint).state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)
