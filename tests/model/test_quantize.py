"""Models of eight bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.model.tiny import tiny
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.checkpoint import export_model, load_model, quantized
from xiangqi_gpt.model.quantize import Int8Conv2d, Int8Linear, product
from xiangqi_gpt.rules.board import Board


def model() -> XiangqiGPT:
    return tiny(width=64, encoder_width=64, pointer_width=64, initializer_range=0.05)


def test_products_are_whole_and_exact() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randint(-127, 128, (n, 70), generator=generator, dtype=torch.int8) for n in (5, 66))
    assert torch.equal(product(a, b).long(), a.long() @ b.long().t())


def test_maps_are_close_to_those_they_replace() -> None:
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(size, generator=generator) for size in ((3, 5, 64), (70, 64), (70,)))
    with torch.no_grad():
        made, wanted = Int8Linear(weight, bias).eval()(x), F.linear(x, weight, bias)
        assert made.shape == wanted.shape
        assert (made - wanted).abs().max() < 0.03 * wanted.abs().max()
        boards, kernel = (
            torch.randn(2, 64, 10, 9, generator=generator),
            torch.randn(66, 64, 3, 3, generator=generator),
        )
        made, wanted = Int8Conv2d(kernel, None).eval()(boards), F.conv2d(boards, kernel, padding=1)
    assert made.shape == wanted.shape
    assert (made - wanted).abs().max() < 0.03 * wanted.abs().max()


def test_a_directory_of_eight_bits_loads_and_plays_nearly_the_same(tmp_path: Path) -> None:
    whole = model()
    size = export_model(whole, tmp_path / "half")
    small = export_model(whole, tmp_path / "int8", int8=True)
    assert small < 0.7 * size
    loaded = load_model(tmp_path / "int8")
    kinds = {type(module) for module in loaded.modules()}
    assert {Int8Linear, Int8Conv2d} <= kinds
    direct = quantized(load_model(tmp_path / "half"))
    board = Board()
    again, probs, wanted = (Scorer(m).score(board).probs for m in (loaded, direct, whole))
    assert np.abs(again - probs).max() < 1e-3
    assert 0 < np.abs(probs - wanted).max() < 0.02
    assert whole.config.quantization == "none"


def test_eight_bits_are_neither_trained_nor_rounded_again() -> None:
    made = quantized(model())
    with pytest.raises(ModelError, match="quantization='int8'"):
        quantized(made)
    made.train()
    with pytest.raises(ModelError, match="weights of eight bits"):
        made.encode_boards(torch.zeros(1, 1, 90, dtype=torch.int8), torch.zeros(1, 1, 2))
