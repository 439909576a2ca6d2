"""The probe command: what it writes, and its errors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.model.board_probe import load_probe
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.records.formats.parquet import write
from xiangqi_gpt.rules.fen import START_FEN


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe")
    tiny(board="none", context_plies=60).save_pretrained(path / "model")
    records = games(24)
    write(path / "games.parquet", [
        dataclasses.replace(game, split="valid" if number % 4 == 0 else "train")
        for number, game in enumerate(records)
    ])  # fmt: skip
    return path


def call(folder: Path, *words: object) -> Result:
    given = ["probe", folder / "games.parquet", "--model", folder / "model", "--plies", 12, *words]
    return CliRunner().invoke(cli, [str(word) for word in given])


def test_results_pictures_and_the_probe(folder: Path) -> None:
    out = folder / "out"
    done = call(folder, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report == json.loads((out / "probe.json").read_text(encoding="utf-8"))
    assert len(report["layers"]) == 3
    assert report["games"] == 6
    assert len(report["by_square"]) == 90
    assert 0 <= report["suggestions"]["legal"]["mean"] <= 1
    probe = load_probe(out / "probe.safetensors", load_model(folder / "model"))
    assert probe.layer == report["best_layer"]
    for name in ("layers.png", "squares.png", "plies.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    # A folder that exists is not replaced unless that is asked for; the same seed finds the same.
    again = call(folder, "--out", out)
    assert again.exit_code == 2
    shown = call(folder, "--out", out, "--force")
    assert shown.exit_code == 0, shown.output
    assert "prior by ply" in shown.output
    assert report == json.loads((out / "probe.json").read_text(encoding="utf-8"))


def test_what_cannot_be_measured(folder: Path, tmp_path: Path) -> None:
    for words, message in (
        (["--split", "train"], "measured on other games than it learned from"),
        (["--split", "test"], "No games of split 'test'"),
        (["--model", tmp_path / "none"], "There is no model directory"),
    ):
        done = call(folder, "--out", tmp_path / "out", *words)
        assert done.exit_code == 2
        assert message in done.output
        errors = [line for line in done.output.splitlines() if line.startswith("Error: ")]
        assert len(errors) == 1
        assert done.output.endswith(f"{errors[0]}\n")
        assert not (tmp_path / "out").exists()


def test_games_that_a_model_without_boards_cannot_read(folder: Path, tmp_path: Path) -> None:
    others = [game for game in games(24) if game.start_fen != START_FEN]
    write(tmp_path / "others.parquet", others)
    words = ["probe", tmp_path / "others.parquet", "--model", folder / "model", "--out", tmp_path / "out"]
    done = CliRunner().invoke(cli, [str(word) for word in words])
    assert done.exit_code == 2
    assert "No game of split 'train' begins at the standard start" in done.output
