"""Activations: the constants of their approximations."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from xiangqi_gpt.model.activations import SQUAREPLUS_ABOVE_SOFTPLUS, SQUAREPLUS_B, gelu_tanh, squareplus

GRID = torch.linspace(-10, 10, 2_000_001, dtype=torch.float64)


def test_gelu_by_tanh() -> None:
    exact = GRID * torch.special.ndtr(GRID)
    torch.testing.assert_close(F.gelu(GRID), exact, rtol=0, atol=1e-14)
    error = (gelu_tanh(GRID) - exact).abs()
    assert float(error.max()) == pytest.approx(4.73e-4, rel=2e-3)
    assert float(GRID[error.argmax()].abs()) == pytest.approx(2.70, abs=0.01)
    by_hand = 0.5 * GRID * (1 + torch.tanh(math.sqrt(2 / math.pi) * (GRID + 0.044715 * GRID**3)))
    torch.testing.assert_close(gelu_tanh(GRID), by_hand, rtol=0, atol=1e-14)
    by_sigmoid = (GRID * torch.sigmoid(1.702 * GRID) - exact).abs()
    assert float(by_sigmoid.max()) == pytest.approx(2.03e-2, rel=2e-3)
    assert float(GRID[by_sigmoid.argmax()].abs()) == pytest.approx(2.27, abs=0.01)


def test_squareplus_is_the_nearest_to_softplus() -> None:
    torch.testing.assert_close(
        squareplus(GRID), (GRID + (GRID**2 + SQUAREPLUS_B).sqrt()) / 2, rtol=0, atol=1e-14
    )

    def distance(b: float) -> float:
        return float((squareplus(GRID, b) - F.softplus(GRID)).abs().max())

    assert distance(SQUAREPLUS_B) == pytest.approx(0.0759314, abs=1e-6)
    assert distance(SQUAREPLUS_B) < min(distance(SQUAREPLUS_B - 0.01), distance(SQUAREPLUS_B + 0.01))
    assert pytest.approx(1.921812, abs=1e-6) == SQUAREPLUS_ABOVE_SOFTPLUS
    above = squareplus(GRID, SQUAREPLUS_ABOVE_SOFTPLUS) - F.softplus(GRID)
    assert float(above.min()) == pytest.approx(0, abs=1e-15)
    assert float(squareplus(torch.zeros(1), SQUAREPLUS_ABOVE_SOFTPLUS)) == pytest.approx(math.log(2))
    torch.testing.assert_close(squareplus(GRID, 0.0)[GRID > 0], GRID[GRID > 0])


def test_squareplus_in_half_precision_and_far_out() -> None:
    x = torch.tensor([-60000.0, -300.0, -1.0, 0.0, 1.0, 300.0, 60000.0])
    for dtype, tolerance in ((torch.float16, 2e-3), (torch.bfloat16, 1e-2), (torch.float32, 1e-6)):
        y = squareplus(x.to(dtype))
        assert y.dtype == dtype
        assert y.isfinite().all()
        torch.testing.assert_close(y.double(), squareplus(x.double()), rtol=tolerance, atol=1e-5)
    x = x.double().requires_grad_()
    (grad,) = torch.autograd.grad(squareplus(x).sum(), x)
    assert ((grad >= 0) & (grad <= 1)).all()
