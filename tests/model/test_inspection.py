"""The residual stream and the attention that are collected are those of the forward pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.model.tiny import tiny
from xiangqi_gpt.model.inspection import watch_attention, watch_residual
from xiangqi_gpt.model.layout import Row, pack_rows


def inputs(model: Any, plies: int = 6) -> dict[str, Any]:
    k = model.tokenizer.slots
    text = [model.tokenizer.vocab.bos_id + 1 + n for n in range(k * plies)]
    rows = pack_rows([Row((), text, []), Row((), text[: k * 3], [])], model.tokenizer.vocab.bos_id, k)
    given = {"input_ids": rows.ids, "slots": rows.slots, "positions": rows.positions, "visible": rows.visible}
    if model.encoder is not None:
        generator = torch.Generator().manual_seed(0)
        given["boards"] = torch.randint(0, 15, (2, plies + 1, 90), generator=generator)
        given["counters"] = torch.zeros(2, plies + 1, 2)
        given["board_index"] = rows.board_index
    return given


@pytest.mark.parametrize("board", ["none", "bag", "spatial"])
def test_the_stream_is_the_one_that_is_read(board: str) -> None:
    model = tiny(board=board, tokenizer="square", move_head="auto")
    given = inputs(model)
    with torch.no_grad(), watch_residual(model) as found:
        output = model(**given, value_index=torch.tensor([0]))
        assert [tuple(stream.shape) for stream in found] == [(2, 13, 32)] * 3
        # The value head reads the norm of the last one.
        read = model.norm(found[-1])[:, [0]]
        value = model.value_head(torch.relu(model.value_hidden(read)))
    assert torch.equal(value, output.value_logits)
    assert not torch.equal(found[0], found[1])
    # Nothing is collected afterwards.
    model(**given)
    assert len(found) == 3


@pytest.mark.parametrize("attention", ["full", "local(window=2)", "sparse(rate=2)", "linear", "cosine"])
@pytest.mark.parametrize("position", ["rope", "alibi", "none"])
def test_the_shares_make_what_the_layer_returns(attention: str, position: str) -> None:
    if position == "alibi" and attention in ("linear", "cosine"):
        pytest.skip("a recurrence takes no bias")
    model = tiny(board="none", attention=attention, position=position)
    calls: list[Any] = []
    layer = model.attention_layers()[1]
    layer.register_forward_hook(lambda _, given, made: calls.append((given, made[0])))
    with torch.no_grad(), watch_attention(model) as shares:
        model(**inputs(model))
    (x, _, _, _, context), returned = calls[0]
    value = layer.project(x, context)[2].double()
    mixed = (shares[1] @ value).transpose(1, 2).reshape(x.shape)
    assert torch.allclose(layer.out(mixed.float()), returned, atol=1e-5)
    assert [tuple(share.shape) for share in shares] == [(2, 2, 13, 13)] * 2
    if attention not in ("linear", "cosine"):  # turned features change the sums of a recurrence
        assert torch.allclose(shares[0].sum(-1), torch.ones(2, 2, 13, dtype=torch.float64))
    assert bool((shares[0].triu(1)[0] == 0).all())
