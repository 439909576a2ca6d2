"""Activations of the feed-forward part, chosen by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

SQUAREPLUS_B = 1.52382103  # the b whose largest distance to softplus is least: 0.0759
SQUAREPLUS_ABOVE_SOFTPLUS = 4 * math.log(2) ** 2  # from this b on squareplus is nowhere below softplus


def gelu_tanh(x: Tensor) -> Tensor:
    """GELU with Phi replaced by a tanh: at most 4.73e-4 away (Hendrycks and Gimpel, arXiv 1606.08415)."""
    return F.gelu(x, approximate="tanh")


def squareplus(x: Tensor, b: float = SQUAREPLUS_B) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2, an algebraic softplus (Barron 2021, arXiv 2112.11687).

    Written so that neither x^2 overflows in half precision nor a large negative x cancels.
    """
    root = torch.hypot(x, x.new_full((), math.sqrt(b)))
    return torch.where(x > 0, x / 2 + root / 2, b / (2 * (root - x)))


# A gated feed-forward part multiplies the activation of one map by another; its hidden size shrinks by a third, so that
# all choices have the same number of weights.
GATED: dict[str, Callable[[Tensor], Tensor]] = {"swiglu": F.silu}
PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": gelu_tanh,
    "squareplus": squareplus,
}
ACTIVATIONS = (*PLAIN, *GATED)
