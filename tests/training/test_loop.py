"""Training runs: learning, stopping, resuming, refusing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest
import torch

from tests.training.games import games
from xiangqi_gpt.dataset.packed import PackedGames, pack
from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.training.loop import StepReport, Trainer, learning_rate
from xiangqi_gpt.training.run_checks import check_before_reading
from xiangqi_gpt.training.run_state import checkpoints
from xiangqi_gpt.training.train_config import PRESETS, TrainConfig, changed, preset


@pytest.fixture(scope="module")
def packed() -> PackedGames:
    return pack(games(40))[0]


def config(**changes: Any) -> TrainConfig:
    settings = [
        f"{k}={v!r}"
        for k, v in {"precision": "no", "checkpoint_every": 5, "max_steps": 12, **changes}.items()
    ]
    return changed(preset("tiny"), settings)


def log(out: Path) -> list[tuple[int, float, float]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"], line["value_loss"]) for line in lines]


def test_a_run_learns_and_leaves_a_model(packed: PackedGames, tmp_path: Path) -> None:
    trainer = Trainer(packed, tmp_path, config(max_steps=80, learning_rate=5e-3), device="cpu")
    reports: list[StepReport] = []
    result = trainer.run(on_step=reports.append)
    assert result.reason == "finished"
    assert [r.step for r in reports] == list(range(1, 81))
    assert sum(r.loss for r in reports[-5:]) < 0.85 * sum(r.loss for r in reports[:5])
    assert load_model(result.checkpoint).config.width == 32
    assert [p.name for p in checkpoints(tmp_path)] == ["checkpoint-0000080"]


def test_resumed_is_bit_equal_to_uninterrupted(packed: PackedGames, tmp_path: Path) -> None:
    whole = Trainer(packed, tmp_path / "whole", config(), device="cpu").run()
    first = Trainer(packed, tmp_path / "parts", config(), device="cpu")
    stopped = first.run(time_limit=0)
    assert (stopped.reason, stopped.progress.step) == ("time limit", 1)
    second = Trainer(packed, tmp_path / "parts", config(), resume=True, device="cpu").run()
    assert log(tmp_path / "whole") == log(tmp_path / "parts")
    a, b = load_model(whole.checkpoint).state_dict(), load_model(second.checkpoint).state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)


SCRIPT = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.training.games import games
from tests.training.test_loop import config
from xiangqi_gpt.training.loop import Trainer
from xiangqi_gpt.dataset.packed import pack
trainer = Trainer(pack(games(40))[0], Path(sys.argv[1]), config(max_steps=int(sys.argv[2])), resume=True, device="cpu")
print(trainer.run(on_step=lambda r: print(r.step, flush=True)).reason)
"""


@contextmanager
def run_in_process(out: Path, steps: int) -> Iterator[tuple[subprocess.Popen[str], TextIO]]:
    """A run of its own process, and the lines it prints: a step number each, then why it ended."""
    command = [sys.executable, "-c", SCRIPT, str(out), str(steps)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        yield run, run.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to another process")
def test_ctrl_c_saves_a_checkpoint(tmp_path: Path) -> None:
    with run_in_process(tmp_path, 100_000) as (run, lines):
        for line in lines:
            if line.strip() == "7":
                run.send_signal(signal.SIGINT)
                break
        assert "interrupted" in lines.read()
    [checkpoint] = checkpoints(tmp_path)
    assert int(checkpoint.name[-7:]) >= 7
    assert log(tmp_path)[-1][0] == int(checkpoint.name[-7:])


def test_a_half_written_checkpoint_and_log_line_are_passed_over(packed: PackedGames, tmp_path: Path) -> None:
    Trainer(packed, tmp_path, config(), device="cpu").run(time_limit=0)
    draft = tmp_path / ".draft-checkpoint-0000009"
    draft.mkdir()
    (draft / "model.safetensors").write_bytes(b"half")
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"step": 2, "loss": 3.0, "value_loss": 1.0}\n{"step": 3, "lo')
    trainer = Trainer(packed, tmp_path, config(), resume=True, device="cpu")
    assert trainer.progress.step == 1
    trainer.run()
    assert [step for step, *_ in log(tmp_path)] == list(range(1, 13))


def test_a_resumed_run_may_be_longer_and_change_its_schedule(packed: PackedGames, tmp_path: Path) -> None:
    notes: list[str] = []
    done = Trainer(packed, tmp_path, config(), device="cpu").run()
    longer = config(max_steps=done.progress.step + 3, schedule="constant")
    check_before_reading(tmp_path, longer, init=None, resume=True)
    trainer = Trainer(packed, tmp_path, longer, resume=True, device="cpu", on_note=notes.append)
    assert trainer.run().progress.step == done.progress.step + 3
    assert notes == ["the schedule changes: max_steps is 15, was 12; schedule is 'constant', was 'cosine'"]


def test_a_run_is_checked_before_its_games_are_read(tmp_path: Path, packed: PackedGames) -> None:
    for broken, message in (({"heads": 5}, "heads"), ({"context_plies": 2}, "plies")):
        with pytest.raises(ConfigError, match=message):
            check_before_reading(tmp_path, config(**broken), init=None, resume=False)
    with pytest.raises(ModelError, match="nowhere"):
        check_before_reading(tmp_path, config(), init=tmp_path / "nowhere", resume=False)
    Trainer(packed, tmp_path, config(), device="cpu").run(time_limit=0)
    with pytest.raises(ConfigError, match="holds a run already"):
        check_before_reading(tmp_path, config(), init=None, resume=False)
    with pytest.raises(ConfigError, match=r"seed: expected 0 as in the run so far, found 1"):
        check_before_reading(tmp_path, config(seed=1), init=None, resume=True)


def test_what_does_not_fit_the_run_is_refused(packed: PackedGames, tmp_path: Path) -> None:
    Trainer(packed, tmp_path, config(), device="cpu").run(time_limit=0)
    with pytest.raises(ConfigError, match=r"holds a run already .checkpoint-0000001"):
        Trainer(packed, tmp_path, config(), device="cpu")
    with pytest.raises(
        ConfigError, match=r"learning_rate: expected 0\.001 as in the run so far, found 0\.002"
    ):
        Trainer(packed, tmp_path, config(learning_rate=0.002), resume=True, device="cpu")
    with pytest.raises(ConfigError, match="the run began with other games"):
        Trainer(pack(games(8))[0], tmp_path, config(), resume=True, device="cpu")
    state = checkpoints(tmp_path)[-1] / "training.json"
    text = state.read_text()
    state.write_text(text[: len(text) // 2])
    with pytest.raises(ModelError, match="not the state of a training run"):
        Trainer(packed, tmp_path, config(), resume=True, device="cpu")


def test_weights_to_start_from(packed: PackedGames, tmp_path: Path) -> None:
    done = Trainer(packed, tmp_path / "a", config(), device="cpu").run()
    trainer = Trainer(packed, tmp_path / "b", config(), init=done.checkpoint, device="cpu")
    model = trainer.model
    for key, tensor in load_model(done.checkpoint).state_dict().items():
        assert torch.equal(model.state_dict()[key], tensor)
    with pytest.raises(ConfigError, match=r"width: expected 32 as in the model in .*, found 64"):
        Trainer(packed, tmp_path / "c", config(width=64), init=done.checkpoint, device="cpu")


def test_a_loss_that_is_not_finite_stops_the_run(packed: PackedGames, tmp_path: Path) -> None:
    trainer = Trainer(packed, tmp_path, config(), device="cpu")
    trainer.run(time_limit=0)
    with torch.no_grad():
        next(iter(trainer.model.parameters())).fill_(float("nan"))
    with pytest.raises(ModelError, match=r"step 2: expected a finite loss, found nan .*checkpoint-0000001"):
        trainer.run()
    assert [p.name for p in checkpoints(tmp_path)] == ["checkpoint-0000001"]


def test_micro_batches_give_the_gradient_of_the_whole_batch(packed: PackedGames, tmp_path: Path) -> None:
    losses = []
    for micro in (8, 2):
        out = tmp_path / str(micro)
        Trainer(packed, out, config(micro_batch_windows=micro, max_steps=6), device="cpu").run()
        losses.append([loss for _, loss, _ in log(out)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_build(name: str) -> None:
    from xiangqi_gpt.model import XiangqiGPTConfig

    settings = preset(name)
    assert settings.plies <= XiangqiGPTConfig(**settings.model).context_plies


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("colour=red", "expected one of .*, found 'colour'|; found 'colour'"),
        ("plies", "expected key=value, found 'plies'"),
        ("plies=0", "plies: expected a whole number of at least 1, found 0"),
        ("plies=many", "plies: expected a int such as 8, found 'many'"),
        ("schedule=steps", "schedule: expected one of cosine, linear, constant, cooldown, found 'steps'"),
        ("betas=0.9", r"betas: expected two shares from 0 to below 1, found \(0.9,\)"),
        ("learning_rate=1" + "0" * 400, r"learning_rate: expected a number below 2\^63"),
        ("betas=(0.9, 1" + "0" * 400 + ")", r"betas: expected a number below 2\^63"),
        ("seed=1" + "0" * 400, r"seed: expected a number below 2\^63"),
        ("value_result=1.5", r"value_result: expected a share from 0 to 1, found 1.5"),
        ("curriculum=(0.5, 2)", r"curriculum: expected shares above 0, up to 1, .* found \(0.5, 2.0\)"),
        ("curriculum=half", "curriculum: expected a tuple such as"),
        ("ema=1", "ema: expected a share from 0 to below 1, found 1.0"),
        ("micro_batch_windows=3", "expected a divisor of batch_windows, 8, found 3"),
        ("learning_rate=-1", "learning_rate"),
        ("optimizer=sgd", "optimizer: expected one of adamw, eg, eg-adamw, found 'sgd'"),
        ("gain_rate=-0.1", "gain_rate: expected a number of at least 0, found -0.1"),
    ],
)
def test_bad_settings_are_refused(setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        changed(preset("tiny"), [setting])


def test_schedules() -> None:
    base = TrainConfig(learning_rate=1e-3, warmup_steps=10, max_steps=110, final_learning_rate=0.1)
    assert learning_rate(base, 0) == pytest.approx(1e-4)
    assert learning_rate(base, 9) == pytest.approx(1e-3)
    assert learning_rate(base, 60) == pytest.approx(0.55e-3)
    assert learning_rate(base, 110) == pytest.approx(1e-4)
    linear = changed(base, ["schedule=linear"])
    assert learning_rate(linear, 35) == pytest.approx(0.775e-3)
    assert learning_rate(changed(base, ["schedule=constant"]), 109) == pytest.approx(1e-3)
