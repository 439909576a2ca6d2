"""Encodings of positions: their numbers, and what they promise."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.model.attention.cases import HEADS, Case, inputs
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.positions import (
    POSITIONS,
    Alibi,
    Learned,
    Rope,
    Sinusoidal,
    T5Bias,
    alibi_slopes,
    create_positions,
    one_row,
    rotate,
    sinusoids,
    t5_bucket,
)


def at(first: int, last: int) -> Tensor:
    return torch.arange(first, last)[None]


def test_rope_turns_neighbouring_pairs_by_position() -> None:
    x = torch.randn(1, 5, 6, dtype=torch.float64)
    turned = rotate(x, Rope(6, 10000.0).rotation(at(0, 5)))
    for i in range(5):
        for pair in range(3):
            angle = i * 10000.0 ** (-2 * pair / 6)
            a, b = x[0, i, 2 * pair : 2 * pair + 2]
            cos, sin = math.cos(angle), math.sin(angle)
            expected = torch.stack([a * cos - b * sin, a * sin + b * cos])
            torch.testing.assert_close(turned[0, i, 2 * pair : 2 * pair + 2], expected, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1), rtol=1e-6, atol=1e-6)


def test_rope_keeps_to_float32_whatever_the_model() -> None:
    """bfloat16 cannot tell positions 256 and 257 apart; the angles can."""
    rope = Rope(8, 10000.0)
    x = torch.randn(1, 2, 8).bfloat16()
    turned = rotate(x, rope.rotation(torch.tensor([[256, 257]])))
    assert turned.dtype == torch.bfloat16
    exact = rotate(x.double(), rope.rotation(torch.tensor([[256, 257]])))
    assert (turned.double() - exact).abs().max() < 0.02


@pytest.mark.parametrize("position", ["rope", "alibi", "t5", "none"])
def test_scores_know_distances_alone(position: str) -> None:
    case = Case.of("full", position)
    q, k, v = inputs(40)
    here, _ = case(q, k, v)
    there, _ = case(q, k, v, torch.arange(37, 77).expand(2, -1))
    # Angles are float32: their rounding is all that may differ.
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-4)


def test_alibi_slopes() -> None:
    assert alibi_slopes(8).tolist() == [2.0**-k for k in range(1, 9)]
    assert alibi_slopes(1).tolist() == [2.0**-8]
    six = [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8, 2.0**-1, 2.0**-3]
    assert alibi_slopes(6).tolist() == six
    twelve = alibi_slopes(12)
    assert twelve[:8].tolist() == alibi_slopes(8).tolist()
    torch.testing.assert_close(twelve[8:], alibi_slopes(16)[0:8:2])


def test_alibi_is_a_penalty_on_distance() -> None:
    bias = Alibi(8).bias(torch.tensor([[[10]]]), torch.tensor([[[10, 9, 2]]]))
    assert bias[0, :, 0].tolist() == [[0.0, -(2.0**-k), -8 * 2.0**-k] for k in range(1, 9)]


def test_t5_buckets() -> None:
    assert t5_bucket(torch.arange(16)).tolist() == list(range(16))
    assert t5_bucket(torch.tensor([-3, 16, 127, 128, 10_000])).tolist() == [0, 16, 31, 31, 31]
    far = t5_bucket(torch.arange(16, 200))
    assert (far.diff() >= 0).all()
    assert set(far.tolist()) == set(range(16, 32))
    # Half-way between 16 and 128 by logarithm begins the second half of the buckets.
    assert t5_bucket(torch.tensor([45, 46])).tolist() == [23, 24]


def test_t5_learns_a_number_a_head_and_bucket() -> None:
    encoding = T5Bias(HEADS)
    bias = encoding.bias(at(0, 5)[:, :, None], at(0, 5)[:, None, :])
    assert bias.shape == (1, HEADS, 5, 5)
    assert torch.equal(bias[0, :, 4, 1], encoding.table.weight[3])
    bias.sum().backward()
    assert encoding.table.weight.grad is not None
    assert encoding.table.weight.grad[:5].all()


def test_sinusoids_interleave_sine_and_cosine() -> None:
    table = sinusoids(torch.arange(50), 8)
    assert table.shape == (50, 8)
    for i, pair in ((0, 0), (7, 0), (7, 3), (49, 2)):
        angle = i * 10000.0 ** (-2 * pair / 8)
        assert float(table[i, 2 * pair]) == pytest.approx(math.sin(angle), abs=1e-5)
        assert float(table[i, 2 * pair + 1]) == pytest.approx(math.cos(angle), abs=1e-5)


def test_sinusoids_are_as_strong_as_token_vectors() -> None:
    encoded = Sinusoidal(64, scale=0.02 * math.sqrt(2)).embed(at(0, 100))
    assert float(encoded.square().mean().sqrt()) == pytest.approx(0.02, rel=1e-3)


def test_learned_vectors_are_those_of_the_position_and_end_somewhere() -> None:
    encoding = Learned(9, 4)
    assert torch.equal(encoding.embed(torch.tensor([[5, 8]]))[0], encoding.table.weight[[5, 8]])
    with pytest.raises(IndexError):
        encoding.embed(torch.tensor([[9]]))


def test_rows_that_are_one_row_in_memory_are_computed_once() -> None:
    row = torch.arange(5)
    assert one_row(row.expand(4, -1)).shape == (1, 5)
    assert one_row(row.expand(4, -1).clone()).shape == (4, 5)
    rope = Rope(4, 10000.0)
    assert torch.equal(
        rope.rotation(row.expand(4, -1)).expand(4, -1, -1), rope.rotation(row.expand(4, -1).clone())
    )


def test_names() -> None:
    for name in POSITIONS:
        create_positions(name, width=12, heads=3, max_positions=5)
    with pytest.raises(ConfigError, match=r"position: expected one of rope, learned, .*, found 'ropee'"):
        create_positions("ropee", width=12, heads=3, max_positions=5)
