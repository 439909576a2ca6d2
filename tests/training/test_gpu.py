"""Training on a GPU: resumed, in half precision, compiled, and out of memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.games import games
from tests.training.test_loop import config, log
from xiangqi_gpt.dataset.packed import PackedGames, pack
from xiangqi_gpt.training.loop import Trainer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(scope="module")
def packed() -> PackedGames:
    return pack(games(40))[0]


def losses(out: Path) -> list[float]:
    return [loss for _, loss, _ in log(out)]


@pytest.mark.parametrize("precision", ["no", "bf16", "fp16"])
def test_resumed_is_close_to_uninterrupted(packed: PackedGames, tmp_path: Path, precision: str) -> None:
    settings = config(precision=precision, ema=0.9, report_every=3)
    Trainer(packed, tmp_path / "whole", settings, device="cuda").run()
    Trainer(packed, tmp_path / "parts", settings, device="cuda").run(time_limit=0)
    Trainer(packed, tmp_path / "parts", settings, resume=True, device="cuda").run()
    assert [step for step, *_ in log(tmp_path / "parts")] == list(range(1, 13))
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), rel=0.01)
    Trainer(packed, tmp_path / "cpu", config(), device="cpu").run()
    assert losses(tmp_path / "whole") == pytest.approx(losses(tmp_path / "cpu"), rel=0.02)


@pytest.mark.slow
def test_compiled(packed: PackedGames, tmp_path: Path) -> None:
    for compiled in (False, True):
        Trainer(packed, tmp_path / str(compiled), config(compile=compiled), device="cuda").run()
    assert losses(tmp_path / "True") == pytest.approx(losses(tmp_path / "False"), rel=0.01)


def test_memory_that_runs_out(packed: PackedGames, tmp_path: Path) -> None:
    larger: dict[str, Any] = {
        "batch_windows": 64,
        "micro_batch_windows": 64,
        "encoder_width": 256,
        "max_steps": 2,
    }
    Trainer(packed, tmp_path / "whole", config(**larger), device="cuda").run()
    notes: list[str] = []
    trainer = Trainer(packed, tmp_path / "small", config(**larger), device="cuda", on_note=notes.append)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    # A forward pass of all windows keeps some 64 * 8 * 90 * 256 * 4 bytes, 47 MB, a convolution.
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 150e6) / total)
    try:
        trainer.run()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert notes
    assert losses(tmp_path / "small") == pytest.approx(losses(tmp_path / "whole"), rel=0.01)
