"""Weights and activations of eight bits.

Every row of a weight has a scale of its own, chosen once: its largest number becomes 127. What comes in is scaled anew
in every call (hence dynamic): each token of a linear map, each board of a convolution, by its own largest number.
Products are whole numbers and exact; what is lost is lost in rounding. Tables, norms, biases, small maps and the output
head keep their numbers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xiangqi_gpt.errors import ModelError

QUANTIZATIONS = ("none", "int8")
_LARGEST = 127
_SMALLEST_SIDE = 64  # maps with fewer inputs or outputs are not worth their rounding
_KEPT = ("lm_head", "looks")  # the output head; maps whose weights are read in other ways than by a call


def rounded(x: Tensor, dim: int | tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """x as int8 times a scale over *dim* (kept, of size 1): x is about the product of the two."""
    scale = x.abs().amax(dim, keepdim=True).clamp_min(1e-12) / _LARGEST
    return (x / scale).round().to(torch.int8), scale


def product(rows: Tensor, weight: Tensor) -> Tensor:
    """rows (M, K) and weight (N, K), int8 -> (M, N) float32: the whole numbers rows @ weight.T."""
    if rows.device.type == "cpu":
        return torch._int_mm(rows, weight.t()).float()
    return rows.float() @ weight.t().float()  # other devices' kernels take some shapes only


class _Rounded(nn.Module):
    """A weight (N, ...) in eight bits, scales (N,) and a bias."""

    weight: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        codes, scale = rounded(weight.detach().float(), tuple(range(1, weight.ndim)))
        self.register_buffer("weight", codes)
        self.register_buffer("scale", scale.flatten())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), requires_grad=False)

    def _mapped(self, rows: Tensor, scale: Tensor) -> Tensor:
        """rows (M, K) int8 with scales (M, 1) -> (M, N)."""
        if self.training:
            raise ModelError(
                "A model with weights of eight bits cannot be trained; use the one of full precision."
            )
        y = product(rows, self.weight.flatten(1)) * scale * self.scale.float()
        return y if self.bias is None else y + self.bias.float()


class Int8Linear(_Rounded):
    """``nn.Linear`` in eight bits: (..., K) -> (..., N)."""

    def forward(self, x: Tensor) -> Tensor:
        rows, scale = rounded(x.flatten(0, -2).float(), -1)
        return self._mapped(rows, scale).view(*x.shape[:-1], -1).to(x.dtype)


class Int8Conv2d(_Rounded):
    """A 3x3 convolution with zeros around the board, in eight bits: (N, C, 10, 9) -> (N, D, 10, 9), channels last."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__(
            weight.permute(0, 2, 3, 1).contiguous(), bias
        )  # (D, 3, 3, C), as patches are laid out

    def forward(self, x: Tensor) -> Tensor:
        boards, _, ranks, files = x.shape
        codes, scale = rounded(x.permute(0, 2, 3, 1).float(), (1, 2, 3))
        around = F.pad(codes, (0, 0, 1, 1, 1, 1))
        patches = around.unfold(1, 3, 1).unfold(2, 3, 1).permute(0, 1, 2, 4, 5, 3)  # (N, 10, 9, 3, 3, C)
        each = scale.view(boards, 1, 1).expand(boards, ranks * files, 1).reshape(-1, 1)
        y = self._mapped(patches.reshape(boards * ranks * files, -1), each)
        return y.view(boards, ranks, files, -1).permute(0, 3, 1, 2).to(x.dtype)


def use_int8(model: nn.Module) -> None:
    """Put eight-bit maps in the place of the large maps of *model*, with its present weights rounded."""
    for path, module in list(model.named_modules()):
        if path.partition(".")[0] in _KEPT:
            continue
        if isinstance(module, nn.Linear):
            kind: type[_Rounded] = Int8Linear
        elif isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and module.padding == (1, 1):
            kind = Int8Conv2d
        else:
            continue
        if min(module.weight.shape[:2]) < _SMALLEST_SIDE:
            continue
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, kind(module.weight, module.bias))
