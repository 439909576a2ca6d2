"""Step sizes that learn while the weights do: exponentiated gradient on a gain of every weight.

After Su (kexue.fm/archives/8968), who simplifies Amid et al. (arXiv 2202.00145). A weight moves by the learning rate
times its gain times its direction:

    w[t+1] = w[t] - rate * gain[t+1] * d[t]

The loss after the previous step depends on the gain of that step: its derivative is ``-rate * d[t-1] * g[t]``, with g
the gradient. A gain has to stay positive, so it is not moved by this derivative but multiplied by its exponential:

    gain[t+1] = gain[t] * exp(gain_rate * d[t-1] * g[t])

A weight whose gradients keep their sign gets longer steps, one whose gradients alternate gets shorter ones. Unlike in
AdamW, small gradients alone do not make steps long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import Optimizer

LARGEST_GAIN = 100.0
"""Gains stay between this and its inverse, so that a long run of equal signs cannot make a weight explode."""


class ExponentiatedGradient(Optimizer):
    """Gradient descent with a learned gain for every weight.

    Args:
        params: weights, or groups of weights, as for every optimiser of torch.
        lr: learning rate, the length of a step at gain 1.
        gain_rate: learning rate of the logarithms of the gains; 0 leaves them at 1.
        betas: fractions of the running mean of the gradients, and of that of their squares, kept per step. Without
            *adaptive*, the second one is not used.
        adaptive: directions and the gradients of the gains are AdamW's: divided by the root of the mean square. With a
            *gain_rate* of 0 the steps are those of AdamW. Otherwise the direction is the mean of the gradients, and
            with a first beta of 0 the gradient itself, as in the article.
        weight_decay: fraction of a weight, in units of the learning rate, that is taken off per step.
        eps: added to the root of the mean square.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        *,
        gain_rate: float = 0.01,
        betas: tuple[float, float] = (0.0, 0.95),
        adaptive: bool = False,
        weight_decay: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        defaults: dict[str, Any] = {
            "lr": lr,
            "gain_rate": gain_rate,
            "betas": betas,
            "adaptive": adaptive,
            "weight_decay": weight_decay,
            "eps": eps,
        }
        super().__init__(params, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Make one step with the gradients that the weights have."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)
        return loss

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, (beta, square_beta) = self.state[weight], group["betas"]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"] = torch.zeros_like(weight)
            state["log_gain"] = torch.zeros_like(weight)
            if group["adaptive"]:
                state["exp_avg_sq"] = torch.zeros_like(weight)
        mean, log_gain = state["exp_avg"], state["log_gain"]
        before = int(state["step"])
        state["step"] += 1
        # The means begin at 0; divided by this they are means of the gradients so far.
        filled = 1 - beta ** (before + 1)
        length: Tensor | None = None
        meta, rate = gradient, group["gain_rate"]
        if group["adaptive"]:
            square = state["exp_avg_sq"]
            square.mul_(square_beta).addcmul_(gradient, gradient, value=1 - square_beta)
            root = math.sqrt(1 - square_beta ** (before + 1))
            length = (square.sqrt() / root).add_(group["eps"])
            meta = gradient / (length * length)
        if before and rate:
            log_gain.addcmul_(mean, meta, value=rate / (1 - beta**before))
            log_gain.clamp_(-math.log(LARGEST_GAIN), math.log(LARGEST_GAIN))
        mean.mul_(beta).add_(gradient, alpha=1 - beta)
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        direction = mean if length is None else mean / length
        if rate:
            direction = direction * log_gain.exp()
        weight.add_(direction, alpha=-group["lr"] / filled)
