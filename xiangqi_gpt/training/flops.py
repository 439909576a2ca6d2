"""The fraction of a device's peak performance that a run reaches."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.memory import pieces
from xiangqi_gpt.training.step import losses

# Dense matrix products in half precision with float32 sums, FLOP/s, by a part of the device's name; first match wins.
_PEAKS: tuple[tuple[str, float], ...] = (
    ("B200", 2250e12),
    ("GH200", 989e12),
    ("H200", 989e12),
    ("H100 PCIe", 756e12),
    ("H100 NVL", 835e12),
    ("H100", 989e12),
    ("A100", 312e12),
    ("A40", 150e12),
    ("A30", 165e12),
    ("A10G", 70e12),
    ("A10", 125e12),
    ("L40S", 362e12),
    ("L40", 181e12),
    ("L4", 121e12),
    ("V100", 125e12),
    ("T4", 65e12),
    ("RTX 5090", 209e12),
    ("RTX 4090", 165e12),
    ("RTX 3090", 71e12),
)


def peak_flops(device: torch.device, precision: str) -> float | None:
    """FLOP/s that *device* can do in half precision; None if unknown, or if the run has another precision."""
    if device.type != "cuda" or precision == "no":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for part, peak in _PEAKS if part in name), None)


def flops_per_ply(model: XiangqiGPT, batch: Batch) -> float:
    """FLOP of a forward and a backward pass of *model* over *batch*, per ply of a window.

    Matrix products, convolutions and attention are counted as they are executed: one multiplication and one addition
    each. The count uses a copy on the CPU, so that it does not affect the run.
    """
    twin: Any = copy.deepcopy(model)
    twin.cpu().float().train()
    one = next(pieces(batch.to(torch.device("cpu")), 1))
    # The counter does not know all fused kernels of attention; it does know the plain products.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        found = losses(twin, one)
        total: Tensor = found.move + found.value
        for loss in (found.legal, found.legality):
            if loss is not None:
                total = total + loss
        total.backward()
    return counter.get_total_flops() / len(one.value_index)
