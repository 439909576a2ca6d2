"""Probe files: read back as written, and refused where they cannot be of this model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model.tiny import tiny
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model import board_probe
from xiangqi_gpt.model.board_probe import BoardProbe, fingerprint, load_probe
from xiangqi_gpt.model.checkpoint import export_model, load_model


def probe(layer: int = 1, width: int = 32) -> BoardProbe:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(width, 90, 15, generator=generator)
    return BoardProbe(layer, weight, torch.randn(90, 15, generator=generator), fingerprint(tiny()))


def test_a_probe_is_read_back(tmp_path: Path) -> None:
    made = probe()
    made.save(tmp_path / "p.safetensors")
    found = load_probe(tmp_path / "p.safetensors", tiny())
    stream = torch.randn(5, 32)
    assert torch.equal(found.logprobs(stream), made.logprobs(stream))
    assert (found.layer, found.model) == (1, made.model)
    assert torch.allclose(found.logprobs(stream).exp().sum(-1), torch.ones(5, 90))


def test_a_model_in_half_precision_is_the_same_model(tmp_path: Path) -> None:
    export_model(tiny(), tmp_path / "half")
    assert fingerprint(load_model(tmp_path / "half")) == fingerprint(tiny()) != fingerprint(tiny(1))


def test_foreign_and_broken_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, model = tmp_path / "p.safetensors", tiny()

    def refused(message: str) -> None:
        with pytest.raises(ModelError, match=message) as error:
            load_probe(file, model)
        assert "\n" not in str(error.value)

    refused("not a readable safetensors file")
    file.write_bytes(b"\x00" * 40)
    refused("not a readable safetensors file")
    probe().save(file, overwrite=True)
    good = load_file(file)
    about = {"kind": "xiangqi_gpt_probe", "layer": "1", "model": fingerprint(model)}
    save_file(good, file, metadata={})
    refused("not a probe")
    save_file({"weight": good["weight"]}, file, metadata=about)
    refused("a probe of a model of width 32")
    probe(width=16).save(file, overwrite=True)
    refused("a probe of a model of width 32")
    for layer in ("3", "-1", "x", "99999999999", "²"):
        save_file(good, file, metadata={**about, "layer": layer})
        refused("a layer from 0 to 2")
    save_file(good, file, metadata={**about, "model": "other"})
    refused("made for another model")
    save_file({**good, "bias": torch.full((90, 15), torch.nan)}, file, metadata=about)
    refused("not finite")
    monkeypatch.setattr(board_probe, "LARGEST", 1000)
    refused("expected at most 1,000 bytes")
