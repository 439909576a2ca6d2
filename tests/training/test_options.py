"""What a run can be told: schedules, curriculum, mean of the weights, precision, evaluation; and what goes wrong."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.training.games import games
from tests.training.test_loop import config, log
from xiangqi_gpt.dataset.packed import PackedGames, pack
from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.training import run_state
from xiangqi_gpt.training.ema import Ema
from xiangqi_gpt.training.loop import Trainer
from xiangqi_gpt.training.memory import out_of_memory, pieces
from xiangqi_gpt.training.run_state import checkpoints
from xiangqi_gpt.training.schedules import learning_rate, stage_of, window_plies
from xiangqi_gpt.training.step import losses
from xiangqi_gpt.training.train_config import TrainConfig


@pytest.fixture(scope="module")
def packed() -> PackedGames:
    return pack(games(40))[0]


@pytest.fixture(scope="module")
def others() -> PackedGames:
    return pack(games(12, seed=7))[0]


def test_cool_down() -> None:
    base = TrainConfig(
        schedule="cooldown",
        cooldown=0.25,
        learning_rate=1e-3,
        warmup_steps=10,
        max_steps=110,
        final_learning_rate=0.1,
    )
    assert learning_rate(base, 4) == pytest.approx(0.5e-3)
    assert [learning_rate(base, step) for step in (10, 60, 85)] == pytest.approx([1e-3] * 3)
    assert learning_rate(base, 110) == pytest.approx(1e-4)
    # By time the steps count for the warm-up only.
    assert learning_rate(base, 1_000_000, 0.5) == pytest.approx(1e-3)
    assert learning_rate(base, 20, 0.875) == pytest.approx(0.55e-3)
    assert learning_rate(base, 20, 1.2) == pytest.approx(1e-4)
    assert learning_rate(base, 4, 1.0) == pytest.approx(0.5e-3)


def test_stages_of_the_curriculum() -> None:
    plain = TrainConfig(plies=8)
    original = TrainConfig(plies=100, curriculum=(0.125, 0.25, 0.5, 1.0))
    assert (stage_of(plain, 0.7), window_plies(plain, 0)) == (0, 8)
    assert [stage_of(original, share) for share in (0, 0.24, 0.25, 0.6, 0.99, 1.5)] == [0, 0, 1, 2, 3, 3]
    assert [window_plies(original, stage) for stage in range(4)] == [12, 25, 50, 100]


def test_windows_grow_and_steps_stay_alike(packed: PackedGames, tmp_path: Path) -> None:
    settings = config(curriculum=(0.125, 0.5, 1.0), max_steps=9, batch_windows=2, micro_batch_windows=1)
    trainer = Trainer(packed, tmp_path, settings, device="cpu")
    steps = list(trainer.loader.steps(stage_at=trainer_stage(settings)))
    assert [step.plies for step, _ in steps] == [1] * 3 + [4] * 3 + [8] * 3
    assert [len(step.games) for step, _ in steps] == [16] * 3 + [4] * 3 + [2] * 3
    assert [len(b.input_ids) for b in steps[0][1]] == [8, 8]
    assert [step.window for step, _ in steps] == [0, 16, 32, 48, 52, 56, 60, 62, 64]


def trainer_stage(settings: TrainConfig) -> Callable[[int], int]:
    return lambda step: stage_of(settings, step / settings.max_steps)


def test_a_run_with_all_of_it_resumes_as_if_never_stopped(
    packed: PackedGames, others: PackedGames, tmp_path: Path
) -> None:
    settings = config(curriculum=(0.25, 1.0), ema=0.9, max_steps=8, eval_every=2, eval_windows=8)

    def run(out: Path, **limits: Any) -> Trainer:
        trainer = Trainer(packed, out, settings, resume=True, device="cpu", valid=others)
        trainer.run(**limits)
        return trainer

    whole = run(tmp_path / "whole")
    for _ in range(8):  # one step a session
        parts = run(tmp_path / "parts", time_limit=0)
    assert log(tmp_path / "whole") == log(tmp_path / "parts")
    assert len(log(tmp_path / "whole")) == 8
    assert whole.ema is not None
    assert parts.ema is not None
    a, b = whole.ema.state(), parts.ema.state()
    assert all(torch.equal(a[key], b[key]) for key in a)
    lines = [json.loads(x) for x in (tmp_path / "whole" / "evaluations.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8]
    best = json.loads((tmp_path / "whole" / "best" / "evaluation.json").read_text())
    assert best["loss"] == min(line["loss"] for line in lines)
    assert all(0 <= line[key] <= 1 for line in lines for key in ("top1", "legality"))
    load_model(tmp_path / "whole" / "best")


def test_the_mean_of_the_weights() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
        ema = Ema(model, 0.5)
        model.weight.fill_(2.0)
    ema.update()  # the first step keeps a tenth
    assert ema.state()["weight"].item() == pytest.approx(1.9)
    ema.restore({"weight": torch.tensor([[1.0]])}, steps=100)
    ema.update()
    assert ema.state()["weight"].item() == pytest.approx(1.5)
    with ema.applied():
        assert model.weight.item() == pytest.approx(1.5)
    assert model.weight.item() == 2.0
    with pytest.raises(ModelError, match=r"expected 'weight' of shape \(1, 1\), found none"):
        ema.restore({}, steps=0)


def test_the_mean_is_exported_and_a_chain_goes_on_with_both(packed: PackedGames, tmp_path: Path) -> None:
    trainer = Trainer(packed, tmp_path / "a", config(ema=0.9, max_steps=3), device="cpu")
    done = trainer.run(export=tmp_path / "a" / "model")
    assert trainer.ema is not None
    means = trainer.ema.state()
    exported = load_model(tmp_path / "a" / "model").state_dict()
    assert all(torch.equal(exported[name], mean) for name, mean in means.items())
    weights = load_model(done.checkpoint).state_dict()
    assert not all(torch.equal(weights[name], mean) for name, mean in means.items())
    after = Trainer(packed, tmp_path / "b", config(ema=0.9), init=done.checkpoint, device="cpu")
    assert after.ema is not None
    assert all(torch.equal(after.ema.state()[name], mean) for name, mean in means.items())
    assert all(torch.equal(after.model.state_dict()[name], weight) for name, weight in weights.items())
    (done.checkpoint / "ema.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError, match=r"ema\.safetensors: not the mean of the weights"):
        Trainer(packed, tmp_path / "a", config(ema=0.9, max_steps=3), resume=True, device="cpu")


def test_half_precision_with_a_scaled_gradient(packed: PackedGames, tmp_path: Path) -> None:
    less = {"batch_windows": 2, "micro_batch_windows": 2, "max_steps": 3}
    settings = config(precision="fp16", **less)
    whole = Trainer(packed, tmp_path / "whole", settings, device="cpu")
    whole.run()
    Trainer(packed, tmp_path / "parts", settings, device="cpu").run(time_limit=0)
    parts = Trainer(packed, tmp_path / "parts", settings, resume=True, device="cpu")
    parts.run()
    assert whole.stepper.scaler is not None
    assert parts.stepper.scaler is not None
    assert whole.stepper.scaler.state_dict() == parts.stepper.scaler.state_dict()
    assert log(tmp_path / "whole") == log(tmp_path / "parts")
    Trainer(packed, tmp_path / "full", config(**less), device="cpu").run()
    halves, full = ([loss for _, loss, _ in log(tmp_path / name)] for name in ("whole", "full"))
    assert halves == pytest.approx(full, rel=0.02)


def test_time_as_the_budget(packed: PackedGames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr("xiangqi_gpt.training.loop.time.monotonic", lambda: float(next(clock)))
    settings = config(
        budget="time", schedule="cooldown", cooldown=0.5, warmup_steps=0, max_steps=1000, checkpoint_every=500
    )
    rates: list[float] = []
    trainer = Trainer(packed, tmp_path, settings, device="cpu")
    with pytest.raises(ConfigError, match="budget=time needs a time limit"):
        trainer.run()
    result = trainer.run(time_limit=60, on_step=lambda report: rates.append(report.learning_rate))
    assert result.reason == "finished"
    assert 5 < result.progress.step < 60
    assert rates[0] == pytest.approx(1e-3)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.3e-3


def test_a_batch_in_pieces_is_the_batch(packed: PackedGames, tmp_path: Path) -> None:
    trainer = Trainer(packed, tmp_path, config(legal_head=True, winner_weight=2.0), device="cpu")
    _, [batch] = next(trainer.loader.steps())
    parts = list(pieces(batch, 3))
    assert [len(part.input_ids) for part in parts] == [3, 3, 2]
    with torch.no_grad():
        whole = losses(trainer.model, batch)
        sums = [losses(trainer.model, part) for part in parts]
    for name, value in whole._asdict().items():
        assert sum(getattr(part, name) for part in sums).item() == pytest.approx(value.item(), rel=1e-5)


@pytest.mark.parametrize("words", ["CUDA out of memory", "DefaultCPUAllocator: can't allocate memory"])
def test_what_says_that_memory_ran_out(words: str) -> None:
    assert out_of_memory(RuntimeError(words))
    assert out_of_memory(MemoryError())
    assert not out_of_memory(RuntimeError("expected a square"))


def test_a_batch_too_large_for_memory_is_halved_and_the_run_goes_on(
    packed: PackedGames, tmp_path: Path
) -> None:
    Trainer(packed, tmp_path / "whole", config(max_steps=4), device="cpu").run()
    notes: list[str] = []
    small = Trainer(packed, tmp_path / "small", config(max_steps=4), device="cpu", on_note=notes.append)
    fits(small, 2)
    small.run()
    assert notes == [
        f"out of memory with {n} windows a forward pass: {n // 2} from here on, the step is made again"
        for n in (8, 4)
    ]
    whole, halved = log(tmp_path / "whole"), log(tmp_path / "small")
    assert [loss for _, loss, _ in whole] == pytest.approx([loss for _, loss, _ in halved], abs=1e-4)
    none = Trainer(packed, tmp_path / "none", config(), device="cpu", on_note=notes.append)
    fits(none, 0)
    with pytest.raises(ModelError, match="too little memory for a micro-batch of one window"):
        none.run()


def fits(trainer: Trainer, rows: int) -> None:
    """Let the model run out of memory beyond *rows* rows."""
    whole = trainer.model.forward

    def forward(input_ids: torch.Tensor, **inputs: Any) -> Any:
        if len(input_ids) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return whole(input_ids=input_ids, **inputs)

    trainer.model.forward = forward  # type: ignore[method-assign]


def test_a_model_that_cannot_be_compiled_runs_without(
    packed: PackedGames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> Any:
        raise RuntimeError("no compiler here\nmore words")

    monkeypatch.setattr(torch, "compile", lambda model: refuse)
    Trainer(packed, tmp_path / "plain", config(max_steps=3), device="cpu").run()
    with pytest.warns(RuntimeWarning, match=r"runs without it \(RuntimeError: no compiler here\)$") as found:
        Trainer(packed, tmp_path / "compiled", config(max_steps=3, compile=True), device="cpu").run()
    assert len(found) == 1
    assert log(tmp_path / "plain") == log(tmp_path / "compiled")


def test_evaluation_needs_games(packed: PackedGames, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="eval_every: there are no games of split 'valid' to measure on"):
        Trainer(packed, tmp_path / "new", config(eval_every=5), device="cpu")
    assert not (tmp_path / "new").exists()


def test_a_second_run_in_a_folder_is_refused(packed: PackedGames, tmp_path: Path) -> None:
    first = Trainer(packed, tmp_path, config(), device="cpu")
    words = r"the folder is in use by process \d+ on .* since \d{4}-"
    for resume in (False, True):
        with pytest.raises(ConfigError, match=words):
            Trainer(packed, tmp_path, config(), resume=resume, device="cpu")
    first.run(time_limit=0)
    # What is over, or was killed, holds nothing.
    assert Trainer(packed, tmp_path, config(), resume=True, device="cpu").progress.step == 1


def test_a_full_disk_leaves_what_was_there(
    packed: PackedGames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trainer(packed, tmp_path / "whole", config(), device="cpu").run()
    out = tmp_path / "full"
    Trainer(packed, out, config(), device="cpu").run(time_limit=0)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    words = r"full: the disk is full, and there is no room for a checkpoint; the last good checkpoint is .*0000001"
    with monkeypatch.context() as patch:
        patch.setattr(run_state, "save_file", full)
        trainer = Trainer(packed, out, config(), resume=True, device="cpu")
        with pytest.raises(ModelError, match=words):
            trainer.run()
    assert sorted(p.name for p in out.iterdir()) == [".lock", "checkpoint-0000001", "log.jsonl"]
    Trainer(packed, out, config(), resume=True, device="cpu").run()
    assert log(out) == log(tmp_path / "whole")


def test_what_a_kill_left_half_done_is_put_right(packed: PackedGames, tmp_path: Path) -> None:
    done = Trainer(packed, tmp_path, config(max_steps=2), device="cpu").run(export=tmp_path / "model")
    (tmp_path / "model").rename(tmp_path / ".old-model")
    (tmp_path / ".draft-model").mkdir()
    (tmp_path / ".draft-notes.txt").write_text("somebody's own")
    Trainer(packed, tmp_path, config(max_steps=2), resume=True, device="cpu")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".draft-notes.txt", ".lock", done.checkpoint.name, "log.jsonl", "model"]


def test_the_same_step_again_leaves_its_checkpoint(packed: PackedGames, tmp_path: Path) -> None:
    done = Trainer(packed, tmp_path, config(max_steps=2), device="cpu").run()
    before = (done.checkpoint / "model.safetensors").stat().st_mtime_ns
    again = Trainer(packed, tmp_path, config(max_steps=2), resume=True, device="cpu").run()
    assert (again.reason, again.progress.step) == ("finished", 2)
    assert (done.checkpoint / "model.safetensors").stat().st_mtime_ns == before
    assert checkpoints(tmp_path) == [done.checkpoint]


def test_tensorboard(packed: PackedGames, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Trainer(packed, tmp_path, config(max_steps=3), device="cpu").run(tensorboard=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    shown = [event.value for event in events.Scalars("train/loss")]
    assert shown == pytest.approx([loss for _, loss, _ in log(tmp_path)])
    assert load_file(checkpoints(tmp_path)[0] / "model.safetensors")
