"""The encoder's fast way of training against its plain one."""

from __future__ import annotations

import torch

from xiangqi_gpt.model.encoder import ConvEncoder, _Maxima


def test_training_computes_what_evaluation_does_and_its_gradients() -> None:
    torch.manual_seed(0)
    encoder = ConvEncoder(16, 2).double()
    boards = torch.randint(0, 15, (5, 90)).to(torch.int8)
    counters, weight = torch.rand(5, 2).double(), torch.randn(5, 90, 16).double()
    found = []
    for training in (True, False):
        encoder.train(training)
        encoder.zero_grad()
        vectors = encoder(boards, counters)
        (vectors * weight).sum().backward()
        gradients = {name: p.grad for name, p in encoder.named_parameters()}
        found.append((vectors.detach(), gradients))
    (fast, ours), (plain, theirs) = found
    assert torch.allclose(fast, plain, atol=1e-12)
    for name, gradient in theirs.items():
        assert gradient is not None
        mine = ours[name]
        assert mine is not None
        # A rectified square that is 0 ties with others on its line; it passes no gradient in either way.
        assert torch.allclose(mine, gradient, atol=1e-9), name


def test_the_gradient_of_shared_maxima_goes_to_one_square() -> None:
    x = torch.zeros(2, 10, 9, 8, dtype=torch.float64, requires_grad=True)
    by_file, by_rank, by_board = _Maxima.apply(x)
    (by_file.sum() + by_rank.sum() + by_board.sum()).backward()
    assert x.grad is not None
    files, ranks, mean, top = x.grad.chunk(4, -1)
    assert (files.sum(1) == 1).all()
    assert (ranks.sum(2) == 1).all()
    assert torch.allclose(mean, torch.full_like(mean, 1 / 90))
    assert (top.sum((1, 2)) == 1).all()
    y = torch.randn(1, 10, 9, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(_Maxima.apply, (y,))
