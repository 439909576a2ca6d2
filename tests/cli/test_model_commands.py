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
    assert "holds a run already" in call(*run).output
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
            "file of settings",
        ),
        (
            ["train", "--data", "{games}", "--out", "x", "--set", "budget=time"],
            "budget=time needs --time-limit",
        ),
        (
            ["train", "--data", "{games}", "--out", "x", "--set", "eval_every=5"],
            "split 'valid' to measure on",
        ),
        (["train", "--data", "{games}", "--out", "x", "--init", "nowhere"], "no model directory"),
        (["evaluate", "accuracy", "--model", "{model}"], "at least one file of records with --data"),
        (["evaluate", "accuracy", "--data", "{games}", "--model", "nowhere"], "no model directory"),
        (
            ["evaluate", "accuracy", "--data", "{games}", "--split", "valid", "--model", "{model}"],
            "No games of split",
        ),
        (["analyse", "--fen", "9/9", "--model", "{model}"], "FEN"),
        (["analyse", "--moves", "h2h9", "--model", "nowhere"], "no model directory"),
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


def test_legal_reads_every_notation(folder: Path) -> None:
    moves = ("h2e2", "H2-E2", "C2=5", "炮二平五", "1. h2e2", "h2e2+", "Cbe2", "M2.3")
    report = json.loads(call("legal", "--model", folder / "model", *moves, "--json").stdout)
    assert [row["move"] for row in report["moves"]] == ["h2e2"] * 6 + ["b2e2", "h0g2"]
    assert all(row["legal"] and row["prob"] > 0 for row in report["moves"])
    report = json.loads(
        call(
            "legal", "--model", folder / "model", "马二进一", "炮八平九", "车一进三", "R1+3", "--json"
        ).stdout
    )
    assert [row["legal"] for row in report["moves"][2:]] == [False, False]
    assert report["moves"][2]["reason"] == "own_piece"
    assert report["moves"][2]["move"] == "车一进三"
    missing = json.loads(call("legal", "--model", folder / "model", "炮五平六", "--json").stdout)["moves"]
    assert missing == [
        {
            "move": "炮五平六", "legal": False, "reason": None, "text_en": "there is no such piece",
            "text_zh": "没有这样的棋子", "prob": 0.0,
        }
    ]  # fmt: skip
    assert call("legal", "--model", folder / "model", "hello").exit_code == 2


def test_digits_of_the_other_side_are_read_for_the_side_to_move_with_a_note(folder: Path) -> None:
    black = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR b"
    for fen, text, move in ((None, "马8进7", "b0c2"), (None, "炮二平5", "h2e2"), (black, "馬八進七", "h9g7")):
        position = [] if fen is None else ["--fen", fen]
        result = call("legal", "--model", folder / "model", text, *position, "--json")
        [row] = json.loads(result.stdout)["moves"]
        assert (row["move"], row["legal"]) == (move, True)
        assert f"read as {move}" in result.stderr
        result = call("analyse", "--model", folder / "model", "--moves", text, *position, "--json")
        assert f"read as {move}" in result.stderr
    for text in ("马八进七", "h2e2", "C2=5"):
        assert call("legal", "--model", folder / "model", text).stderr == ""
    result = call(
        "analyse", "--model", folder / "model", "--moves", "1. 炮二平五 马8进7 2. 马二进三", "--json"
    )
    assert (result.exit_code, result.stderr) == (0, "")


def test_lenient_positions(folder: Path) -> None:
    fen = "3k2p2/4P4/9/9/9/2B1cnN2/9/7CR/4p4/2Cp1K3 w - - 0 1"
    for command in (["analyse"], ["legal", "e8d8"]):
        refused = call(*command, "--model", folder / "model", "--fen", fen)
        assert refused.exit_code == 2
        assert "--lenient" in refused.stderr
        result = call(*command, "--model", folder / "model", "--fen", fen, "--lenient", "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["fen"] == fen
        assert "odd position" in result.stderr


@pytest.mark.parametrize("count", ["0", "-1", "9" * 5000, "1e3", "５", "", "10000", "none"])
def test_a_count_of_lines_that_is_none(folder: Path, count: str) -> None:
    result = call("analyse", "--model", folder / "model", "--multipv", count)
    assert result.exit_code == 2
    assert len(result.stderr) < 200
    assert "1 to 9999" in result.stderr
