"""How character tokens read a board: cross-attention against its plain formula."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from xiangqi_gpt.model.board_heads import BoardCrossAttention, group_by_board

WIDTH, HEADS, CHANNELS = 24, 3, 10


def plain(look: BoardCrossAttention, x: Tensor, vectors: Tensor, board_index: Tensor) -> Tensor:
    """Keys and values of every square, a softmax over the 90 of the token's own board, token by token."""
    queries = look.query(look.norm(x)).unflatten(-1, (HEADS, -1))
    rows = []
    for b, row in enumerate(board_index.tolist()):
        read = []
        for t, board in enumerate(row):
            keys, values = look.key_value(vectors[b, board]).unflatten(-1, (2 * HEADS, -1)).chunk(2, 1)
            scores = torch.einsum("hd,shd->hs", queries[b, t], keys) / (WIDTH // HEADS) ** 0.5
            read.append(torch.einsum("hs,shd->hd", scores.softmax(-1), values).flatten())
        rows.append(torch.stack(read))
    result: Tensor = x + look.out(torch.stack(rows))
    return result


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("same_rows", [True, False])
@pytest.mark.parametrize(("length", "boards"), [(14, 4), (5, 5), (1, 1), (9, 2)])
def test_every_token_looks_at_its_own_board(length: int, boards: int, same_rows: bool, grouped: bool) -> None:
    torch.manual_seed(length)
    look = BoardCrossAttention(WIDTH, HEADS, CHANNELS, 1e-6).double()
    x = torch.randn(3, length, WIDTH, dtype=torch.float64, requires_grad=True)
    vectors = torch.randn(3, boards, 90, CHANNELS, dtype=torch.float64, requires_grad=True)
    rows = 1 if same_rows else 3
    index = torch.randint(boards, (rows, length)).expand(3, -1)
    groups = group_by_board(index, boards) if grouped else None
    assert not grouped or (groups is None) == (boards == 1)
    results = []
    for y in (look(x, vectors, index, groups), plain(look, x, vectors, index)):
        results.append([y, *torch.autograd.grad(y.sin().sum(), [x, vectors, *look.parameters()])])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)


def test_tokens_of_one_board_among_many_are_not_grouped() -> None:
    """Every other board would have as many empty places."""
    index = torch.zeros(1, 40, dtype=torch.long)
    assert group_by_board(index, 30) is None
    assert group_by_board(index, 3) is not None
