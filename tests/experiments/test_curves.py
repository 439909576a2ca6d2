"""Curves, FLOP, and settings in a file."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.training.games import games
from tests.training.test_loop import config
from xiangqi_gpt.cli.running import finish
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.experiments.curves import curves_of, draw_curves, read_log, smoothed, top_of, write_curves
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.training.config_file import read_config
from xiangqi_gpt.training.flops import flops_per_ply, peak_flops
from xiangqi_gpt.training.loader import Loader
from xiangqi_gpt.training.run_state import Progress
from xiangqi_gpt.training.train_config import preset


def size_of_png(file: Path) -> tuple[int, int]:
    data = file.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def lines(steps: int) -> list[dict[str, float]]:
    return [{"step": n, "loss": 3 / n, "value_loss": 1.0, "learning_rate": 1e-3} for n in range(1, steps + 1)]


def test_a_curve_is_where_its_numbers_are() -> None:
    measured = {"step": 8, "loss": 0.5, "value_loss": 0.9, "top1": 0.25, "legality": 0.75}
    panels = curves_of(lines(10)[4:], [measured])
    assert panels["loss, nats/ply"] == {
        "train": ([5, 6, 7, 8, 9, 10], [3 / n for n in range(5, 11)]),
        "valid": ([8], [0.5]),
    }
    assert panels["valid, shares"] == {"top-1": ([8], [0.25]), "legal unmasked": ([8], [0.75])}
    assert list(curves_of(lines(3), [])) == ["loss, nats/ply", "value loss, nats", "learning rate"]
    assert curves_of([], [])["learning rate"] == {"train": ([], [])}


def test_wild_values_do_not_flatten_a_curve() -> None:
    falling = [float(n) for n in range(100, 0, -1)]
    top = top_of({"train": (range(102), [1e9, float("nan"), *falling])})
    assert top is not None
    assert 100 < top < 110
    assert top_of({"train": (range(60), [1.0] * 60)}) is None
    assert top_of({"train": (range(3), [9.0, 1.0, 1.0])}) is None


def test_curves_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines(899)))
    write_curves(tmp_path, tmp_path / "curves.png")
    assert size_of_png(tmp_path / "curves.png") == (1120, 680)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "log.jsonl"]
    x, y = smoothed([line["loss"] for line in lines(899)])
    assert (len(x), len(y)) == (400, 400)
    assert x[0] == 2.0
    (tmp_path / "log.jsonl").write_text("half")
    with pytest.raises(ModelError, match="a line is not valid JSON"):
        read_log(tmp_path / "log.jsonl")
    draw_curves([], [], tmp_path / "empty.png")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"pip install 'xiangqi-gpt\[plot\]'"):
        draw_curves(lines(3), [], tmp_path / "none.png")


def test_training_without_matplotlib_tells_once_how_to_get_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = SimpleNamespace(
        progress=Progress(step=3, plies_seen=9), reason="finished", checkpoint=tmp_path / "checkpoint-0000003"
    )
    finish(tmp_path, tmp_path / "model", result)
    assert f", model {tmp_path / 'model'}, curves {tmp_path / 'curves.png'}\n" in capsys.readouterr().out
    (tmp_path / "curves.png").unlink()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    finish(tmp_path, tmp_path / "model", result)
    shown = capsys.readouterr()
    assert shown.out.endswith(f", model {tmp_path / 'model'}\n")
    assert shown.err.count("pip install") == 1
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize(("move_head", "tokens"), [("pointer", 3), ("table", 2)])
def test_flop_of_a_ply_grow_with_the_model(move_head: str, tokens: int) -> None:
    """A model with pointers runs a branch of one token for every ply, one with a table of moves none."""
    counts = []
    for layers in (2, 4):
        settings = config(layers=layers, move_head=move_head)
        model = XiangqiGPT(XiangqiGPTConfig(**settings.model))
        packed = pack(games(6))[0]
        loader = Loader(packed, settings, model.config, model.tokenizer)
        [batch] = loader.batches(next(loader.plans(0, 0)))
        counts.append(flops_per_ply(model, batch))
        assert all(p.grad is None for p in model.parameters())
    # 16 channels, 90 points, two convolutions of 9 weights, forward and twice that backward: a lower bound.
    assert counts[0] > 3 * 2 * 90 * 2 * 9 * 16 * 16
    # The tokens of a ply through 12 * 32 * 32 weights a layer, and something for attention itself.
    weights = 3 * 2 * tokens * 12 * 32 * 32 * 2
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
        ("[run\n", "run.toml: not valid TOML:"),
        ("a." * 9_000 + "a = 1", "run.toml: expected lines of at most 1,000 characters, found one of 18,005"),
        ("# much\n" * 10_000, "run.toml: the file of settings cannot be read: "),
        ('preset = "huge"', "preset: expected one of"),
    ],
)
def test_bad_settings_in_a_file(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_config(file)
    with pytest.raises(ConfigError, match="the file of settings cannot be read: No such file"):
        read_config(tmp_path / "none.toml")
