"""Small models with weights large enough that every input matters."""

from __future__ import annotations

from typing import Any

import torch

from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig

SIZES: dict[str, Any] = {
    "width": 32,
    "layers": 2,
    "heads": 2,
    "encoder_width": 16,
    "encoder_blocks": 1,
    "pointer_width": 16,
    "initializer_range": 0.2,
}

# Every way of giving the board, with a tokenizer each.
MODES: dict[str, dict[str, Any]] = {
    "spatial": {"board": "spatial"},
    "spatial-iccs": {"board": "spatial", "tokenizer": "iccs"},
    "spatial-pointer": {"board": "spatial", "move_head": "pointer"},
    "spatial-styles": {"board": "spatial", "styles": "human+teacher"},
    "spatial-move": {"board": "spatial", "tokenizer": "move"},
    "bag": {"board": "bag"},
    "bag-iccs": {"board": "bag", "tokenizer": "iccs"},
    "none": {"board": "none", "view": "red", "context_plies": 60},
    "none-iccs": {"board": "none", "tokenizer": "iccs", "view": "red", "context_plies": 60},
}


def tiny(seed: int = 0, **changes: Any) -> XiangqiGPT:
    """A small model with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    model = XiangqiGPT(XiangqiGPTConfig(**{**SIZES, **changes}))
    model.eval()
    return model
