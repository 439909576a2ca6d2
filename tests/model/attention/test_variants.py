"""What holds for every variant, whatever it computes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.model.attention.cases import VARIANTS, Case, causal, inputs, name_of, pairs
from xiangqi_gpt.model.attention import attention_names
from xiangqi_gpt.model.attention.naive import naive_attention, naive_weights

# Around the chunk of 64, the blocks of 8 and 32 and the rates and windows of the cases; primes; and the least.
LENGTHS = [1, 2, 7, 8, 9, 31, 63, 64, 65, 67, 97, 130]
FORMS = ["plain", "consecutive", "visible"]


def run(case: Case, form: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    length = q.shape[2]
    visible = causal(length) if form == "visible" else None
    y, state = case(q, k, v, visible=visible, consecutive=form == "consecutive")
    assert state is None
    return y


def prefix(case: Case) -> int:
    """Tokens that see later ones, by intent."""
    return int(getattr(case.module, "prefix", 0))


def twin(case: Case, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    positions = torch.arange(q.shape[2]).expand(len(q), -1)
    context = case.context(positions)
    q, k = case.turned(q, k, context)
    return naive_attention(case.module, q, k, v, positions, None, context)


def test_the_cases_cover_the_registry() -> None:
    assert {name_of(spec) for spec in VARIANTS} == set(attention_names())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("spec", "position"), pairs())
def test_equal_to_the_naive_twin_at_awkward_lengths(spec: str, position: str, form: str) -> None:
    case = Case.of(spec, position)
    for length in LENGTHS:
        q, k, v = inputs(length)
        torch.testing.assert_close(run(case, form, q, k, v), twin(case, q, k, v), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("spec", "position"), pairs())
def test_gradients_of_the_naive_twin(spec: str, position: str, form: str) -> None:
    case = Case.of(spec, position)
    grads = []
    for which in ("ours", "twin"):
        q, k, v = inputs(67, grad=True)
        y = run(case, form, q, k, v) if which == "ours" else twin(case, q, k, v)
        leaves = [q, k, v, *case.position.parameters()]
        grads.append(torch.autograd.grad(y.sin().sum(), leaves, allow_unused=True))
    for ours, theirs in zip(*grads, strict=True):
        assert ours is not None or theirs is None
        # Tables of positions are float32, and so are their gradients.
        tolerance = 1e-4 if ours is not None and ours.dtype == torch.float32 else 1e-8
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("spec", "position"), pairs())
def test_nothing_later_changes_anything_at_all(spec: str, position: str, form: str) -> None:
    """Not by a rounding error: outputs are the same bits, and gradients are zero."""
    case = Case.of(spec, position)
    for length in (67, 97):
        before = run(case, form, *inputs(length, dtype=torch.float32))
        for t in (5, 8, 33, 64, length - 1):
            q, k, v = inputs(length, dtype=torch.float32)
            for x, change in zip((q, k, v), inputs(length, dtype=torch.float32, seed=1), strict=True):
                x[:, :, t:] = 6 * change[:, :, t:]
            after = run(case, form, q, k, v)
            assert torch.equal(after[:, :, :t], before[:, :, :t])
            assert not torch.equal(after[:, :, t:], before[:, :, t:])
    q, k, v = inputs(67, grad=True)
    t = 40
    for grad in torch.autograd.grad(run(case, form, q, k, v)[:, :, :t].sin().sum(), (q, k, v)):
        assert not grad[:, :, t:].any()
        assert grad[:, :, :t].isfinite().all()


@pytest.mark.parametrize(("spec", "position"), pairs())
def test_a_beginning_is_computed_as_if_nothing_followed(spec: str, position: str) -> None:
    case = Case.of(spec, position)
    q, k, v = inputs(130)
    whole = run(case, "consecutive", q, k, v)
    for length in LENGTHS:
        if length >= prefix(case):
            part = run(case, "consecutive", q[:, :, :length], k[:, :, :length], v[:, :, :length])
            torch.testing.assert_close(part, whole[:, :, :length], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("spec", "position"), pairs())
def test_step_by_step_as_in_parallel(spec: str, position: str, dtype: torch.dtype) -> None:
    case = Case.of(spec, position)
    q, k, v = inputs(97, dtype=dtype)
    parallel = run(case, "plain", q, k, v)
    tolerance = 1e-10 if dtype == torch.float64 else 2e-5
    first = max(1, prefix(case))
    for cuts in (range(first, 98), [first, 9, 73, 74, 97], [64, 97], [65, 97], [97]):
        y, state = case.in_parts(q, k, v, list(cuts))
        torch.testing.assert_close(y, parallel, rtol=tolerance, atol=tolerance)
        assert state.length == 97
        assert y.dtype == dtype


@pytest.mark.parametrize(("spec", "position"), pairs())
def test_states_are_values_and_rows_can_be_reordered(spec: str, position: str) -> None:
    case = Case.of(spec, position)
    q, k, v = inputs(20, batch=3)
    whole = run(case, "plain", q, k, v)
    _, state = case.in_parts(q[:, :, :19], k[:, :, :19], v[:, :, :19], [19])
    index = torch.tensor([2, 0, 0, 1])
    at = torch.full((4, 1), 19)
    copies = state.reorder(index)
    y, _ = case(*(x[index][:, :, 19:] for x in (q, k, v)), at, None, copies)
    torch.testing.assert_close(y, whole[index][:, :, 19:], rtol=1e-10, atol=1e-10)
    # Going on from the copies, in two ways, has changed neither them nor the state that they were taken from.
    again, _ = case(*(x[index][:, :, 19:] for x in (q, k, v)), at, None, copies)
    assert torch.equal(again, y)
    z, _ = case(q[:, :, 19:], k[:, :, 19:], v[:, :, 19:], at[:3], None, state)
    torch.testing.assert_close(z, whole[:, :, 19:], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("spec", "position"), pairs())
def test_shares_sum_to_one(spec: str, position: str, form: str) -> None:
    case = Case.of(spec, position)
    q, k, v = inputs(97, dtype=torch.float32)
    sums = run(case, form, q, k, torch.ones_like(v))
    if position == "rope" and case.module.rotates_features:
        assert (sums - 1).abs().max() > 0.01  # turned features weigh the numerator alone
        return
    torch.testing.assert_close(sums, torch.ones_like(sums), rtol=1e-5, atol=1e-5)
    positions = torch.arange(97).expand(2, -1)
    context = case.context(positions)
    weights = naive_weights(case.module, *case.turned(q, k, context), positions, None, context)
    assert (weights >= 0).all()


@pytest.mark.parametrize(("spec", "position"), pairs())
def test_rows_and_heads_stand_by_themselves(spec: str, position: str) -> None:
    case = Case.of(spec, position)
    q, k, v = inputs(40, batch=4)
    whole = run(case, "consecutive", q, k, v)
    order = torch.tensor([3, 1, 0, 2])
    shuffled = run(case, "consecutive", q[order], k[order], v[order])
    torch.testing.assert_close(shuffled, whole[order], rtol=1e-12, atol=1e-12)
    if position in ("none", "rope"):
        heads = torch.tensor([2, 0, 1])
        shuffled = run(case, "consecutive", q[:, heads], k[:, heads], v[:, heads])
        torch.testing.assert_close(shuffled, whole[:, heads], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", [*FORMS, "state"])
@pytest.mark.parametrize(("spec", "position"), pairs())
def test_bfloat16_stays_near(spec: str, position: str, form: str) -> None:
    """Inputs and outputs in half precision cost their own rounding, not more: sums are formed in float32."""
    case = Case.of(spec, position)
    q, k, v = inputs(600, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        y = case.in_parts(q, k, v, [300, 600])[0] if form == "state" else run(case, form, q, k, v)
    exact = run(case, form if form != "state" else "plain", *(x.double() for x in (q, k, v)))
    assert y.isfinite().all()
    error = (y.double() - exact).abs().max() / exact.abs().max()
    assert error < (0.01 if not case.module.packs_trees else 0.02)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spec", VARIANTS)
def test_second_opinion_on_gradients(spec: str, form: str) -> None:
    case = Case.of(spec, "rope", heads=1, head_size=4)
    draw = torch.Generator().manual_seed(3)
    q, k, v = (
        torch.randn(1, 1, 11, 4, generator=draw, dtype=torch.float64, requires_grad=True) for _ in range(3)
    )
    assert torch.autograd.gradcheck(lambda *x: run(case, form, *x), (q, k, v), fast_mode=True)
