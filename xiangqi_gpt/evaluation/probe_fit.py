"""Fitting linear probes: multinomial logistic regression of all squares at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.model.board_probe import CODES, BoardProbe
from xiangqi_gpt.model.encoder import SQUARES

ITERATIONS = 60
"""Of L-BFGS; the loss is convex, and further ones change accuracies in the fourth digit."""


def fit_probe(
    stream: npt.NDArray[np.float32],
    boards: npt.NDArray[np.int8],
    *,
    layer: int = 0,
    model: str = "",
    ridge: float = 1e-3,
    iterations: int = ITERATIONS,
) -> BoardProbe:
    """The probe that reads *boards* (N, 90) off *stream* (N, W).

    It minimises the mean over positions of the summed cross-entropy of all squares, plus *ridge*/2 times the squared
    weights on standardised inputs, by L-BFGS. *layer* and *model* are kept in the probe.
    """
    x = torch.from_numpy(stream).float()
    mean, scale = x.mean(0), x.std(0, correction=0).clamp_min(1e-4)
    x = (x - mean) / scale
    target = torch.from_numpy(boards.astype(np.int64)).flatten()
    weight = torch.zeros(x.shape[1], SQUARES * CODES, requires_grad=True)
    bias = log_prior(boards).flatten().clone().requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=iterations, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = torch.addmm(bias, x, weight).view(-1, CODES)
        nats = F.cross_entropy(logits, target, reduction="sum") / len(x)
        total = nats + ridge / 2 * weight.square().sum()
        total.backward()
        return total

    with torch.inference_mode(False), torch.enable_grad():
        optimizer.step(loss)
    with torch.no_grad():
        plain = weight / scale[:, None]
        shift = bias - mean @ plain
    return BoardProbe(
        layer, plain.detach().unflatten(1, (SQUARES, CODES)), shift.detach().view(SQUARES, CODES), model
    )


def log_prior(boards: npt.NDArray[np.int8]) -> Tensor:
    """Log-shares (90, 15) of the codes of every square among *boards* (N, 90), each seen half a time more."""
    counts = np.full((SQUARES, CODES), 0.5)
    for code in range(CODES):
        counts[:, code] += (boards == code).sum(0)
    shares = counts / counts.sum(1, keepdims=True)
    return torch.from_numpy(np.log(shares)).float()
