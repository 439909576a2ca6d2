"""Losses that torch does not have."""

from __future__ import annotations

import torch
from torch import Tensor


def zlpr(scores: Tensor, targets: Tensor, mask: Tensor | None = None) -> Tensor:
    """Zero-bounded log-sum-exp and pairwise rank loss for sets (Su et al. 2022, arXiv 2208.02955).

    log(1 + sum (1 - t) e^s) + log(1 + sum t e^-s) over the last dimension, for any number of labels at once: a class
    belongs to the set where its score is above 0. *scores* s (..., C) are raw and finite; *targets* t (..., C) lie
    in 0..1, where a soft one is met at s = logit(t) / 2, so that the sigmoid of 2 s is a probability; classes
    outside *mask* (bool, broadcastable) do not count. Returns (...), computed in float32 at least.
    """
    dtype = torch.float64 if scores.dtype == torch.float64 else torch.float32
    # Autocast on a processor leaves logsumexp in bfloat16, where the sum of two thousand terms is worth nothing.
    with torch.autocast(scores.device.type, enabled=False):
        s, t = scores.to(dtype), targets.to(dtype)
        outside, inside = s + torch.log1p(-t), t.log() - s  # log 0 = -inf: a term that is not there
        if mask is not None:  # both branches: a score of -inf in one would be +inf in the other
            outside, inside = outside.masked_fill(~mask, -torch.inf), inside.masked_fill(~mask, -torch.inf)
        one = torch.zeros_like(s[..., :1])
        return torch.cat([outside, one], -1).logsumexp(-1) + torch.cat([inside, one], -1).logsumexp(-1)
