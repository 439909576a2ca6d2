"""Curves without a plotting library, FLOP, and settings in a file."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.games import games
from tests.training.test_loop import config
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.experiments.curves import Line, draw_panels, png, read_log, smoothed, write_curves
from xiangqi_gpt.model import XiangqiGPTConfig, XiangqiGPTForCausalLM
from xiangqi_gpt.training.config_file import read_config
from xiangqi_gpt.training.flops import flops_per_ply, peak_flops
from xiangqi_gpt.training.loader import Loader
from xiangqi_gpt.training.train_config import preset


def read_png(data: bytes) -> np.ndarray:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    return rows[:, 1:].reshape(height, width, 3)


def test_a_line_is_where_its_numbers_are() -> None:
    lines = [Line("falls", [0, 10], [1.0, 0.0]), Line("none", [], []), Line("wild", [3], [float("nan")])]
    image = draw_panels({"a title, %": lines})
    assert np.array_equal(read_png(png(image)), image)
    blue = (image[..., 2] > image[..., 0].astype(int) + 60) & (image[..., 2] > 120)
    rows, columns = np.nonzero(blue[36:300, 70:540])
    left, right = columns < 100, columns > 370
    assert rows[left].mean() < 70
    assert rows[right].mean() > 190
    assert draw_panels({"a": [], "b": [], "c": []}).shape == (2 * 340, 2 * 560, 3)


def test_curves_of_a_run(tmp_path: Path) -> None:
    lines = [{"step": n, "loss": 3 / n, "value_loss": 1.0, "learning_rate": 1e-3} for n in range(1, 900)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_curves(tmp_path, tmp_path / "curves.png")
    assert read_png((tmp_path / "curves.png").read_bytes()).shape == (680, 1120, 3)
    x, y = smoothed([line["loss"] for line in lines])
    assert (len(x), len(y)) == (400, 400)
    assert x[0] == 2.0
    (tmp_path / "log.jsonl").write_text("half")
    with pytest.raises(ModelError, match="expected a line of JSON a step"):
        read_log(tmp_path / "log.jsonl")


def test_flop_of_a_ply_grow_with_the_model() -> None:
    counts = []
    for layers in (2, 4):
        settings = config(layers=layers)
        model = XiangqiGPTForCausalLM(XiangqiGPTConfig(**settings.model))
        packed = pack(games(6))[0]
        loader = Loader(packed, settings, model.config, model.tokenizer)
        [batch] = loader.batches(next(loader.plans(0, 0)))
        counts.append(flops_per_ply(model, batch))
        assert all(p.grad is None for p in model.parameters())
    # 16 channels, 90 points, two convolutions of 9 weights, forward and twice that backward: a lower bound.
    assert counts[0] > 3 * 2 * 90 * 2 * 9 * 16 * 16
    # Three tokens a ply through 12 * 32 * 32 weights a layer, and something for attention itself.
    weights = 3 * 2 * 3 * 12 * 32 * 32 * 2
    assert weights < counts[1] - counts[0] < 1.5 * weights
    assert peak_flops(torch.device("cpu"), "bf16") is None


def test_settings_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        'preset = "tiny"\n[run]\nmax_steps = 7\nlearning_rate = 0.5\ncurriculum = [0.5, 1]\n'
        + '[model]\nwidth = 64\nattention = ["local(window=8)", "full"]\n'
    )
    found = read_config(file)
    assert (found.max_steps, found.learning_rate, found.curriculum) == (7, 0.5, (0.5, 1.0))
    assert found.batch_windows == preset("tiny").batch_windows
    assert found.model["width"] == 64
    assert found.model["attention"] == ["local(window=8)", "full"]
    assert found.model["layers"] == 2
    assert read_config(file, "laptop").batch_windows == preset("laptop").batch_windows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run]\nmax_step = 3", r"\[run\]: expected one of .*max_steps.*; found 'max_step'"),
        ("[model]\nmax_steps = 3", r"\[model\]: expected one of .*width.*; found 'max_steps'"),
        ("[runs]\nmax_steps = 3", r"expected preset, \[run\] and \[model\], found 'runs'"),
        ("run = 3", r"expected a section \[run\], found 3"),
        ('[run]\nmax_steps = "many"', "run.toml: max_steps: expected a int such as"),
        ("[run]\nmax_steps = 0", "run.toml: max_steps: expected a whole number of at least 1, found 0"),
        ("[run\n", "run.toml: expected TOML, found"),
        ('preset = "huge"', "preset: expected one of"),
    ],
)
def test_bad_settings_in_a_file(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_config(file)
    with pytest.raises(ConfigError, match="expected a file of settings, found No such file"):
        read_config(tmp_path / "none.toml")
