"""Comparisons: the runs of a plan, finished and resumed ones, tables and what is read out of them."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.errors import ConfigError, FileError
from xiangqi_gpt.experiments import compare as module
from xiangqi_gpt.experiments import compare_report as report
from xiangqi_gpt.experiments.compare import (
    AXES,
    RunResult,
    finished,
    held_out,
    make,
    plan,
    read_data,
    write_data,
)
from xiangqi_gpt.model import XiangqiGPTConfig
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board

TINY = (
    "width=16",
    "layers=1",
    "heads=2",
    "encoder_width=8",
    "encoder_blocks=1",
    "pointer_width=8",
    "plies=4",
)


def games(count: int) -> list[GameRecord]:
    rng = random.Random(0)
    found = []
    for number in range(count):
        board = Board()
        for _ in range(24):
            board.push(rng.choice(board.legal_moves()))
        split = "valid" if number % 4 == 0 else "train"
        found.append(GameRecord(moves=tuple(board.move_stack), split=split, result="1-0", id=str(number)))
    return found


@pytest.mark.parametrize("axis", AXES)
def test_every_choice_builds_a_model_and_differs_from_the_others(axis: str, tmp_path: Path) -> None:
    runs = plan(axis, tmp_path, steps=7, seeds=2)
    assert len(runs) == 2 * len(AXES[axis].choices)
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)  # seed by seed: all choices early
    for run in runs:
        XiangqiGPTConfig(**run.config.model)
        assert (run.config.seed, run.config.max_steps) == (run.seed, 7)
        assert run.config.plies <= XiangqiGPTConfig(**run.config.model).context_plies
        assert run.config.plies * run.config.batch_windows == 256
    assert len({json.dumps(run.fingerprint) for run in runs}) == len(runs)
    assert len({run.out for run in runs}) == len(runs)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected one of attention, tokenizer, .*found 'colour'"):
        plan("colour", tmp_path)
    with pytest.raises(ConfigError, match="choices: expected some of none, bag, spatial, found 'full'"):
        plan("board", tmp_path, choices=["full"])
    with pytest.raises(ConfigError, match="found 'wings'"):
        plan("board", tmp_path, settings=["wings=2"])


def test_choices_of_ones_own(tmp_path: Path) -> None:
    texts = (
        "plies=4  batch_windows=64 micro_batch_windows=64",
        "encoder_width=64",
        "attention=local(window=8)",
    )
    runs = plan("history", tmp_path, steps=5, seeds=2, tries=texts, settings=["ema=0.9"])
    assert [run.choice for run in runs[:3]] == [" ".join(text.split()) for text in texts]
    assert [(run.config.plies, run.config.batch_windows) for run in runs[:3]] == [(4, 64), (8, 32), (8, 32)]
    assert [run.config.model["encoder_width"] for run in runs[3:]] == [48, 64, 48]
    assert {(run.config.max_steps, run.config.ema) for run in runs} == {(5, 0.9)}
    assert len({run.out for run in runs}) == 6
    (on_axis,) = plan("attention", tmp_path, seeds=1, tries=["layers=2"])
    assert (on_axis.config.model["board"], on_axis.config.model["layers"]) == ("none", 2)
    for tries, words in (
        ([" "], "give key=value settings"),
        (["wings=2"], "found 'wings'"),
        (["wide"], "found 'wide'"),
    ):
        with pytest.raises(ConfigError, match=words):
            plan("history", tmp_path, tries=tries)
    with pytest.raises(ConfigError, match="targets and extra cannot differ"):
        plan("history", tmp_path, tries=["targets=human", "targets=teacher"])
    with pytest.raises(ConfigError, match="not both"):
        plan("board", tmp_path, choices=["none"], tries=["layers=2"])


def test_a_run_is_made_once_and_only_counts_with_its_settings(tmp_path: Path) -> None:
    packed, _ = pack(games(12), ("train",))
    write_data(packed, tmp_path)
    again = read_data(tmp_path)
    assert again.source_names == packed.source_names
    assert again.arrays().keys() == packed.arrays().keys()
    assert all((array == again.arrays()[name]).all() for name, array in packed.arrays().items())
    (run, *_) = plan("tokenizer", tmp_path, steps=3, seeds=1, choices=["square"], settings=TINY)
    assert finished(run) is None
    measured = make(run, tmp_path, held_out(games(12), 2))
    assert measured is not None
    assert measured == finished(run)
    assert measured.loss > 0
    assert 0 <= measured.legality <= 1
    assert measured.decode_ms > 0
    # One layer of keys and values, 16 wide, of at least half a context of 8 plies with two tokens each.
    assert measured.state_kb * 1024 > 9 * 2 * 16 * 4
    assert [step for step, _ in measured.curve] == [1, 2, 3]
    (other, *_) = plan("tokenizer", tmp_path, steps=4, seeds=1, choices=["square"], settings=TINY)
    with pytest.raises(ConfigError, match="max_steps: expected 4 for this comparison, found 3"):
        finished(other)
    saved = json.loads((run.out / "result.json").read_text(encoding="utf-8"))
    del saved["settings"]["mix"]  # a setting younger than the run
    (run.out / "result.json").write_text(json.dumps(saved), encoding="utf-8")
    assert finished(run) == measured
    (run.out / "result.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="not the result of a run"):
        finished(run)


def test_the_running_mean_is_measured_where_one_is_kept(tmp_path: Path) -> None:
    packed, _ = pack(games(12), ("train",))
    write_data(packed, tmp_path)
    settings = [*TINY, "learning_rate=0.02"]
    losses = []
    for run in plan("mean", tmp_path, steps=6, seeds=1, tries=["ema=0.0", "ema=0.9"], settings=settings):
        found = make(run, tmp_path, held_out(games(12), 2))
        assert found is not None
        losses.append(found.loss)
        assert (run.out / "model" / "config.json").is_file()
    assert abs(losses[0] - losses[1]) > 1e-3


def test_measured_on_whole_games_of_people_only() -> None:
    found = games(3)
    found += [
        dataclasses.replace(found[0], kind="teacher"),
        dataclasses.replace(found[1], moves=found[1].moves[:9]),
    ]
    assert len(held_out(found, 9, plies=10)) == 3
    assert {len(g.moves) for g in held_out(found, 9, plies=10)} == {10}
    with pytest.raises(ConfigError, match="no games from the standard start"):
        held_out(found[3:], 9)


def measured(choice: str, seed: int, loss: float, **rest: Any) -> RunResult:
    values = dict(
        top1=0.2, legality=0.9, plies_per_second=1000.0, memory_mb=400.0, decode_ms=9.0, state_kb=64.0,
        parameters=1, train_seconds=1.0, curve=((1, 5.0), (2, 4.0)),
    )  # fmt: skip
    return RunResult(choice=choice, seed=seed, loss=loss, **{**values, **rest})


RESULTS = [
    *(measured("full", seed, loss) for seed, loss in enumerate((4.0, 4.1, 4.2))),
    *(measured("sparse", seed, loss) for seed, loss in enumerate((4.15, 4.3, 4.25))),
    *(measured("linear", seed, loss) for seed, loss in enumerate((4.5, 4.6, 4.7))),
    measured("taylor", 0, 4.4),
]


def test_the_table_shows_means_and_spread_best_first() -> None:
    table = report.rows(RESULTS)
    assert [row[:3] for row in table[1:]] == [
        ["full", "3", "4.100 ± 0.100"],
        ["sparse", "3", "4.233 ± 0.076"],
        ["taylor", "1", "4.400"],
        ["linear", "3", "4.600 ± 0.100"],
    ]
    text = report.markdown("compare attention", RESULTS)
    assert "| sparse | 3 | 4.233 ± 0.076 |" in text


def test_what_the_spread_hides_is_said() -> None:
    assert report.interpretation(RESULTS) == (
        "full has the least loss. The spread over seeds hides the difference from sparse. "
        "Every seed is worse with linear. One seed alone, spread not known: taylor."
    )
    assert "from one seed" in report.interpretation(RESULTS[::3])
    assert report.interpretation(RESULTS[:3]) == "full alone: nothing to compare."


def test_a_plot_is_drawn_or_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    report.plot("compare", RESULTS, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(
        ConfigError, match=r"Plots need matplotlib\. Install it with: pip install 'xiangqi-gpt\[plot\]'"
    ):
        report.plot("compare", RESULTS, tmp_path / "none.png")


def test_a_full_disk_leaves_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = pytest.importorskip("matplotlib.figure")
    picture = tmp_path / "plot.png"
    picture.write_bytes(b"old")

    def half(self: Any, path: Path, **options: Any) -> None:
        Path(path).write_bytes(b"\x89PNG")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(figure.Figure, "savefig", half)
    with pytest.raises(FileError, match=r"plot\.png: .*No space left on device"):
        report.plot("compare", RESULTS, picture)
    assert picture.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [picture]


@pytest.mark.slow
def test_the_command_makes_all_runs_and_goes_on(tmp_path: Path) -> None:
    from xiangqi_gpt.records.formats.parquet import write

    data, out = tmp_path / "games.parquet", tmp_path / "out"
    write(data, games(24))
    arguments = ["compare", "board", "--data", str(data), "--out", str(out), "--steps", "3", "--games", "3"]
    arguments += [x for setting in TINY for x in ("--set", setting)] + ["--set", "batch_windows=4"]
    arguments += ["--set", "micro_batch_windows=4"]
    first = CliRunner().invoke(cli, [*arguments, "--seeds", "2", "--choices", "bag,spatial"])
    assert first.exit_code == 0, first.output
    assert (out / "plot.png").is_file()
    assert len(json.loads((out / "results.json").read_text(encoding="utf-8"))) == 4
    again = CliRunner().invoke(cli, [*arguments, "--seeds", "1"])
    assert again.exit_code == 0, again.output
    assert len(json.loads((out / "results.json").read_text(encoding="utf-8"))) == 5
    assert "none seed 0" in again.output
    assert "bag seed" not in again.output


def test_a_disk_without_room_for_the_reason_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run, *_) = plan("tokenizer", tmp_path, steps=3, seeds=1, choices=["square"], settings=TINY)

    def full(*args: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "make", full)
    monkeypatch.setattr(module, "end_with_parent", lambda: None)
    monkeypatch.setattr(module.os, "setpgrp", lambda: None)
    with pytest.raises(SystemExit) as caught:
        module._work(run, tmp_path, ())
    assert caught.value.code == 1
    assert "No space left" in (run.out / "error.txt").read_text(encoding="utf-8")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SystemExit) as caught:
        module._work(run, tmp_path, ())
    assert isinstance(caught.value.code, int)
    error = module._failure(run, caught.value.code)
    assert str(error) == f"{run.out}: square, seed 0: the disk is full"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_a_killed_comparison_leaves_no_run_behind_and_loses_none(tmp_path: Path) -> None:
    import psutil

    from xiangqi_gpt.records.formats.parquet import write

    data, out = tmp_path / "games.parquet", tmp_path / "out"
    write(data, games(24))
    arguments = ["compare", "board", "--data", str(data), "--out", str(out), "--games", "3", "--seeds", "1"]
    arguments += ["--choices", "bag", "--jobs", "1", *(x for setting in TINY for x in ("--set", setting))]
    command = [sys.executable, "-m", "xiangqi_gpt.cli.main", *arguments, "--steps", "100000"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        log = out / "bag" / "seed-0" / "log.jsonl"
        while not (log.is_file() and log.stat().st_size) and process.poll() is None:
            time.sleep(0.1)
        runs = psutil.Process(process.pid).children(recursive=True)
        assert runs
        process.kill()
    assert psutil.wait_procs(runs, timeout=60)[1] == []
    assert list((out / "bag" / "seed-0").glob("checkpoint-*"))
