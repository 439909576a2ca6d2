"""A run for a short slot: what it leaves, and what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.games import games
from tools import short_run as slot
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.dataset.shards import write_file
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.training.ema import Ema, restore_pair

SETTINGS = ["--set", "batch_windows=4", "--set", "micro_batch_windows=4", "--set", "max_steps=3"]
SMALL = ["--preset", "tiny", "--set", "ema=0.9", "--set", "precision=no", *SETTINGS]

# As on a machine that has what the command needs, and nothing else that the package can use.
BLOCKED = """
import sys
sys.modules.update(dict.fromkeys({names}))
from tools.short_run import main
sys.exit(main({arguments}))
"""
NAMES = {"chess", "pygame", "click", "rich", "platformdirs", "pyarrow", "matplotlib", "tensorboard"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packed games, to learn from and to measure on."""
    file = tmp_path_factory.mktemp("slot") / "games.xgp"
    parts = [("train", pack(games(24))[0]), ("valid", pack(games(6, seed=5))[0])]
    write_file(file, parts, {"settings": {"targets": "mixed", "extra": False}})
    return file


def call(*arguments: object) -> int:
    return slot.main([str(a) for a in arguments])


def test_what_a_slot_leaves_and_needs(data: Path, tmp_path: Path) -> None:
    """One command on a bare machine, then a second one that goes on with what the first left."""
    first, second = tmp_path / "first", tmp_path / "second"
    arguments = ["--data", str(data), "--out", str(first), "--minutes", "5", "--device", "cpu", *SMALL]
    script = BLOCKED.format(names=NAMES, arguments=arguments)
    root = Path(slot.__file__).parents[1]
    made = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert "finished: 3 steps" in made.stdout
    assert "MFLOP a ply forward and backward" in made.stderr
    files = {path.name: path.stat().st_size for path in first.iterdir()}
    assert set(files) == {
        "config.json",
        "model.safetensors",
        "raw-1.safetensors",
        "report.json",
    }
    assert made.stderr.count("note: no curves: ") == 1
    assert max(files.values()) <= slot.MOST_BYTES
    report = json.loads((first / "report.json").read_text())
    assert report["steps"] == 3
    assert report["log"]["step"] == [1, 2, 3]
    assert [e["step"] for e in report["evaluations"]] == [0, 3]
    assert report["flop_per_second"] == pytest.approx(report["plies_per_second"] * report["flop_per_ply"])
    assert report["utilisation"] is None
    model = load_model(first)
    means = Ema(model, 0.9)
    restore_pair(first, model, means)
    assert not torch.equal(model.lm_head.weight, means.state()["lm_head.weight"])
    assert call("--data", data, "--out", second, "--init", first, "--device", "cpu", *SMALL) == 0
    chained = json.loads((second / "report.json").read_text())
    assert (second / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert chained["before"]["loss"] == pytest.approx(report["after"]["loss"], abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--minutes", "11"], "--minutes: expected more than 0, at most 10, found 11"),
        (["--minutes", "0.01"], "--minutes: expected time for training, found none left"),
        (["--set", "widht=3"], "found 'widht'"),
        (["--out", "."], "--out: expected a new or an empty folder, found '.' in use"),
        (["--init", "nowhere"], "no model directory"),
    ],
)
def test_bad_input_gets_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    standard = ["--data", data, "--out", tmp_path / "out", "--device", "cpu", *SMALL]
    assert call(*standard, *arguments) == 2
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error")]
    assert words in line
    assert not (tmp_path / "out").exists()


def test_weights_that_find_no_room_are_left_out() -> None:
    weights = {str(n): torch.zeros(2_000_000) for n in range(8)}  # 4 MB each in half precision
    shards = slot._shards(weights, 4)
    assert [len(shard) for shard in shards] == [3, 3, 2]
    assert all(tensor.dtype == torch.float16 for shard in shards for tensor in shard.values())
    assert slot._shards(weights, 2) == []
