"""A linear probe: the board that can be read off a model's residual stream.

Letters in shapes: N positions, W width of the model; 90 squares of the board as the side to move sees it, and 15 piece
codes (0 for an empty square).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.model.encoder import SQUARES
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.weights import open_weights, read_file

CODES: Final = 15
"""Piece codes: 0 for an empty square, then the kinds of the side to move, then those of the other side."""

LARGEST: Final = 1 << 28
"""A probe file of more bytes is refused."""

_FORMAT: Final = "xiangqi_gpt_probe"


@dataclass(frozen=True)
class BoardProbe:
    """A linear map from the residual stream of one layer to the board.

    Attributes:
        layer: of which layer: 0 for the embeddings, n for the stream behind the nth layer.
        weight: (W, 90, 15).
        bias: (90, 15).
        model: fingerprint of the model that it was made for.
    """

    layer: int
    weight: Tensor
    bias: Tensor
    model: str

    def logprobs(self, stream: Tensor) -> Tensor:
        """Log-probabilities (N, 90, 15) of the codes of every square, read off *stream* (N, W)."""
        logits = stream.float() @ self.weight.flatten(1) + self.bias.flatten()
        return logits.unflatten(-1, (SQUARES, CODES)).log_softmax(-1)

    def save(self, file: Path, *, overwrite: bool = False) -> None:
        """Write the probe as safetensors; FileError where that is refused."""
        about = {"kind": _FORMAT, "layer": str(self.layer), "model": self.model, "format": "pt"}
        with atomic_path(file, overwrite=overwrite) as draft:
            weights = {"weight": self.weight.contiguous(), "bias": self.bias.contiguous()}
            save_file(weights, draft, metadata=about)


def load_probe(file: str | Path, model: XiangqiGPT) -> BoardProbe:
    """The probe in *file*, which must have been made for *model*.

    Raises:
        ModelError: the file is no probe, is damaged, too large, or belongs to another model.
    """
    place = str(file)
    about, shapes = open_weights(Path(file), largest=LARGEST)
    if about.get("kind") != _FORMAT:
        raise ModelError("not a probe: make one with: xiangqi-gpt probe RECORDS --out DIR", file=place)
    width, layers = model.config.width, model.config.layers
    expected = {"weight": (width, SQUARES, CODES), "bias": (SQUARES, CODES)}
    if shapes != expected:
        raise ModelError(
            f"expected a probe of a model of width {width}, with weights {expected}, found {str(shapes)[:200]}",
            file=place,
        )
    text = about.get("layer", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and int(text) <= layers):
        raise ModelError(f"expected a layer from 0 to {layers}, found {text[:20]!r}", file=place)
    if about.get("model") != fingerprint(model):
        raise ModelError(
            "this probe was made for another model; make one for this model with: xiangqi-gpt probe",
            file=place,
        )
    weights = read_file(Path(file))
    return BoardProbe(int(text), weights["weight"], weights["bias"], about["model"])


def fingerprint(model: XiangqiGPT) -> str:
    """A short text that tells models apart, and that is the same for a model exported in half precision."""
    tokens = model.tokens.weight.detach().cpu().to(torch.float16).contiguous()
    return hashlib.sha256(tokens.numpy().tobytes()).hexdigest()[:16]
