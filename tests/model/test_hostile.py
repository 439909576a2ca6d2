"""Model folders of strangers: refused in one line, before anything large is built or anything foreign is imported."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.cli.test_model_commands import call
from tests.model.tiny import tiny
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.checkpoint import export_model, load_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def write_config(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["tokens.weight", "value_head.bias", "move_table.bias.weight"])
def test_weights_that_are_not_finite_are_refused(name: str, value: float, folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights[name].view(-1)[-1] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"weight {name!r} holds a number that is not finite"):
        load_model(folder)


def test_every_command_refuses_them_in_one_line(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["norm.weight"][0] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    data = ["--data", "data/sample.parquet", "--games", "1"]
    for command in (
        ["analyse", "--model", folder],
        ["analyse", "--json", "--model", folder],
        ["legal", "h2e2", "--model", folder],
        ["evaluate", "legality", "--model", folder, *data],
        ["evaluate", "accuracy", "--model", folder, *data],
        ["match", f"gpt:model={folder}", "random", "--games", "1"],
        ["export", folder, "--out", folder.parent / "out"],
    ):
        result = call(*command)
        assert result.exit_code != 0, command
        assert "weight 'norm.weight' holds a number that is not finite" in result.output
        assert "NaN" not in result.output
        assert len(result.output.strip().splitlines()) == 1, result.output


def test_weights_too_large_for_half_precision_are_not_exported(tmp_path: Path) -> None:
    model = tiny()
    with torch.no_grad():
        model.norm.weight[0] = 1e6
    with pytest.raises(ModelError, match=r"weight 'norm.weight' holds a number that is not finite"):
        export_model(model, tmp_path / "half")
    assert not (tmp_path / "half").exists()


HOSTILE: list[dict[str, Any]] = [
    {"attn_implementation": "org/kernel"},
    {"quantization_config": {"quant_method": "gptq", "bits": 4}},
    {"per_layer_config": {}},
    {"width": 10**9},
    {"width": 2**40},
    {"width": -1},
    {"width": True},
    {"width": 64.0},
    {"layers": 10**9},
    {"heads": 0},
    {"encoder_width": 10**12},
    {"encoder_blocks": 10**6},
    {"pointer_width": 2**62},
    {"legal_head": True, "legal_head_size": 2**40},
    {"context_plies": 10**9},
    {"vocab_size": 10**30},
    {"mlp_ratio": 1e300},
    {"mlp_ratio": 10**300},
    {"mlp_ratio": 0.0},
    {"dropout": -0.5},
    {"norm_eps": -1.0},
    {"rope_base": 0.0},
    {"initializer_range": 1e30},
    {"attention": ["full"] * 100_000},
    {"attention": "full(" + "[" * 100_000 + ")"},
    {"attention": "local(window=" + "9" * 150 + ")"},
    {"attention": "performer(features=1000000000)"},
    {"attention": "taylor(order=60000)"},
    {"attention": {"full": 1}},
    {"attention": None},
    {"tokenizer": ["square"]},
    {"tokenizer": "../../etc/passwd"},
    {"condition": {"a": 1}},
    {"position": "x" * 1_000},
]


@pytest.mark.parametrize("changes", HOSTILE, ids=lambda changes: str(changes)[:60])
def test_settings_out_of_range_are_refused_at_once(changes: dict[str, Any], folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    write_config(folder, json.dumps({**config, **changes}))
    began = time.process_time()
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert time.process_time() - began < 2.0
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"model_type": "xiangqi_gpt", "width": ' + "9" * 5_000 + "}",
        '{"model_type": "xiangqi_gpt", "mlp_ratio": Infinity}',
        '{"model_type": "xiangqi_gpt", "mlp_ratio": NaN}',
        '{"model_type": "xiangqi_gpt", "attention": ' + "[" * 200_000 + "]" * 200_000 + "}",
        '{"model_type": ' + '"x"' * 2 + "}",
        '{"model_type": "' + "x" * 10_000 + '"}',
        "[]",
        "\x00",
        " " * 2_000_000,
    ],
    ids=range(9),
)
def test_texts_that_break_readers_are_refused(text: str, folder: Path) -> None:
    write_config(folder, text)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert len(str(caught.value)) < 400


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(folder: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(ModelError):
            load_model(folder)
        (folder / name).unlink()
        tiny().save_pretrained(folder)


def test_an_index_names_its_shards_only(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    for names in ({"a": "../model.safetensors"}, {"a": "/etc/passwd"}, {}, [], {"a": 5}, {"a": "model.bin"}):
        index.write_text(json.dumps({"weight_map": names}))
        with pytest.raises(ModelError, match=r"expected an index of shards"):
            load_model(folder)
