"""The recurrent family: its numbers, its states, what it refuses."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.model.attention.cases import HEAD_SIZE, HEADS, RECURRENT, Case, causal, inputs
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.attention import Context, build_attention, parse_attention
from xiangqi_gpt.model.attention.exponential import orthogonal_features
from xiangqi_gpt.model.attention.linear import LinearAttention
from xiangqi_gpt.model.attention.naive import naive_weights


def positions(length: int) -> Tensor:
    return torch.arange(length).expand(2, -1)


@pytest.mark.parametrize("spec", RECURRENT)
def test_chunks_of_any_size_are_the_same(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case.of(spec, "rope")
    q, k, v = inputs(130)
    whole, state = case(q, k, v, state=case.module.init_state(2, q))
    for chunk in (1, 7, 130, 500):
        if isinstance(case.module, LinearAttention):
            monkeypatch.setattr(type(case.module), "chunk", chunk)
        else:
            monkeypatch.setattr(
                "xiangqi_gpt.model.attention.exponential._CHUNK", 1 << (chunk - 1).bit_length()
            )
        y, end = case(q, k, v, state=case.module.init_state(2, q))
        torch.testing.assert_close(y, whole, rtol=1e-11, atol=1e-12)
        for name in ("sums", "norms", "tops"):
            if hasattr(state, name):
                torch.testing.assert_close(getattr(end, name), getattr(state, name), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("spec", RECURRENT)
def test_a_state_has_one_size_and_is_float32(spec: str) -> None:
    case = Case.of(spec)
    like = torch.zeros(1, dtype=torch.bfloat16)
    state = case.module.init_state(2, like)
    sizes = []
    for _ in range(3):
        q, k, v = inputs(9, dtype=torch.bfloat16)
        y, state = case(q, k, v, None, None, state)
        assert y.dtype == torch.bfloat16
        tensors = [x for x in vars(state).values() if isinstance(x, Tensor)]
        assert all(x.dtype == torch.float32 for x in tensors)
        sizes.append([x.shape for x in tensors])
    assert sizes[0] == sizes[1] == sizes[2]
    assert state.length == 27


@pytest.mark.parametrize("spec", RECURRENT)
def test_a_tree_in_training_is_every_path_on_its_own(spec: str) -> None:
    """Branches under a mask, without a state."""
    for position in ("none", "rope"):
        case = Case.of(spec, position)
        q, k, v = inputs(14)
        visible = causal(14)[0].clone()
        visible[12:, 5:12] = False  # two tokens that leave the line behind token 4
        at = torch.cat([torch.arange(12), torch.tensor([5, 6])]).expand(2, -1)
        y, _ = case(q, k, v, at, visible[None])
        rows = [0, 1, 2, 3, 4, 12, 13]
        alone, _ = case(q[:, :, rows], k[:, :, rows], v[:, :, rows])
        torch.testing.assert_close(y[:, :, rows], alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("spec", RECURRENT)
def test_what_cannot_be_is_refused_with_the_reason(spec: str) -> None:
    case = Case.of(spec)
    assert not case.module.packs_trees
    q, k, v = inputs(4)
    with pytest.raises(ModelError, match=r"give either visible or a state, not both.*level by level"):
        case(q, k, v, None, causal(4), case.module.init_state(2, q))
    with pytest.raises(ModelError, match="a score bias was given"):
        case.module(q, k, v, positions(4), context=Context(bias=lambda i, j: i - j))


@pytest.mark.parametrize("spec", ["linear_exp", "efficient", "performer(features=24)"])
def test_exponentials_of_any_size(spec: str) -> None:
    """Keys and queries 500 times as large: finite, still causal, and equal to exponents formed in pairs."""
    case = Case.of(spec)
    for scale in (1.0, 30.0, 500.0):
        q, k, v = inputs(67, dtype=torch.float32)
        q, k = scale * q, scale * k
        y, state = case(q, k, v, state=case.module.init_state(2, q))
        assert y.isfinite().all()
        assert all(x.isfinite().all() for x in vars(state).values() if isinstance(x, Tensor))
        if spec.startswith("performer"):
            continue
        a, b = q.double(), k.double()
        pairs = (
            a[:, :, :, None] + b[:, :, None]
            if spec == "linear_exp"
            else b[:, :, None].expand(-1, -1, 67, -1, -1)
        )
        pairs = pairs.masked_fill(~causal(67)[..., None], -torch.inf)
        if spec == "linear_exp":
            shares = pairs.flatten(3).softmax(-1).unflatten(3, (67, -1)).sum(-1)
        else:
            shares = (a.softmax(-1)[:, :, :, None] * pairs.softmax(3)).sum(-1)
        torch.testing.assert_close(y.double(), shares @ v.double(), rtol=2e-4, atol=2e-4)


def test_linear_features_do_not_underflow() -> None:
    q, k, v = inputs(30, dtype=torch.float32)
    y, _ = Case.of("linear")(q, k - 40, torch.ones_like(v))
    torch.testing.assert_close(y, torch.ones_like(y))


def test_linear_exp_is_softmax_on_both_sides_with_one_norm() -> None:
    """exp(q) and softmax(q) differ by a factor that cancels."""
    q, k, v = inputs(20)
    sim = torch.einsum("bhtr,bhsr->bhts", q.softmax(-1), k.exp()) * causal(20)
    expected = sim / sim.sum(-1, keepdim=True) @ v
    torch.testing.assert_close(Case.of("linear_exp")(q, k, v)[0], expected)


def test_efficient_is_the_original_on_every_beginning() -> None:
    q, k, v = inputs(41)
    y, _ = Case.of("efficient")(q, k, v)
    for t in range(41):
        context = k[:, :, : t + 1].softmax(2).mT @ v[:, :, : t + 1]
        expected = (q[:, :, t, None].softmax(-1) @ context)[:, :, 0]
        torch.testing.assert_close(y[:, :, t], expected, rtol=1e-12, atol=1e-12)
    # Masking the original instead leaks: its keys are normalised over tokens to come.
    masked = (q.softmax(-1) @ k.softmax(2).mT).tril()
    k2 = k.clone()
    k2[:, :, -1] += 3
    assert ((q.softmax(-1) @ k2.softmax(2).mT).tril() - masked)[:, :, :-1].abs().max() > 0.01


def test_shares_of_the_cosine_kernel_are_flat() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 1, 200, 32, dtype=torch.float64)
    ((name, config),) = parse_attention("cosine", 1)
    module = build_attention(name, config, 1, 32)
    shares = naive_weights(module, q, k, torch.arange(200)[None])[0, 0, -1]
    assert float(shares.min()) >= 0
    assert float(shares.max() / shares.mean()) < 2  # sim lies between 0 and 2
    features = module.features(q) @ module.features(k).mT
    torch.testing.assert_close(features, 1 + torch.cosine_similarity(q[:, :, :, None], k[:, :, None], dim=-1))


@pytest.mark.parametrize("spec", ["cosine", "taylor(order=2)", "power(order=4)", "performer(features=24)"])
def test_kernels_of_the_product_take_rotary_positions_on_both_sides_of_the_bar(spec: str) -> None:
    """Shares are then neither negative nor short of one, and depend on distances alone (an estimate does so nearly)."""
    case = Case.of(spec, "rope")
    q, k, _ = inputs(30)
    found = []
    for first in (0, 37):
        at = torch.arange(first, first + 30).expand(2, -1)
        context = case.context(at)
        shares = naive_weights(case.module, *case.turned(q, k, context), at, None, context)
        torch.testing.assert_close(shares.sum(-1), torch.ones(2, HEADS, 30, dtype=torch.float64))
        assert (shares >= 0).all()
        found.append(shares)
    if not spec.startswith("performer"):
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spec", ["linear", "linear_exp", "efficient"])
def test_turned_features_know_distances_alone(spec: str) -> None:
    case = Case.of(spec, "rope")
    q, k, v = inputs(30)
    here, _ = case(q, k, v)
    there, _ = case(q, k, v, torch.arange(37, 67).expand(2, -1))
    torch.testing.assert_close(here, there, rtol=1e-5, atol=1e-5)
    at = positions(30)
    negative = naive_weights(case.module, q, k, at, None, case.context(at)) < 0
    assert negative.any()  # the price of leaving the denominator alone


def test_polynomials_equal_their_features() -> None:
    torch.manual_seed(0)
    for spec in ("taylor(order=2)", "taylor(order=4)", "power(order=2)", "power(order=4)", "power(order=6)"):
        case = Case.of(spec, head_size=5)
        q, k = torch.randn(2, 40, 5, dtype=torch.float64)
        order = case.module.config.order
        fq, fk = case.module.features(q), case.module.features(k)
        assert fq.shape[-1] == math.comb(5 + order, order)
        x = q @ k.mT / math.sqrt(5)
        expected = (
            sum(x**m / math.factorial(m) for m in range(order + 1))
            if spec.startswith("taylor")
            else (1 + x / order) ** order
        )
        torch.testing.assert_close(fq @ fk.mT, expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(case.module.kernel(q, k), expected, rtol=1e-12, atol=1e-12)
        assert (expected >= 0).all()


def test_tables_made_in_inference_serve_training() -> None:
    case = Case.of("taylor", head_size=6)
    q, k, v = (x[..., :6] for x in inputs(9))
    with torch.inference_mode():
        case(q, k, v)
    q.requires_grad_()
    case(q, k, v)[0].sum().backward()
    assert q.grad is not None


def test_the_two_roads_to_exp() -> None:
    """(1 + x/N)^N nears exp at 1/N, with error N -> x^2/2; the series does so by factorials, for small x."""

    def similarity(spec: str, x: float) -> float:
        case = Case.of(spec, heads=1, head_size=1)
        one = torch.ones(1, 1, dtype=torch.float64)
        return float(case.module.kernel(x * one, one))

    for x in (-2.0, -1.0, 0.5, 1.0, 2.0):
        errors = {
            n: abs(similarity(f"power(order={n})", x) / math.exp(x) - 1) for n in (8, 16, 32, 64, 128, 256)
        }
        for n, error in errors.items():
            assert error * n == pytest.approx(x * x / 2, rel=2.5 * abs(x) / n)
        assert errors[256] == pytest.approx(errors[128] / 2, rel=0.02)
    for order in (2, 4, 6):
        taylor, power = (
            abs(similarity(f"{s}(order={order})", 0.5) - math.exp(0.5)) for s in ("taylor", "power")
        )
        assert taylor < power
        assert taylor < 1.2 * 0.5 ** (order + 1) / math.factorial(order + 1)
        taylor, power = (
            abs(similarity(f"{s}(order={order})", -6.0) - math.exp(-6.0)) for s in ("taylor", "power")
        )
        assert power < taylor


def kernel_estimates(norm: float, count: int, draws: int, orthogonal: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Estimates (draws,) of exp(q . k), for one pair with given norms (already scaled) at D = 16, and q, k."""
    draw = torch.Generator().manual_seed(1)
    q, k = (norm * F.normalize(torch.randn(16, generator=draw, dtype=torch.float64), dim=0) for _ in "qk")
    values = []
    for _ in range(draws):
        w = (
            orthogonal_features(count, 16).double()
            if orthogonal
            else torch.randn(count, 16, dtype=torch.float64)
        )
        values.append((w @ q - q @ q / 2 + w @ k - k @ k / 2).exp().mean())
    return torch.stack(values), q, k


@pytest.mark.parametrize("norm", [0.3, 0.7])
def test_random_features_have_the_variance_of_theory(norm: float) -> None:
    """Independent ones: relative variance (exp(|q + k|^2) - 1) / m. Orthogonal ones: no more, and no bias."""
    torch.manual_seed(11)
    count, draws = 16, 6000
    independent, q, k = kernel_estimates(norm, count, draws, False)
    exact = (q @ k).exp()
    theory = float(((q + k).square().sum().exp() - 1) / count)
    assert float(independent.var() / exact**2) == pytest.approx(theory, rel=0.08)
    orthogonal, _, _ = kernel_estimates(norm, count, draws, True)
    assert float(orthogonal.var() / exact**2) < 1.02 * theory
    assert abs(float(orthogonal.mean() - exact)) < 3 * float(orthogonal.std()) / math.sqrt(draws)


def test_random_features_are_orthogonal_in_blocks_with_gaussian_lengths() -> None:
    torch.manual_seed(0)
    w = orthogonal_features(40, 16)
    assert w.shape == (40, 16)
    for block in w.split(16):
        gram = block @ block.mT
        assert (gram - gram.diagonal().diag()).abs().max() < 1e-4
    lengths = torch.cat([orthogonal_features(64, 16).square().sum(1) for _ in range(100)])
    assert float(lengths.mean()) == pytest.approx(16, rel=0.02)
    assert float(lengths.var()) == pytest.approx(32, rel=0.1)
    # No side of the first coordinate is preferred, as the signs of a bare QR would.
    assert (
        abs(float(torch.stack([orthogonal_features(16, 16)[:, 0] for _ in range(300)]).sign().mean())) < 0.05
    )


def test_more_random_features_come_nearer_to_softmax() -> None:
    """At norms of 0.7, where the law of 1/sqrt(m) can be seen."""
    torch.manual_seed(5)
    q, k, v = inputs(60, batch=4)
    q, k = (0.7 * HEAD_SIZE**0.25 * F.normalize(x, dim=-1) for x in (q, k))
    exact, _ = Case.of("full")(q, k, v)
    errors = []
    for count in (16, 64, 256, 1024):
        ((name, config),) = parse_attention(f"performer(features={count})", 1)
        squares = []
        for _ in range(6):
            y, _ = build_attention(name, config, HEADS, HEAD_SIZE)(q, k, v, torch.arange(60).expand(4, -1))
            squares.append(float((y - exact).square().mean()))
        errors.append(math.sqrt(sum(squares) / 6))
    for before, after in itertools.pairwise(errors):
        assert after == pytest.approx(before / 2, rel=0.35)


def test_rank_is_the_head_size_until_time_is_masked() -> None:
    """Without a mask linear attention has rank D at most; causally it has full rank, like softmax."""
    torch.manual_seed(0)
    q, k = torch.randn(2, 64, 8, dtype=torch.float64)
    case = Case.of("linear", heads=1)
    sim = case.module.features(q) @ case.module.features(k).mT
    assert int(torch.linalg.matrix_rank(sim)) == 8
    assert int(torch.linalg.matrix_rank(sim.tril())) == 64
