"""compress and export, as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.records.formats.parquet import write


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compress")
    tiny(layers=4, encoder_blocks=2).save_pretrained(path / "model")
    write(path / "games.parquet", games(20))
    return path


def test_a_model_of_half_the_layers_is_made_and_plays(folder: Path, tmp_path: Path) -> None:
    run = [
        "compress",
        folder / "model",
        "--layers",
        2,
        "--data",
        folder / "games.parquet",
        "--out",
        tmp_path / "run",
    ]
    run += ["--steps", 4, "--device", "cpu", "--set", "batch_windows=4", "--set", "micro_batch_windows=4"]
    stopped = call(*run, "--time-limit", "0s")
    assert stopped.exit_code == 0, stopped.output
    assert "4 layers, 2 encoder blocks" in stopped.output
    assert "-> 2 layers, 1 encoder blocks" in stopped.output
    assert "time limit: step 1" in stopped.output
    assert "holds a run already" in call(*run).output
    made = call(*run, "--resume")
    assert "finished: step 4" in made.output, made.output
    left = {path.name for path in (tmp_path / "run" / "model").iterdir()}
    assert left == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "modeling_xiangqi_gpt.py",
        "tokenizer_config.json",
    }
    shown = call("analyse", "--model", tmp_path / "run" / "model", "--multipv", "3")
    assert shown.exit_code == 0, shown.output


def test_export_in_eight_bits(folder: Path, tmp_path: Path) -> None:
    made = call("export", folder / "model", "--out", tmp_path / "small", "--int8")
    assert "MB of weights" in made.output, made.output
    assert load_model(tmp_path / "small").config.quantization == "int8"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layers", "9"], "layers: expected 1 to 4"),
        (["--layers", "4", "--encoder-blocks", "2"], "Nothing would get smaller"),
        (["--layers", "2", "--attention", "quick"], "quick"),
        (["--layers", "2", "--rate", "1.5"], "rate: expected a share"),
        (["--layers", "2", "--set", "width=8"], "--set width"),
        (["--layers", "2", "--set", "max_steps=8"], "--steps"),
        (["--layers", "2", "--time-limit", "soon"], "--time-limit"),
    ],
)
def test_bad_input_gets_one_line(folder: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    result = call(
        "compress",
        folder / "model",
        *arguments,
        "--data",
        folder / "games.parquet",
        "--out",
        tmp_path / "run",
    )
    assert result.exit_code == 2
    assert words in result.output
    assert result.output.count("Error") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "x"], "Give exactly one model"),
        (["{model}", "--model", "{model}", "--out", "x"], "two given"),
        (["{model}"], "Give --out FOLDER, --onnx FILE or --hub FOLDER"),
    ],
)
def test_export_says_what_is_missing(folder: Path, arguments: list[str], words: str) -> None:
    result = call("export", *(a.format(model=folder / "model") for a in arguments))
    assert result.exit_code == 2
    assert words in result.output
