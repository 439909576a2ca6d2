"""The softmax family: sets of keys, fast ways, caches, packed trees."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.model.attention.cases import SOFTMAX, Case, causal, inputs
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.attention.naive import naive_attention, naive_weights


def support(spec: str, length: int) -> Tensor:
    """(T, T) which values move which outputs, measured by gradients."""
    case = Case.of(spec)
    q, k, v = inputs(length, batch=1)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: case(q, k, x, consecutive=True)[0].sum((0, 1, 3)), v
    )
    assert isinstance(jacobian, Tensor)
    return jacobian.abs().sum((1, 2, 4)) > 0


def expected(sees: Any, length: int) -> Tensor:
    return torch.tensor([[sees(i, j) for j in range(length)] for i in range(length)])


@pytest.mark.parametrize("length", [9, 70])
@pytest.mark.parametrize("reach", [1, 2, 3, 5, 8])
def test_the_sets_are_those_of_the_definitions(reach: int, length: int) -> None:
    local = expected(lambda i, j: 0 <= i - j <= reach, length)
    atrous = expected(lambda i, j: j <= i and (i - j) % reach == 0, length)
    assert torch.equal(support(f"local(window={reach})", length), local)
    assert torch.equal(support(f"atrous(rate={reach})", length), atrous)
    assert torch.equal(support(f"sparse(rate={reach})", length), local | atrous)
    prefix = expected(lambda i, j: j <= i or j < reach, length)
    assert torch.equal(support(f"prefix_lm(prefix={reach})", length), prefix)


def test_the_mask_of_unilm_by_its_segments() -> None:
    """Segment ids 0 for the prefix and 1 behind it; who has no more of them summed up is seen."""
    sums = torch.tensor([0] * 5 + [1] * 8).cumsum(0)
    assert torch.equal(support("prefix_lm(prefix=5)", 13), sums[None, :] <= sums[:, None])
    assert torch.equal(support("prefix_lm(prefix=1)", 13), causal(13)[0])


@pytest.mark.parametrize("length", [40, 97])
def test_ends_of_the_scale(length: int) -> None:
    q, k, v = inputs(length)
    full = Case.of("full")(q, k, v)[0]
    for spec in (f"local(window={length - 1})", "atrous(rate=1)", f"sparse(rate={length})", "sparse(rate=1)"):
        torch.testing.assert_close(Case.of(spec)(q, k, v, consecutive=True)[0], full)
    for spec in ("local(window=0)", f"atrous(rate={length})"):
        assert torch.equal(Case.of(spec)(q, k, v, consecutive=True)[0], v)


def test_sparse_counts_a_key_of_both_sets_once() -> None:
    """Equal scores: every key of the union has the same share."""
    q, k, v = inputs(20)
    case = Case.of("sparse(rate=3)")
    positions = torch.arange(20).expand(2, -1)
    shares = naive_weights(case.module, torch.zeros_like(q), k, positions)[0, 0, 16]
    keys = [1, 4, 7, 10, 13, 14, 15, 16]  # 13 and 16 are in both sets
    assert torch.equal(shares.nonzero().flatten(), torch.tensor(keys))
    y = case(torch.zeros_like(q), k, v)[0]
    torch.testing.assert_close(y[:, :, 16], v[:, :, keys].mean(2))


def reach(*specs: str) -> bool:
    """Whether layers of these variants together see everything before a token, within the reach that matters."""
    seen = torch.eye(30)
    for spec in specs:
        seen = support(spec, 30).float() @ seen
    return bool((seen > 0).equal(causal(30)[0]))


def test_local_and_atrous_layers_reach_everything_together() -> None:
    for rate in (3, 4, 5):
        assert reach(f"local(window={rate - 1})", f"atrous(rate={rate})")
        assert reach(f"atrous(rate={rate})", f"local(window={rate - 1})")
        assert not reach(f"local(window={rate - 2})", f"atrous(rate={rate})")
        assert reach(f"sparse(rate={rate})", f"sparse(rate={rate})")


@pytest.mark.parametrize("spec", ["local(window=3)", "local(window=40)", "atrous(rate=2)", "atrous(rate=7)"])
def test_fast_ways_are_taken_and_equal(spec: str) -> None:
    case = Case.of(spec)
    for length in (130, 131, 149, 200):
        q, k, v = inputs(length)
        fast = case.module.fast(q, k, v)  # type: ignore[operator]
        assert fast is not None
        torch.testing.assert_close(fast, case(q, k, v)[0], rtol=1e-12, atol=1e-12)
        # Layouts as they come out of a fused projection.
        strided = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v)]
        assert torch.equal(case.module.fast(*strided), fast)  # type: ignore[operator]


@pytest.mark.parametrize("spec", SOFTMAX)
def test_position_ids_count_not_places(spec: str) -> None:
    """A line that starts at 37, or leaves gaps, is masked by its ids."""
    case = Case.of(spec)
    q, k, v = inputs(12)
    if spec.startswith("prefix"):
        pytest.skip("a prefix is named by absolute positions")
    here, _ = case(q, k, v)
    there, _ = case(q, k, v, torch.arange(37, 49).expand(2, -1))
    assert torch.equal(here, there)
    gaps = torch.tensor([[0, 1, 2, 5, 6, 9, 10, 11, 20, 21, 22, 23]]).expand(2, -1)
    y, _ = case(q, k, v, gaps)
    torch.testing.assert_close(y, naive_attention(case.module, q, k, v, gaps))


def tree(prompt: int) -> tuple[Tensor, Tensor, list[list[int]]]:
    """Positions (N,), ancestors (N, N) and paths (as numbers) of the nodes of a small tree behind *prompt* tokens."""
    parents = [-1, -1, 0, 0, 1, 2, 2, 4]
    paths: list[list[int]] = []
    for number, parent in enumerate(parents):
        paths.append([*(paths[parent] if parent >= 0 else []), number])
    ancestors = torch.tensor([[j in path for j in range(len(parents))] for path in paths])
    positions = torch.tensor([prompt + len(path) - 1 for path in paths])
    return positions, ancestors, paths


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("position", ["none", "rope", "alibi", "t5"])
@pytest.mark.parametrize("spec", SOFTMAX)
def test_a_packed_tree_is_every_path_on_its_own(spec: str, position: str, cached: bool) -> None:
    case = Case.of(spec, position)
    prompt = 11
    places, ancestors, paths = tree(prompt)
    count = len(paths)
    q, k, v = inputs(prompt + count, batch=2)
    if cached:
        _, state = case.in_parts(*(x[:, :, :prompt] for x in (q, k, v)), [prompt])
        visible = torch.cat([torch.ones(count, prompt, dtype=torch.bool), ancestors], 1)[None]
        y, after = case(*(x[:, :, prompt:] for x in (q, k, v)), places.expand(2, -1), visible, state)
        assert after.length == prompt + count
    else:
        visible = torch.zeros(prompt + count, prompt + count, dtype=torch.bool)
        visible[:prompt, :prompt] = causal(prompt)
        visible[prompt:, :prompt] = True
        visible[prompt:, prompt:] = ancestors
        at = torch.cat([torch.arange(prompt), places]).expand(2, -1)
        y, _ = case(q, k, v, at, visible[None])
        y = y[:, :, prompt:]
    for number, path in enumerate(paths):
        rows = [*range(prompt), *(prompt + n for n in path)]
        alone, _ = case(q[:, :, rows], k[:, :, rows], v[:, :, rows])
        torch.testing.assert_close(y[:, :, number], alone[:, :, -1], rtol=1e-10, atol=1e-10)


def test_a_local_cache_keeps_a_window_and_nothing_else() -> None:
    case = Case.of("local(window=3)")
    q, k, v = inputs(40)
    _, state = case.in_parts(q, k, v, [5, 20, 21, 40])
    assert state.length == 40
    assert state.k.shape[2] == state.positions.shape[1] == 3
    assert state.k.untyped_storage().nbytes() == state.k.numel() * state.k.element_size()
    # Behind a packed tree nodes share positions: nothing is dropped any more, so whoever goes on is still right.
    places, ancestors, _ = tree(40)
    visible = torch.cat([torch.ones(8, 40, dtype=torch.bool), ancestors], 1)[None]
    _, packed = case(*(x[:, :, :8] for x in inputs(8, seed=4)), places.expand(2, -1), visible, state)
    assert packed.k.shape[2] == 11
    _, longer = case(*(x[:, :, :1] for x in inputs(1, seed=5)), torch.full((2, 1), 44), None, packed)
    assert longer.k.shape[2] == 12


def test_a_prefix_comes_in_one_call() -> None:
    case = Case.of("prefix_lm(prefix=5)")
    q, k, v = inputs(9)
    with pytest.raises(ModelError, match=r"give the first 5 tokens in one call.* holds 3 of them"):
        case.in_parts(q, k, v, [3, 9])


@pytest.mark.parametrize("position", ["none", "rope", "alibi", "t5"])
@pytest.mark.parametrize("spec", SOFTMAX)
@pytest.mark.parametrize("backend", ["eager", "flex_attention"])
def test_backends_agree(spec: str, position: str, backend: str) -> None:
    case = Case.of(spec, position)
    q, k, v = inputs(50, dtype=torch.float32)
    with torch.no_grad():
        for visible in (None, causal(50)):
            expected, _ = case(q, k, v, visible=visible)
            y, _ = case(q, k, v, visible=visible, backend=backend)
            torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)
        _, state = case.in_parts(q[:, :, :47], k[:, :, :47], v[:, :, :47], [47])
        at = torch.arange(47, 50).expand(2, -1)
        y, _ = case(*(x[:, :, 47:] for x in (q, k, v)), at, None, state, backend=backend)
        torch.testing.assert_close(y, case(q, k, v)[0][:, :, 47:], rtol=1e-5, atol=1e-5)


def test_flex_attention_says_that_it_cannot_train_on_a_cpu() -> None:
    with pytest.raises(ModelError, match="cannot train on a CPU"):
        Case.of("full")(*inputs(8, dtype=torch.float32, grad=True), backend="flex_attention")


def test_eager_can_be_differentiated_twice() -> None:
    case = Case.of("local(window=3)")
    q, k, v = inputs(6, batch=1, grad=True)
    assert torch.autograd.gradgradcheck(lambda *x: case(*x, backend="eager")[0], (q, k, v), fast_mode=True)


def test_every_row_of_a_batch_may_stand_elsewhere() -> None:
    """Rows with positions of their own, as in windows that were cut at different plies."""
    q, k, v = inputs(10)
    positions = torch.stack([torch.arange(10), torch.arange(10) * 2])
    for spec, position in itertools.product(
        ["local(window=3)", "atrous(rate=3)"], ["none", "alibi", "t5", "rope"]
    ):
        case = Case.of(spec, position)
        both, _ = case(q, k, v, positions)
        for row in range(2):
            one, _ = case(*(x[row : row + 1] for x in (q, k, v)), positions[row : row + 1])
            torch.testing.assert_close(both[row : row + 1], one, rtol=1e-10, atol=1e-10)
