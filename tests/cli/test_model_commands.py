"""train, evaluate, analyse and legal, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.records.formats.parquet import write
from xiangqi_gpt.rules.board import Board


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and a file of records."""
    path = tmp_path_factory.mktemp("commands")
    tiny().save_pretrained(path / "model")
    records = [
        GameRecord(
            moves=g.moves, start_fen=g.start_fen, result=g.result, kind=g.kind, labels=g.labels, split=s
        )
        for g, s in zip(games(20), ["train"] * 14 + ["test"] * 4 + ["extra"] * 2, strict=True)
    ]
    write(path / "games.parquet", records)
    return path


def test_train_evaluate_and_analyse(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = ["train", "--data", folder / "games.parquet", "--out", out, "--preset", "tiny", "--device", "cpu"]
    made = call(
        *run, "--max-steps", 3, "--seed", 5, "--set", "batch_windows=4", "--set", "micro_batch_windows=4"
    )
    assert made.exit_code == 0, made.output
    assert "4 of split 'test'" in made.output
    assert "2 of split 'extra'" in made.output
    assert "finished: step 3" in made.output
    left = {p.name for p in (out / "model").iterdir()}
    assert left == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "modeling_xiangqi_gpt.py",
        "tokenizer_config.json",
    }

    result = call(
        "evaluate", "accuracy", "--data", folder / "games.parquet", "--model", out / "model", "--json"
    )
    report = json.loads(result.stdout)
    assert report["games"] == 4
    wanted = {"games", "plies", "top1", "top3", "top5", "teacher_plies", "teacher_top1", "nats_per_ply"}
    assert wanted | {"value_nll", "value_brier", "value_accuracy"} <= report.keys()
    assert 0 <= report["top1"] <= report["top3"] <= report["top5"] <= 1

    result = call(
        "evaluate", "legality", "--data", folder / "games.parquet", "--model", out / "model", "--json"
    )
    assert {"plies", "argmax_legal", "sampled_legal", "leak"} <= json.loads(result.stdout).keys()
    assert (
        call("evaluate", "legality", "--random-plies", 5, "--games", 3, "--model", out / "model").exit_code
        == 0
    )


def test_resume_goes_on(folder: Path, tmp_path: Path) -> None:
    run = [
        "train",
        "--data",
        folder / "games.parquet",
        "--out",
        tmp_path,
        "--preset",
        "tiny",
        "--device",
        "cpu",
    ]
    run += ["--set", "batch_windows=4", "--set", "micro_batch_windows=4", "--max-steps", "4"]
    stopped = call(*run, "--time-limit", "0s")
    assert "time limit: step 1" in stopped.output
    assert "--resume" in stopped.output
    assert "expected an empty folder for a new run" in call(*run).output
    assert "finished: step 4" in call(*run, "--resume").output


def test_analyse(folder: Path) -> None:
    result = call(
        "analyse", "--model", folder / "model", "--moves", "h2e2 b9c7", "--multipv", "all", "--json"
    )
    report = json.loads(result.stdout)
    board = Board(report["fen"])
    assert sorted(m["move"] for m in report["moves"]) == sorted(m.iccs for m in board.legal_moves())
    probs = [m["prob"] for m in report["moves"]]
    assert probs == sorted(probs, reverse=True)
    assert sum(probs) == pytest.approx(1)
    assert set(report["value"]) == {"win", "draw", "loss"}
    assert 0 <= report["leak"] <= 1
    shown = call("analyse", "--model", folder / "model", "--multipv", "3").output
    assert "Red to move" in shown
    assert len(shown.splitlines()) == 5


def test_legal(folder: Path) -> None:
    result = call("legal", "--model", folder / "model", "h2e2", "h2h1", "e0e2", "e5e6", "--json")
    rows = json.loads(result.stdout)["moves"]
    assert [row["legal"] for row in rows] == [True, True, False, False]
    assert rows[0]["prob"] > 0
    assert rows[0]["reason"] is None
    assert rows[3]["reason"] == "empty_square"
    assert rows[3]["text_en"]
    assert rows[3]["text_zh"]
    assert "illegal" in call("legal", "--model", folder / "model", "e5e6").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--data", "nothing.parquet", "--out", "x"], "nothing.parquet"),
        (["train", "--data", "{games}", "--out", "x", "--preset", "huge"], "preset: expected one of"),
        (["train", "--data", "{games}", "--out", "x", "--set", "widht=3"], "found 'widht'"),
        (["train", "--data", "{games}", "--out", "x", "--set", "heads=7"], "heads: expected a divisor"),
        (["train", "--data", "{games}", "--out", "x", "--time-limit", "soon"], "--time-limit"),
        (["train", "--data", "{games}", "--out", "x", "--device", "tpu"], "device: expected"),
        (
            ["train", "--data", "{games}", "--out", "x", "--config", "none.toml"],
            "expected a file of settings",
        ),
        (["train", "--data", "{games}", "--out", "x", "--set", "budget=time"], "--time-limit: expected one"),
        (
            ["train", "--data", "{games}", "--out", "x", "--set", "eval_every=5"],
            "split 'valid' to measure on",
        ),
        (["train", "--data", "{games}", "--out", "x", "--init", "nowhere"], "expected a model directory"),
        (["evaluate", "accuracy", "--model", "{model}"], "--data: expected"),
        (["evaluate", "accuracy", "--data", "{games}", "--model", "nowhere"], "expected a model directory"),
        (
            ["evaluate", "accuracy", "--data", "{games}", "--split", "valid", "--model", "{model}"],
            "found none in",
        ),
        (["analyse", "--fen", "9/9", "--model", "{model}"], "FEN"),
        (["analyse", "--moves", "h2h9", "--model", "nowhere"], "expected a model directory"),
        (["analyse", "--moves", "h2h5 h2h4", "--model", "{model}"], "h2h4"),
        (["analyse", "--multipv", "0", "--model", "{model}"], "--multipv"),
        (["analyse", "--fen", "3k5/3R5/3R5/9/9/9/9/9/9/4K4 b", "--model", "{model}"], "legal moves"),
        (["legal", "x9", "--model", "{model}"], "x9"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    named = [
        a.format(games=folder / "games.parquet", model=folder / "model") if "{" in a else a for a in arguments
    ]
    result = call(*named)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    last = [line for line in result.output.splitlines() if line.startswith("Error")]
    assert len(last) == 1
    assert not list(tmp_path.iterdir())
