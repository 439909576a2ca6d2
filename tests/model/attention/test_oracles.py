"""The same numbers from other people's programs, where they are installed."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.model.attention.cases import HEADS, Case, inputs
from xiangqi_gpt.model.positions import Rope, alibi_slopes, rotate, sinusoids, t5_bucket


def test_sinusoids_and_rope_of_roformer() -> None:
    roformer = pytest.importorskip("transformers.models.roformer.modeling_roformer")
    layer = roformer.RoFormerSinusoidalPositionalEmbedding(50, 8)
    layer.weight.copy_(layer.create_weight()) if hasattr(layer, "create_weight") else layer._init_weight()
    table = layer(torch.Size([1, 50])).detach()
    ours = sinusoids(torch.arange(50), 8)
    # Sines first, then cosines there; interleaved here.
    torch.testing.assert_close(
        ours, torch.stack([table[:, :4], table[:, 4:]], -1).flatten(1), rtol=0, atol=1e-5
    )
    q, k, _ = inputs(50, dtype=torch.float32)
    turn = Rope(8, 10000.0).rotation(torch.arange(50)[None])[:, None]
    theirs = roformer.RoFormerSelfAttention.apply_rotary_position_embeddings(table[None, None], q, k)
    for ours, expected in zip((rotate(q, turn), rotate(k, turn)), theirs, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


def test_rope_of_llama_in_another_order() -> None:
    """Llama turns (x_k, x_k+D/2) where we turn (x_2k, x_2k+1): the same after a permutation."""
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    q, k, _ = inputs(50, dtype=torch.float32)
    positions = torch.arange(50)[None]
    turn = Rope(8, 10000.0).rotation(positions)
    cos, sin = (torch.cat([x, x], -1) for x in (turn.real, turn.imag))
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    theirs = llama.apply_rotary_pos_emb(q[..., order], k[..., order], cos, sin)
    for ours, expected in zip((rotate(q, turn[:, None]), rotate(k, turn[:, None])), theirs, strict=True):
        torch.testing.assert_close(ours[..., order], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("heads", [1, 2, 6, 8, 12, 16])
def test_alibi_of_bloom(heads: int) -> None:
    """Its bias is +m j, ours -m (i - j): equal after the softmax."""
    bloom = pytest.importorskip("transformers.models.bloom.modeling_bloom")
    theirs = bloom.build_alibi_tensor(torch.ones(1, 10), heads, torch.float32)  # (H, 1, 10)
    slopes = theirs[:, 0, 1] - theirs[:, 0, 0]
    torch.testing.assert_close(alibi_slopes(heads), slopes, rtol=1e-6, atol=0)


def test_buckets_of_t5() -> None:
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5")
    distance = torch.arange(-5, 1000)
    theirs = t5.T5Attention._relative_position_bucket(
        -distance, bidirectional=False, num_buckets=32, max_distance=128
    )
    assert torch.equal(t5_bucket(distance), theirs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("position", ["rope", "alibi", "t5", "none"])
def test_attention_of_x_transformers(position: str) -> None:
    """A whole layer with our weights put into theirs."""
    x_transformers = pytest.importorskip("x_transformers.x_transformers")
    torch.manual_seed(0)
    heads, size, length = 4, 8, 50
    width = heads * size
    choice: dict[str, Any] = {
        "rope": {"rotary_pos_emb": True, "rotary_emb_dim": size},
        "alibi": {"alibi_pos_bias": True},
        "t5": {"rel_pos_bias": True},
        "none": {},
    }[position]
    theirs = x_transformers.Decoder(dim=width, depth=1, heads=heads, attn_dim_head=size, **choice)
    attention = next(m for m in theirs.modules() if type(m).__name__ == "Attention")
    norm = next(m for m in theirs.modules() if type(m).__name__ == "LayerNorm")
    x = torch.randn(2, length, width)
    normed = norm(x)
    q, k, v = (
        getattr(attention, f"to_{name}")(normed).unflatten(-1, (heads, size)).transpose(1, 2)
        for name in "qkv"
    )
    case = Case.of("full", position, heads=heads, head_size=size)
    if position == "t5":
        table = next(m for m in theirs.modules() if type(m).__name__ == "RelativePositionBias")
        with torch.no_grad():  # their table is scaled as if scores were not divided by sqrt(D)
            case.position.table.weight.copy_(table.relative_attention_bias.weight * table.scale)  # type: ignore[union-attr,operator]
    y, _ = case(q, k, v)
    ours = attention.to_out(y.transpose(1, 2).flatten(2))
    expected = attention(normed, **_arguments(theirs, position, length, x))
    expected = expected[0] if isinstance(expected, tuple) else expected
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def _arguments(decoder: Any, position: str, length: int, x: Tensor) -> dict[str, Any]:
    if position == "rope":
        return {"rotary_pos_emb": decoder.rotary_pos_emb(torch.arange(length))}
    if position in ("alibi", "t5"):
        return {"rel_pos": decoder.rel_pos}
    return {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("window", [1, 4, 8])
def test_local_of_local_attention(window: int) -> None:
    local_attention = pytest.importorskip("local_attention")
    q, k, v = inputs(50, dtype=torch.float32)
    theirs = local_attention.LocalAttention(
        window_size=window,
        causal=True,
        look_backward=1,
        look_forward=0,
        exact_windowsize=True,
        autopad=True,
        use_rotary_pos_emb=False,
    )
    expected = theirs(*(x.flatten(0, 1) for x in (q, k, v))).unflatten(0, (2, HEADS))
    torch.testing.assert_close(Case.of(f"local(window={window})")(q, k, v)[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_features_of_performer_pytorch() -> None:
    """Without its epsilon its features are ours up to factors that cancel; with it, later keys leak."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        performer = pytest.importorskip("performer_pytorch.performer_pytorch")
    case = Case.of("performer(features=24)")
    projection = case.module.projection
    q, k, v = (0.5 * x for x in inputs(30, dtype=torch.float32))

    def theirs(q: Tensor, k: Tensor, eps: float) -> Tensor:
        fq = performer.softmax_kernel(q, projection_matrix=projection, is_query=True, eps=eps, device="cpu")
        fk = performer.softmax_kernel(k, projection_matrix=projection, is_query=False, eps=eps, device="cpu")
        sim = (fq @ fk.mT).tril()
        return sim / sim.sum(-1, keepdim=True) @ v

    torch.testing.assert_close(case(q, k, v)[0], theirs(q, k, 0.0), rtol=1e-4, atol=1e-4)
    later = k.clone()
    later[:, :, -1] *= 20
    leak = (theirs(q, later, 1e-4) - theirs(q, k, 1e-4))[:, :, :-1].abs().max()
    assert float(leak) > 1e-3
    assert torch.equal(case(q, later, v)[0][:, :, :-1], case(q, k, v)[0][:, :, :-1])


@pytest.mark.filterwarnings("ignore")
def test_linear_of_performer_pytorch() -> None:
    """Its sums of the past, on our features."""
    performer = pytest.importorskip("performer_pytorch.performer_pytorch")
    q, k, v = inputs(200, dtype=torch.float32)
    features = [torch.nn.functional.elu(x) + 1 for x in (q, k)]
    expected = performer.causal_linear_attention_noncuda(*features, v, chunk_size=50)
    torch.testing.assert_close(Case.of("linear")(q, k, v)[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_exponentials_of_linear_attention_transformer() -> None:
    """With one norm it is ours by exponentials; its efficient one on every beginning is ours, row by row."""
    theirs = pytest.importorskip("linear_attention_transformer.linear_attention_transformer")
    q, k, v = inputs(70, dtype=torch.float32)
    expected = theirs.causal_linear_attn(q, k, v, bucket_size=1, eps=0.0)
    torch.testing.assert_close(Case.of("linear_exp")(q, k, v)[0], expected, rtol=1e-4, atol=1e-4)
    efficient = Case.of("efficient")(q, k, v)[0]
    for length in (1, 2, 33, 64, 70):
        whole = theirs.linear_attn(*(x[:, :, :length] for x in (q, k, v))) * q.shape[-1] ** 0.5
        torch.testing.assert_close(efficient[:, :, length - 1], whole[:, :, -1], rtol=1e-4, atol=1e-4)
