"""The family inside a whole model: directories, decoding, packed rows, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.model.attention.cases import SOFTMAX, VARIANTS, name_of
from tests.model.tiny import tiny
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.model.activations import ACTIVATIONS
from xiangqi_gpt.model.attention import attention_class
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.hf import XiangqiGPTForCausalLM
from xiangqi_gpt.model.positions import POSITIONS, SCORE_BIASES

TEXT: dict[str, Any] = {"board": "none", "tokenizer": "iccs", "view": "red", "context_plies": 20}


def model(**changes: Any) -> XiangqiGPT:
    # local(window=0) by itself sees nothing and is refused; beside another layer it may stand.
    if changes.get("attention") == "local(window=0)":
        changes["attention"] = ["local(window=0)", "full"]
    # A prefix covers what is input only: here three condition tokens and BOS.
    if changes.get("attention") == "prefix_lm(prefix=5)":
        changes.update(attention="prefix_lm(prefix=4)", condition="result+strength")
    return tiny(**{**TEXT, **changes})


def tokens(length: int, rows: int = 2, seed: int = 0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    slots = (torch.arange(length) - 1) % 4
    slots[0] = 4
    return {
        "input_ids": torch.randint(3, 22, (rows, length), generator=draw),
        "slots": slots.expand(rows, -1),
        "positions": torch.arange(length).expand(rows, -1),
    }


def logits(gpt: XiangqiGPT, **kwargs: Any) -> Tensor:
    with torch.inference_mode():
        output = gpt(**kwargs)
    assert output.logits is not None
    result: Tensor = output.logits
    return result


CHANGES: list[dict[str, Any]] = [
    *({"attention": spec} for spec in VARIANTS),
    *({"position": position} for position in POSITIONS),
    *({"activation": activation} for activation in ACTIVATIONS),
    {"norm": "rms"},
    {"tie_word_embeddings": True},
    {"attention": ["local(window=3)", "atrous(rate=2)"], "position": "alibi", "heads": 4},
    {"attention": ["linear", "full"], "position": "sinusoidal"},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_saved_and_loaded_bit_equal(changes: dict[str, Any], tmp_path: Path) -> None:
    gpt = model(**changes)
    gpt.save_pretrained(tmp_path)
    again = load_model(tmp_path)
    for key, value in changes.items():
        assert getattr(again.config, key) == getattr(gpt.config, key), value
    assert torch.equal(logits(again, **tokens(30)), logits(gpt, **tokens(30)))
    if changes.get("tie_word_embeddings"):
        assert again.lm_head.weight is again.tokens.weight
        names = [name for name, _ in gpt.named_parameters()]
        assert "lm_head.weight" not in names


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("spec", VARIANTS)
def test_cached_decoding_equals_the_whole(spec: str, position: str) -> None:
    """Prompt, single steps, several tokens at once; positions given or left to follow each other."""
    if position in SCORE_BIASES and not attention_class(name_of(spec)).takes_bias:
        pytest.skip("refused together")
    gpt = model(attention=spec, position=position)
    row = tokens(40)
    whole = logits(gpt, **row)
    assert torch.allclose(
        logits(gpt, input_ids=row["input_ids"], slots=row["slots"]), whole, rtol=1e-4, atol=1e-4
    )
    for given in (True, False):
        states: Any = gpt.init_states(2)
        out, first = [], 0
        for last in (9, 10, 11, 15, 40):
            part = {key: value[:, first:last] for key, value in row.items() if given or key != "positions"}
            with torch.inference_mode():
                output = gpt(**part, states=states)
            assert output.logits is not None
            states = output.states
            out.append(output.logits)
            first = last
        torch.testing.assert_close(torch.cat(out, 1), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("spec", VARIANTS)
def test_a_tree_behind_a_cached_prompt(spec: str) -> None:
    """Every node scored as in a run of its own: packed where the variant packs, else level by level."""
    gpt = model(attention=spec, position="rope")
    prompt = 13
    parents = [-1, -1, 0, 0, 1, 2, 2, 4]
    paths: list[list[int]] = []
    for number, parent in enumerate(parents):
        paths.append([*(paths[parent] if parent >= 0 else []), number])
    row = tokens(prompt + len(parents), rows=1)
    ids = row["input_ids"]
    head = {key: value[:, :prompt] for key, value in row.items()}
    expected = []
    for path in paths:
        alone = tokens(prompt + len(path), rows=1)
        alone["input_ids"] = torch.cat([ids[:, :prompt], ids[:, [prompt + n for n in path]]], 1)
        expected.append(logits(gpt, **alone)[0, -1])
    with torch.inference_mode():
        states: Any = gpt(**head, states=gpt.init_states(1)).states
    packs = {layer.attention.packs_trees for layer in gpt.attention_layers()}
    assert packs == {attention_class(name_of(spec)).packs_trees} == {spec in SOFTMAX}
    found: dict[int, Tensor] = {}
    if packs == {True}:
        ancestors = torch.tensor([[j in path for j in range(len(parents))] for path in paths])
        depth = torch.tensor([len(path) for path in paths])[None]
        visible = torch.cat([torch.ones(len(parents), prompt, dtype=torch.bool), ancestors], 1)[None]
        at = {"input_ids": ids[:, prompt:], "slots": depth - 1, "positions": prompt + depth - 1}
        found = dict(enumerate(logits(gpt, **at, visible=visible, states=states)[0]))
    else:
        level, numbers = states, [-1]
        for depth in (1, 2, 3):
            nodes = [n for n, path in enumerate(paths) if len(path) == depth]
            level = tuple(s.reorder(torch.tensor([numbers.index(parents[n]) for n in nodes])) for s in level)
            at = {
                "input_ids": ids[0, [prompt + n for n in nodes]][:, None],
                "slots": torch.full((len(nodes), 1), depth - 1),
                "positions": torch.full((len(nodes), 1), prompt + depth - 1),
            }
            with torch.inference_mode():
                output = gpt(**at, states=level)
            assert output.logits is not None
            level, numbers = output.states, nodes
            found.update(zip(nodes, output.logits[:, 0], strict=True))
    for number, row_expected in enumerate(expected):
        torch.testing.assert_close(found[number], row_expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("spec", VARIANTS)
def test_gradients_reach_every_weight(spec: str) -> None:
    gpt = model(attention=spec, position="t5" if spec in SOFTMAX else "learned")
    gpt.train()
    row = tokens(24)
    output = gpt(**row)
    assert output.logits is not None
    F.cross_entropy(output.logits.flatten(0, 1), row["input_ids"].flatten()).backward()
    for name, parameter in gpt.named_parameters():
        if not name.startswith("value"):
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
    assert all(
        layer.qkv.weight.grad is not None and layer.qkv.weight.grad.any()
        for layer in gpt.attention_layers()[-1:]
    )


def test_options_reach_their_module() -> None:
    gpt = model(attention=["local(window=2)", "sparse(rate=5)", "performer(features=11)", "taylor"], layers=6)
    configs = [layer.attention.config for layer in gpt.attention_layers()]
    assert [type(c).__name__ for c in configs[:2]] == ["LocalConfig", "SparseConfig"]
    assert (configs[0].window, configs[1].rate, configs[2].features, configs[3].order) == (2, 5, 11, 2)
    assert configs[4] == configs[0]
    projection = gpt.attention_layers()[2].attention.projection
    assert isinstance(projection, Tensor)
    assert projection.shape == (11, 16)
    assert "layers.2.attention.attention.projection" in gpt.state_dict()


def test_a_gated_part_has_as_many_weights() -> None:
    plain, gated = (
        sum(p.numel() for p in model(activation=a, width=48, heads=2).parameters())
        for a in ("gelu", "swiglu")
    )
    assert plain == gated


def test_the_backend_is_chosen_as_everywhere_in_transformers(tmp_path: Path) -> None:
    gpt = XiangqiGPTForCausalLM.of(model(attention=["local(window=3)", "full"]))
    expected = logits(gpt, **tokens(20))
    for backend in ("eager", "flex_attention", "sdpa"):
        gpt.set_attn_implementation(backend)
        torch.testing.assert_close(logits(gpt, **tokens(20)), expected, rtol=1e-4, atol=1e-4)
    gpt.save_pretrained(tmp_path)
    other = XiangqiGPTForCausalLM.from_pretrained(tmp_path, attn_implementation="eager").eval()
    assert other.config._attn_implementation == "eager"
    torch.testing.assert_close(logits(other, **tokens(20)), expected, rtol=1e-4, atol=1e-4)
    other.config._attn_implementation = "paged|eager"
    with pytest.raises(ConfigError, match="attn_implementation: expected one of sdpa, eager, flex_attention"):
        logits(other, **tokens(20))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"attention": "linformer"},
            "attention 'linformer' is not offered: its projections mix all positions",
        ),
        ({"attention": "locl"}, "attention: expected one of atrous, cosine, .*, found 'locl'"),
        ({"attention": []}, "expected a name or a list of names, found an empty list"),
        ({"attention": [3]}, r"attention: expected 'name' or 'name\(option=value, ...\)', found 3"),
        (
            {"attention": "local(window=-1)"},
            "attention 'local': window: expected a whole number from 0 on, found -1",
        ),
        ({"attention": "local(window=1.5)"}, "window: expected a whole number from 0 on, found 1.5"),
        ({"attention": "local(window=True)"}, "window: expected a whole number from 0 on, found True"),
        ({"attention": "local(size=3)"}, r"expected options of \{window\} as key=value, found 'size=3'"),
        ({"attention": "local(window=x)"}, "expected a plain value for 'window', found 'x'"),
        ({"attention": "atrous(rate=0)"}, "rate: expected a whole number from 1 on, found 0"),
        ({"attention": "performer(features=-4)"}, "features: expected a whole number from 0 on"),
        (
            {"attention": "taylor(order=3)"},
            "expected an even number, found 3; odd orders give negative weights",
        ),
        ({"attention": "power(order=0)"}, "order: expected a whole number from 1 on"),
        (
            {"attention": "taylor(order=10)"},
            "expected at most 20,000 features, found .* with heads of size 16",
        ),
        (
            {"attention": "linear", "position": "alibi"},
            "with attention 'linear', found 'alibi', which adds to attention scores",
        ),
        ({"attention": ["full", "efficient"], "position": "t5"}, "with attention 'efficient', found 't5'"),
        ({"attention": "atrous(rate=2)"}, "a ply has 4"),
        (
            {"attention": ["atrous(rate=6)", "atrous(rate=4)"]},
            "all layers look back over multiples of 2",
        ),
        (
            {"attention": ["atrous(rate=4)", "local(window=0)"]},
            "all layers look back over multiples of 4",
        ),
        ({"attention": "local(window=0)"}, "no layer sees earlier tokens"),
        (
            {"attention": ["full", "prefix_lm(prefix=3)"]},
            "prefix_lm needs the same prefix in all layers",
        ),
        (
            {"attention": "prefix_lm(prefix=2)"},
            r"a prefix of at most 1 \(the condition tokens and BOS\), found 2",
        ),
        (
            {"attention": "prefix_lm(prefix=4)", "condition": "strength"},
            r"a prefix of at most 3 \(the condition tokens and BOS\), found 4",
        ),
        ({"position": "rotary"}, "position: expected one of rope, learned, sinusoidal, alibi, t5, none"),
        (
            {"activation": "relu"},
            "activation: expected one of gelu, gelu_tanh, squareplus, swiglu, found 'relu'",
        ),
        ({"norm": "batch"}, "norm: expected one of layer, rms, found 'batch'"),
        ({"width": 30, "heads": 2}, "an even head size for rope"),
        ({"width": 33, "heads": 3, "position": "sinusoidal"}, "an even width for sinusoids"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        tiny(**{**TEXT, **changes})


@pytest.mark.parametrize(
    "attention",
    [
        "atrous(rate=3)",
        ["atrous(rate=4)", "local(window=3)"],
        ["atrous(rate=2)", "atrous(rate=3)"],
        ["atrous(rate=4)", "linear"],
        ["prefix_lm(prefix=1)"],
    ],
)
def test_what_makes_sense_is_not(attention: Any) -> None:
    tiny(**{**TEXT, "attention": attention})


def test_rates_are_judged_by_the_tokens_of_a_ply() -> None:
    assert (
        tiny(tokenizer="square", board="none", attention="atrous(rate=3)").config.attention
        == "atrous(rate=3)"
    )
    with pytest.raises(ConfigError, match="a ply has 2"):
        tiny(tokenizer="square", board="none", attention="atrous(rate=4)")


@pytest.mark.parametrize(
    ("move_head", "head"),
    [
        ("pointer", {"pointer_query.weight", "pointer_key.weight"}),
        (
            "table",
            {
                "move_table.squares.weight",
                "move_table.queries.weight",
                "move_table.queries.bias",
                "move_table.bias.weight",
            },
        ),
    ],
)
def test_weights_of_the_default_configuration_keep_their_names(move_head: str, head: set[str]) -> None:
    """Published weights and checkpoints of runs under way name them so."""
    with torch.device("meta"):
        gpt = XiangqiGPT(XiangqiGPTConfig(layers=1, encoder_blocks=1, move_head=move_head))
    block = "encoder.blocks.0."
    expected = {
        "tokens.weight",
        "slots.weight",
        "encoder.squares",
        "encoder.pieces.weight",
        *(f"encoder.{part}.{kind}" for part in ("counters", "norm") for kind in ("weight", "bias")),
        *(
            f"{block}{part}.{kind}"
            for part in (
                "norm",
                "first",
                "second",
                "pooling.by_file",
                "pooling.by_rank",
                "pooling.by_board",
            )
            for kind in ("weight", "bias")
        ),
        "summary.project.weight",
        "summary.project.bias",
        "from_square.weight",
        *head,
        "layers.0.attention_norm.weight",
        "layers.0.attention_norm.bias",
        "layers.0.attention.qkv.weight",
        "layers.0.attention.out.weight",
        "layers.0.mlp_norm.weight",
        "layers.0.mlp_norm.bias",
        "layers.0.mlp.up.weight",
        "layers.0.mlp.down.weight",
        "norm.weight",
        "norm.bias",
        "lm_head.weight",
        *(f"{part}.{kind}" for part in ("value_hidden", "value_head") for kind in ("weight", "bias")),
    }
    assert set(gpt.state_dict()) == expected
    config = XiangqiGPTConfig()
    assert (config.attention, config.position, config.activation, config.norm) == (
        "full",
        "rope",
        "gelu",
        "layer",
    )
